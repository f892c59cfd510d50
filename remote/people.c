#include "remote/people.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void people_finish(struct people *people)
{
	free(people->known);
	*people = (struct people){0};
}

const struct person_known *people_find(const struct people *people, const char *name)
{
	for (size_t i = 0; i < people->count; i++)
		if (strcmp(people->known[i].name, name) == 0)
			return &people->known[i];
	return NULL;
}

static int put(struct people *people, const char *name, bool is_op, bool is_agent)
{
	struct person_known person = {.is_op = is_op, .is_agent = is_agent};

	people_forget(people, name);
	if (people->count == people->cap) {
		size_t cap = people->cap > 0 ? people->cap * 2 : 16;
		struct person_known *known = realloc(people->known, cap * sizeof(*known));

		if (known == NULL)
			return -ENOMEM;
		people->known = known;
		people->cap = cap;
	}
	snprintf(person.name, sizeof(person.name), "%s", name);
	people->known[people->count++] = person;
	return 0;
}

int people_learn(struct people *people, const struct server_line *line)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < line->user_count; i++) {
		const char *role = line->users[i].role != NULL ? line->users[i].role : "";

		err = put(people, line->users[i].user, strcmp(role, "op") == 0,
			  strcmp(role, "agent") == 0);
	}
	return err;
}

int people_assume(struct people *people, const char *name)
{
	return people_find(people, name) != NULL ? 0 : put(people, name, false, false);
}

void people_forget(struct people *people, const char *name)
{
	for (size_t i = 0; i < people->count; i++) {
		if (strcmp(people->known[i].name, name) != 0)
			continue;
		people->known[i] = people->known[--people->count];
		return;
	}
}
