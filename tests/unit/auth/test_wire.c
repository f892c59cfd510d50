/* auth/wire and auth/base64: the two encodings that strangers send. */
#include "auth/base64.h"
#include "auth/wire.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

Test(wire, a_string_longer_than_what_is_left_is_refused_and_moves_nothing)
{
	static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 'a', 'b'};
	static const uint8_t plus_one[] = {0, 0, 0, 3, 'a', 'b'};
	struct wire_reader r = wire_reader(huge, sizeof(huge));
	struct wire_bytes bytes;

	cr_expect_eq(wire_get_string(&r, &bytes), -EBADMSG);
	cr_expect_eq(r.left, sizeof(huge));
	r = wire_reader(plus_one, sizeof(plus_one));
	cr_expect_eq(wire_get_string(&r, &bytes), -EBADMSG);
	r = wire_reader(plus_one, 3);
	cr_expect_eq(wire_get_string(&r, &bytes), -EBADMSG);
}

static int read_mpint(const char *bytes, size_t len, struct wire_bytes *ret_number)
{
	struct buf buf = BUF_INIT;
	struct wire_reader r;
	int ret;

	wire_put_string(&buf, bytes, len);
	r = wire_reader(buf.data, buf.len);
	ret = wire_get_mpint(&r, ret_number);
	buf_finish(&buf);
	return ret;
}

Test(wire, a_number_has_one_form_only)
{
	struct wire_bytes number;

	cr_expect_eq(read_mpint("", 0, &number), 0);
	cr_expect_eq(number.len, 0);
	cr_expect_eq(read_mpint("\x01", 1, &number), 0);
	cr_expect_eq(number.len, 1);
	cr_expect_eq(read_mpint("\x00\x80", 2, &number), 0);
	cr_expect_eq(number.len, 1, "the sign octet is gone");
	cr_expect_eq(read_mpint("\x00", 1, &number), -EBADMSG, "zero is the empty string");
	cr_expect_eq(read_mpint("\x00\x7f", 2, &number), -EBADMSG, "a needless zero");
	cr_expect_eq(read_mpint("\x80", 1, &number), -EBADMSG, "negative");
	cr_expect_eq(read_mpint("\x00\x00\x80", 3, &number), -EBADMSG);
}

Test(wire, a_number_has_at_most_16384_bits)
{
	char bytes[WIRE_MPINT_MAX + 2];
	struct wire_bytes number;

	memset(bytes, 0xff, sizeof(bytes));
	bytes[0] = 0;
	cr_expect_eq(read_mpint(bytes, WIRE_MPINT_MAX + 1, &number), 0);
	cr_expect_eq(number.len, WIRE_MPINT_MAX);
	cr_expect_eq(read_mpint(bytes, WIRE_MPINT_MAX + 2, &number), -EBADMSG);
}

Test(wire, what_is_written_reads_back)
{
	static const uint8_t padded[] = {0, 0, 0x80, 1};
	struct buf buf = BUF_INIT;
	struct wire_reader r;
	struct wire_bytes text, number;
	uint64_t big;
	uint32_t word;
	uint8_t byte;

	wire_put_u8(&buf, 7);
	wire_put_u32(&buf, 0xfffffffeu);
	wire_put_u64(&buf, UINT64_C(0x123456789abcdef0));
	wire_put_text(&buf, "ssh-rsa");
	wire_put_mpint(&buf, padded, sizeof(padded));
	wire_put_mpint(&buf, padded, 2);
	cr_assert_not(buf.failed);
	r = wire_reader(buf.data, buf.len);
	cr_expect_eq(wire_get_u8(&r, &byte), 0);
	cr_expect_eq(byte, 7);
	cr_expect_eq(wire_get_u32(&r, &word), 0);
	cr_expect_eq(word, 0xfffffffeu);
	cr_expect_eq(wire_get_u64(&r, &big), 0);
	cr_expect_eq(big, UINT64_C(0x123456789abcdef0));
	cr_expect_eq(wire_get_string(&r, &text), 0);
	cr_expect(wire_equal_text(text, "ssh-rsa"));
	cr_expect_not(wire_equal_text(text, "ssh-rs"));
	cr_expect_eq(wire_get_mpint(&r, &number), 0);
	cr_expect_eq(number.len, 2);
	cr_expect_eq(wire_get_mpint(&r, &number), 0);
	cr_expect_eq(number.len, 0);
	cr_expect(wire_at_end(&r));
	cr_expect_eq(wire_get_u8(&r, &byte), -EBADMSG);
	buf_finish(&buf);
}

static int decode(const char *text, const char *skip, size_t *ret_len)
{
	uint8_t out[64];

	return base64_decode(text, strlen(text), skip, out, sizeof(out), ret_len);
}

Test(base64, padding_and_spare_bits_are_exact)
{
	size_t len = 99;

	cr_expect_eq(decode("", "", &len), 0);
	cr_expect_eq(len, 0);
	cr_expect_eq(decode("QQ==", "", &len), 0);
	cr_expect_eq(len, 1);
	cr_expect_eq(decode("QUI=", "", &len), 0);
	cr_expect_eq(len, 2);
	cr_expect_eq(decode("QQ", "", &len), -EBADMSG);
	cr_expect_eq(decode("QQ=", "", &len), -EBADMSG);
	cr_expect_eq(decode("QQ===", "", &len), -EBADMSG);
	cr_expect_eq(decode("QUI==", "", &len), -EBADMSG);
	cr_expect_eq(decode("Q===", "", &len), -EBADMSG);
	cr_expect_eq(decode("====", "", &len), -EBADMSG);
	cr_expect_eq(decode("QR==", "", &len), -EBADMSG, "spare bits are not zero");
	cr_expect_eq(decode("QUJ=", "", &len), -EBADMSG, "spare bits are not zero");
	cr_expect_eq(decode("QQ==QQ==", "", &len), -EBADMSG, "nothing follows the padding");
	cr_expect_eq(decode("QUJD-_==", "", &len), -EBADMSG, "that is the other alphabet");
}

Test(base64, only_what_is_named_is_passed_over)
{
	size_t len;

	cr_expect_eq(decode("QU\nJD", "\n", &len), 0);
	cr_expect_eq(len, 3);
	cr_expect_eq(decode("QU JD", "\n", &len), -EBADMSG);
	cr_expect_eq(decode("Q\rQ=\r=\r", "\r", &len), 0);
	cr_expect_eq(len, 1);
	cr_expect_eq(base64_decode("QU\0JD", 5, "\n", (uint8_t[8]){0}, 8, &len), -EBADMSG,
		     "a NUL is in no list");
}

Test(base64, the_output_is_never_overrun)
{
	uint8_t out[4];
	size_t len;

	cr_expect_eq(base64_decode("QUJDRA==", 8, "", out, 4, &len), 0);
	cr_expect_eq(len, 4);
	cr_expect_eq(base64_decode("QUJDREU=", 8, "", out, 4, &len), -ENOSPC);
	cr_expect_eq(base64_decode("QUJDREVG", 8, "", out, 4, &len), -ENOSPC);
	cr_expect_eq(base64_decode("QUJD", 4, "", out, 2, &len), -ENOSPC);
}

Test(base64, encodings_wrap_and_pad)
{
	struct buf text = BUF_INIT;
	char url[8];

	base64_encode(&text, "ABCDEFG", 7, 4);
	cr_expect_str_eq(text.data, "QUJD\nREVG\nRw==");
	base64url_encode("\xfb\xff", 2, url);
	cr_expect_str_eq(url, "-_8");
	buf_finish(&text);
}
