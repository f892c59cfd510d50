/* Things that are full: a coded refusal, nobody dies, and it goes on by itself when there is room.
 */
#include "base/clock.h"
#include "tests/integration/chat.h"
#include "tests/integration/mounts.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(full, .fini = owned_finish_all, .timeout = 120);

/* Small tables, so that rooms have most of it. */
#define SMALL_TABLES                                                                               \
	"--rate 0 --max-users 256 --max-devices 256 --max-connections 256 --max-rooms 512 "        \
	"--max-rooms-per-user 0 --max-penalties 64"

/* ---- shared memory ---- */

/* The code of the refusal, or NULL: joined. */
static const char *try_join(struct chat *c, const char *room)
{
	json_t *line;

	chat_send(c, "{'type':'join','id':'join-%s','room':'%s'}", room, room);
	line = chat_await(c, "{'id':'join-%s'}", room);
	return json_has(line, "{'type':'error'}") ? text_of(line, "code") : NULL;
}

/* Joins rooms until there is no memory for one more: how many there are. */
static unsigned fill_rooms(struct chat *c)
{
	for (unsigned i = 0;; i++) {
		const char *code = try_join(c, scratch_text("r%u", i));

		if (code != NULL) {
			must(strcmp(code, "server_full") == 0, "refused with %s", code);
			return i;
		}
		must(i < 511, "the table is full before the memory");
	}
}

/* One key's own names: people who have never been here, and may be written to. */
static const char *keys_with_pinned(unsigned count)
{
	struct buf keys = BUF_INIT;
	struct key bob = key_of("bob");

	buf_append_str(&keys, keys_of("alice"));
	for (unsigned i = 0; i < count; i++)
		buf_printf(&keys, "environment=\"CHAT_USER=p%u\" %s\n", i, bob.line);
	owned_add(keys.data, free, NULL);
	return keys.data;
}

static const char *long_text(void)
{
	static char text[4001];

	memset(text, 'x', sizeof(text) - 1);
	return text;
}

OwnedTest(full, a_docker_container_s_shared_memory_refuses_and_serves_on)
{
	mounts_enter();
	mounts_tmpfs("/dev/shm", "64m");
	struct server *s =
		server_with(.keys = keys_with_pinned(200), .workers = 2, .args = SMALL_TABLES);
	struct chat *alice = chat_login(s, "alice");
	pid_t workers[2] = {server_worker(s, 0), server_worker(s, 1)};
	unsigned rooms, inboxes = 0;

	rooms = fill_rooms(alice);
	must(rooms > 50, "only %u rooms", rooms);
	/* An eighth was kept for inboxes. */
	for (; inboxes < 200; inboxes++) {
		json_t *line;

		chat_send(alice, "{'id':'d%u','recipient':'p%u','content':'hi'}", inboxes, inboxes);
		line = chat_await(alice, "{'id':'d%u','recipient':null}", inboxes);
		if (json_has(line, "{'type':'error'}")) {
			must(json_has(line, "{'code':'server_full'}"), "another refusal");
			break;
		}
	}
	must(inboxes > 20 && inboxes < 200, "%u inboxes", inboxes);
	/* Each page that was promised is there: every log is filled to its end and over it. */
	for (unsigned i = 0; i < rooms; i++) {
		for (unsigned n = 0; n < 70; n++)
			chat_send(alice, "{'room':'r%u','content':'%s'}", i, long_text());
		chat_send(alice, "{'room':'r%u','id':'end-%u','content':'full'}", i, i);
		chat_await(alice, "{'type':'ok','id':'end-%u'}", i);
		json_array_clear(alice->seen);
		alice->taken = 0;
	}
	must(strcmp(try_join(alice, "one-more"), "server_full") == 0, "another refusal");
	chat_forget(chat_login(s, "alice"));
	must(server_worker(s, 0) == workers[0] && server_worker(s, 1) == workers[1],
	     "a worker died");
}

OwnedTest(full, rooms_are_made_again_when_others_give_shared_memory_back)
{
	mounts_enter();
	mounts_tmpfs("/dev/shm", "64m");
	struct server *s = server_with(.users = "alice", .args = SMALL_TABLES);
	struct chat *alice = chat_login(s, "alice");

	must(try_join(alice, "before") == NULL, "refused");
	mounts_fill("/dev/shm/ballast");
	must(strcmp(try_join(alice, "amid"), "server_full") == 0, "another refusal");
	chat_say(alice, "before", "m1", "those that are there go on");
	unlink("/dev/shm/ballast");
	must(try_join(alice, "amid") == NULL, "still refused");
}

