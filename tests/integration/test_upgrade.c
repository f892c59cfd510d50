/* SIGUSR2: the server becomes the binary that now lies where it was started from. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "tests/integration/agents.h"
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/people.h"
#include "tests/integration/program.h"
#include "tests/integration/scratch.h"
#include "worker/walls.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(upgrade, .fini = owned_finish_all, .timeout = 90);

#define BINARY_MAX (64u << 20)

/* As an installer does it: beside it, then renamed. */
static void lay_bytes(const char *path, const void *bytes, size_t len, unsigned mode)
{
	must(fd_replace_file(path, bytes, len, mode) == 0 && chmod(path, mode) == 0,
	     "cannot write %s", path);
}

static void lay_program(const char *path, const char *program)
{
	struct buf bytes = BUF_INIT;

	must(buf_read_file(&bytes, program, BINARY_MAX) == 0, "cannot read %s", program);
	lay_bytes(path, bytes.data, bytes.len, 0755);
	buf_finish(&bytes);
}

/* A chat-master of our own, that can be replaced. */
static char *own_program(void)
{
	char *path = scratch_path("bin-chat-master");

	lay_program(path, program_path("chat-master"));
	return path;
}

#define server_that_can(...) server_with(.program = own_program(), __VA_ARGS__)

/* Sends the signal and waits until all is over. */
static void upgrade(struct server *s)
{
	size_t offset = server_log_size(s);

	server_signal(s, SIGUSR2);
	server_log_await(s, &offset, "\"upgraded\"", NULL);
}

/* The reason that is logged. */
static const char *refused_upgrade(struct server *s)
{
	size_t offset = server_log_size(s);

	server_signal(s, SIGUSR2);
	return text_of(server_log_await(s, &offset, "\"upgrade refused\"", NULL), "reason");
}

static struct outcome names(struct server *s, const char *verb)
{
	return run(program_path("chat-keys"), "names", "--state-dir", s->state_dir, "--instance",
		   s->instance, verb);
}

OwnedTest(upgrade, the_same_process_goes_on_with_all_it_had)
{
	struct server *s = server_that_can(.users = "alice bob", .workers = 2);
	struct chat *alice = chat_login_with(s, "alice", "'device':'laptop'");
	char *lobby = scratch_text("%s", text_of(chat_room_of(alice, "lobby"), "epoch"));
	char *ops = scratch_text("%s", text_of(chat_join(alice, "ops", NULL), "epoch"));
	char *port = scratch_text("%s", file_read(s->port_file));

	chat_login(s, "bob");
	chat_say(alice, "ops", "m1", "one");
	chat_tell(alice, "bob", "d1", "direct");
	for (unsigned round = 1; round <= 3; round++) {
		pid_t workers[2] = {server_worker(s, 0), server_worker(s, 1)};
		char name[64];

		upgrade(s);
		must(kill(s->pid, 0) == 0, "another process");
		snprintf(name, sizeof(name), "/proc/%d/comm", (int)s->pid);
		must(strcmp(file_read(name), "chat-master\n") == 0, "its name is %s",
		     file_read(name));
		for (unsigned n = 0; n < 2; n++) {
			must(server_worker(s, n) != workers[n], "worker %u is the old one", n);
			must(kill(workers[n], 0) != 0, "worker %u is left", n);
		}
		must(strcmp(file_read(s->port_file), port) == 0, "another port file");
		chat_await(alice, "{'type':'bye','code':'restart','retry_after_ms':100}");
		chat_closed(alice, 1012);
		alice = chat_login_with(s, "alice", "'device':'laptop'");
		must(json_has(chat_room_of(alice, "lobby"), "{'epoch':'%s'}", lobby), "the lobby");
		must(json_has(chat_room_of(alice, "ops"), "{'epoch':'%s','head':%u}", ops, round),
		     "ops");
		chat_send(alice, "{'id':'m1','room':'ops','content':'one'}");
		chat_await(alice, "{'type':'ok','id':'m1','seq':1,'duplicate':true}");
		chat_send(alice, "{'id':'d1','recipient':'bob','content':'direct'}");
		chat_await(alice, "{'type':'ok','id':'d1','duplicate':true}");
		chat_say(alice, "ops", scratch_text("more%u", round), "more");
	}
	server_stop(s);
	server_restart(s);
	alice = chat_login(s, "alice");
	must(json_has(chat_room_of(alice, "ops"), "{'epoch':'%s','head':4}", ops), "saved");
}

