/*
 * Programs that read and write lines.
 *
 *	to it    "alice: text", exactly one line for each message; or JSON (input = json)
 *	from it  each line is a message
 */
#ifndef AGENTS_LINES_H
#define AGENTS_LINES_H

#include "base/buf.h"
#include "proto/text.h"

struct lines_message {
	const char *room, *sender;
	struct text content;
	uint64_t seq;
};

/*
 * The line with its LF. Every control character, U+2028 and U+2029 become a blank, for what
 * looks like a second line could be a second speaker.
 */
void lines_text(struct buf *out, const struct lines_message *message);
/* {"room":...,"seq":...,"sender":...,"content":...}: there they are escaped. */
void lines_json(struct buf *out, const struct lines_message *message);

/*
 * What a program wrote as text that may be sent: valid UTF-8, no escape sequences, of control
 * characters newline and tab only; blanks at its end are cut.
 */
void lines_clean(struct buf *out, const char *bytes, size_t len);

#endif
