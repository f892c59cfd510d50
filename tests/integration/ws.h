/*
 * A WebSocket client (RFC 6455) of the tests' own, which can also misbehave:
 * unmasked or broken frames, pieces, silence instead of pongs. Blocking, one
 * connection a struct, every wait with a deadline.
 */
#ifndef TESTS_INTEGRATION_WS_H
#define TESTS_INTEGRATION_WS_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ws_opcode {
	WS_CONTINUATION = 0,
	WS_TEXT = 1,
	WS_BINARY = 2,
	WS_CLOSE = 8,
	WS_PING = 9,
	WS_PONG = 10
};

enum ws_event {
	WS_EVENT_TEXT,
	WS_EVENT_BINARY,
	WS_EVENT_PING, /* already answered, unless `mute` */
	WS_EVENT_PONG,
	WS_EVENT_CLOSED, /* see close_code */
	WS_EVENT_TIMEOUT
};

struct ws_request {
	unsigned port;
	const char *path;     /* NULL: /ws */
	const char *protocol; /* NULL: chat.v1; "": the header is left out */
	const char *headers;  /* further lines, each ended by CRLF; NULL: none */
	const char *source;   /* the address to come from, NULL: any */
	int receive_bytes;    /* SO_RCVBUF, 0: the default */
	const char *to;       /* the address to connect to, NULL: 127.0.0.1 */
	bool tls;             /* any certificate will do */
	const void *preface;  /* sent before all else; NULL: nothing */
	size_t preface_len;
	bool preface_slow; /* in pieces, so that the server is woken by each */
};

struct ws {
	int fd;
	void *ssl; /* with TLS: the SSL and its SSL_CTX */
	void *ssl_ctx;
	int status;        /* of the upgrade: 101 */
	char protocol[32]; /* what the server chose, "" if none */
	struct buf in;     /* received, not yet taken apart */
	struct buf pieces; /* of a fragmented message */
	int pieces_opcode;
	bool mute;      /* pings stay unanswered */
	unsigned pongs; /* received */
	bool closed;
	int close_code; /* 1006: without a close frame, 1005: one without a code */
	char close_reason[124];
};

/* Connects and upgrades: true if the answer was 101. `status` is set in any case (0: none came). */
bool ws_open(struct ws *ws, const struct ws_request *request);
/* Connects only, for requests of the caller's making: true if somebody listens. */
bool ws_dial(struct ws *ws, const struct ws_request *request);
/* Closes the socket without a word. */
void ws_drop(struct ws *ws);

/* One whole frame; false once the server has gone. */
bool ws_send(struct ws *ws, enum ws_opcode opcode, const void *payload, size_t len);
/* A frame of the caller's making: fin, any opcode, masked or not, a declared length of its own. */
struct ws_frame {
	bool fin;
	bool unmasked;
	int opcode;
	const void *payload;
	size_t len;
	uint64_t declared; /* 0: len */
};
bool ws_send_frame(struct ws *ws, const struct ws_frame *frame);
bool ws_send_raw(struct ws *ws, const void *bytes, size_t len);

/* The next event; a text or binary message replaces *ret_payload. */
enum ws_event ws_receive(struct ws *ws, unsigned patience_ms, struct buf *ret_payload);

/* An HTTP request without upgrade: the status (0: no answer) and the body. */
int http_get(unsigned port, const char *path, struct buf *ret_body);

#endif