OwnedTest(upgrade, what_belongs_to_it_goes_on)
{
	struct server *s = server_that_can(.users = "alice bob carol", .workers = 2,
					   .args = "--metrics-listen 127.0.0.1:0");
	json_t *metrics = server_log_await(s, NULL, "\"event\":\"metrics\"", NULL);
	unsigned metrics_port = (unsigned)atoi(strrchr(text_of(metrics, "listen"), ':') + 1);
	struct buf body = BUF_INIT;

	chat_login(s, "alice");
	upgrade(s);
	must(http_get(metrics_port, "/readyz", &body) == 200, "its own address");
	buf_finish(&body);
	/* chat-keys, the lock of the instance, the keys file, a reload, its pages, deaths of
	 * workers. */
	struct outcome told = names(s, "list");
	must(told.status == 0 && strstr(told.out, "alice SHA256:") != NULL, "%s%s", told.out,
	     told.err);
	pid_t first = s->pid;
	size_t offset = server_log_size(s);
	pid_t second = server_spawn(s);
	int status = 0;
	must(child_wait(second, PATIENCE_MS, &status) && status == 1, "a second one: %d", status);
	s->pid = first;
	server_log_await(s, &offset, "instance busy", NULL);
	struct chat *bob = chat_login(s, "bob"), *alice = chat_login(s, "alice");
	file_write(s->keys_path, keys_of("alice dave"));
	server_signal(s, SIGHUP);
	chat_await(bob, "{'type':'error','code':'key_revoked'}");
	chat_quiet(alice);
	chat_login(s, "dave");
	server_kill_worker(s, 0);
	chat_login(s, "dave");
}

OwnedTest(upgrade, workers_stay_behind_their_walls)
{
	struct server *s = server_that_can(.users = "alice", .workers = 2,
					   .args = geteuid() == 0 ? "--user 54321" : NULL);
	struct chat *alice = chat_login(s, "alice");
	const char *status;

	upgrade(s);
	chat_closed(alice, 1012);
	chat_login(s, "alice");
	status = file_read(scratch_text("/proc/%d/status", (int)server_worker(s, 1)));
	if (geteuid() == 0 && !WALLS_OFF)
		must(strstr(status, "Uid:\t54321\t54321") != NULL, "another account: %s", status);
	must(WALLS_OFF || strstr(status, "NoNewPrivs:\t1") != NULL, "it may become more");
	must(strstr(file_read(s->log_path), "worker late") == NULL, "one did not take the keyring");
}

OwnedTest(upgrade, with_few_open_files_it_goes_as_well)
{
	struct server *s = server_that_can(.users = "alice", .workers = 2, .open_files = 64);

	chat_login(s, "alice");
	for (unsigned round = 0; round < 3; round++) {
		upgrade(s);
		chat_quiet(chat_login(s, "alice"));
	}
}

OwnedTest(upgrade, over_tls_it_is_the_same_server)
{
	static const struct ws_request over_tls = {.tls = true};
	struct server *s = server_that_can(.users = "alice", .workers = 2);
	struct key key = key_of("alice");
	struct outcome before = run(program_path("chat-master"), "--fingerprint", "--instance",
				    s->instance, "--state-dir", s->state_dir);

	for (unsigned round = 0; round < 2; round++) {
		struct chat *alice = chat_open_raw(s, "alice", &over_tls);

		chat_expect(alice, "{'type':'challenge'}");
		chat_send_bound_login(alice, "alice", &key, NULL);
		chat_expect(alice, "{'type':'welcome'}");
		upgrade(s);
		chat_await(alice, "{'type':'bye','code':'restart','retry_after_ms':100}");
		chat_closed(alice, 1012);
	}
	struct outcome after = run(program_path("chat-master"), "--fingerprint", "--instance",
				   s->instance, "--state-dir", s->state_dir);
	must(before.status == 0 && strcmp(before.out, after.out) == 0, "%s, %s", before.out,
	     after.out);
}

