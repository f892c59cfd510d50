/* chat-keys: looks at keys, signatures and names with the server's own eyes. */
#include "keys/arguments.h"
#include "keys/commands.h"

#include <stdio.h>
#include <string.h>

static const char help[] =
	"chat-keys check FILE [--key PUB] [--user NAME] [--address IP] [--time RFC3339]\n"
	"    what the lines of an authorized_keys file mean; whether a key gets in\n"
	"chat-keys verify [--key PUB] --namespace NS --message FILE --signature FILE\n"
	"                 [--ca PUB]... [--user NAME] [--address IP] [--time RFC3339]\n"
	"    whether a signature is good: ok, or the code of what is wrong\n"
	"chat-keys names list | add NAME KEY | release NAME [--instance NAME] [--state-dir DIR]\n"
	"    who owns which name, through the running server\n"
	"chat-keys COMMAND --help tells more; chat-keys --version\n"
	"\n"
	"Exit codes: 0 accepted or done, 1 refused, 2 usage.\n";

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{"check", command_check},
	{"verify", command_verify},
	{"names", command_names},
};

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
		(void)fputs(help, stdout);
		return EXIT_ACCEPT;
	}
	if (strcmp(name, "--version") == 0) {
		(void)puts("chat-keys " ROOMKEY_VERSION);
		return EXIT_ACCEPT;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		int result;

		if (strcmp(name, commands[i].name) != 0)
			continue;
		argv[1] = argv[0]; /* getopt's complaints begin with it */
		result = commands[i].run(argc - 1, argv + 1);
		return fflush(stdout) == 0 ? result : EXIT_USAGE;
	}
	if (*name == '\0')
		(void)fputs(help, stderr);
	else
		complain("\"%s\" is no command: check, verify or names (--help tells more)", name);
	return EXIT_USAGE;
}
