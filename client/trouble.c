#include "client/trouble.h"

#include "client/clean.h"
#include "client/client.h"

#include <errno.h>
#include <string.h>

static void put_elsewhere(const char *host, struct buf *out)
{
	clean_append_str(out, host, CLEAN_LINE);
	buf_append_str(out,
		       " names another machine here, and a connection by that name is not "
		       "encrypted: anyone on the way could read and change what is said.\n"
		       "Dial the machine by its own name; or, where you trust the network, give "
		       "--insecure.");
}

static void put_words(struct buf *out, const char *before, const char *words, const char *after)
{
	if (!words || !words[0])
		return;
	buf_append_str(out, before);
	clean_append_str(out, words, CLEAN_LINE);
	buf_append_str(out, after);
}

int trouble_connect(const char *host, unsigned port, const struct transport_end *end,
		    struct buf *out)
{
	struct buf name = BUF_INIT;
	const char *at;
	int status = EXIT_STATUS_NETWORK;

	clean_append_str(&name, host, CLEAN_LINE);
	at = name.data ? name.data : "";
	if (end->answered && end->tls) {
		buf_printf(out, "something answers on %s port %u, but no TLS connection came about",
			   at, port);
		put_words(out, " (", end->reason, ")");
	} else if (end->answered) {
		buf_printf(out,
			   "something answers on %s port %u, but it does not speak this "
			   "protocol",
			   at, port);
		put_words(out, " (", end->reason, ")");
	} else if (end->error == -ECONNREFUSED) {
		buf_printf(out, "connection refused: is chat-master running on %s port %u?", at,
			   port);
	} else if (end->error == -ENXIO) {
		buf_printf(out, "cannot find %s", at);
		put_words(out, ": ", end->reason, "");
	} else if (end->error == -EPERM) {
		put_elsewhere(host, out);
		status = EXIT_STATUS_USAGE;
	} else if (end->error == -ETIMEDOUT) {
		buf_printf(out, "no answer from %s port %u", at, port);
		status = EXIT_STATUS_TIMEOUT;
	} else {
		buf_printf(out, "cannot connect to %s port %u", at, port);
		put_words(out, ": ", end->error < 0 ? strerror(-end->error) : end->reason, "");
	}
	buf_finish(&name);
	return status;
}

static void put_reason(const struct session_loss *loss, const struct transport_end *end,
		       struct buf *out)
{
	if (loss->message[0])
		put_words(out, ": ", loss->message, "");
	else if (loss->code[0])
		put_words(out, ": ", loss->code, "");
	else
		put_words(out, ": ", end->reason, "");
}

void trouble_give_up(const struct session_loss *loss, const struct transport_end *end,
		     struct buf *out)
{
	buf_append_str(out, loss->in_login ? "the server ended the log-in"
					   : "the server ended the connection");
	if (!loss->message[0] && !loss->code[0] && !end->reason[0])
		buf_printf(out, " (close code %u)", end->close_code);
	put_reason(loss, end, out);
}

void trouble_lost(const struct session_loss *loss, const struct transport_end *end, struct buf *out)
{
	buf_append_str(out, loss->in_login ? "the connection was lost before the log-in was done"
					   : "the connection was lost");
	put_reason(loss, end, out);
}
