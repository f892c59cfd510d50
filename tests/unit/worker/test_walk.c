/*
 * Whatever happens in whatever order: sockets that fill and empty, rooms that are left, joined,
 * lapped and begin anew, turns of two workers that come early and late. Each client checks
 * what it is sent to the letter of the protocol, and at the end has been sent all of it.
 * WALK_SEED=N walks another way.
 */
#include "tests/unit/worker/worker_fixture.h"

#include "worker/deliver.h"
#include "worker/subscribe.h"

#include "shm/room_log.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WALK_CLIENTS (DELIVER_WRITES_A_TURN + 44u)
#define WALK_STEPS 3000u
#define ROOMS (sizeof(rooms) / sizeof(rooms[0]))

static const char *const users[] = {"alice", "bob", "carol", "dave"};
/* The last four are inboxes. */
static const char *const rooms[] = {"lobby", "x", "y", "@alice", "@bob", "@carol", "@dave"};

struct client {
	struct ws *ws;
	unsigned user;
	struct reading {
		bool in;
		unsigned long next; /* the line that has to come next */
	} room[ROOMS];
	unsigned long announced; /* so many lines have to come with nothing between */
	int announced_room;
	int history; /* the same room: they are old lines; -1: live ones */
	unsigned long history_next;
};

static struct client clients[WALK_CLIENTS];
static uint64_t state;
static unsigned said;
static const struct worker *turning; /* NULL: nobody writes to a room */
static bool renewed[ROOMS];

static unsigned draw(unsigned below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33) % below;
}

static struct worker *worker_of(const struct client *client)
{
	return &fixture.worker[client - clients < (long)(WALK_CLIENTS * 15 / 16) ? 0 : 1];
}

/* ---- what a client makes of its lines ------------------------------------------------ */

static int room_in(const char *line)
{
	const char *at = strstr(line, "\"room\":\"");
	char name[40] = "";

	if (at != NULL)
		sscanf(at + 8, "%39[^\"]", name);
	for (unsigned i = 0; i < ROOMS; i++)
		if (strcmp(rooms[i], name) == 0)
			return (int)i;
	return -1;
}

static bool is_type(const char *line, const char *type)
{
	char text[40];

	snprintf(text, sizeof(text), "{\"type\":\"%s\"", type);
	return strncmp(line, text, strlen(text)) == 0;
}

static void take_announced(struct client *client, const char *line, int room)
{
	struct reading *reading = &client->room[room];

	if (is_type(line, "gap")) {
		client->announced = 0;
		if (client->history < 0)
			reading->next = fixture_number(line, "next");
		client->history = -1;
		return;
	}
	client->announced--;
	if (client->history >= 0) {
		cr_assert_eq(room, client->history);
		cr_assert_eq(fixture_number(line, "seq"), client->history_next++);
		if (client->announced == 0)
			client->history = -1;
		return;
	}
	cr_assert_eq(fixture_number(line, "seq"), reading->next++, "%s", line);
}

static void take(struct client *client, const char *line)
{
	int room = room_in(line);
	struct reading *reading = room >= 0 ? &client->room[room] : NULL;

	if (client->announced > 0 && room == client->announced_room &&
	    (is_type(line, "message") || is_type(line, "gap"))) {
		take_announced(client, line, room);
		return;
	}
	/* The rest of them was in a life that is over. */
	cr_assert(client->announced == 0 || renewed[client->announced_room], "between: %s", line);
	client->announced = 0;
	client->history = -1;
	if (is_type(line, "message")) {
		cr_assert(reading->in, "%s", line);
		cr_assert_eq(fixture_number(line, "seq"), reading->next, "client %d, not %lu: %s",
			     (int)(client - clients), reading->next, line);
		reading->next++;
	} else if (is_type(line, "gap")) {
		cr_assert(reading->in, "%s", line);
		cr_assert_eq(fixture_number(line, "after") + 1, reading->next, "%s", line);
		reading->next = fixture_number(line, "next");
	} else if (is_type(line, "room")) {
		reading->in = true;
		reading->next = fixture_number(line, "after") + 1;
		client->announced = fixture_number(line, "count");
		client->announced_room = room;
	} else if (is_type(line, "history")) {
		client->announced = fixture_number(line, "count");
		client->announced_room = room;
		client->history_next = fixture_number(line, "first");
		client->history = client->announced > 0 ? room : -1;
	} else if (is_type(line, "left") ||
		   (is_type(line, "ok") && strstr(line, "\"id\":\"leave") != NULL)) {
		int which = room;

		for (unsigned i = 0; which < 0 && i < ROOMS; i++) {
			char id[40];

			snprintf(id, sizeof(id), "\"id\":\"leave-%s\"", rooms[i]);
			if (strstr(line, id) != NULL)
				which = (int)i;
		}
		cr_assert_geq(which, 0, "%s", line);
		client->room[which].in = false;
	}
}