OwnedTest(upgrade, agents_are_there_again)
{
	struct server *s = agents_server_echo("");

	for (unsigned round = 0; round < 3; round++) {
		struct chat *alice = agents_member(s, "alice");

		agents_say(alice, scratch_text("@echo round %u", round));
		agents_hears(alice, "echo", scratch_text("heard alice: round %u", round));
		upgrade(s);
		chat_closed(alice, 1012);
	}
}

OwnedTest(upgrade, a_client_comes_back_by_itself_and_prints_each_line_once)
{
	struct person alice = person_new("alice");
	struct server *s = server_start_for(
		1, &alice,
		(struct server_options){.users = "bob", .program = own_program(), .workers = 2});
	const char *argv[24];
	unsigned said = 0;

	person_command(argv, s, &alice, "--follow --json");
	struct program *p = program_start(argv, NULL);
	program_expect(p, "\"welcome\"");
	for (unsigned round = 0; round < 3; round++) {
		struct chat *bob = chat_login(s, "bob");
		size_t offset = server_log_size(s);

		for (unsigned i = 0; i < 5; i++, said++)
			chat_say(bob, "lobby", scratch_text("m%u", said), scratch_text("%u", said));
		uint64_t start = clock_mono_ms();
		upgrade(s);
		server_log_await(s, &offset, "\"event\":\"login\"", "alice");
		should(clock_mono_ms() - start < 5000, "she was away for long");
	}
	for (unsigned next = 0; next < said;) {
		char *text = program_line(p);

		must(text != NULL, "line %u never came", next);
		json_t *line = json_loads(text, 0, NULL);
		if (json_has(line, "{'type':'message'}")) {
			must(json_has(line, "{'content':'%u'}", next), "line %u is not the next",
			     next);
			next++;
		}
		json_decref(line);
	}
}

OwnedTest(upgrade, a_link_is_followed_to_what_it_names_now)
{
	char *old = own_program(), *new = scratch_path("new-chat-master");
	char *link = scratch_path("current"), *aside = scratch_path("aside");

	lay_program(new, program_path("chat-master"));
	must(symlink(old, link) == 0, "no link");
	struct server *s = server_with(.users = "alice", .program = link);
	must(symlink(new, aside) == 0 && rename(aside, link) == 0, "no other link");
	upgrade(s);
	char exe[512];
	ssize_t len = readlink(scratch_text("/proc/%d/exe", (int)s->pid), exe, sizeof(exe) - 1);
	must(len > 0, "no exe");
	exe[len] = '\0';
	must(strcmp(exe, new) == 0, "it is %s", exe);
}

OwnedTest(upgrade, another_layout_is_refused_and_the_old_one_goes_on)
{
	struct server *s = server_that_can(.users = "alice bob", .workers = 2);
	struct chat *alice = chat_login(s, "alice");
	pid_t worker = server_worker(s, 0);

	lay_program(s->options.program, program_path("other-layout/chat-master"));
	const char *reason = refused_upgrade(s);
	must(strstr(reason, "another layout") != NULL && strstr(reason, "999") != NULL, "%s",
	     reason);
	chat_quiet(alice);
	chat_say(alice, "lobby", "m", "unharmed");
	must(server_worker(s, 0) == worker, "another worker");
	/* And the right one is taken afterwards. */
	lay_program(s->options.program, program_path("chat-master"));
	upgrade(s);
	chat_closed(alice, 1012);
	chat_say(chat_login(s, "bob"), "lobby", "m", "upgraded");
}

