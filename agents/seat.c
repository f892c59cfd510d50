#include "agents/seat.h"

#include "base/clock.h"
#include "base/log.h"
#include "proto/event.h"
#include "proto/server_line.h"
#include "shm/append.h"
#include "shm/counters.h"
#include "shm/member.h"
#include "shm/news.h"
#include "shm/room_log.h"
#include "shm/user.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define APPEND_MS 2000u /* a log that is busy for longer loses what the agent says */
#define AGAIN_MS 5
#define FIND_TRIES 100u

/* It waits, and lives: the master looks at the heart. */
static void wait_a_moment(struct shm *shm)
{
	const struct timespec moment = {.tv_nsec = AGAIN_MS * 1000000L};

	atomic_store_explicit(&shm->workers[shm->slot].heartbeat_mono_ms, clock_mono_ms(),
			      memory_order_relaxed);
	nanosleep(&moment, NULL);
}

/* ---- its rooms ---- */

/* Finds or makes the room, becomes a member, is rung from now on. */
static bool find_room(struct seat *seat, unsigned room)
{
	struct shm *shm = seat->world->shm;
	const char *name = seat->agent.rooms[room];
	struct room_ref ref;
	bool created;

	for (unsigned i = 0; i < FIND_TRIES; i++) {
		enum room_result made = room_make(shm, name, &ref, &created);
		enum member_result joined = MEMBER_BUSY;

		if (made == ROOM_OK)
			joined = member_join(shm, seat->user, ref, 0, 0);
		if (joined == MEMBER_OK || joined == MEMBER_ALREADY) {
			room_log_subscribe(shm, ref.log);
			seat->rooms[room].ref = ref;
			seat->rooms[room].missed = false;
			return true;
		}
		if (made == ROOM_FULL_TABLE || made == ROOM_NO_MEMORY ||
		    joined == MEMBER_TOO_MANY || joined == MEMBER_ROOM_FULL)
			break;
		wait_a_moment(shm);
	}
	/* It is looked for in every turn from now on. */
	if (!seat->rooms[room].missed)
		log_error("agent not in room", "agent=%s room=%s", seat->agent.config->name, name);
	seat->rooms[room].missed = true;
	seat->rooms[room].ref.epoch = 0;
	return false;
}

/* Where its predecessor stopped reading; the first time, at the end. */
static void begin_reading(struct seat *seat, unsigned room)
{
	const struct memory_room *known = memory_find(&seat->memory, seat->agent.rooms[room]);
	struct seat_room *at = &seat->rooms[room];
	uint64_t first, head = 0;

	if (!room_log_bounds(seat->world->shm, at->ref.log, at->ref.epoch, &first, &head))
		return;
	at->after = head;
	if (known != NULL && known->epoch == at->ref.epoch && known->done <= head) {
		at->after = known->done;
		seat->agent.produced[room] = known->produced;
	}
	seat->agent.heard[room] = at->after;
}

static unsigned roles_of(const struct seat *seat, const char *name)
{
	struct keyring *keyring = seat->world->keyring;

	/* What can't be read lets nobody in, so nobody is an operator either. */
	(void)keyring_refresh(keyring);
	return keyring_roles(keyring_view(keyring), name);
}

static void take_line(struct seat *seat, unsigned room, const struct server_line *line,
		      uint64_t now_ms)
{
	const char *sender = line->sender != NULL ? line->sender : "";
	bool program = config_agent_find(&seat->world->config->agents, sender) != NULL;
	unsigned roles = program ? 0 : roles_of(seat, sender);
	bool message = line->type == SERVER_LINE_MESSAGE && line->content != NULL;

	if (line->type == SERVER_LINE_ANSWER && line->option != NULL && line->target > 0)
		agent_answered(&seat->agent, room, (uint64_t)line->target, line->option, sender,
			       (roles & ROLE_OP) != 0, now_ms);
	agent_hear(&seat->agent,
		   &(struct agent_message){
			   .room = room,
			   .seq = (uint64_t)line->seq,
			   .sender = sender,
			   .is_op = (roles & ROLE_OP) != 0,
			   .is_agent = program || (roles & ROLE_AGENT) != 0,
			   .kind = line->kind,
			   .content = message ? text_from(line->content) : (struct text){NULL, 0},
		   },
		   now_ms);
}