/* What was taken at the start counts no longer than it is taken. */
OwnedTest(full, a_start_in_a_full_dev_shm_is_forgotten_when_there_is_room)
{
	uint64_t deadline;
	unsigned rooms;

	mounts_enter();
	mounts_tmpfs("/dev/shm", "64m");
	mounts_fill("/dev/shm/ballast");
	must(truncate("/dev/shm/ballast", 48 << 20) == 0, "truncate");
	struct server *s = server_with(.users = "alice", .args = SMALL_TABLES);
	struct chat *alice = chat_login(s, "alice");

	rooms = fill_rooms(alice);
	unlink("/dev/shm/ballast");
	deadline = clock_mono_ms() + PATIENCE_MS;
	while (try_join(alice, scratch_text("r%u", rooms)) != NULL) {
		must(clock_mono_ms() < deadline, "%u rooms, and never one more", rooms);
		poll(NULL, 0, 50);
	}
}

/* ---- descriptors ---- */

/* CPU time of the process, in ms. */
static long cpu_ms(pid_t pid)
{
	const char *stat = file_read(scratch_text("/proc/%d/stat", (int)pid));
	long user = 0, system = 0;

	must(stat != NULL && (stat = strrchr(stat, ')')) != NULL, "process %d is gone", (int)pid);
	sscanf(stat, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user, &system);
	return (user + system) * 1000 / sysconf(_SC_CLK_TCK);
}

/* A loop that turns without end takes all of the second; ours some ms, however slow the machine. */
static void expect_no_busy_loop(pid_t worker)
{
	long before = cpu_ms(worker);
	uint64_t start = clock_mono_ms();

	poll(NULL, 0, 1000);
	must((cpu_ms(worker) - before) * 10 < (long)(clock_mono_ms() - start),
	     "%ld ms of CPU in %llu ms", cpu_ms(worker) - before,
	     (unsigned long long)(clock_mono_ms() - start));
}

#define WAITING 40u

/* Closed by the server, with whatever word. */
static bool is_closed(struct ws *ws)
{
	struct pollfd one = {.fd = ws->fd, .events = POLLRDHUP};

	return poll(&one, 1, 0) == 1;
}

/* NULL: the server has hardly any descriptors left, and says so. */
static struct chat *login_or_full(struct server *s)
{
	struct chat *c = chat_try_open(s, "alice", NULL);
	struct key key = key_of("alice");
	json_t *line = c != NULL ? chat_next(c, PATIENCE_MS) : NULL;

	if (line == NULL || !json_has(line, "{'type':'challenge'}")) {
		must(line == NULL || json_has(line, "{'code':'server_full'}"), "another refusal");
		if (c != NULL)
			chat_forget(c);
		return NULL;
	}
	chat_send_login(c, "alice", &key, "'only':[]");
	line = chat_next(c, PATIENCE_MS);
	must(line != NULL && (c->welcome != NULL || json_has(line, "{'code':'server_full'}")),
	     "another refusal");
	if (c->welcome == NULL) {
		chat_forget(c);
		return NULL;
	}
	chat_expect(c, "{'type':'room','room':'@alice'}");
	return c;
}

OwnedTest(full, without_descriptors_clients_are_sent_away_until_some_return)
{
	struct server *s = server_with(.users = "alice", .workers = 1, .open_files = 64,
				       .args = "--max-connections-per-user 0 --max-startups 0 "
					       "--max-pending-logins 0");
	struct ws_request request = {.port = s->port};
	struct chat *in[64], *last;
	struct ws waiting[WAITING];
	pid_t worker = server_worker(s, 0);
	uint64_t deadline;
	unsigned count = 0, closed = 0;

	while (count < 64 && (last = login_or_full(s)) != NULL)
		in[count++] = last;
	must(count > 8 && count < 64, "%u logins with 64 descriptors", count);
	for (unsigned i = 0; i < WAITING; i++)
		must(ws_dial(&waiting[i], &request), "nobody listens");
	/* The last descriptors are taken by some of them, all others are sent away. */
	deadline = clock_mono_ms() + PATIENCE_MS;
	while (closed < WAITING - 16) {
		must(clock_mono_ms() < deadline, "only %u of %u are sent away", closed, WAITING);
		closed = 0;
		for (unsigned i = 0; i < WAITING; i++)
			closed += is_closed(&waiting[i]);
		poll(NULL, 0, 10);
	}
	server_log_await(s, NULL, "\"connection turned away\"", "");
	expect_no_busy_loop(worker);
	chat_quiet(in[0]);
	for (unsigned i = 0; i < WAITING; i++)
		ws_drop(&waiting[i]);
	for (unsigned i = 1; i < count; i++)
		chat_forget(in[i]);
	deadline = clock_mono_ms() + PATIENCE_MS;
	while ((last = login_or_full(s)) == NULL)
		must(clock_mono_ms() < deadline, "descriptors are back, and nobody gets in");
	chat_quiet(last);
}

