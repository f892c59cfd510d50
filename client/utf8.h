/* UTF-8, one character at a time, and how wide a character is on a terminal. */
#ifndef CLIENT_UTF8_H
#define CLIENT_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define UTF8_INVALID UINT32_C(0xfffd)

/*
 * Decodes the character at text[0..len), len > 0: returns its bytes (1 to 4). What is not UTF-8
 * (RFC 3629) gives UTF8_INVALID and the bytes to pass over, at least 1.
 */
size_t utf8_decode(const char *text, size_t len, uint32_t *ret_character);
/* Bytes written to out[4]. */
size_t utf8_encode(uint32_t character, char out[4]);
/* Bytes of the character that ends at text[at), at > 0: how far one step left goes. */
size_t utf8_before(const char *text, size_t at);
/* Columns: 0 (combining), 1 or 2; needs a UTF-8 LC_CTYPE for anything beyond ASCII. */
unsigned utf8_width(uint32_t character);
/* Columns of a text. */
size_t utf8_columns(const char *text, size_t len);

#endif
