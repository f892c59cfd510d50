/*
 * Text from and for the wire: UTF-8 with a length, and the rules about what
 * people may send each other.
 */
#ifndef PROTO_TEXT_H
#define PROTO_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes, NUL-terminated (the NUL is not counted, and none is inside). Absent: "" and 0. */
struct text {
	const char *str;
	size_t len;
};

#define TEXT_NONE ((struct text){.str = "", .len = 0})
#define TEXT(literal) ((struct text){.str = (literal), .len = sizeof(literal) - 1})

struct text text_from(const char *str);
bool text_equals(struct text text, const char *str);

/*
 * Takes the character at the start of bytes[0..len), len > 0: how many bytes it has,
 * or 0 if there is no valid one (RFC 3629: see text_is_utf8).
 */
size_t text_next(const char *bytes, size_t len, uint32_t *ret_character);
/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool text_is_utf8(const char *bytes, size_t len);
/* Characters (code points) of valid UTF-8. */
size_t text_characters(struct text text);
/* True if nothing in it can be seen: empty, or white space and zero-width characters only. */
bool text_is_blank(struct text text);
/*
 * True if it holds a character nobody may send to others: C0, DEL, C1; where
 * `lines` is set, newline and tab are fine.
 */
bool text_has_controls(struct text text, bool lines);

#endif
