/*
 * Is a text that comes in pieces valid UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing
 * above U+10FFFF)? The answer is given at the first byte that no valid text can have there.
 *
 *	struct utf8 text = {0};
 *
 *	utf8_take(&text, piece, len)           for each piece: false at once if it is invalid
 *	utf8_is_whole(&text)                   after the last one: false inside a character
 */
#ifndef WORKER_UTF8_H
#define WORKER_UTF8_H

#include <stdbool.h>
#include <stddef.h>

struct utf8 {
	unsigned char left;      /* bytes the character still lacks */
	unsigned char low, high; /* what the next of them may be, where left > 0 */
};

/* After false the state is of no use: zero it for another text. */
bool utf8_take(struct utf8 *text, const char *bytes, size_t len);
bool utf8_is_whole(const struct utf8 *text);

#endif
