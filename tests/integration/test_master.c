/* The life of a server: starts, stops, deaths of the master, reloads, its other pages. */
#include "base/clock.h"
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/program.h"
#include "tests/integration/scratch.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

TestSuite(master, .fini = owned_finish_all, .timeout = 90);

OwnedTest(master, the_port_file_comes_when_the_server_accepts)
{
	struct server *s = server_with(.users = "alice", .workers = 3);

	for (unsigned i = 0; i < 6; i++)
		chat_open(s, "at once");
	must(file_read(s->port_file)[strspn(file_read(s->port_file), "0123456789")] == '\n' ||
		     file_read(s->port_file)[strspn(file_read(s->port_file), "0123456789")] == '\0',
	     "it holds more than a number");
}

OwnedTest(master, processes_have_their_names)
{
	struct server *s = server_with(.users = "alice", .workers = 3);
	char *comm = file_read(scratch_text("/proc/%d/comm", (int)s->pid));

	must(strcmp(comm, "chat-master\n") == 0, "the master is called %s", comm);
	for (unsigned n = 0; n < 3; n++)
		server_worker(s, n);
}

OwnedTest(master, its_pages_tell_how_it_is)
{
	struct server *s = server_with(.users = "alice");
	struct buf body = BUF_INIT;

	chat_login(s, "alice");
	must(http_get(s->port, "/healthz", &body) == 200, "/healthz");
	must(http_get(s->port, "/readyz", &body) == 200, "/readyz");
	must(http_get(s->port, "/metrics", &body) == 200 && strstr(body.data, "# TYPE") != NULL,
	     "/metrics");
	must(http_get(s->port, "/", &body) == 200, "/");
	must(http_get(s->port, "/no-such-page", &body) == 404, "another page");
	must(http_get(s->port, "/../../etc/passwd", &body) >= 400, "a way out");
	buf_finish(&body);
}

OwnedTest(master, every_worker_tells_the_sums_of_all)
{
	struct server *s = server_with(.users = "alice bob", .workers = 2);
	struct chat *alice = chat_login_on(s, "alice", NULL, 0);
	struct chat *bob = chat_login_on(s, "bob", NULL, 1);

	chat_say(alice, "lobby", "m1", "one");
	chat_say(bob, "lobby", "m2", "two");
	for (unsigned i = 0; i < 6; i++) {
		must(server_metric(s, "roomkey_workers") == 2, "workers");
		must(server_metric(s, "roomkey_sessions") == 2, "sessions");
		must(server_metric(s, "roomkey_rooms") == 1, "rooms");
		must(server_metric(s, "roomkey_appends_total") == 2, "appends");
	}
}

OwnedTest(master, a_stop_says_good_bye_to_everyone)
{
	struct server *s = server_with(.users = "alice bob", .workers = 2);
	struct chat *alice = chat_login_on(s, "alice", NULL, 0),
		    *bob = chat_login_on(s, "bob", NULL, 1);
	struct chat *stranger = chat_open(s, "stranger");
	pid_t workers[2] = {server_worker(s, 0), server_worker(s, 1)};

	server_stop(s);
	chat_await(alice, "{'type':'bye','code':'shutting_down','message':'*'}");
	chat_closed(alice, 1001);
	chat_await(bob, "{'type':'bye','code':'shutting_down'}");
	chat_closed(bob, 1001);
	chat_closed(stranger, 1001);
	must(kill(workers[0], 0) != 0 && kill(workers[1], 0) != 0, "a worker is left");
	must(access(s->shm_path, F_OK) != 0, "the segment is left");
}

OwnedTest(master, an_interrupt_stops_it_as_well)
{
	struct server *s = server_with(.users = "alice");
	struct chat *alice = chat_login(s, "alice");
	int status = -1;

	server_signal(s, SIGINT);
	chat_await(alice, "{'type':'bye','code':'shutting_down'}");
	chat_closed(alice, 1001);
	bool ended = child_wait(s->pid, PATIENCE_MS, &status);
	s->pid = ended ? 0 : s->pid;
	must(ended && status == 0, "it ended with %d", status);
	must(access(s->shm_path, F_OK) != 0, "the segment is left");
}

/* A room with history, a topic, a read mark, a direct message and a committed id. */
struct memory {
	char *lobby, *ops, *inbox;
};

static struct memory leave_memories(struct server *s)
{
	struct chat *alice = chat_login_with(s, "alice", "'device':'laptop'"),
		    *bob = chat_login(s, "bob");
	struct memory memory;

