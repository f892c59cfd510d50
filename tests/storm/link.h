/*
 * A WebSocket to the server that never blocks: hundreds of them in one epoll loop.
 *
 *	link_open -> link_event at each event of the socket -> lines to link->on_line
 *	          -> false: it is over, see close_code; link_close
 */
#ifndef TESTS_STORM_LINK_H
#define TESTS_STORM_LINK_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

enum link_state { LINK_CLOSED, LINK_CONNECTING, LINK_UPGRADING, LINK_OPEN };

struct link {
	int fd; /* -1: closed */
	enum link_state state;
	int epoll_fd;
	unsigned close_code; /* 1006: it ended without a close frame */
	bool wants_out;
	struct buf in, out;
	struct buf pieces; /* of a fragmented message */
	void (*on_line)(void *data, const char *line, size_t len);
	void *data;
};

/* epoll's data.ptr is the link. False: not even a socket. */
bool link_open(struct link *link, unsigned port);
bool link_event(struct link *link, uint32_t events);
/* Lines, each ended by '\n' or not: one text frame. */
void link_send(struct link *link, const char *text, size_t len);
/* `reset`: with RST, so that what is under way is lost in both directions. */
void link_close(struct link *link, bool reset);
void link_finish(struct link *link);

#endif
