#include "auth/base64.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int digit_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	if (c == '/')
		return 63;
	return -1;
}

int base64_decode(const char *text, size_t len, const char *skip, uint8_t *out, size_t cap,
		  size_t *ret_len)
{
	uint32_t bits = 0;
	unsigned digits = 0, padding = 0; /* of the group of four at hand */
	size_t at = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		int value;

		if (c != '\0' && strchr(skip, c) != NULL)
			continue;
		if (c == '=') {
			/* "xx==" or "xxx=" */
			if (digits < 2 || digits + padding >= 4)
				return -EBADMSG;
			padding++;
			continue;
		}
		value = digit_value(c);
		if (value < 0 || padding > 0)
			return -EBADMSG;
		bits = bits << 6 | (uint32_t)value;
		if (++digits == 4) {
			if (cap - at < 3)
				return -ENOSPC;
			out[at++] = (uint8_t)(bits >> 16);
			out[at++] = (uint8_t)(bits >> 8);
			out[at++] = (uint8_t)bits;
			bits = 0;
			digits = 0;
		}
	}
	if (digits == 0 && padding == 0) {
		*ret_len = at;
		return 0;
	}
	if (digits + padding != 4)
		return -EBADMSG;
	if (cap - at < digits - 1)
		return -ENOSPC;
	if (digits == 2) {
		if ((bits & 0xf) != 0)
			return -EBADMSG;
		out[at++] = (uint8_t)(bits >> 4);
	} else {
		if ((bits & 0x3) != 0)
			return -EBADMSG;
		out[at++] = (uint8_t)(bits >> 10);
		out[at++] = (uint8_t)(bits >> 2);
	}
	*ret_len = at;
	return 0;
}

/* One group of 1 to 3 bytes: returns the digits written, 2 to 4. */
static unsigned encode_group(const char *digits, const uint8_t *in, size_t len, char out[4])
{
	uint32_t bits = (uint32_t)in[0] << 16;

	if (len > 1)
		bits |= (uint32_t)in[1] << 8;
	if (len > 2)
		bits |= in[2];
	for (unsigned i = 0; i < 4; i++)
		out[i] = digits[bits >> (18 - 6 * i) & 0x3f];
	return len > 2 ? 4 : (unsigned)len + 1;
}

void base64_encode(struct buf *buf, const void *bytes, size_t len, size_t wrap)
{
	const uint8_t *in = bytes;
	size_t column = 0;

	while (len > 0) {
		size_t take = len < 3 ? len : 3;
		char group[4];
		unsigned written = encode_group(alphabet, in, take, group);

		memset(group + written, '=', 4 - written);
		for (unsigned i = 0; i < 4; i++) {
			if (wrap > 0 && column == wrap) {
				buf_append_char(buf, '\n');
				column = 0;
			}
			buf_append_char(buf, group[i]);
			column++;
		}
		in += take;
		len -= take;
	}
}

void base64url_encode(const void *bytes, size_t len, char *out)
{
	const uint8_t *in = bytes;

	while (len > 0) {
		size_t take = len < 3 ? len : 3;
		char group[4];
		unsigned written = encode_group(url_alphabet, in, take, group);

		memcpy(out, group, written);
		out += written;
		in += take;
		len -= take;
	}
	*out = '\0';
}