	memory.lobby = scratch_text("%s", text_of(chat_room_of(alice, "lobby"), "epoch"));
	memory.inbox = scratch_text("%s", text_of(chat_room_of(bob, "@bob"), "epoch"));
	memory.ops = scratch_text("%s", text_of(chat_join(alice, "ops", NULL), "epoch"));
	chat_join(bob, "ops", NULL);
	chat_say(alice, "ops", "m1", "one");
	chat_say(alice, "ops", "m2", "two");
	chat_send(alice, "{'type':'topic','id':'t','room':'ops','content':'kept'}");
	chat_await(alice, "{'type':'ok','id':'t','seq':3}");
	chat_tell(alice, "bob", "d1", "direct");
	chat_await(bob, "{'type':'message','room':'@bob','seq':1}");
	chat_send(bob, "{'type':'read','room':'ops','seq':2}");
	chat_quiet(bob);
	chat_drop(alice);
	chat_drop(bob);
	return memory;
}

static void find_memories(struct server *s, struct memory memory)
{
	struct chat *bob = chat_welcome(s, "bob", NULL);

	must(json_has(chat_room_of(bob, "lobby"), "{'epoch':'%s'}", memory.lobby), "the lobby");
	must(json_has(chat_room_of(bob, "ops"),
		      "{'epoch':'%s','first':1,'head':3,'topic':'kept','read':2}", memory.ops),
	     "ops");
	chat_await(bob, "{'type':'room','room':'@bob','epoch':'%s','head':1,'count':1}",
		   memory.inbox);
	chat_expect(bob, "{'type':'message','room':'@bob','seq':1,'content':'direct'}");
	struct chat *alice = chat_login_with(s, "alice", "'device':'laptop'");
	must(json_has(alice->welcome, "{'last_id':'d1'}"), "the last id");
	chat_send(alice, "{'id':'m1','room':'ops','content':'one'}");
	chat_await(alice, "{'type':'ok','id':'m1','room':'ops','seq':1,'duplicate':true}");
	chat_send(alice, "{'id':'d1','recipient':'bob','content':'direct'}");
	chat_await(alice, "{'type':'ok','id':'d1','room':'@alice','seq':1,'duplicate':true}");
	must(chat_say(alice, "ops", "m3", "goes on") == 4, "the numbers went back");
	struct key bobs = key_of("bob");
	struct chat *thief = chat_open(s, "thief");
	chat_send_login(thief, "alice", &bobs, NULL);
	chat_refused(thief, "name_taken");
}

OwnedTest(master, a_clean_restart_forgets_nothing)
{
	struct server *s = server_with(.users = "alice bob");
	struct memory memory = leave_memories(s);

	server_stop(s);
	server_restart(s);
	find_memories(s, memory);
}

OwnedTest(master, a_killed_master_takes_its_workers_along_and_a_new_one_takes_over)
{
	struct server *s = server_with(.users = "alice bob");
	struct memory memory = leave_memories(s);
	struct chat *alice = chat_login(s, "alice");
	uint64_t start = clock_mono_ms();

	server_kill(s);
	server_restart(s);
	must(clock_mono_ms() - start < 5000, "it took too long");
	chat_closed(alice, 1006);
	find_memories(s, memory);
}

OwnedTest(master, deaths_and_stops_may_come_in_any_order)
{
	struct server *s = server_with(.users = "alice bob");
	struct chat *c = chat_login(s, "alice");
	const char *epoch = text_of(chat_join(c, "ops", NULL), "epoch");

	for (unsigned round = 1; round <= 6; round++) {
		char *id = scratch_text("m%u", round);

		must(chat_say(c, "ops", id, "still numbered") == round, "the numbers went back");
		if (round % 3 == 0)
			server_stop(s);
		else
			server_kill(s);
		server_restart(s);
		c = chat_login(s, "alice");
		must(json_has(chat_room_of(c, "ops"), "{'epoch':'%s','head':%u}", epoch, round),
		     "round %u: another log", round);
	}
}

OwnedTest(master, a_lost_power_line_never_numbers_twice_in_one_epoch)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_login(s, "alice");
	char *epoch = scratch_text("%s", text_of(chat_join(c, "ops", NULL), "epoch"));

	chat_say(c, "ops", "m1", "saved");
	server_stop(s);
	server_restart(s);
	c = chat_login(s, "alice");
	chat_say(c, "ops", "m2", "not saved");
	server_kill(s);
	unlink(s->shm_path);
	server_restart(s);
	c = chat_login(s, "alice");
	must(chat_room_of(c, "ops") != NULL, "the membership is lost");
	must(!json_has(chat_room_of(c, "ops"), "{'epoch':'%s'}", epoch), "the old epoch again");
	must(json_has(chat_room_of(c, "ops"), "{'head':0}"), "lines from nowhere");
	must(chat_say(c, "ops", "m3", "afresh") == 1, "not afresh");
}

