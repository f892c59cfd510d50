#include "client/passphrase.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/askpass-XXXXXX";
static char program[64];

static void setup(void)
{
	cr_assert_not_null(mkdtemp(folder));
	snprintf(program, sizeof(program), "%s/askpass", folder);
	unsetenv("DISPLAY");
	unsetenv("WAYLAND_DISPLAY");
	unsetenv("SSH_ASKPASS");
	unsetenv("SSH_ASKPASS_REQUIRE");
}

static void teardown(void)
{
	unlink(program);
	rmdir(folder);
}

TestSuite(passphrase, .init = setup, .fini = teardown);

static void write_program(const char *script)
{
	FILE *file = fopen(program, "w");

	cr_assert_not_null(file);
	fprintf(file, "#!/bin/sh\n%s\n", script);
	fclose(file);
	cr_assert_eq(chmod(program, 0700), 0);
	setenv("SSH_ASKPASS", program, 1);
}

/* In a session of its own there is no terminal to ask on. */
static void check_without_terminal(int expected, const char *words)
{
	int status = -1;
	pid_t pid = fork();

	cr_assert(pid >= 0);
	if (pid == 0) {
		struct buf answer = BUF_INIT;
		int rc;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setsid();
		rc = passphrase_ask(NULL, "/home/a/.ssh/id", 0, &answer);
		_exit(rc == expected && strcmp(answer.data ? answer.data : "", words) == 0 ? 0 : 1);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), 0);
}

Test(passphrase, a_program_is_asked_where_it_must_be)
{
	write_program("echo \"words for $1\"");
	setenv("SSH_ASKPASS_REQUIRE", "force", 1);
	check_without_terminal(0, "words for Passphrase of /home/a/.ssh/id: ");
}

Test(passphrase, a_program_is_asked_where_there_is_a_display_and_no_terminal)
{
	write_program("echo secret");
	check_without_terminal(-ECANCELED, "");
	setenv("DISPLAY", ":0", 1);
	check_without_terminal(0, "secret");
	setenv("SSH_ASKPASS_REQUIRE", "never", 1);
	check_without_terminal(-ECANCELED, "");
}

Test(passphrase, a_program_that_says_no_is_believed)
{
	write_program("echo secret; exit 1");
	setenv("SSH_ASKPASS_REQUIRE", "force", 1);
	check_without_terminal(-ECANCELED, "secret");
}

Test(passphrase, nobody_to_ask_is_no_answer)
{
	check_without_terminal(-ECANCELED, "");
	setenv("SSH_ASKPASS_REQUIRE", "force", 1);
	check_without_terminal(-ECANCELED, "");
	setenv("SSH_ASKPASS", "/nowhere/at/all", 1);
	check_without_terminal(-ECANCELED, "");
}

/* On a terminal: waits for the prompt, types, and gives what the child found. */
static void check_on_terminal(const char *typed, int expected, const char *words)
{
	int master, status = -1;
	char shown[256] = "";
	size_t len = 0;
	pid_t pid = forkpty(&master, NULL, NULL, NULL);

	cr_assert(pid >= 0);
	if (pid == 0) {
		struct buf answer = BUF_INIT;
		int rc;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		rc = passphrase_ask(NULL, "/id", 1, &answer);
		_exit(rc == expected &&
				      (rc < 0 || strcmp(answer.data ? answer.data : "", words) == 0)
			      ? 0
			      : 1);
	}
	while (!strstr(shown, "/id: ") && len < sizeof(shown) - 1) {
		ssize_t n = read(master, shown + len, sizeof(shown) - 1 - len);

		cr_assert_gt(n, 0);
		len += (size_t)n;
		shown[len] = '\0';
	}
	cr_assert_not_null(strstr(shown, "That was not it."));
	/* the prompt comes before the echo is off: what is typed then is thrown away, so ask again
	 */
	while (waitpid(pid, &status, WNOHANG) == 0) {
		struct termios now;

		if (tcgetattr(master, &now) == 0 && !(now.c_lflag & ECHO)) {
			cr_assert_eq(write(master, typed, strlen(typed)), (ssize_t)strlen(typed));
			cr_assert_eq(waitpid(pid, &status, 0), pid);
			break;
		}
	}
	close(master);
	cr_assert(WIFEXITED(status), "%s: signal %d", typed, WTERMSIG(status));
	cr_assert_eq(WEXITSTATUS(status), 0, "%s", typed);
}

Test(passphrase, a_terminal_is_asked_without_echo)
{
	check_on_terminal("two words\n", 0, "two words");
	check_on_terminal("wrong\x15right\n", 0, "right");
	check_on_terminal("rx\x7fight\n", 0, "right");
	check_on_terminal("\n", 0, "");
}

Test(passphrase, control_c_and_control_d_are_a_no)
{
	check_on_terminal("half\x03", -ECANCELED, "");
	check_on_terminal("\x04", -ECANCELED, "");
}