static void take_lines(struct seat *seat, unsigned room, const char *lines, size_t len,
		       uint64_t now_ms)
{
	const char *end = lines + len, *lf;
	struct server_line line;

	for (; lines < end; lines = lf + 1) {
		lf = memchr(lines, '\n', (size_t)(end - lines));
		if (lf == NULL)
			return;
		if (server_line_parse(lines, (size_t)(lf - lines), &line) == 0)
			take_line(seat, room, &line, now_ms);
		server_line_finish(&line);
	}
}

static void read_room(struct seat *seat, unsigned room, uint64_t now_ms)
{
	struct seat_world *world = seat->world;
	struct seat_room *at = &seat->rooms[room];
	struct room_log_slice slice;
	uint64_t first, head;

	for (;;) {
		switch (room_log_read(world->shm, at->ref.log, at->ref.epoch, at->after + 1,
				      UINT64_MAX, world->lines, SEAT_READ_BYTES, &slice)) {
		case ROOM_LOG_LINES:
			at->after = slice.last;
			/* The scratch is another's as soon as this is said. */
			take_lines(seat, room, world->lines, slice.len, now_ms);
			break;
		case ROOM_LOG_NONE:
			return;
		case ROOM_LOG_LAPPED:
			if (!room_log_bounds(world->shm, at->ref.log, at->ref.epoch, &first, &head))
				return;
			at->after = first - 1;
			break;
		case ROOM_LOG_RESET:
			if (!find_room(seat, room))
				return;
			at->after = 0;
			seat->agent.heard[room] = 0;
			break;
		}
	}
}

void seat_read(struct seat *seat, uint64_t now_ms)
{
	for (unsigned i = 0; i < seat->agent.room_count; i++) {
		if (seat->rooms[i].ref.epoch != 0 || find_room(seat, i))
			read_room(seat, i, now_ms);
	}
}

/* ---- what it does to the world: struct agent_host ---- */

static int start(void *data, const char *session)
{
	struct seat *seat = data;

	buf_reset(&seat->unread);
	return child_start(&seat->child, seat->agent.config, seat->world->account, session,
			   seat->world->mark);
}

static void write_input(void *data, const void *bytes, size_t len)
{
	struct seat *seat = data;

	child_write(&seat->child, bytes, len);
}

static void close_input(void *data)
{
	struct seat *seat = data;

	child_close_input(&seat->child);
}

static void kill_child(void *data, int signal_number)
{
	struct seat *seat = data;

	child_kill(&seat->child, signal_number);
}

static void spend(struct seat *seat)
{
	uint32_t rate = seat->world->config->rate;
	uint64_t now_us = clock_mono_us();

	if (rate == 0)
		return;
	if (seat->full_at_us < now_us)
		seat->full_at_us = now_us;
	seat->full_at_us += UINT64_C(1000000) / rate;
}

uint64_t seat_quiet_until(const struct seat *seat, uint64_t now_ms)
{
	const struct config *config = seat->world->config;
	uint64_t tolerance_us, until_us;

	if (config->rate == 0)
		return 0;
	tolerance_us = UINT64_C(1000000) / config->rate * (config->burst > 0 ? config->burst : 1);
	if (seat->full_at_us <= now_ms * 1000 + tolerance_us)
		return 0;
	until_us = seat->full_at_us - tolerance_us;
	return until_us / 1000 + 1;
}

static unsigned list_texts(const char *const *words, struct text *out, unsigned max)
{
	unsigned count = 0;

	for (; words != NULL && words[count] != NULL && count < max; count++)
		out[count] = text_from(words[count]);
	return count;
}

static void render(const struct seat *seat, const struct agent_saying *saying, int64_t wall_ms,
		   struct buf *tail)
{
	struct text options[8], approve[AGENT_APPROVE_MAX];
	struct event_message event = {
		.wall_ms = wall_ms,
		.sender = seat->agent.config->name,
		.content = saying->content,
		.format = saying->format,
		.kind = saying->kind,
		.reply_to = saying->reply_to,
		.options = options,
		.option_count = list_texts(saying->options, options, 8),
		.approve = approve,
		.approve_count = list_texts(saying->approve, approve, AGENT_APPROVE_MAX),
		.has_approve = saying->approve != NULL,
		.expires_s = (uint64_t)saying->expires_wall_s};