OwnedTest(upgrade, what_is_no_new_server_is_refused_with_its_last_words)
{
	static const struct {
		const char *text, *reason;
		unsigned mode;
	} broken[] = {
		{"#!/bin/sh\necho out of order >&2\nexit 1\n", "out of order", 0755},
		{"#!/bin/sh\nexit 0\n", "without a word", 0755},
		{"#!/bin/sh\nkill -9 $$\n", "without a word", 0755},
		{"#!/bin/sh\necho \"unknown option $1\"; exit 2\n",
		 "unknown option --upgrade-check", 0755},
		{"#!/no/such/shell\n", "No such file", 0755},
		{"#!/bin/sh\necho ok 2.0\n", "ermission denied", 0644},
		{"\177ELF cut short", "", 0755},
	};
	struct server *s = server_that_can(.users = "alice", .workers = 1);
	struct chat *alice = chat_login(s, "alice");

	for (unsigned i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		lay_bytes(s->options.program, broken[i].text, strlen(broken[i].text),
			  broken[i].mode);
		const char *reason = refused_upgrade(s);
		must(strstr(reason, broken[i].reason) != NULL, "%u: %s", i, reason);
		chat_quiet(alice);
	}
	unlink(s->options.program);
	must(strstr(refused_upgrade(s), "No such file") != NULL, "nothing there");
	chat_say(alice, "lobby", "m", "unharmed");
}

/* It says that it could, and then it can't: replaced once more, it is asked once more. */
OwnedTest(upgrade, a_binary_that_lies_about_itself_costs_nothing_before_the_exec)
{
	struct server *s = server_that_can(.users = "alice", .workers = 1);
	struct chat *alice = chat_login(s, "alice");
	const char *text = scratch_text(
		"#!/bin/sh\ncat > '%s.next' <<'end'\n#!/no/such/shell\nend\n"
		"chmod 755 '%s.next'; mv '%s.next' '%s'; echo ok 2.0\n",
		s->options.program, s->options.program, s->options.program, s->options.program);

	lay_bytes(s->options.program, text, strlen(text), 0755);
	const char *reason = refused_upgrade(s);
	must(strstr(reason, "No such file") != NULL, "%s", reason);
	chat_say(alice, "lobby", "m", "unharmed");
}

OwnedTest(upgrade, a_wrong_configuration_is_refused_and_a_right_one_is_read)
{
	char *file = scratch_write("chat.conf", "rate = 5\n");
	struct server *s = server_that_can(.users = "alice", .workers = 2,
					   .args = scratch_text("--config %s", file));

	file_write(file, "rate = many\n");
	const char *reason = refused_upgrade(s);
	must(strstr(reason, "many") != NULL, "%s", reason);
	chat_quiet(chat_login(s, "alice"));
	file_write(file, "rate = 7\nmax-users = 100\n");
	size_t offset = server_log_size(s);
	upgrade(s);
	server_log_await(s, &offset, "max-users", "needs a restart");
	must(json_has(chat_welcome(s, "alice", NULL)->welcome, "{'limits':{'rate':[7,30]}}"),
	     "the old rate");
}

/* An open connection to that worker, which has not logged in. */
static struct chat *open_on(struct server *s, const char *name, unsigned worker)
{
	char *process = scratch_text("chat-worker-%u", worker);

	for (;;) {
		size_t offset = server_log_size(s);
		struct chat *c = chat_open(s, name);
		json_t *line = server_log_await(s, &offset, "\"event\":\"connect\"", NULL);

		if (strcmp(text_of(line, "process"), process) == 0)
			return c;
		chat_drop(c);
	}
}

