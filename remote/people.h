/*
 * Whom a remote agent hears: their roles, as `users` tells them. What somebody says who isn't known
 * yet waits, with all that is said behind it, until the server has been asked.
 */
#ifndef REMOTE_PEOPLE_H
#define REMOTE_PEOPLE_H

#include "base/limits.h"
#include "proto/server_line.h"

#include <stdbool.h>
#include <stddef.h>

struct person_known {
	char name[NAME_SIZE];
	bool is_op, is_agent;
};

struct people {
	struct person_known *known; /* owned */
	size_t count, cap;
};

void people_finish(struct people *people);
const struct person_known *people_find(const struct people *people, const char *name);
/* What a `users` line tells. 0 or -ENOMEM. */
int people_learn(struct people *people, const struct server_line *line);
/* One whom the answer didn't name: a member like others. 0 or -ENOMEM. */
int people_assume(struct people *people, const char *name);
/* They left: they may come back as somebody else. */
void people_forget(struct people *people, const char *name);

#endif
