#include "proto/text.h"

#include <string.h>

struct text text_from(const char *str)
{
	return (struct text){.str = str, .len = strlen(str)};
}

bool text_equals(struct text text, const char *str)
{
	return strlen(str) == text.len && memcmp(text.str, str, text.len) == 0;
}

size_t text_next(const char *bytes, size_t len, uint32_t *ret_character)
{
	const unsigned char *at = (const unsigned char *)bytes;
	uint32_t character, least;
	size_t size;

	if (at[0] < 0x80) {
		*ret_character = at[0];
		return 1;
	}
	if ((at[0] & 0xe0) == 0xc0) {
		size = 2;
		character = at[0] & 0x1fu;
		least = 0x80;
	} else if ((at[0] & 0xf0) == 0xe0) {
		size = 3;
		character = at[0] & 0x0fu;
		least = 0x800;
	} else if ((at[0] & 0xf8) == 0xf0) {
		size = 4;
		character = at[0] & 0x07u;
		least = 0x10000;
	} else {
		return 0;
	}
	if (size > len)
		return 0;
	for (size_t i = 1; i < size; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (at[i] & 0x3fu);
	}
	if (character < least || character > 0x10ffff ||
	    (character >= 0xd800 && character <= 0xdfff))
		return 0;
	*ret_character = character;
	return size;
}

bool text_is_utf8(const char *bytes, size_t len)
{
	uint32_t character;

	for (size_t at = 0, size; at < len; at += size) {
		size = text_next(bytes + at, len - at, &character);
		if (size == 0)
			return false;
	}
	return true;
}

size_t text_characters(struct text text)
{
	size_t count = 0;

	for (size_t i = 0; i < text.len; i++)
		count += ((unsigned char)text.str[i] & 0xc0) != 0x80;
	return count;
}

/* Unicode's White_Space beyond ASCII, and the characters of no width people paste along. */
static bool is_blank(uint32_t character)
{
	switch (character) {
	case 0x00a0:
	case 0x00ad: /* soft hyphen */
	case 0x1680:
	case 0x2028:
	case 0x2029:
	case 0x202f:
	case 0x205f:
	case 0x2060: /* word joiner */
	case 0x3000:
	case 0xfeff: /* byte order mark */
		return true;
	default:
		/* 0x2000 on: spaces by width, zero-width space and joiners, direction marks. */
		return character <= ' ' || character == 0x0085 ||
		       (character >= 0x2000 && character <= 0x200f);
	}
}

bool text_is_blank(struct text text)
{
	uint32_t character;

	for (size_t at = 0, size; at < text.len; at += size) {
		size = text_next(text.str + at, text.len - at, &character);
		if (size == 0 || !is_blank(character))
			return false;
	}
	return true;
}

bool text_has_controls(struct text text, bool lines)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.str[i];

		if (byte == 0x7f || (byte < ' ' && !(lines && (byte == '\n' || byte == '\t'))))
			return true;
		/* C1, U+0080 to U+009F, is 0xc2 and a byte below 0xa0. */
		if (byte == 0xc2 && i + 1 < text.len && (unsigned char)text.str[i + 1] < 0xa0)
			return true;
	}
	return false;
}