OwnedTest(master, a_second_one_on_the_same_instance_is_refused_by_name)
{
	struct server *s = server_with(.users = "alice");
	struct chat *alice = chat_login(s, "alice");
	const char *argv[] = {program_path("chat-master"),
			      "--host",
			      "127.0.0.1",
			      "--port",
			      "0",
			      "--instance",
			      s->instance,
			      "--state-dir",
			      s->state_dir,
			      "--authorized-keys",
			      s->keys_path,
			      NULL};
	struct outcome second = run_with(argv, NULL, NULL);

	must(second.status == 1, "exit %d", second.status);
	must(strstr(second.err, s->instance) != NULL || strstr(second.out, s->instance) != NULL,
	     "which instance? %s%s", second.out, second.err);
	chat_quiet(alice);
	chat_say(alice, "lobby", "m", "unharmed");
}

OwnedTest(master, a_second_one_on_the_same_port_is_refused)
{
	struct server *s = server_with(.users = "alice");
	const char *argv[] = {program_path("chat-master"),
			      "--host",
			      "127.0.0.1",
			      "--port",
			      scratch_text("%u", s->port),
			      "--instance",
			      scratch_text("%s-b", s->instance),
			      "--state-dir",
			      scratch_path("b"),
			      "--authorized-keys",
			      s->keys_path,
			      NULL};
	struct outcome second = run_with(argv, NULL, NULL);

	must(second.status == 1, "exit %d", second.status);
	must(strstr(scratch_text("%s%s", second.out, second.err), argv[4]) != NULL,
	     "which port? %s%s", second.out, second.err);
	must(access(scratch_text("/dev/shm/chat-%s-b", s->instance), F_OK) != 0,
	     "a segment is left");
	chat_say(chat_login(s, "alice"), "lobby", "m", "unharmed");
}

OwnedTest(master, two_instances_run_side_by_side)
{
	struct server *one = server_with(.users = "alice"), *two = server_with(.users = "alice");
	struct chat *here = chat_login(one, "alice"), *there = chat_login(two, "alice");

	chat_say(here, "lobby", "m", "only here");
	chat_quiet(there);
	must(json_has(chat_room_of(chat_welcome(two, "alice", NULL), "lobby"), "{'head':0}"),
	     "shared");
}

OwnedTest(master, the_instance_is_named_by_the_port_unless_told)
{
	struct server *s = server_with(.users = "alice"); /* for its keys */
	char *port_file = scratch_path("own-port");
	struct program *p = program_start(
		(const char *const[]){program_path("chat-master"), "--host", "127.0.0.1", "--port",
				      "0", "--port-file", port_file, "--state-dir",
				      scratch_path("own"), "--authorized-keys", s->keys_path,
				      "--workers", "1", NULL},
		NULL);
	uint64_t deadline = clock_mono_ms() + PATIENCE_MS;

	while (access(port_file, F_OK) != 0 || *file_read(port_file) == '\0') {
		must(clock_mono_ms() < deadline, "no port file");
		file_wait_change(port_file, deadline);
	}
	char *segment = scratch_text("/dev/shm/chat-%d", atoi(file_read(port_file)));
	struct stat st;
	must(stat(segment, &st) == 0, "no %s", segment);
	must((st.st_mode & 0777) == 0600, "others may read it");
	program_signal(p, SIGTERM);
	must(program_wait(p) == 0, "exit %d", p->status);
	must(access(segment, F_OK) != 0, "%s is left", segment);
}

OwnedTest(master, a_changed_configuration_holds_after_sighup)
{
	char *file = scratch_write("chat.conf", "rate = 5\nserver-name = one.example:1\n");
	struct server *s =
		server_with(.users = "alice", .args = scratch_text("--config %s --burst 9", file));
	struct key alice = key_of("alice");
	size_t offset;

	must(json_has(chat_welcome(s, "alice", NULL)->welcome, "{'limits':{'rate':[5,9]}}"),
	     "before");
	file_write(file, "rate = 6\nburst = 99\nserver-name = two.example:2\n");
	offset = server_log_size(s);
	server_signal(s, SIGHUP);
	server_log_await(s, &offset, "configuration loaded", NULL);
	/* The workers hear of it a moment after the master has logged it. */
	uint64_t deadline = clock_mono_ms() + PATIENCE_MS;
	struct chat *c;
	do {
		must(clock_mono_ms() < deadline, "it never takes effect");
		c = chat_open(s, "a new name");
		snprintf(c->address, sizeof(c->address), "two.example:2");
		chat_send_login(c, "alice", &alice, NULL);
		must(chat_next(c, PATIENCE_MS) != NULL, "no answer");
		chat_drop(c);
	} while (!json_has(c->welcome, "{'limits':{'rate':[6,9]}}"));
	file_write(file, "rate = many\n");
	offset = server_log_size(s);
	server_signal(s, SIGHUP);
	server_log_await(s, &offset, "many", NULL);
	must(json_has(chat_welcome(s, "alice", NULL)->welcome, "{'limits':{'rate':[6,9]}}"),
	     "a mistake took effect");
}

