#include "tests/integration/people.h"

#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <string.h>

struct person person_new(const char *name)
{
	return (struct person){.name = name, .key = key_make(name, "ed25519", 0)};
}

struct server *server_start_for(unsigned count, const struct person people[],
				struct server_options options)
{
	char *keys = options.users != NULL ? keys_of(options.users) : scratch_text("%s", "");

	for (unsigned i = 0; i < count; i++)
		keys = scratch_text("%s%s\n", keys, people[i].key.line);
	options.keys = keys;
	return server_start(&options);
}

void person_command(const char *argv[24], const struct server *s, const struct person *person,
		    const char *flags)
{
	char *words = scratch_text("%s", flags), *rest = NULL;
	size_t n = 0;

	argv[n++] = program_path("chat-client");
	argv[n++] = "--key";
	argv[n++] = person->key.file;
	for (char *word = strtok_r(words, " ", &rest); word != NULL && n < 20;
	     word = strtok_r(NULL, " ", &rest))
		argv[n++] = word;
	argv[n++] = scratch_text("%s@127.0.0.1:%u", person->name, s->port);
	argv[n] = NULL;
}
