/* What the master looks at before it starts anything: names, folders, the machine. */
#include "master/host.h"
#include "master/server_names.h"
#include "master/state_dir.h"

#include "tests/unit/master/folder.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static bool has(const struct server_names *names, const char *wanted)
{
	for (unsigned i = 0; i < names->count; i++) {
		if (strcmp(names->list[i], wanted) == 0)
			return true;
	}
	return false;
}

Test(server_names, each_way_to_dial_us_is_a_name_with_the_port)
{
	struct config config = {
		.server_names = {.name = {"Chat.Example.org", "other.example.org:443"},
				 .count = 2}};
	struct host_names host = {.name = "box", .full = "box.example.org"};
	struct buf error = BUF_INIT;
	struct server_names names;

	cr_assert_eq(server_names_fill(&names, &config, &host, 9000,
				       "127.0.0.2:9000, [::1]:9000, 0.0.0.0:9000, [::]:9000",
				       "certified.example.org\n192.0.2.7\nbox\n", &error),
		     0);
	cr_assert(has(&names, "localhost:9000"));
	cr_assert(has(&names, "127.0.0.1:9000"));
	cr_assert(has(&names, "127.0.0.2:9000"));
	cr_assert(has(&names, "[::1]:9000"));
	cr_assert(has(&names, "box:9000"));
	cr_assert(has(&names, "box.example.org:9000"));
	cr_assert(has(&names, "chat.example.org:9000"));
	cr_assert(has(&names, "other.example.org:443"));
	cr_assert(has(&names, "certified.example.org:9000"));
	cr_assert(has(&names, "192.0.2.7:9000"));
	cr_assert_eq(names.count, 10u, "no name twice, and no address that is all addresses");
	cr_assert_null(names.list[names.count]);
	buf_finish(&error);
}

Test(server_names, a_name_that_nobody_can_dial_is_refused_by_its_text)
{
	struct config config = {.server_names = {.name = {"not a host"}, .count = 1}};
	struct host_names host = {.name = ""};
	struct buf error = BUF_INIT;
	struct server_names names;

	cr_assert_eq(server_names_fill(&names, &config, &host, 9000, "", "", &error), -EINVAL);
	cr_assert_not_null(strstr(error.data, "not a host"));
	buf_finish(&error);
}

Test(server_names, an_odd_host_name_is_just_not_one_of_ours)
{
	struct config config = {.server_names = {.count = 0}};
	struct host_names host = {.name = "odd name"};
	struct buf error = BUF_INIT;
	struct server_names names;

	cr_assert_eq(server_names_fill(&names, &config, &host, 9000, "", "", &error), 0);
	cr_assert_eq(names.count, 3u);
}

Test(server_names, looking_for_the_full_name_ends_in_time_and_leaves_no_process)
{
	struct host_names host;
	char name[256] = "";

	host_names_find(&host);
	gethostname(name, sizeof(name) - 1);
	cr_assert_str_eq(host.name, name);
	cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1);
	cr_assert_eq(errno, ECHILD);
}

TestSuite(state_dir, .fini = folder_remove);

Test(state_dir, what_is_missing_is_made_for_us_alone)
{
	struct buf path = BUF_INIT, error = BUF_INIT;
	struct stat st;
	char state[600];

	snprintf(state, sizeof(state), "%s/a/b", folder_make());
	umask(0);
	cr_assert_eq(state_dir_prepare(state, "8080", &path, &error), 0, "%s", error.data);
	cr_assert_eq(stat(path.data, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0700u);
	cr_assert_eq(stat(state, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0700u);
	buf_finish(&path);
	buf_finish(&error);
}

Test(state_dir, a_folder_that_others_can_write_into_is_refused_with_the_command_that_mends_it)
{
	struct buf path = BUF_INIT, error = BUF_INIT;
	char state[600];

	snprintf(state, sizeof(state), "%s/state", folder_make());
	cr_assert_eq(mkdir(state, 0700), 0);
	cr_assert_eq(chmod(state, 0775), 0);
	cr_assert_eq(state_dir_prepare(state, "8080", &path, &error), -EPERM);
	cr_assert_not_null(strstr(error.data, "chmod go-w"));
	cr_assert_not_null(strstr(error.data, state));
	buf_reset(&error);
	cr_assert_eq(chmod(state, 0755), 0);
	cr_assert_eq(state_dir_prepare(state, "8080", &path, &error), 0, "%s", error.data);
	/* The instance's own folder, too. */
	cr_assert_eq(chmod(path.data, 0777), 0);
	buf_finish(&path);
	cr_assert_eq(state_dir_prepare(state, "8080", &path, &error), -EPERM);
	buf_finish(&error);
}

Test(state_dir, what_is_no_folder_is_said_so)
{
	struct buf path = BUF_INIT, error = BUF_INIT;
	char state[600];

	folder_make();
	snprintf(state, sizeof(state), "%s", folder_write("file", "x"));
	cr_assert_eq(state_dir_prepare(state, "8080", &path, &error), -ENOTDIR);
	cr_assert_not_null(strstr(error.data, state));
	buf_finish(&error);
}

TestSuite(host, .fini = folder_remove);

Test(host, the_last_word_about_remove_ipc_counts)
{
	const char *etc = folder_make();

	cr_assert(host_conf_removes_ipc(etc), "logind does it unless told otherwise");
	folder_write("logind.conf", "[Login]\n#RemoveIPC=no\nRemoveIPCx=1\nRemoveIPC=no\n");
	cr_assert_not(host_conf_removes_ipc(etc));
	cr_assert_eq(mkdir(folder_path("logind.conf.d"), 0700), 0);
	folder_write("logind.conf.d/10.conf", "[Login]\n RemoveIPC = yes\n");
	cr_assert(host_conf_removes_ipc(etc));
	folder_write("logind.conf.d/20.conf", "RemoveIPC=0\n");
	cr_assert_not(host_conf_removes_ipc(etc));
	folder_write("logind.conf.d/30.txt", "RemoveIPC=yes\n");
	cr_assert_not(host_conf_removes_ipc(etc));
}

Test(host, the_limit_of_open_files_becomes_the_hard_one)
{
	struct rlimit limit;

	folder_make();
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 64;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_assert_eq(host_raise_open_files(), (unsigned long)limit.rlim_max);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_assert_eq(limit.rlim_cur, limit.rlim_max);
}

Test(state_dir, a_folder_of_somebody_else_is_refused_with_the_command_that_mends_it)
{
	struct buf path = BUF_INIT, error = BUF_INIT;
	char state[600];

	snprintf(state, sizeof(state), "%s/state", folder_make());
	cr_assert_eq(mkdir(state, 0755), 0);
	/* Only root can give a folder away; for others root's own is somebody else's. */
	if (geteuid() == 0)
		cr_assert_eq(chown(state, 12345, 12345), 0);
	else
		snprintf(state, sizeof(state), "/");
	cr_assert_lt(state_dir_prepare(state, "roomkey-test", &path, &error), 0);
	cr_assert_not_null(strstr(error.data, state));
	if (geteuid() == 0)
		cr_assert_not_null(strstr(error.data, "chown"));
	buf_finish(&error);
}
