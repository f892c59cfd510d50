/*
 * The SSH wire format (RFC 4251 §5), bounded on both sides.
 *
 *	struct wire_reader r = wire_reader(blob, len);
 *	struct wire_bytes type;
 *
 *	if (wire_get_string(&r, &type) < 0 || !wire_at_end(&r))
 *		return -EBADMSG;
 *
 * A reader hands out views into the caller's memory and copies nothing. Every
 * get returns 0, or -EBADMSG when the bytes are not there; after a failure the
 * reader stays where it was. Lengths are compared with what is left, never
 * added to a pointer first, so a length of 2^32-1 is just too long.
 *
 * A writer appends to a `struct buf`; check buf->failed once, at the end.
 */
#ifndef AUTH_WIRE_H
#define AUTH_WIRE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A view: not NUL-terminated, not owned. */
struct wire_bytes {
	const uint8_t *data;
	size_t len;
};

struct wire_reader {
	const uint8_t *at;
	size_t left;
};

/* An mpint longer than this is refused whatever it is for (16384 bits, as OpenSSH has it). */
#define WIRE_MPINT_MAX 2048u

struct wire_reader wire_reader(const void *bytes, size_t len);
bool wire_at_end(const struct wire_reader *r);

int wire_get_u8(struct wire_reader *r, uint8_t *ret_value);
int wire_get_u32(struct wire_reader *r, uint32_t *ret_value);
int wire_get_u64(struct wire_reader *r, uint64_t *ret_value);
/* Exactly `len` bytes without a length in front. */
int wire_get_raw(struct wire_reader *r, size_t len, struct wire_bytes *ret_bytes);
int wire_get_string(struct wire_reader *r, struct wire_bytes *ret_bytes);
/*
 * A non-negative mpint in its shortest form: no sign bit, no needless leading
 * zero, at most WIRE_MPINT_MAX bytes. The result has the sign octet removed; zero is empty.
 */
int wire_get_mpint(struct wire_reader *r, struct wire_bytes *ret_magnitude);

bool wire_equal(struct wire_bytes a, struct wire_bytes b);
/* Compares with a C string, its NUL not counted. */
bool wire_equal_text(struct wire_bytes a, const char *text);

void wire_put_u8(struct buf *buf, uint8_t value);
void wire_put_u32(struct buf *buf, uint32_t value);
void wire_put_u64(struct buf *buf, uint64_t value);
void wire_put_string(struct buf *buf, const void *bytes, size_t len);
void wire_put_text(struct buf *buf, const char *text);
/* A non-negative number, big-endian, leading zeros allowed: written in its shortest form. */
void wire_put_mpint(struct buf *buf, const void *magnitude, size_t len);

#endif
