/*
 * What went wrong with a connection, in words that say what to do. All append cleaned text.
 */
#ifndef CLIENT_TROUBLE_H
#define CLIENT_TROUBLE_H

#include "base/buf.h"
#include "client/session.h"
#include "client/transport.h"

/* No connection came about: returns the exit status for it. */
int trouble_connect(const char *host, unsigned port, const struct transport_end *end,
		    struct buf *out);
/* The server does not want us. */
void trouble_give_up(const struct session_loss *loss, const struct transport_end *end,
		     struct buf *out);
/* The connection is lost, and we were told not to come back. */
void trouble_lost(const struct session_loss *loss, const struct transport_end *end,
		  struct buf *out);

#endif
