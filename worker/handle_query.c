#include "worker/answer.h"
#include "worker/handlers.h"
#include "worker/history.h"

#include "auth/keyring.h"
#include "base/clock.h"
#include "proto/event.h"
#include "shm/member.h"
#include "shm/room_log.h"
#include "shm/user.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An answer is one line: a page of so many rows, or of so many bytes of names and texts. */
#define PAGE_ROWS 100u
#define PAGE_BYTES 32768u
#define KEYS_TOLD 16u
#define CURSOR_SIZE 24

/* Our cursors are numbers of a table: where to go on. 0 or -EINVAL. */
static int read_cursor(struct text cursor, uint64_t *ret_at)
{
	char *end = NULL;

	*ret_at = 0;
	if (cursor.len == 0)
		return 0;
	if (cursor.str[0] < '0' || cursor.str[0] > '9')
		return -EINVAL;
	errno = 0;
	*ret_at = strtoull(cursor.str, &end, 10);
	return errno != 0 || *end != '\0' ? -EINVAL : 0;
}

static void bad_cursor(struct conn *conn, const struct message *message)
{
	answer_error_text(conn, message, ERR_bad_field,
			  "cursor is not one of ours: leave it out to start from the beginning");
}

/* ---- rooms ------------------------------------------------------------------------- */

void handle_rooms(struct conn *conn, const struct message *message)
{
	struct worker *worker = conn->worker;
	struct event_rooms_row rows[PAGE_ROWS];
	struct room_info *infos = malloc(PAGE_ROWS * sizeof(*infos));
	char cursor[CURSOR_SIZE] = "";
	unsigned count = 0;
	size_t bytes = 0;
	uint64_t at;

	if (read_cursor(message->rooms.cursor, &at) < 0) {
		bad_cursor(conn, message);
		goto out;
	}
	if (infos == NULL) {
		answer_error(conn, message, ERR_internal);
		goto out;
	}
	for (; at < worker->shm.sizes->max_rooms; at++) {
		struct room_info *info = &infos[count];
		struct room_ref ref;

		if (count == PAGE_ROWS - 1 || bytes > PAGE_BYTES) {
			snprintf(cursor, sizeof(cursor), "%" PRIu64, at);
			break;
		}
		if (!room_at(&worker->shm, (uint32_t)at, &ref) ||
		    !room_info(&worker->shm, ref, info) ||
		    strstr(info->name, message->rooms.match.str) == NULL)
			continue;
		rows[count] = (struct event_rooms_row){.room = info->name,
						       .members = info->members,
						       .topic = info->topic,
						       .head = info->head};
		bytes += strlen(info->topic) + ROOM_SIZE;
		count++;
	}
	buf_reset(&worker->line);
	event_rooms(&worker->line, message->id.str, rows, count, cursor);
	conn_tell(conn, &worker->line);
out:
	free(infos);
}

/* ---- users -------------------------------------------------------------------------- */

struct present {
	uint32_t *users; /* owned */
	unsigned count, cap;
	bool failed;
};

static void found(void *data, unsigned room, uint32_t user)
{
	struct present *present = data;

	(void)room;
	if (present->count == present->cap) {
		unsigned cap = present->cap > 0 ? present->cap * 2 : 64;
		uint32_t *users = realloc(present->users, cap * sizeof(*users));

		if (users == NULL) {
			present->failed = true;
			return;
		}
		present->users = users;
		present->cap = cap;
	}
	present->users[present->count++] = user;
}