static void take_all(struct client *client)
{
	const char *line;

	while ((line = fixture_next(client->ws)) != NULL)
		take(client, line);
	buf_reset(&client->ws->out);
	client->ws->read = 0;
}

/* ---- what must hold after a turn -------------------------------------------------------- */

static void look(unsigned at)
{
	struct worker *worker = &fixture.worker[at];

	cr_assert_null(worker->flush);
	for (struct conn *conn = worker->conns; conn != NULL; conn = conn->next)
		for (unsigned i = 0; i < conn->sub_count; i++) {
			struct local_log *local = conn->subs[i].local;
			struct subscriber *sub = &local->subs[conn->subs[i].at];

			cr_assert_eq(conn->subs[i].log, local->log);
			cr_assert_eq(sub->conn, conn);
			cr_assert_eq(sub->ws, conn->ws);
			cr_assert_eq(sub->waits, !conn_is_ready(conn));
			cr_assert(local->left > 0 ? worker->dirty : true);
			/* Of a life that is over nothing is to be had. */
			if (!sub->waits && local->left == 0 &&
			    segment_log(&worker->shm, local->log)->epoch == local->epoch)
				cr_assert_geq(sub->after, local->until, "%s of %u: %lu < %lu",
					      local->name, local->count, (unsigned long)sub->after,
					      (unsigned long)local->until);
		}
}

/* ---- what happens ------------------------------------------------------------------------ */

static bool is_gone(const struct client *client)
{
	return client->ws->conn == NULL || client->ws->close_code != 0;
}

static void speak(struct client *client)
{
	char line[200];
	unsigned room = draw(ROOMS);

	/* Most is said where most are. */
	if (draw(3) > 0)
		room = draw(3);
	snprintf(line, sizeof(line), "{\"id\":\"m%u\",\"room\":\"%s\",\"content\":\"line %u\"}",
		 said, rooms[room], said);
	said++;
	fixture_send(client->ws, line);
}

static void renew(void)
{
	unsigned room = draw(3);
	struct room_ref ref;

	if (room_find(&fixture.shm, rooms[room], &ref) != ROOM_OK)
		return;
	room_log_reset(&fixture.worker[draw(2)].shm, ref.log);
	renewed[room] = true;
}

/* While one worker writes, clients of the other speak, and a room begins anew. */
static void meanwhile(void)
{
	const struct worker *worker = turning;
	struct client *client = &clients[draw(WALK_CLIENTS)];

	if (turning == NULL || draw(16) > 0 || worker_of(client) == turning || is_gone(client))
		return;
	turning = NULL;
	if (draw(32) == 0)
		renew();
	else
		speak(client);
	turning = worker;
}

static void turn(unsigned at)
{
	turning = &fixture.worker[at];
	worker_flush(&fixture.worker[at]);
	turning = NULL;
	look(at);
}

static void enter(struct client *client)
{
	memset(client, 0, sizeof(*client));
	client->history = -1;
	client->user = draw(4);
	client->ws = fixture_enter_with((unsigned)(worker_of(client) - fixture.worker),
					users[client->user], "");
	client->ws->written = meanwhile;
}

static void ask(struct client *client)
{
	const char *room = rooms[draw(3)];
	char line[300];

	switch (draw(6)) {
	case 0:
		snprintf(line, sizeof(line), "{\"type\":\"ping\",\"id\":\"p\"}");
		break;
	case 1:
		snprintf(line, sizeof(line), "{\"type\":\"join\",\"room\":\"%s\",\"after\":%u}",
			 room, draw(200));
		break;
	case 2:
		snprintf(line, sizeof(line), "{\"type\":\"join\",\"room\":\"%s\",\"limit\":%u}",
			 room, draw(20));
		break;
	case 3:
		snprintf(line, sizeof(line),
			 "{\"type\":\"history\",\"room\":\"%s\",\"after\":%u,\"limit\":%u}", room,
			 draw(300), 1 + draw(40));
		break;
	case 4:
		snprintf(line, sizeof(line),
			 "{\"id\":\"a\",\"room\":\"%s\",\"content\":\"a\"}\n"
			 "{\"type\":\"leave\",\"id\":\"leave-%s\",\"room\":\"%s\"}\n"
			 "{\"type\":\"ping\",\"id\":\"p\"}\n",
			 room, room, room);
		break;
	default:
		snprintf(line, sizeof(line), "{\"type\":\"join\",\"room\":\"%s\"}\n%s", room,
			 draw(40) == 0 ? "{\"type\":\"bye\"}\n" : "{\"type\":\"ping\"}\n");
		break;
	}
	fixture_send(client->ws, line);
}

