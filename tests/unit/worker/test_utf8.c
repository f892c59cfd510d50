#include "worker/utf8.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(utf8);

/* Our own reading of the table in RFC 3629 §4, by decoding instead of by ranges. */
static bool is_character(const unsigned char *b, size_t len)
{
	static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned value;

	if (len == 1)
		return b[0] < 0x80;
	if ((unsigned)b[0] >> (7 - len) != (1u << (len + 1)) - 2)
		return false;
	value = b[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if (b[i] >> 6 != 2)
			return false;
		value = value << 6 | (b[i] & 0x3fu);
	}
	return value >= least[len] && value <= 0x10ffff && (value < 0xd800 || value > 0xdfff);
}

static bool is_text(const unsigned char *bytes, size_t len)
{
	while (len > 0) {
		size_t n = 1;

		while (n <= 4 && (n > len || !is_character(bytes, n)))
			n++;
		if (n > 4)
			return false;
		bytes += n;
		len -= n;
	}
	return true;
}

static bool takes(const unsigned char *bytes, size_t len)
{
	struct utf8 text = {0};

	return utf8_take(&text, (const char *)bytes, len) && utf8_is_whole(&text);
}

Test(utf8, agrees_with_a_decoder_on_every_two_bytes_and_on_three_and_four_at_the_edges)
{
	static const unsigned char edges[] = {0,    'a',  0x7f, 0x80, 0x8f, 0x90,
					      0x9f, 0xa0, 0xbf, 0xc2, 0xe0, 0xff};

	for (unsigned first = 0; first < 256; first++) {
		for (unsigned second = 0; second < 256; second++) {
			unsigned char b[4] = {(unsigned char)first, (unsigned char)second};

			cr_assert_eq(takes(b, 2), is_text(b, 2), "%02x %02x", first, second);
			for (size_t i = 0; i < sizeof(edges) * sizeof(edges); i++) {
				b[2] = edges[i / sizeof(edges)];
				b[3] = edges[i % sizeof(edges)];
				cr_assert_eq(takes(b, 3), is_text(b, 3), "%02x %02x %02x", first,
					     second, b[2]);
				cr_assert_eq(takes(b, 4), is_text(b, 4), "%02x %02x %02x %02x",
					     first, second, b[2], b[3]);
			}
		}
	}
}

Test(utf8, says_the_same_however_the_text_is_cut)
{
	const char *valid = "plain text, long enough \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 end";
	const char *invalid = "plain text, long enough \xc3\xa4 \xed\xa0\x80 end of it";

	for (size_t cut = 0; cut <= strlen(valid); cut++) {
		struct utf8 text = {0};

		cr_assert(utf8_take(&text, valid, cut));
		cr_assert(utf8_take(&text, valid + cut, strlen(valid) - cut));
		cr_assert(utf8_is_whole(&text));
	}
	for (size_t cut = 0; cut <= strlen(invalid); cut++) {
		struct utf8 text = {0};

		cr_assert_not(utf8_take(&text, invalid, cut) &&
				      utf8_take(&text, invalid + cut, strlen(invalid) - cut),
			      "cut at %zu", cut);
	}
}

Test(utf8, refuses_at_the_first_byte_that_cannot_be)
{
	struct utf8 text = {0};

	cr_assert(utf8_take(&text, "\xf4", 1));
	cr_assert_not(utf8_is_whole(&text));
	cr_assert_not(utf8_take(&text, "\x90", 1));
}
