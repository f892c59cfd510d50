/*
 * The common line, read without a tree of values:
 *
 *	{"type":"message","id":"k3v9-17","room":"ops","content":"deployed"}
 *
 * It takes only what is right in every respect and has no other fields than these, `recipient` and
 * `sender`, all strings, without \u escapes. Whatever else comes it leaves to jansson, which also
 * says what is wrong: so there is one reader whose word counts, and this one must agree with it
 * (tests/fuzz/fuzz_message.c holds both against each other).
 */
#ifndef PROTO_MESSAGE_QUICK_H
#define PROTO_MESSAGE_QUICK_H

#include "proto/message.h"
#include "proto/message_fields.h"

/*
 * `content_chars`: the most that content may have. True: *ret_message is a whole MSG_message, its
 * texts in the arena. False: nothing is said about the line, and the arena may have been written
 * to.
 */
bool message_quick(struct arena *arena, size_t content_chars, const char *line, size_t len,
		   struct message *ret_message);

#endif
