#include "shm/append.h"
#include "shm/image.h"
#include "shm/log_ring.h"
#include "shm/room_table.h"
#include "shm/segment_layout.h"
#include "shm/slot_check.h"
#include "shm/user_table.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define load_relaxed(at) atomic_load_explicit((at), memory_order_relaxed)
#define store_relaxed(at, value) atomic_store_explicit((at), (value), memory_order_relaxed)
/* From an old slot to a new one; nobody else sees either. */
#define carry(to, from, field) store_relaxed(&(to)->field, load_relaxed(&(from)->field))

struct import {
	const struct shm *old;
	struct shm *new;
	bool used; /* lists, names and topics only */
	uint64_t image_mono_ms;
	uint32_t *room_at; /* new slot of an old room, SHM_NONE: left out */
	uint32_t *user_at;
	struct segment_report *report;
	struct buf *error;
};

/* The message is the operator's: which option holds too little. */
static int too_small(struct import *import, const char *option, const char *what)
{
	buf_reset(import->error);
	buf_printf(import->error, "what was saved has %s than %s allows now: raise it", what,
		   option);
	return -ENOSPC;
}

static int out_of_memory(struct import *import)
{
	buf_reset(import->error);
	buf_printf(import->error,
		   "/dev/shm has no room for all saved rooms: lower --room-bytes, or give it more "
		   "(Docker's default is 64 MB: docker run --shm-size=256m)");
	return -ENOSPC;
}

/* ---- lines ---- */

static void copy_bytes(const struct log_ring *from, const struct log_ring *to, uint64_t offset,
		       size_t len)
{
	while (len > 0) {
		size_t at = (size_t)(offset & from->bytes_mask),
		       there = (size_t)(offset & to->bytes_mask);
		size_t part = len;

		if (part > from->bytes_mask + 1 - at)
			part = (size_t)(from->bytes_mask + 1 - at);
		if (part > to->bytes_mask + 1 - there)
			part = (size_t)(to->bytes_mask + 1 - there);
		memcpy(to->bytes + there, from->bytes + at, part);
		offset += part;
		len -= part;
	}
}

/*
 * A sender who is gone counts as somebody else than the inbox's owner, so that his lines stay
 * unread ones.
 */
static uint32_t moved_sender(const struct import *import, uint32_t sender, uint32_t owner)
{
	uint32_t moved = SHM_NONE;

	if (sender < import->old->sizes->max_users)
		moved = import->user_at[sender];
	return moved != SHM_NONE ? moved : owner == 0 && import->new->sizes->max_users > 1;
}

/* `owner`: the new slot of an inbox's owner; SHM_NONE in a room. */
static void copy_line(const struct import *import, const struct log_ring *from,
		      const struct log_ring *to, uint64_t seq, uint32_t owner)
{
	const struct log_entry *old = log_entry_at(from, seq);
	struct log_entry *new = log_entry_at(to, seq);

	carry(new, old, offset);
	carry(new, old, id_hash);
	carry(new, old, content_hash);
	carry(new, old, wall_ms);
	carry(new, old, mono_us);
	carry(new, old, len);
	carry(new, old, tail_at);
	/*
	 * It names the intent of an append whose process died: before an image all were repaired.
	 */
	store_relaxed(&new->window, SHM_NONE);
	store_relaxed(&new->sender, moved_sender(import, load_relaxed(&old->sender), owner));
	copy_bytes(from, to, load_relaxed(&old->offset), load_relaxed(&old->len));
	/* The old log was audited; here the sender may have another number. */
	store_relaxed(&new->crc, log_stored_crc(to, seq));
}

/* The oldest line that may stay where the new log holds less than the old one. */
static uint64_t first_kept(const struct log_ring *from, const struct log_ring *to, uint64_t next)
{
	uint64_t tail = load_relaxed(&from->head->tail);
	const struct log_entry *last = log_entry_at(from, next - 1);
	uint64_t end = load_relaxed(&last->offset) + load_relaxed(&last->len);

	while (tail < next && (next - tail > to->lines ||
			       end - load_relaxed(&log_entry_at(from, tail)->offset) > to->limit))
		tail++;
	return tail;
}