	event_message_tail(tail, &event);
}

/* Waits for a busy log, for nobody else waits for us. The seq, or 0. */
static uint64_t append(struct seat *seat, unsigned room, int64_t wall_ms, const struct buf *tail)
{
	struct shm *shm = seat->world->shm;
	uint64_t until_ms = clock_mono_ms() + APPEND_MS;
	struct text head = event_message_head();
	bool local;

	do {
		struct append line = {.head = head.str,
				      .head_len = head.len,
				      .tail = tail->data,
				      .tail_len = tail->len,
				      .sender = seat->user,
				      .wall_ms = wall_ms,
				      .window = SHM_NONE,
				      .copies = 1,
				      .copy = {{.log = seat->rooms[room].ref.log,
						.epoch = seat->rooms[room].ref.epoch}}};

		switch (append_line(shm, &line, &local)) {
		case APPEND_OK:
			counter_add(shm, COUNTER_appends_total, 1);
			return line.copy[0].ret_seq;
		case APPEND_STALE:
			/* Its reading goes on from the new one's beginning, too. */
			seat->rooms[room].after = 0;
			seat->agent.heard[room] = 0;
			if (!find_room(seat, room))
				return 0;
			break;
		case APPEND_BUSY:
		case APPEND_BROKEN:
			wait_a_moment(shm);
			break;
		case APPEND_DUPLICATE:
		case APPEND_ID_CONFLICT:
		case APPEND_INBOX_FULL_OWN:
		case APPEND_INBOX_FULL_THEIRS:
		case APPEND_TOO_LONG:
		case APPEND_MOVED:
		case APPEND_NO_MEMORY:
			return 0;
		}
	} while (clock_mono_ms() < until_ms);
	return 0;
}

static uint64_t say(void *data, const struct agent_saying *saying)
{
	struct seat *seat = data;
	struct buf tail = BUF_INIT;
	int64_t wall_ms = clock_wall_ms();
	uint64_t seq = 0;

	spend(seat);
	render(seat, saying, wall_ms, &tail);
	if (!tail.failed && seat->rooms[saying->room].ref.epoch != 0)
		seq = append(seat, saying->room, wall_ms, &tail);
	if (seq == 0)
		log_error("agent not heard", "agent=%s room=%s bytes=%zu", seat->agent.config->name,
			  seat->agent.rooms[saying->room], saying->content.len);
	buf_finish(&tail);
	return seq;
}

static void tell_room(struct seat *seat, unsigned room, const struct buf *line)
{
	const struct room_ref *ref = &seat->rooms[room].ref;
	struct news news;

	if (ref->epoch != 0 && !line->failed &&
	    news_fill(&news, NEWS_ROOM, ref->log, ref->epoch, line->data, line->len))
		news_send_to_readers(seat->world->shm, ref->log, &news);
}

static void partial(void *data, unsigned room, struct text content)
{
	struct seat *seat = data;
	struct buf line = BUF_INIT;

	event_partial(&line, seat->agent.rooms[room], seat->agent.config->name, content);
	tell_room(seat, room, &line);
	buf_finish(&line);
}

static void tell(void *data, const char *name, enum proto_error code, const char *text)
{
	struct seat *seat = data;
	struct shm *shm = seat->world->shm;
	struct buf line = BUF_INIT;
	struct news news;
	uint32_t user, log;
	uint64_t epoch;

	if (user_find(shm, name, &user) != USER_OK)
		return;
	log = log_of_inbox(shm, user);
	epoch = atomic_load_explicit(&segment_log(shm, log)->epoch, memory_order_acquire);
	event_notice(&line, error_code(code), text);
	if (!line.failed && news_fill(&news, NEWS_USER, user, epoch, line.data, line.len))
		news_send_to_readers(shm, log, &news);
	buf_finish(&line);
}

