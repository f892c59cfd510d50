/*
 * What one master leaves to the next over an exec: a list of names with texts, numbers and
 * descriptors, as lines in a sealed memfd whose number stands in the environment.
 *
 *	roomkey handover 1          the old one                  the new one
 *	text instance ops           handover_begin               handover_read
 *	number child.0.pid 4711     handover_give_*              handover_take_*
 *	fd segment 5                handover_seal                handover_finish: closes what
 *	end                         handover_keep_open(true)       nobody has taken
 *	                            exec
 *
 * A name that the other side doesn't know hurts nobody: so either may be the newer one. Descriptors
 * are close-on-exec but for the moment of the exec itself.
 */
#ifndef MASTER_HANDOVER_H
#define MASTER_HANDOVER_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define HANDOVER_ENV "ROOMKEY_HANDOVER"
/* 64 doorbells with two ends, 48 workers on 7 addresses, their control sockets, and more. */
#define HANDOVER_FDS_MAX 1024u

struct handover_fd {
	int fd;
	bool taken;
};

struct handover {
	struct buf text; /* owned: the lines */
	struct handover_fd fds[HANDOVER_FDS_MAX];
	unsigned fd_count;
	bool too_many;
};

/* ---- the old master. What is given stays the caller's; it has to live until the exec. */

void handover_begin(struct handover *handover);
void handover_give_text(struct handover *handover, const char *name, const char *text);
void handover_give_number(struct handover *handover, const char *name, uint64_t number);
/* -1 is given as nothing. */
void handover_give_fd(struct handover *handover, const char *name, int fd);
/* The memfd with all that was given: 0 and *ret_fd (close-on-exec), or -errno. */
int handover_seal(struct handover *handover, int *ret_fd);
/* All that was given stays open over an exec, or doesn't any more. 0 or -errno. */
int handover_keep_open(const struct handover *handover, bool keep);

/* ---- the new one */

/* -EBADMSG: no whole handover in this version's form, or one that somebody could still write to. */
int handover_read(int fd, struct handover *ret_handover);
/* The text, owned by the caller: 0, -ENOENT or -ENOMEM. */
int handover_take_text(const struct handover *handover, const char *name, struct buf *ret_text);
/* 0, -ENOENT, or -EBADMSG: it isn't one. */
int handover_take_number(const struct handover *handover, const char *name, uint64_t *ret_number);
/*
 * The descriptor, close-on-exec again and the caller's from now on: 0, -ENOENT (also for one that
 * was taken), -EBADMSG: it isn't open, or -errno.
 */
int handover_take_fd(struct handover *handover, const char *name, int *ret_fd);
/* Each name below `prefix` with its text. */
void handover_each(const struct handover *handover, const char *prefix,
		   void (*each)(void *data, const char *name, const char *text), void *data);
/*
 * Frees it. Of one that was read, the descriptors that nobody has taken are closed with
 * `close_rest`.
 */
void handover_finish(struct handover *handover, bool close_rest);

#endif
