/*
 * The image inside the keyring, as bytes: header, then the parts, each
 * aligned to 8. Private to keyring.c and keyring_image.c.
 *
 *	header | lines | pins | bindings | servers | text
 */
#ifndef AUTH_KEYRING_IMAGE_H
#define AUTH_KEYRING_IMAGE_H

#include <stdint.h>

#define KEYRING_IMAGE_MAGIC UINT64_C(0x31676d6952616843)

struct keyring_image_header {
	uint64_t magic;
	uint32_t bytes; /* of the whole image */
	uint32_t safety;
	uint32_t names_per_key;
	uint32_t line_count, pin_count, binding_count, server_count;
	uint32_t lines, pins, bindings, servers, text; /* offsets from the start of the image */
	uint32_t servers_len, text_len;                /* each ends with a NUL */
};

#endif
