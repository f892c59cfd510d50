#include "auth/wire.h"

#include <errno.h>
#include <string.h>

struct wire_reader wire_reader(const void *bytes, size_t len)
{
	return (struct wire_reader){.at = bytes, .left = len};
}

bool wire_at_end(const struct wire_reader *r)
{
	return r->left == 0;
}

static uint64_t number_from(const uint8_t *at, size_t len)
{
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++)
		value = value << 8 | at[i];
	return value;
}

static int get_number(struct wire_reader *r, size_t len, uint64_t *ret_value)
{
	if (r->left < len)
		return -EBADMSG;
	*ret_value = number_from(r->at, len);
	r->at += len;
	r->left -= len;
	return 0;
}

int wire_get_u8(struct wire_reader *r, uint8_t *ret_value)
{
	uint64_t value;
	int ret = get_number(r, 1, &value);

	if (ret == 0)
		*ret_value = (uint8_t)value;
	return ret;
}

int wire_get_u32(struct wire_reader *r, uint32_t *ret_value)
{
	uint64_t value;
	int ret = get_number(r, 4, &value);

	if (ret == 0)
		*ret_value = (uint32_t)value;
	return ret;
}

int wire_get_u64(struct wire_reader *r, uint64_t *ret_value)
{
	return get_number(r, 8, ret_value);
}

int wire_get_raw(struct wire_reader *r, size_t len, struct wire_bytes *ret_bytes)
{
	if (r->left < len)
		return -EBADMSG;
	*ret_bytes = (struct wire_bytes){.data = r->at, .len = len};
	r->at += len;
	r->left -= len;
	return 0;
}

int wire_get_string(struct wire_reader *r, struct wire_bytes *ret_bytes)
{
	struct wire_reader ahead = *r;
	uint32_t len;

	if (wire_get_u32(&ahead, &len) < 0 || wire_get_raw(&ahead, len, ret_bytes) < 0)
		return -EBADMSG;
	*r = ahead;
	return 0;
}

int wire_get_mpint(struct wire_reader *r, struct wire_bytes *ret_magnitude)
{
	struct wire_reader ahead = *r;
	struct wire_bytes number;

	if (wire_get_string(&ahead, &number) < 0)
		return -EBADMSG;
	if (number.len > 0 && number.data[0] >= 0x80)
		return -EBADMSG; /* negative */
	if (number.len > 0 && number.data[0] == 0) {
		/* the zero octet is there only to keep the sign bit clear */
		if (number.len == 1 || number.data[1] < 0x80)
			return -EBADMSG;
		number.data++;
		number.len--;
	}
	if (number.len > WIRE_MPINT_MAX)
		return -EBADMSG;
	*ret_magnitude = number;
	*r = ahead;
	return 0;
}

bool wire_equal(struct wire_bytes a, struct wire_bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool wire_equal_text(struct wire_bytes a, const char *text)
{
	size_t len = strlen(text);

	return a.len == len && (len == 0 || memcmp(a.data, text, len) == 0);
}

static void put_number(struct buf *buf, uint64_t value, unsigned len)
{
	uint8_t bytes[8];

	for (unsigned i = 0; i < len; i++)
		bytes[i] = (uint8_t)(value >> (8 * (len - 1 - i)));
	buf_append(buf, bytes, len);
}

void wire_put_u8(struct buf *buf, uint8_t value)
{
	put_number(buf, value, 1);
}

void wire_put_u32(struct buf *buf, uint32_t value)
{
	put_number(buf, value, 4);
}

void wire_put_u64(struct buf *buf, uint64_t value)
{
	put_number(buf, value, 8);
}

void wire_put_string(struct buf *buf, const void *bytes, size_t len)
{
	if (len > UINT32_MAX) {
		buf->failed = true;
		return;
	}
	wire_put_u32(buf, (uint32_t)len);
	if (len > 0)
		buf_append(buf, bytes, len);
}

void wire_put_text(struct buf *buf, const char *text)
{
	wire_put_string(buf, text, strlen(text));
}

void wire_put_mpint(struct buf *buf, const void *magnitude, size_t len)
{
	const uint8_t *at = magnitude;

	while (len > 0 && *at == 0) {
		at++;
		len--;
	}
	if (len > 0 && *at >= 0x80) {
		wire_put_u32(buf, (uint32_t)len + 1);
		wire_put_u8(buf, 0);
		buf_append(buf, at, len);
	} else {
		wire_put_string(buf, at, len);
	}
}
