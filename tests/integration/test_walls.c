/* What the workers of a real server have given up, seen from outside. */
#include "base/clock.h"
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"
#include "worker/walls.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void setup(void)
{
	if (WALLS_OFF)
		cr_skip("this build goes without walls");
}

TestSuite(walls, .init = setup, .fini = owned_finish_all, .timeout = 60);

static long field(pid_t pid, const char *name)
{
	const char *status = file_read(scratch_text("/proc/%d/status", (int)pid));
	const char *at = status != NULL ? strstr(status, scratch_text("\n%s:", name)) : NULL;

	must(at != NULL, "process %d has no %s", (int)pid, name);
	return strtol(at + strlen(name) + 2, NULL, 16);
}

static void expect_walled_in(pid_t pid)
{
	must(field(pid, "NoNewPrivs") == 1, "it may gain rights");
	must(field(pid, "Seccomp") == 2, "it has no filter");
	must(field(pid, "Uid") != 0, "it is root");
	must(field(pid, "CapEff") == 0, "it has capabilities");
}

static unsigned count_in_log(struct server *s, const char *text)
{
	const char *log = file_read(s->log_path);
	unsigned count = 0;

	for (const char *at = log; at != NULL && (at = strstr(at, text)) != NULL; at++)
		count++;
	return count;
}

OwnedTest(walls, every_worker_stands_behind_them_and_the_master_says_so_once)
{
	struct server *s = server_with(.workers = 3);
	json_t *line = server_log_await(s, NULL, "\"event\":\"walls\"", NULL);

	must(strstr(text_of(line, "up"), "no_new_privs not_dumpable") != NULL, "up: %s",
	     text_of(line, "up"));
	must(strstr(text_of(line, "up"), "seccomp") != NULL, "up: %s", text_of(line, "up"));
	for (unsigned n = 0; n < 3; n++)
		expect_walled_in(server_worker(s, n));
	server_kill_worker(s, 1);
	chat_login_on(s, "alice", NULL, 1);
	expect_walled_in(server_worker(s, 1));
	must(count_in_log(s, "\"event\":\"walls\"") == 1, "said again");
}

OwnedTest(walls, a_worker_holds_no_file_but_the_segment_and_the_log)
{
	struct server *s = server_with(.users = "alice");
	pid_t pid = server_worker(s, 0);
	const char *folder = scratch_text("/proc/%d/fd", (int)pid);
	DIR *fds;

	chat_login_on(s, "alice", NULL, 0);
	fds = opendir(folder);
	if (fds == NULL)
		cr_skip("only root can look");
	for (struct dirent *entry; (entry = readdir(fds)) != NULL;) {
		char target[256];
		ssize_t len = readlinkat(dirfd(fds), entry->d_name, target, sizeof(target) - 1);

		if (len < 0)
			continue;
		target[len] = '\0';
		/* What the master reads and prints to is nothing of theirs. */
		should(atoi(entry->d_name) > STDOUT_FILENO || strcmp(target, "/dev/null") == 0,
		       "its %s is %s", entry->d_name, target);
		should(target[0] != '/' || strncmp(target, "/dev/", 5) == 0 ||
			       strncmp(target, "/memfd:", 7) == 0 ||
			       strncmp(target, "/proc/", 6) == 0 ||
			       strcmp(target, s->log_path) == 0,
		       "it holds %s", target);
	}
	closedir(fds);
}

OwnedTest(walls, workers_run_as_the_account_that_was_named)
{
	if (geteuid() != 0)
		cr_skip("only root can choose");
	struct server *s = server_with(.users = "alice", .args = "--user 54321");

	/* 0x54321 */
	must(field(server_worker(s, 0), "Uid") == strtol("54321", NULL, 16), "another one");
	must(field(server_worker(s, 0), "Gid") == strtol("54321", NULL, 16), "another group");
	chat_join(chat_login(s, "alice"), "ops", NULL);
}

OwnedTest(walls, who_wants_root_gets_it_and_is_told)
{
	if (geteuid() != 0)
		cr_skip("only root can choose");
	struct server *s = server_with(.users = "alice", .args = "--user root");
	json_t *line = server_log_await(s, NULL, "\"event\":\"walls\"", NULL);
	pid_t pid = server_worker(s, 0);

	must(strstr(text_of(line, "missing"), "user (they run as root, as asked)") != NULL, "%s",
	     text_of(line, "missing"));
	must(field(pid, "Uid") == 0, "another one");
	must(field(pid, "CapEff") == 0, "it has capabilities");
	must(field(pid, "Seccomp") == 2, "it has no filter");
	chat_login(s, "alice");
}

OwnedTest(walls, an_account_that_is_not_there_starts_nothing)
{
	struct outcome told =
		run(program_path("chat-master"), "--user", "no-such-account", "--check-config");

	must(told.status == 2, "exit %d", told.status);
	must(strstr(told.err, "no-such-account") != NULL, "it says: %s", told.err);
}
