/*
 * Base64 (RFC 4648 §4), strict: padding is required, the unused bits of the
 * last character are zero, nothing follows the padding.
 */
#ifndef AUTH_BASE64_H
#define AUTH_BASE64_H

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

/* Characters of the encoding of `len` bytes, without a NUL. */
#define BASE64_LEN(len) (((len) + 2) / 3 * 4)

/*
 * Decodes `len` characters into out[cap]: 0; -EBADMSG when they are not base64;
 * -ENOSPC when there is not room enough. `skip` lists characters that are
 * passed over wherever they stand (" \t\r\n\v\f" for armor, "" for none).
 */
int base64_decode(const char *text, size_t len, const char *skip, uint8_t *out, size_t cap,
		  size_t *ret_len);
/* Appends the encoding, padded; a line break after each `wrap` characters where wrap > 0. */
void base64_encode(struct buf *buf, const void *bytes, size_t len, size_t wrap);
/* The URL alphabet without padding (RFC 4648 §5) and a final NUL; out has room for them. */
void base64url_encode(const void *bytes, size_t len, char *out);

#endif