/* Is a line below `kept` unread? Those of an inbox may not go. */
static bool loses_unread(const struct log_ring *from, uint64_t kept, uint64_t read, uint32_t owner)
{
	for (uint64_t seq = load_relaxed(&from->head->tail); seq < kept; seq++) {
		if (seq > read && load_relaxed(&log_entry_at(from, seq)->sender) != owner)
			return true;
	}
	return false;
}

/* The numbers and lines of a log whose name and slot are there. */
static int carry_log(struct import *import, uint32_t old_log, uint32_t new_log)
{
	const struct log_head *old = segment_log(import->old, old_log);
	struct log_head *new = segment_log(import->new, new_log);
	bool inbox = log_is_inbox(import->old, old_log);
	uint32_t owner = inbox ? user_of_inbox(import->new, new_log) : SHM_NONE;
	uint64_t next = load_relaxed(&old->next), kept;
	struct log_ring from, to;

	if (import->used || load_relaxed(&old->quarantined) != LOG_SOUND ||
	    !room_log_audit(import->old, old_log)) {
		import->report->logs_quarantined += !import->used;
		room_log_clear(import->new, new_log, segment_new_epoch(import->new));
		return 0;
	}
	import->report->logs_audited++;
	carry(new, old, epoch);
	if (load_relaxed(&old->made) == 0 || next <= 1) {
		store_relaxed(&new->next, 1);
		store_relaxed(&new->tail, 1);
		return 0;
	}
	from = log_ring_of(import->old, old_log);
	to = log_ring_of(import->new, new_log);
	kept = first_kept(&from, &to, next);
	if (inbox && loses_unread(&from, kept,
				  load_relaxed(&segment_user(import->old,
							     user_of_inbox(import->old, old_log))
							->inbox_read),
				  user_of_inbox(import->old, old_log)))
		return too_small(import, "--room-bytes or --room-lines",
				 "more unread direct messages for one person");
	for (uint64_t seq = kept; seq < next; seq++)
		copy_line(import, &from, &to, seq, owner);
	/* The end of the last line tells where the next one goes, also where none is kept. */
	if (kept == next)
		copy_line(import, &from, &to, next - 1, owner);
	store_relaxed(&new->next, next);
	store_relaxed(&new->tail, kept);
	return 0;
}

/* ---- slots ---- */

static void carry_topics(const struct room *old, struct room *new)
{
	uint64_t next = load_relaxed(&old->log.next);
	int best = -1;

	for (int i = 0; i < 2; i++) {
		uint64_t seq = load_relaxed(&old->topic[i].seq);

		memcpy(new->topic[i].text, old->topic[i].text, TOPIC_SIZE);
		new->topic[i].text[TOPIC_SIZE - 1] = '\0';
		store_relaxed(&new->topic[i].seq, seq < next ? seq : UINT64_MAX);
		if (seq < next && (best < 0 || seq > load_relaxed(&old->topic[best].seq)))
			best = i;
	}
	/* Older than every line of the new epoch. */
	if (load_relaxed(&new->log.epoch) != load_relaxed(&old->log.epoch)) {
		store_relaxed(&new->topic[0].seq, UINT64_MAX);
		store_relaxed(&new->topic[1].seq, UINT64_MAX);
		if (best >= 0)
			store_relaxed(&new->topic[best].seq, 0);
	}
}

static int carry_rooms(struct import *import)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < import->old->sizes->max_rooms; i++) {
		const struct room *old = &import->old->rooms[i];
		struct room *new = &import->new->rooms[at];
		int err;

		import->room_at[i] = SHM_NONE;
		if (load_relaxed(&old->log.epoch) == 0)
			continue;
		if (load_relaxed(&old->log.made) != 1 ||
		    !slot_name_is_sound(old->log.name, false)) {
			buf_printf(import->error, "room slot %u was damaged and is left out\n", i);
			continue;
		}
		if (at == import->new->sizes->max_rooms)
			return too_small(import, "--max-rooms", "more rooms");
		if (segment_make_body(import->new, at) < 0)
			return out_of_memory(import);
		memcpy(new->log.name, old->log.name, ROOM_SIZE);
		err = carry_log(import, i, at);
		if (err < 0)
			return err;
		carry_topics(old, new);
		carry(new, old, created_wall_ms);
		carry(new, old, idle_since_wall_ms);
		store_relaxed(&new->member_change, 1);
		import->room_at[i] = at++;
	}
	return 0;
}

