#include "auth/proxy_header.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define VERSION_2 0x20u
#define COMMAND_LOCAL 0u
#define COMMAND_PROXY 1u
#define TCP_OVER_4 0x11u
#define TCP_OVER_6 0x21u
#define BYTES_4 12u /* two addresses, two ports */
#define BYTES_6 36u
#define TLV_HEAD 3u
#define TLV_CRC32C 0x03u

static const uint8_t signature[PROXY_HEADER_SIGNATURE] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
							  0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
static const char version_1[] = "PROXY ";

/* No request of HTTP begins with two empty lines and a NUL, nor with that word. */
#define TELLING_BYTES 5u

bool proxy_header_begins(const void *bytes, size_t len)
{
	size_t of_2 = len < sizeof(signature) ? len : sizeof(signature);

	return (of_2 >= TELLING_BYTES && memcmp(bytes, signature, of_2) == 0) ||
	       (len >= sizeof(version_1) - 1 &&
		memcmp(bytes, version_1, sizeof(version_1) - 1) == 0);
}

int proxy_header_length(const uint8_t start[PROXY_HEADER_START])
{
	size_t len = PROXY_HEADER_START + ((size_t)start[14] << 8 | start[15]);

	if (memcmp(start, signature, sizeof(signature)) != 0 || len > PROXY_HEADER_MAX)
		return -EBADMSG;
	return (int)len;
}

/* RFC 3720 §B.4, as if the four bytes at `skip` were zero. */
static uint32_t crc32c_but(const uint8_t *bytes, size_t len, size_t skip)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= i >= skip && i < skip + 4 ? 0 : bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return ~crc;
}

static int check_tlvs(const uint8_t *bytes, size_t len, size_t at)
{
	while (at < len) {
		size_t size;

		if (len - at < TLV_HEAD)
			return -EBADMSG;
		size = (size_t)bytes[at + 1] << 8 | bytes[at + 2];
		if (size > len - at - TLV_HEAD)
			return -EBADMSG;
		if (bytes[at] == TLV_CRC32C) {
			const uint8_t *told = bytes + at + TLV_HEAD;
			uint32_t crc;

			if (size != 4)
				return -EBADMSG;
			crc = (uint32_t)told[0] << 24 | (uint32_t)told[1] << 16 |
			      (uint32_t)told[2] << 8 | told[3];
			if (crc != crc32c_but(bytes, len, at + TLV_HEAD))
				return -EBADMSG;
		}
		at += TLV_HEAD + size;
	}
	return 0;
}

int proxy_header_read(const uint8_t *bytes, size_t len, struct proxy_header *ret_header)
{
	struct proxy_header header = {0};
	size_t addresses;

	if (len < PROXY_HEADER_START || proxy_header_length(bytes) != (int)len)
		return -EBADMSG;
	if (bytes[12] == (VERSION_2 | COMMAND_LOCAL)) {
		/* "The receiver must discard this protocol block": addresses and all. */
		header.local = true;
		*ret_header = header;
		return 0;
	}
	if (bytes[12] != (VERSION_2 | COMMAND_PROXY))
		return -EBADMSG;
	switch (bytes[13]) {
	case TCP_OVER_4:
		header.client.family = AF_INET;
		addresses = BYTES_4;
		break;
	case TCP_OVER_6:
		header.client.family = AF_INET6;
		addresses = BYTES_6;
		break;
	default:
		return -EBADMSG;
	}
	if (len - PROXY_HEADER_START < addresses)
		return -EBADMSG;
	memcpy(header.client.bytes, bytes + PROXY_HEADER_START, addresses == BYTES_4 ? 4 : 16);
	address_unmap(&header.client);
	if (check_tlvs(bytes, len, PROXY_HEADER_START + addresses) < 0)
		return -EBADMSG;
	*ret_header = header;
	return 0;
}
