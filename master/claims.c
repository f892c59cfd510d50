#include "master/claims.h"

#include "base/fd.h"
#include "base/log.h"

#include <errno.h>
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

void claims_receive(struct child *child, unsigned slot, struct keys *keys)
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
			decide(child, slot, &packet, keys);
			break;
		case CONTROL_READY:
			child->ready = true;
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
	if (got < 0)
		fd_close(&child->control_fd);
}