static int carry_list(struct import *import, uint32_t old_user, uint32_t new_user)
{
	const struct member *old = segment_members(import->old, old_user);
	struct member *new = segment_members(import->new, new_user);
	uint32_t at = 0;

	for (uint32_t i = 0; i < import->old->sizes->rooms_per_user; i++) {
		uint64_t word = load_relaxed(&old[i].word);
		uint64_t slot = word & MEMBER_SLOT_MASK;
		uint64_t was, epoch;
		uint32_t room;

		if (slot == 0 || slot > import->old->sizes->max_rooms ||
		    import->room_at[slot - 1] == SHM_NONE)
			continue;
		if (at == import->new->sizes->rooms_per_user)
			return too_small(import, "--max-rooms-per-user", "more rooms on one list");
		room = import->room_at[slot - 1];
		was = load_relaxed(&import->old->rooms[slot - 1].log.epoch);
		epoch = load_relaxed(&import->new->rooms[room].log.epoch);
		if (was == epoch && (uint32_t)(word >> 32) == (uint32_t)epoch)
			carry(&new[at], &old[i], read);
		store_relaxed(&new[at].word, ((uint64_t)room + 1) | epoch << 32);
		at++;
	}
	return 0;
}

/* A time of this boot for one of the image's. */
static uint64_t moved_mono(const struct import *import, uint64_t then_ms, uint64_t now_ms)
{
	uint64_t age = import->image_mono_ms > then_ms ? import->image_mono_ms - then_ms : 0;

	return then_ms == 0 ? 0 : now_ms > age ? now_ms - age : 1;
}

static int carry_user(struct import *import, uint32_t old_user, uint32_t new_user)
{
	const struct user *old = segment_user(import->old, old_user);
	struct user *new = segment_user(import->new, new_user);
	int err;

	memcpy(new->inbox.name, old->inbox.name, ROOM_SIZE);
	store_relaxed(&new->life, segment_new_epoch(import->new));
	if (!import->used)
		carry(new, old, life);
	carry(new, old, name_serial);
	carry(new, old, last_login_wall_ms);
	store_relaxed(&new->active_mono_ms,
		      moved_mono(import, load_relaxed(&old->active_mono_ms), clock_mono_ms()));
	memcpy(new->away_text, old->away_text, AWAY_SIZE);
	new->away_text[AWAY_SIZE - 1] = '\0';
	store_relaxed(&new->away, load_relaxed(&old->away) == 1);
	store_relaxed(&new->list_change, 1);
	store_relaxed(&new->session_first, SHM_NONE);
	if (!import->used && load_relaxed(&old->inbox.made) == 1 &&
	    segment_make_body(import->new, log_of_inbox(import->new, new_user)) < 0)
		return out_of_memory(import);
	err = carry_log(import, log_of_inbox(import->old, old_user),
			log_of_inbox(import->new, new_user));
	if (err == 0 && load_relaxed(&new->inbox.epoch) == load_relaxed(&old->inbox.epoch))
		carry(new, old, inbox_read);
	if (err == 0)
		err = carry_list(import, old_user, new_user);
	store_relaxed(&new->state, USER_USED);
	return err;
}

/* Where each user goes; first of all, for lines name their senders. */
static int place_users(struct import *import)
{
	uint32_t at = 0;

	for (uint32_t u = 0; u < import->old->sizes->max_users; u++) {
		const struct user *old = segment_user(import->old, u);

		import->user_at[u] = SHM_NONE;
		if (load_relaxed(&old->state) != USER_USED)
			continue;
		if (load_relaxed(&old->inbox.epoch) == 0 || load_relaxed(&old->life) == 0 ||
		    !slot_name_is_sound(old->inbox.name, true)) {
			buf_printf(import->error, "user slot %u was damaged and is left out\n", u);
			continue;
		}
		if (at == import->new->sizes->max_users)
			return too_small(import, "--max-users", "more people");
		import->user_at[u] = at++;
	}
	store_relaxed(&import->new->header->users_high, at);
	return 0;
}