/* Not even the reserve helps: every number below the new limit is taken. */
OwnedTest(full, where_nothing_can_be_accepted_clients_wait_and_nobody_spins)
{
	/* Another user's limits are not for everyone to set. */
	struct server *s = server_with(.users = "alice", .workers = 1,
				       .args = scratch_text("--user %u", geteuid()));
	struct ws_request request = {.port = s->port};
	struct chat *in = chat_login(s, "alice");
	pid_t worker = server_worker(s, 0);
	struct rlimit before, few;
	struct ws waiting;
	struct buf frame = BUF_INIT;

	must(prlimit(worker, RLIMIT_NOFILE, NULL, &before) == 0, "prlimit");
	few = before;
	few.rlim_cur = 4;
	must(prlimit(worker, RLIMIT_NOFILE, &few, NULL) == 0, "prlimit");
	must(ws_dial(&waiting, &request), "nobody listens");
	expect_no_busy_loop(worker);
	chat_quiet(in);
	must(prlimit(worker, RLIMIT_NOFILE, &before, NULL) == 0, "prlimit");
	ws_drop(&waiting);
	must(ws_open(&waiting, &request), "not served when there is room again: %d",
	     waiting.status);
	must(ws_receive(&waiting, PATIENCE_MS, &frame) == WS_EVENT_TEXT, "no challenge");
	buf_finish(&frame);
	ws_drop(&waiting);
}

/* ---- disks ---- */

OwnedTest(full, a_full_disk_for_the_log_stops_nobody)
{
	const char *folder = scratch_path("logs"), *ballast = scratch_path("logs/ballast");
	struct server *s;
	size_t offset = 0;

	mounts_enter();
	mounts_tmpfs(folder, "256k");
	s = server_with(.users = "alice bob", .log_path = scratch_path("logs/log"));
	struct chat *alice = chat_login(s, "alice");

	mounts_fill(ballast);
	for (unsigned i = 0; i < 100; i++)
		chat_forget(chat_login(s, "bob"));
	chat_say(alice, "lobby", "m1", "nobody noticed");
	unlink(ballast);
	offset = server_log_size(s);
	chat_forget(chat_login(s, "bob"));
	server_log_await(s, &offset, "\"login\"", "bob");
	offset = 0;
	server_log_await(s, &offset, "\"log lines lost\"", "");
}

#define TINY_TABLES                                                                                \
	"--max-users 64 --max-devices 64 --max-connections 64 --max-rooms 64 --max-penalties 64"

#define CLAIMERS 80u /* more than fit on one page, which may be there already */

OwnedTest(full, a_full_disk_for_the_state_takes_no_new_names_until_there_is_room)
{
	const char *ballast = scratch_path("state-0/ballast");
	struct chat *alice, *c = NULL;
	struct buf users = BUF_INIT;
	const char *late = NULL;
	struct key key;

	mounts_enter();
	mounts_tmpfs(scratch_path("state-0"), "8m");
	buf_append_str(&users, "alice");
	for (unsigned i = 0; i < CLAIMERS; i++)
		buf_printf(&users, " u%u", i);
	owned_add(users.data, free, NULL);
	struct server *s = server_with(.users = users.data,
				       .args = TINY_TABLES " --max-users 128 --penalty-max 0");

	alice = chat_login(s, "alice");
	mounts_fill(ballast);
	for (unsigned i = 0; i < CLAIMERS && late == NULL; i++) {
		const char *user = scratch_text("u%u", i);
		json_t *line;

		key = key_of(user);
		c = chat_open(s, user);
		chat_send_login(c, user, &key, "'only':[]");
		line = chat_next(c, PATIENCE_MS);
		must(line != NULL, "closed");
		if (json_has(line, "{'type':'welcome'}")) {
			chat_forget(c);
			continue;
		}
		must(json_has(line, "{'type':'error','code':'unavailable','fatal':null}"),
		     "another refusal");
		late = user;
	}
	must(late != NULL, "every name was written");
	/* Who has a name already gets in. */
	chat_forget(chat_login(s, "alice"));
	chat_say(alice, "lobby", "m1", "memory is enough for that");
	unlink(ballast);
	chat_await(c, "{'type':'challenge'}");
	chat_send_login(c, late, &key, NULL);
	chat_await(c, "{'type':'welcome','user':'%s'}", late);
}

OwnedTest(full, an_image_that_cannot_be_written_stays_in_shared_memory)
{
	const char *ballast = scratch_path("state-0/ballast");
	struct server *s;
	size_t offset = 0;
	int status = -1;

	mounts_enter();
	mounts_tmpfs(scratch_path("state-0"), "8m");
	s = server_with(.users = "alice", .args = TINY_TABLES);
	struct chat *alice = chat_login(s, "alice");
	long long seq = chat_say(alice, "lobby", "m1", "to be kept");

	mounts_fill(ballast);
	server_signal(s, SIGTERM);
	must(child_wait(s->pid, PATIENCE_MS, &status), "it doesn't stop");
	s->pid = 0;
	must(status == 1, "exit %d, not 1", status);
	server_log_await(s, &offset, "\"registry not saved\"", "kept_in");
	must(access(s->shm_path, F_OK) == 0, "the segment is gone, too");
	unlink(ballast);
	server_restart(s);
	alice = chat_login(s, "alice");
	chat_send(alice, "{'id':'m1','room':'lobby','content':'to be kept'}");
	chat_await(alice, "{'type':'ok','id':'m1','seq':%lld,'duplicate':true}", seq);
}