/* A stopped worker can't take the new keyring: for so long nothing is published. */
OwnedTest(upgrade, a_name_that_is_claimed_meanwhile_is_granted)
{
	struct server *s = server_that_can(.users = "alice carol dave", .workers = 2,
					   .args = "--max-pending-logins 0");
	struct key daves = key_of("dave"), alices = key_of("alice");
	struct chat *dave = open_on(s, "dave", 0);
	size_t offset = server_log_size(s);

	kill(server_worker(s, 1), SIGSTOP);
	server_signal(s, SIGUSR2);
	server_log_await(s, &offset, "\"upgrading\"", NULL);
	chat_send_login(dave, "dave", &daves, NULL);
	chat_await(dave, "{'type':'welcome','user':'dave'}");
	size_t late = offset, claimed = offset;
	server_log_await(s, &late, "\"worker late\"", NULL);
	server_log_await(s, &claimed, "\"name claimed\"", "dave");
	must(claimed > late, "it was published before each worker could read it");
	chat_closed(dave, 1012);
	server_log_await(s, &offset, "\"upgraded\"", NULL);
	/* It is his, and right afterwards others get theirs. */
	struct chat *thief = chat_open(s, "thief");
	chat_send_login(thief, "dave", &alices, NULL);
	chat_refused(thief, "name_taken");
	chat_login(s, "carol");
	chat_say(chat_login(s, "dave"), "lobby", "m", "here");
}

OwnedTest(upgrade, a_stop_at_any_moment_of_it_is_a_clean_stop)
{
	static const char *const moments[] = {NULL, "\"upgrade\"", "keys loaded", "\"upgrading\"",
					      "worker stopped"};

	for (unsigned i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
		struct server *s = server_that_can(.users = "alice", .workers = 3);
		struct chat *alice = chat_login(s, "alice");
		size_t offset = server_log_size(s);

		chat_say(alice, "lobby", "m", "kept");
		server_signal(s, SIGUSR2);
		if (moments[i] != NULL)
			server_log_await(s, &offset, moments[i], NULL);
		server_stop(s);
		server_restart(s);
		must(json_has(chat_room_of(chat_welcome(s, "alice", NULL), "lobby"), "{'head':1}"),
		     "moment %u", i);
		server_stop(s);
	}
}

OwnedTest(upgrade, a_master_that_is_killed_in_the_middle_of_it_is_taken_over)
{
	static const char *const moments[] = {"\"upgrade\"", "\"upgrading\"", "worker stopped"};
	struct server *s = server_that_can(.users = "alice", .workers = 3);
	struct chat *alice = chat_login(s, "alice");
	char *epoch = scratch_text("%s", text_of(chat_room_of(alice, "lobby"), "epoch"));

	for (unsigned i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
		size_t offset = server_log_size(s);

		chat_say(alice, "lobby", scratch_text("m%u", i), "kept");
		server_signal(s, SIGUSR2);
		server_log_await(s, &offset, moments[i], NULL);
		server_kill(s);
		server_restart(s);
		alice = chat_login(s, "alice");
		must(json_has(chat_room_of(alice, "lobby"), "{'epoch':'%s','head':%u}", epoch,
			      i + 1),
		     "moment %u", i);
	}
}

OwnedTest(upgrade, workers_may_die_and_signals_may_come_meanwhile)
{
	struct server *s = server_that_can(.users = "alice", .workers = 3);

	for (unsigned round = 0; round < 6; round++) {
		pid_t victim = server_worker(s, round % 3);
		size_t offset = server_log_size(s);

		server_signal(s, SIGUSR2);
		if (round % 2 == 1)
			server_log_await(s, &offset, "\"upgrading\"", NULL);
		kill(victim, SIGKILL);
		server_signal(s, SIGHUP);
		server_signal(s, SIGUSR2);
		server_log_await(s, &offset, "\"upgraded\"", NULL);
		chat_login(s, "alice");
	}
	/* A request that came late in one is an upgrade of its own: wait for an even end. */
	upgrade(s);
	for (unsigned n = 0; n < 3; n++)
		server_worker(s, n);
	chat_say(chat_login(s, "alice"), "lobby", "m", "alive");
}
