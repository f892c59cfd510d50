#include "worker/presence.h"

#include "worker/broadcast.h"

#include "proto/event.h"
#include "shm/member.h"
#include "shm/user.h"

#include <stdlib.h>
#include <string.h>

/* Names in one line even where the operator sets no limit. */
#define NAMES_MAX_UNLIMITED 1000u

/* ---- scanning --------------------------------------------------------------------- */

struct seen {
	struct local_log *local;
	uint64_t change; /* before the scan */
	uint32_t *users; /* owned */
	unsigned count, cap;
	bool sorted;
	bool failed; /* out of memory: the next look tries again */
};

static void found(void *data, unsigned room, uint32_t user)
{
	struct seen *seen = &((struct seen *)data)[room];

	if (seen->count == seen->cap) {
		unsigned cap = seen->cap > 0 ? seen->cap * 2 : 16;
		uint32_t *users = realloc(seen->users, cap * sizeof(*users));

		if (users == NULL) {
			seen->failed = true;
			return;
		}
		seen->users = users;
		seen->cap = cap;
	}
	if (seen->count > 0 && user < seen->users[seen->count - 1])
		seen->sorted = false;
	seen->users[seen->count++] = user;
}

static int by_number(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

/* One pass over the user table for all of them. */
static void scan(struct worker *worker, struct seen *seen, unsigned count)
{
	struct room_ref *refs = calloc(count + 1, sizeof(*refs));

	for (unsigned i = 0; i < count; i++) {
		seen[i].failed = refs == NULL;
		seen[i].sorted = true;
	}
	if (refs == NULL)
		return;
	for (unsigned i = 0; i < count; i++)
		refs[i] =
			(struct room_ref){.log = seen[i].local->log, .epoch = seen[i].local->epoch};
	member_scan(&worker->shm, refs, count, found, seen);
	for (unsigned i = 0; i < count; i++)
		if (!seen[i].sorted)
			qsort(seen[i].users, seen[i].count, sizeof(uint32_t), by_number);
	free(refs);
}

/* The local log remembers it; the list goes over. */
static void remember(struct seen *seen)
{
	struct present *present = seen->local->present;

	free(present->users);
	*present = (struct present){
		.users = seen->users, .count = seen->count, .change = seen->change};
	seen->users = NULL;
}

void presence_start(struct worker *worker, struct local_log *local)
{
	struct seen seen = {.local = local, .change = member_change(&worker->shm, local->log)};

	scan(worker, &seen, 1);
	if (!seen.failed)
		remember(&seen);
	free(seen.users);
}

/* ---- telling ------------------------------------------------------------------------- */

void presence_compare(const uint32_t *before, unsigned before_count, const uint32_t *now,
		      unsigned now_count, uint32_t *ret_joined, unsigned *ret_joined_count,
		      uint32_t *ret_left, unsigned *ret_left_count)
{
	unsigned joined = 0, left = 0, i = 0, j = 0;

	while (i < before_count || j < now_count) {
		if (j == now_count || (i < before_count && before[i] < now[j])) {
			ret_left[left++] = before[i++];
		} else if (i == before_count || now[j] < before[i]) {
			ret_joined[joined++] = now[j++];
		} else {
			i++;
			j++;
		}
	}
	*ret_joined_count = joined;
	*ret_left_count = left;
}

/* The names of users, in the two arrays the caller made; those whose slot is free have none. */
static unsigned name_users(struct worker *worker, const uint32_t *users, unsigned count,
			   char (*names)[NAME_SIZE], const char **ret_names)
{
	unsigned named = 0;

	for (unsigned i = 0; i < count; i++) {
		if (!user_name(&worker->shm, users[i], names[named]))
			continue;
		ret_names[named] = names[named];
		named++;
	}
	return named;
}

static void render(struct worker *worker, const struct seen *seen, const uint32_t *joined,
		   unsigned joined_count, const uint32_t *left, unsigned left_count)
{
	unsigned limit = worker->config->presence_limit;
	unsigned max = limit > 0 ? limit : NAMES_MAX_UNLIMITED;
	struct event_presence event = {.room = seen->local->name, .members = seen->count};
	unsigned count = joined_count + left_count;
	char(*names)[NAME_SIZE] = NULL;
	const char **pointers = NULL;

	event.count_only = (limit > 0 && seen->count > limit) || count > max;
	if (!event.count_only) {
		names = malloc((count + 1) * sizeof(*names));
		pointers = malloc((count + 1) * sizeof(*pointers));
		event.count_only = names == NULL || pointers == NULL;
	}
	if (!event.count_only) {
		event.joined = pointers;
		event.joined_count = name_users(worker, joined, joined_count, names, pointers);
		event.left = pointers + joined_count;
		event.left_count = name_users(worker, left, left_count, names + joined_count,
					      pointers + joined_count);
	}
	buf_reset(&worker->line);
	event_presence(&worker->line, &event);
	free(names);
	free(pointers);
}

static void tell(struct worker *worker, struct seen *seen)
{
	const struct present *before = seen->local->present;
	unsigned joined_count, left_count;
	uint32_t *joined = malloc((seen->count + 1) * sizeof(*joined));
	uint32_t *left = malloc((before->count + 1) * sizeof(*left));

	if (seen->failed || joined == NULL || left == NULL)
		goto out;
	presence_compare(before->users, before->count, seen->users, seen->count, joined,
			 &joined_count, left, &left_count);
	if (joined_count > 0 || left_count > 0) {
		/* Who came alone knows it: his `room` line counted him already. */
		bool alone = joined_count == 1 && left_count == 0;

		render(worker, seen, joined, joined_count, left, left_count);
		/* What can't be told now is still to be told at the next look. */
		if (!broadcast(worker, seen->local, &worker->line, alone ? joined[0] : SHM_NONE))
			goto out;
	}
	remember(seen);
out:
	free(joined);
	free(left);
}

void presence_look(struct worker *worker)
{
	struct seen *seen = calloc(worker->log_count + 1, sizeof(*seen));
	unsigned count = 0;

	if (seen == NULL)
		return;
	for (unsigned i = 0; i < worker->log_count; i++) {
		struct local_log *local = worker->logs[i];
		uint64_t change;

		if (local->present == NULL)
			continue;
		change = member_change(&worker->shm, local->log);
		if (change != local->present->change)
			seen[count++] = (struct seen){.local = local, .change = change};
	}
	if (count > 0)
		scan(worker, seen, count);
	/* Telling closes nobody and moves nobody: the logs stay. */
	for (unsigned i = 0; i < count; i++) {
		tell(worker, &seen[i]);
		free(seen[i].users);
	}
	free(seen);
}
