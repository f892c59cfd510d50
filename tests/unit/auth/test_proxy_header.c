#include "auth/proxy_header.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define BYTES(text) ((const uint8_t *)(text)), sizeof(text) - 1

static struct proxy_header header;

static int take(const uint8_t *bytes, size_t len)
{
	return proxy_header_read(bytes, len, &header);
}

static const char *client(void)
{
	static char text[ADDRESS_TEXT_SIZE];

	address_format(&header.client, text);
	return text;
}

Test(proxy_header, the_client_is_the_source_address)
{
	cr_assert_eq(take(BYTES(SIGNATURE "\x21\x11\0\x0c\xc0\0\2\7\x7f\0\0\1\x30\x39\x1f\x90")),
		     0);
	cr_assert_not(header.local);
	cr_assert_str_eq(client(), "192.0.2.7");
	cr_assert_eq(take(BYTES(SIGNATURE "\x21\x21\0\x24"
					  "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
					  "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2"
					  "\x30\x39\x1f\x90")),
		     0);
	cr_assert_str_eq(client(), "2001:db8::1");
	cr_assert_eq(take(BYTES(SIGNATURE "\x21\x21\0\x24"
					  "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\7"
					  "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2"
					  "\x30\x39\x1f\x90")),
		     0);
	cr_assert_str_eq(client(), "192.0.2.7");
}

Test(proxy_header, a_proxy_may_speak_for_itself)
{
	cr_assert_eq(take(BYTES(SIGNATURE "\x20\0\0\0")), 0);
	cr_assert(header.local);
	cr_assert_eq(take(BYTES(SIGNATURE "\x20\x11\0\x0c\xc0\0\2\7\x7f\0\0\1\x30\x39\x1f\x90")),
		     0);
	cr_assert(header.local);
	cr_assert_eq(header.client.family, 0);
}

Test(proxy_header, what_stands_behind_the_addresses_must_fit)
{
	/* A NOOP of 4 bytes; the CRC-32C of all of it. */
	cr_assert_eq(take(BYTES(SIGNATURE "\x21\x11\0\x13\xc0\0\2\7\x7f\0\0\1\x30\x39\x1f\x90"
					  "\4\0\4abcd")),
		     0);
	cr_assert_eq(take(BYTES(SIGNATURE "\x21\x11\0\x13\xc0\0\2\7\x7f\0\0\1\x30\x39\x1f\x90"
					  "\4\0\5abcd")),
		     -EBADMSG);
	cr_assert_eq(take(BYTES(SIGNATURE "\x21\x11\0\x0e\xc0\0\2\7\x7f\0\0\1\x30\x39\x1f\x90"
					  "\4\0")),
		     -EBADMSG);
}

static uint32_t crc_of(const uint8_t *bytes, size_t len)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
	}
	return ~crc;
}

Test(proxy_header, a_checksum_that_is_there_must_be_right)
{
	uint8_t bytes[] =
		SIGNATURE "\x21\x11\0\x13\xc0\0\2\7\x7f\0\0\1\x30\x39\x1f\x90\3\0\4\0\0\0\0";
	size_t len = sizeof(bytes) - 1;
	uint32_t crc = crc_of(bytes, len);

	cr_assert_eq(crc_of((const uint8_t *)"123456789", 9), 0xe3069283u);
	for (size_t i = 0; i < 4; i++)
		bytes[len - 4 + i] = (uint8_t)(crc >> (24 - 8 * i));
	cr_assert_eq(take(bytes, len), 0);
	for (size_t i = 0; i < len; i++) {
		if (i == 12 || i == 28) /* LOCAL, which looks at no more; and another TLV */
			continue;
		bytes[i] ^= 1;
		cr_assert_eq(take(bytes, len), -EBADMSG, "byte %zu", i);
		bytes[i] ^= 1;
	}
}

Test(proxy_header, anything_else_is_refused)
{
	/* version, command, family, protocol, too short for its addresses, longer than it says */
	cr_expect_eq(take(BYTES(SIGNATURE "\x11\x11\0\x0c\xc0\0\2\7\x7f\0\0\1\x30\x39\x1f\x90")),
		     -EBADMSG);
	cr_expect_eq(take(BYTES(SIGNATURE "\x22\x11\0\x0c\xc0\0\2\7\x7f\0\0\1\x30\x39\x1f\x90")),
		     -EBADMSG);
	cr_expect_eq(take(BYTES(SIGNATURE "\x21\x00\0\x00")), -EBADMSG);
	cr_expect_eq(take(BYTES(SIGNATURE "\x21\x12\0\x0c\xc0\0\2\7\x7f\0\0\1\x30\x39\x1f\x90")),
		     -EBADMSG);
	cr_expect_eq(take(BYTES(SIGNATURE "\x21\x31\0\x0c\xc0\0\2\7\x7f\0\0\1\x30\x39\x1f\x90")),
		     -EBADMSG);
	cr_expect_eq(take(BYTES(SIGNATURE "\x21\x11\0\x0b\xc0\0\2\7\x7f\0\0\1\x30\x39\x1f")),
		     -EBADMSG);
	cr_expect_eq(take(BYTES(SIGNATURE "\x21\x11\0\x0c\xc0\0\2\7\x7f\0\0\1\x30\x39\x1f")),
		     -EBADMSG);
	cr_expect_eq(take(BYTES("\r\n\r\n\0\r\nQUIX\n\x20\0\0\0")), -EBADMSG);
	cr_expect_eq(take(BYTES(SIGNATURE "\x20\0\0")), -EBADMSG);
	cr_expect_eq(proxy_header_length((const uint8_t *)SIGNATURE "\x21\x11\xff\xff"), -EBADMSG);
	cr_expect_eq(proxy_header_length((const uint8_t *)SIGNATURE "\x21\x11\0\x0c"), 28);
}

Test(proxy_header, its_beginning_is_told_from_a_request)
{
	cr_expect(proxy_header_begins("PROXY TCP4 1.2.3.4", 18));
	cr_expect(proxy_header_begins(SIGNATURE "\x21", 13));
	cr_expect(proxy_header_begins("\r\n\r\n\0", 5));
	cr_expect_not(proxy_header_begins("\r\n\r\n", 4));
	cr_expect_not(proxy_header_begins("PROPFIND / HTTP/1.1", 19));
	cr_expect_not(proxy_header_begins("GET / HTTP/1.1", 14));
	cr_expect_not(proxy_header_begins("\x16\x03\x01", 3));
	cr_expect_not(proxy_header_begins("", 0));
}
