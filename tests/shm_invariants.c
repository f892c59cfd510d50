#include "shm/member.h"
#include "shm/room_log.h"
#include "shm/segment_layout.h"
#include "shm/session_chain.h"
#include "shm/user_table.h"
#include "tests/shm_segment.h"

#include <stdlib.h>
#include <string.h>

static void complain(struct buf *why, const char *what, uint32_t slot)
{
	if (why->len == 0)
		buf_printf(why, "%s (slot %u)", what, slot);
}

/* How often each slot stands in the chains and the free list; no chain is longer than the table. */
static bool count_links(_Atomic uint32_t *first, unsigned char *links, size_t stride,
			uint32_t slots, uint8_t *seen)
{
	uint32_t at = *first;

	for (uint32_t n = 0; at != SHM_NONE; n++) {
		if (at >= slots || n > slots)
			return false;
		seen[at]++;
		at = *(_Atomic uint32_t *)(void *)(links + at * stride);
	}
	return true;
}

static void check_links(struct shm *shm, unsigned table, bool (*used)(struct shm *, uint32_t),
			struct buf *why)
{
	const struct segment_header *header = shm->header;
	uint32_t slots = table == 0 ? shm->sizes->max_rooms : shm->sizes->max_users;
	_Atomic uint32_t *buckets =
		(_Atomic uint32_t *)(void *)(shm->base + (table == 0 ? header->room_buckets
								     : header->user_buckets));
	unsigned char *links =
		table == 0 ? shm->base + header->rooms + offsetof(struct room, hash_next)
			   : shm->base + header->users + offsetof(struct user, hash_next);
	size_t stride = table == 0 ? sizeof(struct room) : header->user_stride;
	_Atomic uint32_t *free_first =
		table == 0 ? &shm->header->room_free : &shm->header->user_free;
	uint8_t *chained = calloc(slots, 1), *freed = calloc(slots, 1);
	bool good = true;

	for (uint32_t i = 0; i < header->bucket_count[table]; i++)
		good = good && count_links(&buckets[i], links, stride, slots, chained);
	good = good && count_links(free_first, links, stride, slots, freed);
	if (!good)
		complain(why,
			 table == 0 ? "a chain of rooms runs wild" : "a chain of users runs wild",
			 0);
	for (uint32_t i = 0; good && i < slots; i++) {
		if (chained[i] != used(shm, i) || freed[i] != !used(shm, i))
			complain(why,
				 table == 0 ? "room neither found once nor free once"
					    : "user neither found once nor free once",
				 i);
	}
	free(chained);
	free(freed);
}

static bool room_used(struct shm *shm, uint32_t slot)
{
	return shm->rooms[slot].log.epoch != 0;
}

static bool user_used(struct shm *shm, uint32_t slot)
{
	return segment_user(shm, slot)->state == USER_USED;
}

static void check_names(struct shm *shm, struct buf *why)
{
	struct room_ref ref;
	uint32_t found;
	char name[NAME_SIZE];

	for (uint32_t i = 0; i < shm->sizes->max_rooms; i++) {
		if (room_used(shm, i) && (room_find(shm, shm->rooms[i].log.name, &ref) != ROOM_OK ||
					  ref.log != i || shm->rooms[i].log.made != 1))
			complain(why, "room not found under its name", i);
		if (room_used(shm, i) && !room_log_audit(shm, i))
			complain(why, "room's log fails its audit", i);
	}
	for (uint32_t i = 0; i < shm->sizes->max_users; i++) {
		if (!user_used(shm, i))
			continue;
		if (!user_name(shm, i, name) || user_find(shm, name, &found) != USER_OK ||
		    found != i)
			complain(why, "user not found under his name", i);
		if (segment_user(shm, i)->inbox.epoch == 0)
			complain(why, "user without an inbox epoch", i);
	}
}

static void check_user(struct shm *shm, uint32_t u, uint32_t *members, struct buf *why)
{
	const struct user *user = segment_user(shm, u);
	const struct member *list = segment_members(shm, u);
	uint32_t sessions = 0, chained = 0;

	for (uint32_t s = 0; s < shm->header->session_slots; s++) {
		uint64_t word = shm->sessions[s].word;

		sessions += word != 0 && session_word_user(word) == u;
	}
	if (user->state != USER_USED) {
		if (sessions != 0)
			complain(why, "a session of nobody", u);
	} else {
		for (uint32_t s = user->session_first;
		     s < shm->header->session_slots && chained <= sessions;
		     s = shm->sessions[s].next)
			chained++;
		if (chained != sessions || user->sessions != sessions)
			complain(why, "sessions miscounted", u);
	}
	for (uint32_t i = 0; i < shm->sizes->rooms_per_user; i++) {
		uint64_t word = list[i].word, slot = word & MEMBER_SLOT_MASK;

		if (word == 0)
			continue;
		if (user->state != USER_USED || slot == 0 || slot > shm->sizes->max_rooms ||
		    !room_used(shm, (uint32_t)slot - 1)) {
			complain(why, "a list with a room that isn't", u);
			continue;
		}
		if (((word & MEMBER_COUNTED) != 0) != (sessions > 0))
			complain(why, "presence not applied", u);
		for (uint32_t other = 0; other < i; other++) {
			if ((list[other].word & MEMBER_SLOT_MASK) == slot)
				complain(why, "a room twice on a list", u);
		}
		members[slot - 1] += (word & MEMBER_COUNTED) != 0;
	}
}

static void check_counts(struct shm *shm, struct buf *why)
{
	uint32_t *members = calloc(shm->sizes->max_rooms, sizeof(*members));
	uint32_t rooms = 0, users = 0;
	uint64_t room_bytes = 0, inbox_bytes = 0;

	for (uint32_t u = 0; u < shm->sizes->max_users; u++) {
		check_user(shm, u, members, why);
		users += user_used(shm, u);
		if (segment_user(shm, u)->inbox.made)
			inbox_bytes += shm->header->inbox_body_bytes;
	}
	for (uint32_t i = 0; i < shm->sizes->max_rooms; i++) {
		rooms += room_used(shm, i);
		if (shm->rooms[i].log.made)
			room_bytes += shm->header->room_body_bytes;
		if (room_used(shm, i) && shm->rooms[i].members != members[i])
			complain(why, "members miscounted", i);
	}
	if (shm->header->rooms_used != rooms || shm->header->users_used != users)
		complain(why, "rooms or users miscounted", 0);
	if (shm->header->room_memory_used != room_bytes ||
	    shm->header->inbox_memory_used != inbox_bytes)
		complain(why, "memory miscounted", 0);
	free(members);
}

int segment_is_consistent(struct shm *shm, struct buf *why)
{
	check_links(shm, 0, room_used, why);
	check_links(shm, 1, user_used, why);
	if (why->len == 0) {
		check_names(shm, why);
		check_counts(shm, why);
	}
	return why->len == 0 ? 0 : -1;
}