/* Several seats add to one entry. */
static void put_sums(struct seat *seat)
{
	struct agent_entry *entry = &seat->world->board->entry[seat->entry];
	struct agent_sums now = seat->agent.sums;

	atomic_fetch_add(&entry->turns, now.turns - seat->told.turns);
	atomic_fetch_add(&entry->failures, now.failures - seat->told.failures);
	atomic_fetch_add(&entry->restarts, now.restarts - seat->told.restarts);
	atomic_fetch_add(&entry->busy_ms, now.busy_ms - seat->told.busy_ms);
	atomic_fetch_add(&entry->cost_microusd, now.cost_microusd - seat->told.cost_microusd);
	seat->told = now;
}

static void changed(void *data)
{
	put_sums(data);
}

/* A bot that answers at once is not told as busy and idle again. */
#define STATE_MS 100u

uint64_t seat_show_state(struct seat *seat, uint64_t now_ms)
{
	enum agent_state state = agent_state(&seat->agent);
	struct buf line = BUF_INIT;

	if (seat->told_state && state == seat->state) {
		seat->other_since_ms = 0;
		return UINT64_MAX;
	}
	if (seat->other_since_ms == 0)
		seat->other_since_ms = now_ms;
	if (now_ms - seat->other_since_ms < STATE_MS)
		return seat->other_since_ms + STATE_MS;
	seat->state = state;
	seat->told_state = true;
	seat->other_since_ms = 0;
	for (unsigned i = 0; i < seat->agent.room_count; i++) {
		buf_reset(&line);
		event_agent(&line, seat->agent.rooms[i], seat->agent.config->name,
			    agent_state_word(state));
		tell_room(seat, i, &line);
	}
	buf_finish(&line);
	return UINT64_MAX;
}

static void keep(void *data)
{
	struct seat *seat = data;
	struct memory memory = {.room_count = seat->agent.room_count};
	bool sync = strcmp(seat->memory.session, seat->agent.session) != 0;
	int err;

	memcpy(memory.session, seat->agent.session, sizeof(memory.session));
	for (unsigned i = 0; i < memory.room_count; i++) {
		memcpy(memory.rooms[i].room, seat->agent.rooms[i], NAME_SIZE);
		memory.rooms[i].epoch = seat->rooms[i].ref.epoch;
		memory.rooms[i].done = agent_done(&seat->agent, i);
		memory.rooms[i].produced = agent_produced(&seat->agent, i);
	}
	if (memcmp(&memory, &seat->memory, sizeof(memory)) == 0)
		return;
	err = memory_save(seat->path, &memory, sync);
	if (err < 0)
		log_error("agent memory", "path=%s error=%s", seat->path, strerror(-err));
	else
		seat->memory = memory;
}

static const struct agent_host host = {
	.start = start,
	.write = write_input,
	.close_input = close_input,
	.kill = kill_child,
	.say = say,
	.partial = partial,
	.tell = tell,
	.changed = changed,
	.keep = keep,
};

/* ---- its life ---- */

int seat_open(struct seat *seat, struct seat_world *world, const struct config_agent *config,
	      const char *rooms, const char *folder, uint32_t user, unsigned entry)
{
	bool alone = config->process == AGENT_PROCESS_SHARED;
	int err;

	memset(seat, 0, sizeof(*seat));
	seat->world = world;
	seat->user = user;
	seat->entry = entry;
	child_init(&seat->child);
	if (asprintf(&seat->path, "%s/%s%s%s", folder, config->name, alone ? "" : "@",
		     alone ? "" : rooms) < 0) {
		seat->path = NULL;
		return -ENOMEM;
	}
	agent_init(&seat->agent, config, rooms, &host, seat);
	err = memory_load(seat->path, &seat->memory);
	if (err < 0)
		log_error("agent memory", "path=%s error=%s", seat->path, strerror(-err));
	memcpy(seat->agent.session, seat->memory.session, sizeof(seat->agent.session));
	for (unsigned i = 0; i < seat->agent.room_count; i++)
		if (find_room(seat, i))
			begin_reading(seat, i);
	return 0;
}

void seat_close(struct seat *seat)
{
	child_finish(&seat->child);
	agent_finish(&seat->agent);
	buf_finish(&seat->unread);
	free(seat->path);
	seat->path = NULL;
}
