/*
 * Two machines, as two network namespaces with a cable between them, and the two commands as they
 * stand in the README. Where namespaces are not permitted that is said, and nothing is tested.
 */
#include "tests/integration/owned.h"
#include "tests/integration/people.h"
#include "tests/integration/program.h"
#include "tests/integration/scratch.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(machines, .fini = owned_finish_all, .timeout = 90);

struct cable {
	char server[24], client[24]; /* the namespaces */
	char address[16];            /* the server's */
};

static void remove_cable(void *thing)
{
	struct cable *cable = thing;

	/* With a namespace its end of the cable goes, and with that the other one. */
	run("ip", "netns", "del", cable->server);
	run("ip", "netns", "del", cable->client);
	free(cable);
}

/* Runs a line of ip(8): false where it isn't permitted. */
static bool ip(const char *line)
{
	struct outcome told = run("sh", "-c", scratch_text("ip %s", line));

	if (told.status != 0)
		fprintf(stderr, "SKIPPED: ip %s: %s\n", line, told.err);
	return told.status == 0;
}

/* NULL: not here. */
static struct cable *lay_cable(void)
{
	struct cable *cable = calloc(1, sizeof(*cable));
	unsigned pid = (unsigned)getpid();
	/* Out of 198.18.0.0/15, which is set aside for tests of networks (RFC 2544). */
	unsigned net = pid % 16384;
	const char *a = cable->server, *b = cable->client;

	snprintf(cable->server, sizeof(cable->server), "rk-%u-s", pid);
	snprintf(cable->client, sizeof(cable->client), "rk-%u-c", pid);
	snprintf(cable->address, sizeof(cable->address), "198.18.%u.%u", net / 64,
		 net % 64 * 4 + 1);
	owned_add(cable, remove_cable, NULL);
	if (!ip(scratch_text("netns add %s", a)) || !ip(scratch_text("netns add %s", b)) ||
	    !ip(scratch_text("link add rks%u netns %s type veth peer name rkc%u netns %s", pid, a,
			     pid, b)) ||
	    !ip(scratch_text("-n %s addr add %s/30 dev rks%u", a, cable->address, pid)) ||
	    !ip(scratch_text("-n %s addr add 198.18.%u.%u/30 dev rkc%u", b, net / 64,
			     net % 64 * 4 + 2, pid)) ||
	    !ip(scratch_text("-n %s link set rks%u up", a, pid)) ||
	    !ip(scratch_text("-n %s link set rkc%u up", b, pid)))
		return NULL;
	return cable;
}

static struct program *in(const char *namespace, const char *const command[],
			  const char *const env[], bool terminal)
{
	const char *argv[24] = {"ip", "netns", "exec", namespace};

	for (size_t i = 0; command[i] != NULL; i++)
		argv[4 + i] = command[i];
	return terminal ? program_start_terminal(argv, env) : program_start(argv, env);
}

/* What root's shell doesn't have: its own place for the state, and a segment of its own. */
static struct program *start_server(const struct cable *cable)
{
	const char *const env[] = {
		scratch_text("CHAT_INSTANCE=it-%s", cable->server),
		scratch_text("CHAT_STATE_DIR=%s", scratch_path("state")),
		"CHAT_LOG_FORMAT=json",
		NULL,
	};
	const char *const command[] = {program_path("chat-master"), NULL};
	struct program *master = in(cable->server, command, env, false);

	program_expect_error(master, "\"event\":\"ready\"");
	return master;
}

static void stop_server(struct program *master)
{
	program_signal(master, SIGTERM);
	must(program_wait(master) == 0, "exit %d: %s", master->status, master->err_text.data);
}

OwnedTest(machines, the_two_commands_work_as_they_stand)
{
	struct cable *cable = lay_cable();
	struct person alice;

	if (cable == NULL)
		return;
	/* The usual files of a home, and no flag at all. */
	must(mkdir(scratch_path(".ssh"), 0700) == 0, "mkdir");
	alice = person_new("alice");
	scratch_write(".ssh/authorized_keys", scratch_text("%s\n", alice.key.line));
	must(rename(alice.key.file, scratch_path(".ssh/id_ed25519")) == 0 &&
		     rename(scratch_text("%s.pub", alice.key.file),
			    scratch_path(".ssh/id_ed25519.pub")) == 0,
	     "rename");
	struct program *master = start_server(cable);
	const char *const join[] = {program_path("chat-client"), "--plain",
				    scratch_text("alice@%s", cable->address), NULL};
	struct program *client = in(cable->client, join, NULL, true);
	program_expect(client, "Its key is SHA256:");
	program_expect(client, "(yes/no)");
	program_write(client, "yes\n");
	program_expect(client, "you are alice");
	program_write(client, "hello from another machine\n");
	program_expect(client, "hello from another machine");
	program_write(client, "/quit\n");
	must(program_wait(client) == 0, "exit %d", client->status);
	/* It is known by now, to scripts as well. */
	const char *const send[] = {program_path("chat-client"), "--send",
				    scratch_text("alice@%s", cable->address), NULL};
	client = in(cable->client, send, NULL, false);
	program_write(client, "and again\n");
	program_close_input(client);
	must(program_wait(client) == 0, "exit %d: %s", client->status, client->err_text.data);
	/* In the clear nothing is served over there. */
	const char *const clear[] = {program_path("chat-client"),
				     "--insecure",
				     "--once",
				     "--send",
				     scratch_text("alice@%s", cable->address),
				     NULL};
	client = in(cable->client, clear, NULL, false);
	program_close_input(client);
	must(program_wait(client) == 4, "exit %d: %s", client->status, client->err_text.data);
	stop_server(master);
}