OwnedTest(master, a_removed_key_ends_its_sessions_at_reload)
{
	struct server *s = server_with(.users = "alice bob", .workers = 2);
	struct chat *alice = chat_login_on(s, "alice", NULL, 0),
		    *bob = chat_login_on(s, "bob", NULL, 1);
	struct key key = key_of("bob");

	file_write(s->keys_path, keys_of("alice carol"));
	server_signal(s, SIGHUP);
	chat_await(bob, "{'type':'error','code':'key_revoked','fatal':true}");
	chat_closed(bob, 4003);
	chat_quiet(alice);
	chat_login(s, "carol");
	struct chat *again = chat_open(s, "bob again");
	chat_send_login(again, "bob", &key, NULL);
	chat_refused(again, "auth_failed");
}

OwnedTest(master, a_changed_keys_file_is_noticed_without_a_signal)
{
	struct server *s = server_with(.users = "alice bob");
	struct chat *bob = chat_login(s, "bob");
	uint64_t start = clock_mono_ms();

	file_write(s->keys_path, keys_of("alice carol"));
	chat_await(bob, "{'type':'error','code':'key_revoked'}");
	chat_closed(bob, 4003);
	must(clock_mono_ms() - start < 8000, "late");
	chat_login(s, "carol");
}

OwnedTest(master, a_key_whose_time_is_over_ends_its_session)
{
	char stamp[32];
	time_t end = time(NULL) + 3;
	struct tm tm;
	struct key key = key_of("alice");

	localtime_r(&end, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%d%H%M%S", &tm);
	struct server *s = server_with(.keys = scratch_text("expiry-time=\"%s\" %s\n%s", stamp,
							    key.line, keys_of("bob")));
	struct chat *alice = chat_login(s, "alice"), *bob = chat_login(s, "bob");
	chat_await(alice, "{'type':'error','code':'key_revoked'}");
	chat_closed(alice, 4003);
	chat_quiet(bob);
}

OwnedTest(master, a_removed_key_leaves_its_name_reserved)
{
	struct server *s = server_with(.users = "alice bob carol");
	struct key bob = key_of("bob");
	struct chat *alice = chat_login(s, "alice");

	file_write(s->keys_path, keys_of("bob carol"));
	server_signal(s, SIGHUP);
	chat_await(alice, "{'type':'error','code':'key_revoked'}");
	struct chat *c = chat_open(s, "bob as alice");
	chat_send_login(c, "alice", &bob, NULL);
	chat_refused(c, "name_taken");
}

OwnedTest(master, workers_that_keep_dying_come_back_more_slowly)
{
	struct server *s = server_with(.users = "alice", .workers = 2);

	for (unsigned i = 0; i < 8; i++)
		server_kill_worker(s, 0);
	chat_login(s, "alice");
	size_t offset = 0;
	server_log_await(s, &offset, "worker", "chat-master");
}

OwnedTest(master, every_step_of_a_visit_is_logged_and_no_word_of_it)
{
	struct server *s = server_with(.users = "alice");
	struct chat *alice = chat_login(s, "alice");
	size_t offset = 0;

	chat_join(alice, "ops", NULL);
	chat_say(alice, "ops", "m", "a very private word");
	chat_send(alice, "{'type':'bye'}");
	chat_closed(alice, 1000);
	json_t *line = server_log_await(s, &offset, "\"event\":\"login\"", "\"user\":\"alice\"");
	must(strstr(json_text(line), key_of("alice").fingerprint) != NULL, "no fingerprint");
	must(strstr(json_text(line), "127.0.0.1") != NULL, "no address");
	server_log_await(s, NULL, "\"room\"", "ops");
	server_log_await(s, &offset, "disconnect", "alice");
	must(strstr(file_read(s->log_path), "very private") == NULL, "the words are in the log");
	must(strstr(file_read(s->log_path), "signature") == NULL, "a signature is in the log");
}
