/*
 * The PROXY header, version 2 (HAProxy's proxy-protocol.txt, section 2.2), read strictly:
 *
 *	12 bytes signature · version and command · family and protocol · length (16 bits)
 *	then `length` bytes: addresses, ports, and TLVs up to the end
 *
 * Taken are PROXY with TCP over IPv4 or IPv6, and LOCAL (the proxy speaks for itself). Every
 * length must fit, and a CRC-32C that is there must be right.
 */
#ifndef AUTH_PROXY_HEADER_H
#define AUTH_PROXY_HEADER_H

#include "auth/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROXY_HEADER_START 16u /* so many bytes tell how long it is */
#define PROXY_HEADER_MAX 2048u /* longer ones are refused */
#define PROXY_HEADER_SIGNATURE 12u

struct proxy_header {
	bool local;            /* no client: the proxy itself */
	struct address client; /* not local */
};

/* Do these bytes begin as a PROXY header of version 2, or one of version 1, does? */
bool proxy_header_begins(const void *bytes, size_t len);
/* Of the first PROXY_HEADER_START bytes: the length of all of it, or -EBADMSG. */
int proxy_header_length(const uint8_t start[PROXY_HEADER_START]);
/* The whole of it, `len` as proxy_header_length said: 0 or -EBADMSG. */
int proxy_header_read(const uint8_t *bytes, size_t len, struct proxy_header *ret_header);

#endif