static void free_socket(struct client *client)
{
	bool was = client->ws->blocked;

	client->ws->full = draw(4) == 0;
	client->ws->blocked = false;
	if (was && client->ws->conn != NULL)
		worker_ws_handler.writable(client->ws->conn);
}

static void step(void)
{
	struct client *client = &clients[draw(WALK_CLIENTS)];
	unsigned dice = draw(1000), at = draw(2);

	if (is_gone(client)) {
		take_all(client);
		fixture_cut(client->ws);
		return;
	}
	if (dice < 350) {
		speak(client);
	} else if (dice < 450) {
		ask(client);
	} else if (dice < 700) {
		turn(at);
	} else if (dice < 800) {
		worker_bell(&fixture.worker[at]);
	} else if (dice < 860) {
		client->ws->full = true;
	} else if (dice < 980) {
		free_socket(client);
	} else if (dice < 985) {
		fixture_cut(client->ws);
	} else if (dice < 993) {
		worker_look(&fixture.worker[at]);
	} else if (dice < 996) {
		renew();
	} else {
		client->ws->broken = true;
	}
}

/* ---- the end ------------------------------------------------------------------------------- */

static void settle(void)
{
	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < WALK_CLIENTS; i++) {
			clients[i].ws->full = false;
			clients[i].ws->written = NULL;
			if (clients[i].ws->blocked) {
				clients[i].ws->blocked = false;
				if (clients[i].ws->conn != NULL)
					worker_ws_handler.writable(clients[i].ws->conn);
			}
		}
		for (unsigned at = 0; at < FIXTURE_WORKERS; at++) {
			worker_bell(&fixture.worker[at]);
			turn(at);
		}
	}
	for (unsigned at = 0; at < FIXTURE_WORKERS; at++)
		cr_assert_not(fixture.worker[at].dirty, "a loop that never sleeps");
}

static void expect_all(const struct client *client)
{
	struct conn *conn = client->ws->conn;

	for (unsigned i = 0; i < conn->sub_count; i++) {
		const struct local_log *local = conn->subs[i].local;
		int room = -1;

		for (unsigned r = 0; r < ROOMS; r++)
			if (strcmp(rooms[r], local->name) == 0)
				room = (int)r;
		cr_assert_geq(room, 0, "%s", local->name);
		cr_assert(client->room[room].in, "%s", local->name);
		cr_assert_eq(client->room[room].next, room_log_next(&fixture.shm, local->log),
			     "client %d in %s", (int)(client - clients), local->name);
	}
}

static void begin(void)
{
	const char *seed = getenv("WALK_SEED");

	state = 88172645463325252u + (seed != NULL ? strtoull(seed, NULL, 10) * 7919 : 0);
	fixture_defaults();
	fixture.config.max_connections_per_user = WALK_CLIENTS;
	fixture.config.rate = 0;
	fixture.config.burst = 0;
	fixture.sizes.max_connections = WALK_CLIENTS + 8;
	fixture.sizes.room_lines = 256;
	fixture_start();
	for (unsigned i = 0; i < WALK_CLIENTS; i++)
		enter(&clients[i]);
}

TestSuite(walk, .init = begin, .fini = fixture_finish);

Test(walk, whatever_happens_nobody_misses_a_line_or_gets_one_twice)
{
	unsigned left = 0;

	for (unsigned i = 0; i < WALK_STEPS; i++) {
		step();
		if (i % 16 == 0)
			for (unsigned j = 0; j < WALK_CLIENTS; j++)
				take_all(&clients[j]);
	}
	settle();
	for (unsigned i = 0; i < WALK_CLIENTS; i++) {
		take_all(&clients[i]);
		if (is_gone(&clients[i]) || clients[i].ws->broken)
			continue;
		expect_all(&clients[i]);
		left++;
	}
	cr_assert_gt(left, WALK_CLIENTS / 4);
	cr_log_info("%u clients left, %u lines said", left, said);
}
