#include "client/utf8.h"

#include <wchar.h>

/* How many bytes the first one announces, and the smallest character that needs them. */
static size_t announced(uint8_t first, uint32_t *ret_bits, uint32_t *ret_least)
{
	if (first < 0x80) {
		*ret_bits = first;
		*ret_least = 0;
		return 1;
	}
	if (first >= 0xc2 && first < 0xe0) {
		*ret_bits = first & 0x1fu;
		*ret_least = 0x80;
		return 2;
	}
	if (first >= 0xe0 && first < 0xf0) {
		*ret_bits = first & 0x0fu;
		*ret_least = 0x800;
		return 3;
	}
	if (first >= 0xf0 && first < 0xf5) {
		*ret_bits = first & 0x07u;
		*ret_least = 0x10000;
		return 4;
	}
	return 0;
}

size_t utf8_decode(const char *text, size_t len, uint32_t *ret_character)
{
	uint32_t character = 0, least = 0;
	size_t need = announced((uint8_t)text[0], &character, &least);

	*ret_character = UTF8_INVALID;
	if (need == 0)
		return 1;
	for (size_t i = 1; i < need; i++) {
		if (i >= len || ((uint8_t)text[i] & 0xc0) != 0x80)
			return i;
		character = character << 6 | ((uint8_t)text[i] & 0x3fu);
	}
	if (character < least || character > 0x10ffff ||
	    (character >= 0xd800 && character <= 0xdfff))
		return need;
	*ret_character = character;
	return need;
}

size_t utf8_encode(uint32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

size_t utf8_before(const char *text, size_t at)
{
	size_t len = 1;

	while (len < 4 && len < at && ((uint8_t)text[at - len] & 0xc0) == 0x80)
		len++;
	return len;
}

unsigned utf8_width(uint32_t character)
{
	int width;

	if (character < 0x20 || character == 0x7f)
		return 0;
	if (character < 0x7f)
		return 1;
	width = wcwidth((wchar_t)character);
	return width < 0 ? 1 : (unsigned)width;
}

size_t utf8_columns(const char *text, size_t len)
{
	size_t columns = 0;

	for (size_t at = 0; at < len;) {
		uint32_t character;

		at += utf8_decode(text + at, len - at, &character);
		columns += utf8_width(character);
	}
	return columns;
}
