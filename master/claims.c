#include "master/claims.h"

#include "base/fd.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint32_t verdict_of(enum name_answer answer)
{
	switch (answer) {
	case NAME_GRANTED:
		return CONTROL_GRANTED;
	case NAME_TAKEN:
		return CONTROL_TAKEN;
	case NAME_LIMIT:
		return CONTROL_LIMIT;
	}
	return CONTROL_UNAVAILABLE;
}

static void decide(const struct child *child, unsigned slot, const struct control_packet *packet,
		   struct keys *keys)
{
	static const char *const words[] = {"granted", "taken", "limit", "unavailable"};
	struct control_packet reply;
	enum name_answer answer = NAME_TAKEN;
	bool passed = false;
	int err = keys_claim(keys, &packet->claim, &answer, &passed);

	memset(&reply, 0, sizeof(reply));
	reply.kind = CONTROL_CLAIMED;
	reply.request = packet->request;
	reply.claimed.verdict = err < 0 ? CONTROL_UNAVAILABLE : verdict_of(answer);
	reply.claimed.passed = err == 0 && passed;
	log_info("name claimed", "user=%s kind=%s verdict=%s passed=%s", packet->claim.name,
		 name_kind_text((enum name_kind)packet->claim.kind), words[reply.claimed.verdict],
		 reply.claimed.passed ? "yes" : "no");
	if (err < 0)
		log_error("name not written", "user=%s error=%s", packet->claim.name,
			  strerror(-err));
	err = control_send(child->control_fd, &reply);
	/* It gives up by itself after a while; the name is its client's all the same. */
	if (err < 0)
		log_warn("claim not answered", "worker=%u error=%s", slot, strerror(-err));
}

/* The process is named, too: the slot's next one asks in its own name. */
struct claim_held {
	pid_t pid;
	unsigned slot;
	struct control_packet packet;
};

/* One that can't be held isn't answered: its worker says `unavailable` after a while. */
static void hold_claim(struct claims_held *held, const struct child *child, unsigned slot,
		       const struct control_packet *packet)
{
	struct claim_held *list = NULL;

	if (held->count < (size_t)CONTROL_CLAIMS_MAX * WORKERS_MAX)
		list = realloc(held->list, (held->count + 1) * sizeof(*list));
	if (list == NULL) {
		log_warn("claim not held", "worker=%u user=%s", slot, packet->claim.name);
		return;
	}
	held->list = list;
	held->list[held->count++] =
		(struct claim_held){.pid = child->pid, .slot = slot, .packet = *packet};
}

void claims_release(struct claims_held *held, struct children *children, struct keys *keys)
{
	for (size_t i = 0; i < held->count; i++) {
		const struct claim_held *claim = &held->list[i];
		const struct child *child = &children->child[claim->slot];

		if (child->pid == claim->pid && child->control_fd >= 0)
			decide(child, claim->slot, &claim->packet, keys);
	}
	claims_drop(held);
}

void claims_drop(struct claims_held *held)
{
	free(held->list);
	*held = (struct claims_held){.count = 0};
}

void claims_receive(struct child *child, unsigned slot, struct keys *keys, struct claims_held *hold)
{
	struct control_packet packet;
	int got = 1;

	/* At most as many as may be under way: then the others have their turn. */
	for (unsigned i = 0; i < CONTROL_CLAIMS_MAX && got > 0; i++) {
		got = control_read(child->control_fd, &packet);
		if (got <= 0)
			break;
		switch (packet.kind) {
		case CONTROL_CLAIM:
			if (hold != NULL)
				hold_claim(hold, child, slot, &packet);
			else
				decide(child, slot, &packet, keys);
			break;
		case CONTROL_KEYRING:
			child->keyring_due = false;
			break;
		case CONTROL_READY:
			child->ready = true;
			/* The first one is from before it met anybody. */
			if (!child->reported)
				child->walls = packet.walls;
			child->reported = true;
			log_debug("worker ready", "worker=%u", slot);
			break;
		case CONTROL_STOPPED:
			child->ready = false;
			break;
		default: /* well formed, but no worker says that */
			got = -EBADMSG;
		}
	}
	if (got == -EBADMSG)
		child_distrust(child, slot);
	/* The end of it comes before the SIGCHLD, or the worker can't be heard any more. */
	if (got < 0) {
		fd_close(&child->control_fd);
		child->keyring_due = false;
	}
}
