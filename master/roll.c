#include "master/roll.h"

#include "base/log.h"
#include "proto/error.h"

#include <errno.h>
#include <string.h>

/* One that was killed is waited for, too; the kernel needs a moment. */
#define KILL_AGAIN_MS 1000u

/* ---- the keyring ---------------------------------------------------------------------- */

static void give_keyring(struct child *child, unsigned slot, int keyring_fd)
{
	struct control_packet packet;
	int err;

	memset(&packet, 0, sizeof(packet));
	packet.kind = CONTROL_KEYRING;
	err = control_send_fd(child->control_fd, &packet, keyring_fd);
	child->keyring_due = true;
	if (err < 0)
		child_kill_late(child, slot, strerror(-err));
}

static bool keyring_is_due(const struct children *children)
{
	for (unsigned i = 0; i < children->count; i++) {
		if (children->child[i].pid != 0 && children->child[i].keyring_due)
			return true;
	}
	return false;
}

static void kill_without_keyring(struct children *children)
{
	for (unsigned i = 0; i < children->count; i++) {
		struct child *child = &children->child[i];

		if (child->pid != 0 && child->keyring_due)
			child_kill_late(child, i, "it doesn't take the new keyring");
	}
}

void roll_begin(struct roll *roll, struct children *children, int keyring_fd, uint64_t now_mono_ms)
{
	*roll = (struct roll){
		.step = ROLL_KEYRING,
		.began_ms = now_mono_ms,
		.by_ms = now_mono_ms + ROLL_ALL_MS,
		.step_until_ms = now_mono_ms + ROLL_KEYRING_MS,
	};
	for (unsigned i = 0; i < children->count; i++) {
		if (children->child[i].pid != 0 && children->child[i].old)
			give_keyring(&children->child[i], i, keyring_fd);
	}
}

bool roll_is_silent(const struct roll *roll)
{
	return roll->step == ROLL_KEYRING;
}

/* ---- one after the other ---------------------------------------------------------------- */

static unsigned count_old(const struct children *children)
{
	unsigned count = 0;

	for (unsigned i = 0; i < children->count; i++)
		count += children->child[i].pid != 0 && children->child[i].old;
	return count;
}

/* Its share of what is left of the time. */
static uint32_t leave_ms(const struct roll *roll, unsigned left, uint64_t now_mono_ms)
{
	uint64_t all = roll->by_ms > now_mono_ms ? roll->by_ms - now_mono_ms : 0;
	uint64_t share = all / left;

	if (share > ROLL_LEAVE_MS)
		return ROLL_LEAVE_MS;
	return share > 0 ? (uint32_t)share : 1;
}

static void send_away(struct roll *roll, struct child *child, unsigned slot, unsigned left,
		      uint64_t now_mono_ms)
{
	struct control_packet packet;
	int err;

	memset(&packet, 0, sizeof(packet));
	packet.kind = CONTROL_DRAIN;
	packet.drain.close_code = CLOSE_RESTART;
	packet.drain.retry_after_ms = ROLL_RETRY_AFTER_MS;
	packet.drain.within_ms = leave_ms(roll, left, now_mono_ms);
	child->ordered = true;
	roll->step = ROLL_LEAVING;
	roll->slot = slot;
	roll->step_until_ms = now_mono_ms + packet.drain.within_ms + ROLL_EXIT_MS;
	err = control_send(child->control_fd, &packet);
	if (err < 0)
		child_kill_late(child, slot, strerror(-err));
}

static void take_next(struct roll *roll, struct children *children, uint64_t now_mono_ms)
{
	unsigned left = count_old(children);

	for (unsigned i = 0; i < children->count; i++) {
		struct child *child = &children->child[i];

		if (child->pid != 0 && child->old) {
			send_away(roll, child, i, left, now_mono_ms);
			return;
		}
	}
	roll->step = ROLL_OVER;
}

static void wait_for_end(struct roll *roll, struct child *child, uint64_t now_mono_ms)
{
	if (child->pid == 0 || !child->old) {
		roll->step = ROLL_COMING;
		roll->replaced++;
	} else if (now_mono_ms >= roll->step_until_ms) {
		child_kill_late(child, roll->slot, "it doesn't end");
		roll->step_until_ms = now_mono_ms + KILL_AGAIN_MS;
	}
}

static void wait_for_successor(struct roll *roll, const struct child *child,
			       const struct children *children)
{
	if (child->given_up) {
		log_error("upgrade stopped", "worker=%u old_workers=%u mend=%s", roll->slot,
			  count_old(children), "the lines above say why; they go on as they are");
		roll->step = ROLL_OVER;
	} else if (child->pid != 0 && child->ready) {
		roll->step = ROLL_NEXT;
	}
}

void roll_advance(struct roll *roll, struct children *children, uint64_t now_mono_ms)
{
	enum roll_step before;

	do {
		before = roll->step;
		switch (roll->step) {
		case ROLL_KEYRING:
			if (!keyring_is_due(children)) {
				/* What was held back comes before anybody is sent away. */
				roll->step = ROLL_NEXT;
				return;
			} else if (now_mono_ms >= roll->step_until_ms) {
				kill_without_keyring(children);
				roll->step_until_ms = now_mono_ms + KILL_AGAIN_MS;
			}
			break;
		case ROLL_NEXT:
			take_next(roll, children, now_mono_ms);
			break;
		case ROLL_LEAVING:
			wait_for_end(roll, &children->child[roll->slot], now_mono_ms);
			break;
		case ROLL_COMING:
			wait_for_successor(roll, &children->child[roll->slot], children);
			break;
		case ROLL_OVER:
			break;
		}
	} while (roll->step != before);
}

uint64_t roll_due_ms(const struct roll *roll)
{
	return roll->step == ROLL_KEYRING || roll->step == ROLL_LEAVING ? roll->step_until_ms
									: UINT64_MAX;
}