static int carry_users(struct import *import)
{
	int err = 0;

	for (uint32_t u = 0; err == 0 && u < import->old->sizes->max_users; u++) {
		if (import->user_at[u] != SHM_NONE)
			err = carry_user(import, u, import->user_at[u]);
	}
	return err;
}

static uint32_t moved_log(const struct import *import, uint32_t log)
{
	uint32_t user;

	if (!log_is_inbox(import->old, log))
		return import->room_at[log];
	user = import->user_at[user_of_inbox(import->old, log)];
	return user == SHM_NONE ? SHM_NONE : log_of_inbox(import->new, user);
}

/* One that is still open waits for room for its second copy. */
static void carry_intent(const struct import *import, const struct intent *old, struct intent *new)
{
	uint32_t copies = load_relaxed(&old->copies);

	if ((load_relaxed(&old->state) & INTENT_OPEN) == 0)
		return;
	for (uint32_t i = 0; i < copies; i++) {
		uint32_t log = moved_log(import, load_relaxed(&old->copy[i].log));

		if (log == SHM_NONE)
			return;
		store_relaxed(&new->copy[i].log, log);
		carry(&new->copy[i], &old->copy[i], epoch);
		carry(&new->copy[i], &old->copy[i], seq);
	}
	carry(new, old, id_hash);
	carry(new, old, content_hash);
	carry(new, old, copies);
	memcpy(new->id, old->id, ID_SIZE);
	carry(new, old, state);
}

static int carry_windows(struct import *import)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < import->old->sizes->max_devices; i++) {
		struct window *old = &import->old->windows[i];
		struct window *new = &import->new->windows[at];

		if (!slot_window_is_sound(import->old, old) ||
		    import->user_at[load_relaxed(&old->user)] == SHM_NONE)
			continue;
		if (at == import->new->sizes->max_devices)
			return too_small(import, "--max-devices", "more devices");
		carry(new, old, user_epoch);
		carry(new, old, device_hash);
		carry(new, old, used_wall_ms);
		carry(new, old, at);
		memcpy(new->device, old->device, DEVICE_SIZE);
		memcpy(new->last_id, old->last_id, ID_SIZE);
		for (uint32_t e = 0; e < DEDUPE_WINDOW; e++) {
			carry(&new->entry[e], &old->entry[e], id_hash);
			carry(&new->entry[e], &old->entry[e], content_hash);
			carry(&new->entry[e], &old->entry[e], seq);
		}
		carry_intent(import, &old->intent, &new->intent);
		store_relaxed(&new->user, import->user_at[load_relaxed(&old->user)]);
		store_relaxed(&new->state, WINDOW_USED);
		at++;
	}
	return 0;
}

int image_import(const struct image *image, struct shm *shm, struct segment_report *report,
		 struct buf *error)
{
	struct import import = {
		.old = &image->shm,
		.new = shm,
		.used = image->used,
		.image_mono_ms = image->mono_ms,
		.room_at = calloc(image->shm.sizes->max_rooms, sizeof(uint32_t)),
		.user_at = calloc(image->shm.sizes->max_users, sizeof(uint32_t)),
		.report = report,
		.error = error,
	};
	int err = 0;

	if (import.room_at == NULL || import.user_at == NULL) {
		err = -ENOMEM;
		goto out;
	}
	/* Epochs given since a loaded image was saved are not in it: begin somewhere else. */
	if (!image->used)
		carry(shm->header, image->shm.header, epoch_counter);
	err = place_users(&import);
	if (err == 0)
		err = carry_rooms(&import);
	if (err == 0)
		err = carry_users(&import);
	if (err == 0 && !image->used)
		err = carry_windows(&import);
	room_table_rebuild(shm);
	user_table_rebuild(shm);
	if (err == 0 && report->logs_quarantined > 0)
		buf_printf(error, "%u damaged logs were emptied and begin a new epoch\n",
			   report->logs_quarantined);
out:
	free(import.room_at);
	free(import.user_at);
	return err;
}
