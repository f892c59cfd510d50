/* What an agent's process writes, as far as it may speak; and its end. */
#include "agents/seat.h"

#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Whole lines one by one, so that it can be stopped between two. False: it has to be quiet. */
static bool pass_on(struct seat *seat, uint64_t now_ms)
{
	size_t at = 0;

	while (at < seat->unread.len && seat_quiet_until(seat, now_ms) == 0) {
		const char *from = seat->unread.data + at;
		const char *lf = memchr(from, '\n', seat->unread.len - at);
		size_t len = lf != NULL ? (size_t)(lf - from) + 1 : seat->unread.len - at;

		at += len;
		agent_output(&seat->agent, from, len, now_ms);
	}
	buf_consume(&seat->unread, at);
	return seat->unread.len == 0;
}

/* False: that was all there is for now, or for ever. */
static bool read_some(int *fd, struct buf *out)
{
	char *to = buf_reserve(out, 65536);
	ssize_t got = to != NULL ? read(*fd, to, 65536) : -1;

	if (got > 0) {
		out->len += (size_t)got;
		out->data[out->len] = '\0';
		return true;
	}
	if (got == 0 || (to != NULL && errno != EAGAIN && errno != EINTR)) {
		close(*fd);
		*fd = -1;
	}
	return false;
}

/* Of what it leaves behind when it is gone, so much is said. */
#define LAST_LINES 100u

static void listen_to_last_words(struct seat *seat, uint64_t now_ms)
{
	const char *at, *lf;

	while (seat->child.out_fd >= 0 && seat->unread.len < (1u << 20) &&
	       read_some(&seat->child.out_fd, &seat->unread))
		;
	at = seat->unread.data;
	for (unsigned i = 0; at != NULL && i < LAST_LINES; i++, at = lf + 1) {
		lf = strchr(at, '\n');
		if (lf == NULL)
			break;
		agent_output(&seat->agent, at, (size_t)(lf - at) + 1, now_ms);
	}
	buf_reset(&seat->unread);
}

void seat_listen(struct seat *seat, uint64_t now_ms)
{
	struct child_process *child = &seat->child;
	struct buf errors = BUF_INIT;
	pid_t before = child->program;
	bool ended = child_hear(child);
	int status;

	if (child->program != before)
		log_info("agent started", "agent=%s pid=%d guard=%d", seat->agent.config->name,
			 (int)child->program, (int)child->guard);
	child_flush(child);
	while (child->err_fd >= 0 && errors.len < 65536 && read_some(&child->err_fd, &errors))
		;
	if (errors.len > 0)
		agent_errors(&seat->agent, errors.data, errors.len);
	buf_finish(&errors);
	if (pass_on(seat, now_ms) && child->out_fd >= 0 && read_some(&child->out_fd, &seat->unread))
		pass_on(seat, now_ms);
	if (!ended)
		return;
	listen_to_last_words(seat, now_ms);
	status = child->status;
	child_finish(child);
	agent_exited(&seat->agent, status, now_ms);
}
