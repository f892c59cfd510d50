/*
 * The errors of the wire. Rows are in errors.def; a function that decides what a
 * client is told returns one of these, PROTO_OK for "go on".
 */
#ifndef PROTO_ERROR_H
#define PROTO_ERROR_H

#include <stdbool.h>

enum proto_error {
	PROTO_OK = 0,
#define ERROR(code, close, message) ERR_##code,
#include "proto/errors.def"
#undef ERROR
	PROTO_ERRORS /* how many, PROTO_OK included */
};

/* Close codes that are not an error's own (RFC 6455 §7.4.1 and the 4000s of docs/protocol.md). */
enum close_code {
	CLOSE_NORMAL = 1000,
	CLOSE_GOING_AWAY = 1001,
	CLOSE_UNSUPPORTED = 1003,
	CLOSE_BAD_UTF8 = 1007,
	CLOSE_TOO_BIG = 1009,
	CLOSE_RESTART = 1012,
	CLOSE_PROTOCOL = 4000,
	CLOSE_AUTH = 4001,
	CLOSE_LIMITS = 4002,
	CLOSE_KICKED = 4003
};

/* The word on the wire: "bad_json". Not for PROTO_OK. */
const char *error_code(enum proto_error error);
/* The default text for people. Not for PROTO_OK. */
const char *error_message(enum proto_error error);
/* The close code of a fatal error; 0: the connection stays. */
unsigned error_close(enum proto_error error);
bool error_is_fatal(enum proto_error error);
/* Finds an error by its code: PROTO_OK if there is none. */
enum proto_error error_find(const char *code);

#endif
