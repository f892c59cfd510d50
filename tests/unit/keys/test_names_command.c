/* chat-keys names: against a server that answers as the master does. */
#include "tool_runner.h"

#include "auth/names_socket.h"
#include "base/fd.h"
#include "keys/commands.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define FINGERPRINT "SHA256:6VQrGMZHhLVN3IVEXSRMzgWJXCh8+DPPPCkLCwtHMyI"
#define KEY "tests/data/vectors/keys/ed25519.pub"

static char state[64];
static struct tool_run run;
static pid_t server;

/* Answers `canned`, or asks names_answer; one request a connection. */
static void serve(int listener, const char *canned)
{
	static const struct keyring_view nobody = {.servers = "", .text = ""};
	struct names *names;

	if (names_open_memory(&names) < 0)
		_exit(1);
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		char request[NAMES_REQUEST_MAX] = "";
		struct names_reply reply = {0};
		size_t len = 0;

		while (len < sizeof(request) - 1 && read(fd, request + len, 1) == 1 &&
		       request[len] != '\n')
			len++;
		request[len] = '\0';
		if (canned != NULL)
			(void)fd_write_all(fd, canned, strlen(canned));
		else if (names_answer(names, &nobody, request, &reply) == 0)
			(void)fd_write_all(fd, reply.text.data, reply.text.len);
		buf_finish(&reply.text);
		fd_close(&fd);
	}
}

static void start(const char *canned)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	char folder[80];

	(void)snprintf(folder, sizeof(folder), "%s/test", state);
	cr_assert_eq(fd_make_folders(folder, 0700), 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/" NAMES_SOCKET_NAME, folder);
	cr_assert_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(listener, 4), 0);
	server = fork();
	if (server == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(listener, canned);
	}
	cr_assert_gt(server, 0);
	(void)close(listener);
}

static void set_up(void)
{
	strcpy(state, "/tmp/chat-state-XXXXXX");
	cr_assert_not_null(mkdtemp(state));
}

static void tear_down(void)
{
	char command[128];

	tool_run_finish(&run);
	if (server > 0) {
		(void)kill(server, SIGKILL);
		(void)waitpid(server, NULL, 0);
	}
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", state);
	cr_expect_eq(system(command), 0);
}

TestSuite(names_command, .init = set_up, .fini = tear_down);

static void names(const char *arguments)
{
	char line[512];

	tool_run_finish(&run);
	(void)snprintf(line, sizeof(line), "%s --instance test --state-dir %s", arguments, state);
	tool_run(&run, command_names, line);
}

Test(names_command, adds_lists_and_releases)
{
	start(NULL);
	names("add Alice " KEY);
	cr_expect_eq(run.exit_code, 0, "%s", run.err.data);
	cr_expect_str_eq(run.out.data, "alice belongs to " FINGERPRINT "\n");
	names("add bob " FINGERPRINT);
	cr_expect_eq(run.exit_code, 0);
	names("list");
	cr_expect_eq(run.exit_code, 0);
	cr_expect_str_eq(run.out.data,
			 "alice " FINGERPRINT " reserved\nbob " FINGERPRINT " reserved\n2 names\n");
	names("release alice");
	cr_expect_eq(run.exit_code, 0);
	names("release alice");
	cr_expect_eq(run.exit_code, 1);
	cr_expect_eq(run.out.len, 0);
	cr_expect_str_eq(run.err.data, "chat-keys: nobody owns that name\n");
}

Test(names_command, the_state_folder_comes_from_the_environment)
{
	char xdg[80], moved[96];

	if (geteuid() == 0)
		cr_skip_test("root's state lies in /var/lib/chat");
	start(NULL);
	(void)snprintf(xdg, sizeof(xdg), "%s", state);
	(void)snprintf(moved, sizeof(moved), "%s/chat", state);
	cr_assert_eq(symlink(".", moved), 0);
	cr_assert_eq(setenv("XDG_STATE_HOME", xdg, 1), 0);
	tool_run(&run, command_names, "list --instance test");
	cr_expect_eq(run.exit_code, 0, "%s", run.err.data);
}

Test(names_command, without_a_server_it_says_what_to_look_at)
{
	names("list");
	cr_expect_eq(run.exit_code, 2);
	cr_expect(strstr(run.err.data, "is chat-master running") != NULL);
}

Test(names_command, wrong_words_are_usage)
{
	static const char *const wrong[] = {"",
					    "lists",
					    "add",
					    "add alice",
					    "add A!b " KEY,
					    "add alice /nonexistent",
					    "release",
					    "release a b",
					    "list all",
					    "--frobnicate"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		names(wrong[i]);
		cr_expect_eq(run.exit_code, 2, "%s", wrong[i]);
		cr_expect_gt(run.err.len, 0);
	}
}

Test(names_command, an_answer_that_breaks_off_is_no_success)
{
	start("alice " FINGERPRINT " key\n");
	names("list");
	cr_expect_eq(run.exit_code, 2);
}

Test(names_command, what_the_server_says_is_printed_clean)
{
	start("al\x1b[31mice x key\nok\n");
	names("list");
	cr_expect_eq(run.exit_code, 0);
	cr_expect_str_eq(run.out.data, "al?[31mice x key\n");
}
