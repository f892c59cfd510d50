#include "client/clean.h"

#include "client/utf8.h"

#include <stdbool.h>
#include <string.h>

#define ZERO_WIDTH_NON_JOINER 0x200cu
#define ZERO_WIDTH_JOINER 0x200du
#define TEXT_VARIATION 0xfe0eu
#define EMOJI_VARIATION 0xfe0fu

/* Characters that show nothing, or change the order in which others show. */
static const struct {
	uint32_t from, to;
} hidden[] = {
	{0x00ad, 0x00ad},   /* soft hyphen */
	{0x034f, 0x034f},   /* combining grapheme joiner */
	{0x061c, 0x061c},   /* Arabic letter mark */
	{0x115f, 0x1160},   /* Hangul fillers */
	{0x17b4, 0x17b5},   /* Khmer inherent vowels */
	{0x180b, 0x180f},   /* Mongolian selectors and vowel separator */
	{0x200b, 0x200b},   /* zero-width space */
	{0x200e, 0x200f},   /* left-to-right and right-to-left mark */
	{0x2028, 0x202e},   /* separators, embeddings, overrides */
	{0x2060, 0x206f},   /* word joiner, invisible operators, isolates */
	{0x3164, 0x3164},   /* Hangul filler */
	{0xfdd0, 0xfdef},   /* no characters */
	{0xfe00, 0xfe0d},   /* variation selectors but those for text and emoji */
	{0xfeff, 0xfeff},   /* byte order mark */
	{0xffa0, 0xffa0},   /* Hangul filler */
	{0xfff0, 0xfffb},   /* unassigned, interlinear annotation */
	{0x13430, 0x13455}, /* hieroglyph format controls */
	{0x1bca0, 0x1bca3}, /* shorthand format controls */
	{0x1d173, 0x1d17a}, /* musical format controls */
	{0xe0000, 0xe0fff}, /* tags, selectors supplement */
};

static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

static bool is_hidden(uint32_t c)
{
	if ((c & 0xfffe) == 0xfffe) /* the last two of each plane are no characters */
		return true;
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		if (c >= hidden[i].from && c <= hidden[i].to)
			return true;
	}
	return false;
}

static bool joins_after(uint32_t previous)
{
	return previous >= 0x1f000 || previous == 0xfe0f ||
	       (previous >= 0x2190 && previous < 0x2c00);
}

static bool spells_with_non_joiner(uint32_t previous)
{
	return previous >= 0x0600 && previous < 0x1000;
}

/* Text or emoji? Asked of a keycap's digit, of (c) and (r), and of symbols. */
static bool has_variations(uint32_t previous)
{
	return (previous >= '0' && previous <= '9') || previous == '#' || previous == '*' ||
	       previous == 0xa9 || previous == 0xae ||
	       (previous >= 0x2010 && previous != 0xfe0e && previous != 0xfe0f);
}

/* May this character be shown behind that one? */
static bool is_shown(uint32_t c, uint32_t previous)
{
	if (is_control(c) || is_hidden(c))
		return false;
	if (c == ZERO_WIDTH_JOINER)
		return joins_after(previous);
	if (c == ZERO_WIDTH_NON_JOINER)
		return spells_with_non_joiner(previous);
	if (c == TEXT_VARIATION || c == EMOJI_VARIATION)
		return has_variations(previous);
	return true;
}

void clean_append(struct buf *out, const char *text, size_t len, enum clean_form form)
{
	uint32_t previous = 0;
	unsigned marks = 0;

	for (size_t at = 0; at < len;) {
		uint32_t c;
		char bytes[4];

		at += utf8_decode(text + at, len - at, &c);
		if (c == '\n' || c == '\t') {
			if (form == CLEAN_LINE)
				c = ' ';
		} else if (form == CLEAN_SEND ? is_control(c) : !is_shown(c, previous)) {
			continue;
		}
		if (c == '\n' || utf8_width(c) > 0)
			marks = 0;
		else if (form != CLEAN_SEND && c != '\t' && marks++ >= CLEAN_MARKS_MAX)
			continue;
		buf_append(out, bytes, utf8_encode(c, bytes));
		previous = c;
	}
}

void clean_append_str(struct buf *out, const char *text, enum clean_form form)
{
	if (text)
		clean_append(out, text, strlen(text), form);
}