static int by_number(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

static const char *role_word(unsigned roles)
{
	if ((roles & ROLE_OP) != 0)
		return "op";
	return (roles & ROLE_AGENT) != 0 ? "agent" : "member";
}

struct person {
	char name[NAME_SIZE];
	char away[AWAY_SIZE];
};

/* Users of the list from index *at on; *at is where the next page begins, or the count. */
static unsigned fill_page(struct worker *worker, const struct present *present, unsigned *at,
			  struct person *people, struct event_users_row *rows)
{
	const struct keyring_view *view = keyring_view(worker->keyring);
	unsigned count = 0;
	size_t bytes = 0;

	for (; *at < present->count && count < PAGE_ROWS && bytes <= PAGE_BYTES; (*at)++) {
		uint32_t user = present->users[*at];
		struct person *person = &people[count];
		bool away;

		if (!user_name(&worker->shm, user, person->name))
			continue;
		away = user_away(&worker->shm, user, person->away);
		rows[count] = (struct event_users_row){
			.user = person->name,
			.connections = user_connections(&worker->shm, user),
			.away = away ? person->away : NULL,
			.state = agent_state_of(worker, person->name),
			.role = role_word(keyring_roles(view, person->name))};
		if (rows[count].state != NULL)
			rows[count].role = "agent";
		bytes += (away ? strlen(person->away) : 0) + NAME_SIZE;
		count++;
	}
	return count;
}

/* Only its owner is ever in an inbox. */
static void find_present(struct conn *conn, const struct target *target, struct present *present)
{
	if (target->inbox)
		found(present, 0, conn->user);
	else
		member_scan(&conn->worker->shm, &target->ref, 1, found, present);
	if (present->count > 1)
		qsort(present->users, present->count, sizeof(*present->users), by_number);
}

void handle_users(struct conn *conn, const struct message *message)
{
	struct worker *worker = conn->worker;
	struct event_users_row rows[PAGE_ROWS];
	struct person *people = malloc(PAGE_ROWS * sizeof(*people));
	struct present present = {0};
	char cursor[CURSOR_SIZE] = "";
	enum proto_error error;
	struct target target;
	unsigned at = 0, count;
	uint64_t from;

	if (read_cursor(message->users.cursor, &from) < 0) {
		bad_cursor(conn, message);
		goto out;
	}
	error = answer_target(conn, message->users.room, &target);
	if (error == PROTO_OK)
		find_present(conn, &target, &present);
	if (people == NULL || present.failed)
		error = ERR_internal;
	if (error != PROTO_OK) {
		answer_error(conn, message, error);
		goto out;
	}
	/* The cursor is a user's number, so it holds while others come and go. */
	while (at < present.count && present.users[at] < from)
		at++;
	count = fill_page(worker, &present, &at, people, rows);
	if (at < present.count)
		snprintf(cursor, sizeof(cursor), "%" PRIu32, present.users[at]);
	buf_reset(&worker->line);
	event_users(&worker->line, message->id.str, target.name, rows, count, cursor);
	conn_tell(conn, &worker->line);
out:
	free(present.users);
	free(people);
}

/* ---- who ------------------------------------------------------------------------------ */

static unsigned add_key(char (*keys)[FINGERPRINT_SIZE], unsigned count, const uint8_t *hash)
{
	if (count == KEYS_TOLD)
		return count;
	fingerprint_format(hash, keys[count]);
	for (unsigned i = 0; i < count; i++)
		if (strcmp(keys[i], keys[count]) == 0)
			return count;
	return count + 1;
}

/* The keys that may log in under the name: its pins, else its owner. A CA is no key of his. */
static unsigned keys_of(const struct keyring_view *view, const char *name,
			char (*keys)[FINGERPRINT_SIZE])
{
	const struct name_binding *binding = keyring_find_binding(view, name);
	unsigned first, count, told = 0;

	first = keyring_find_pins(view, name, &count);
	for (unsigned i = 0; i < count; i++) {
		const struct keyring_pin *pin = &view->pins[first + i];

		if (pin->ca == 0)
			told = add_key(keys, told, view->lines[pin->line].key_hash);
	}
	if (told == 0 && binding != NULL && binding->kind == NAME_KEY)
		told = add_key(keys, told, binding->hash);
	return told;
}

void handle_who(struct conn *conn, const struct message *message)
{
	struct worker *worker = conn->worker;
	const struct keyring_view *view = keyring_view(worker->keyring);
	const char *name = message->who.user.str;
	struct event_who who = {.id = message->id.str, .user = name, .idle_s = -1};
	char keys[KEYS_TOLD][FINGERPRINT_SIZE], away[AWAY_SIZE];
	const char *told[KEYS_TOLD + 1] = {NULL};
	unsigned count;
	uint32_t user;

	switch (user_find(&worker->shm, name, &user)) {
	case USER_OK:
		who.connections = user_connections(&worker->shm, user);
		if (user_away(&worker->shm, user, away))
			who.away = away;
		break;
	case USER_BUSY:
		answer_error(conn, message, ERR_busy);
		return;
	case USER_NONE:
	case USER_FULL_TABLE:
		user = SHM_NONE;
		break;
	}
	if (user == SHM_NONE && !keyring_knows_name(view, name)) {
		answer_error(conn, message, ERR_no_such_user);
		return;
	}
	if (who.connections > 0) {
		uint64_t active = atomic_load_explicit(
			&segment_user(&worker->shm, user)->active_mono_ms, memory_order_relaxed);
		uint64_t now = clock_mono_ms();

		who.idle_s = now > active ? (int64_t)((now - active) / 1000) : 0;
	}
	count = keys_of(view, name, keys);
	for (unsigned i = 0; i < count; i++)
		told[i] = keys[i];
	who.keys = told;
	buf_reset(&worker->line);
	event_who(&worker->line, &who);
	conn_tell(conn, &worker->line);
}

/* ---- history ----------------------------------------------------------------------------- */

void handle_history(struct conn *conn, const struct message *message)
{
	struct worker *worker = conn->worker;
	const struct message_history *ask = &message->history;
	struct event_history event = {.id = message->id.str};
	struct history_range range;
	struct target target;
	uint64_t first, head, seq = ask->seq;
	enum proto_error error;

	error = answer_target(conn, ask->room, &target);
	if (error == PROTO_OK &&
	    !room_log_bounds(&worker->shm, target.ref.log, target.ref.epoch, &first, &head))
		error = ERR_busy;
	if (error == PROTO_OK && ask->from == HISTORY_AT &&
	    !room_log_at(&worker->shm, target.ref.log, target.ref.epoch, ask->at_wall_ms, &seq))
		error = ERR_busy;
	if (error != PROTO_OK) {
		answer_error(conn, message, error);
		return;
	}
	range = history_decide(ask->from, seq, ask->limit, first, head);
	if (range.gone) {
		answer_error(conn, message, ERR_gone);
		return;
	}
	event.room = target.name;
	event.count = (unsigned)(range.last + 1 - range.first);
	event.first = event.count > 0 ? range.first : 0;
	event.last = event.count > 0 ? range.last : 0;
	event.more = range.more;
	buf_reset(&worker->line);
	event_history(&worker->line, &event);
	conn_tell(conn, &worker->line);
	if (event.count > 0)
		conn_tell_lines(conn, target.ref.log, target.ref.epoch, range.first - 1, range.last,
				false);
}
