/* People with a key file of their own, for tests that run chat-client as they would. */
#ifndef TESTS_INTEGRATION_PEOPLE_H
#define TESTS_INTEGRATION_PEOPLE_H

#include "tests/integration/key.h"
#include "tests/integration/server.h"

struct person {
	const char *name;
	struct key key; /* made by ssh-keygen */
};

/* With a new ed25519 key. */
struct person person_new(const char *name);
/* A server that lets in these people, and the derived keys of options.users. */
struct server *server_start_for(unsigned count, const struct person people[],
				struct server_options options);
#define server_for(count, people, ...)                                                             \
	server_start_for(count, people, (struct server_options){__VA_ARGS__})

/* Fills argv: chat-client --key FILE <flags, separated by spaces> NAME@127.0.0.1:PORT, NULL. */
void person_command(const char *argv[24], const struct server *s, const struct person *person,
		    const char *flags);

#endif
