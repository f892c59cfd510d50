#include "auth/address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define PATTERN_MAX 1023u /* sshd's own bound for one pattern of a list */

static unsigned address_bits(const struct address *address)
{
	return address->family == AF_INET ? 32 : 128;
}

void address_from_sockaddr(const struct sockaddr *sa, struct address *ret_address)
{
	struct address address = {0};

	if (sa != NULL && sa->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, sa, sizeof(in));
		address.family = AF_INET;
		memcpy(address.bytes, &in.sin_addr, 4);
	} else if (sa != NULL && sa->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, sa, sizeof(in6));
		if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
			address.family = AF_INET;
			memcpy(address.bytes, &in6.sin6_addr.s6_addr[12], 4);
		} else {
			address.family = AF_INET6;
			memcpy(address.bytes, &in6.sin6_addr, 16);
		}
	}
	*ret_address = address;
}

/* As written: an IPv4-mapped pattern stays IPv6, and so matches nobody, as with sshd. */
static int parse_as_written(const char *text, struct address *ret_address)
{
	struct address address = {0};
	struct in_addr v4;

	if (inet_pton(AF_INET6, text, address.bytes) == 1) {
		address.family = AF_INET6;
	} else if (text[strcspn(text, " \t\r\n\v\f")] == '\0' && inet_aton(text, &v4) == 1) {
		/* 127.1 and 0x7f.0.0.1 too, as getaddrinfo takes them for sshd */
		address.family = AF_INET;
		memcpy(address.bytes, &v4, 4);
	} else {
		return -EINVAL;
	}
	*ret_address = address;
	return 0;
}

void address_unmap(struct address *address)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (address->family != AF_INET6 || memcmp(address->bytes, mapped, sizeof(mapped)) != 0)
		return;
	address->family = AF_INET;
	memmove(address->bytes, address->bytes + 12, 4);
	memset(address->bytes + 4, 0, 12);
}

int address_parse(const char *text, struct address *ret_address)
{
	struct address address;

	if (parse_as_written(text, &address) < 0)
		return -EINVAL;
	address_unmap(&address);
	*ret_address = address;
	return 0;
}

void address_to_sockaddr(const struct address *address, struct sockaddr_storage *ret_sockaddr)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

	*ret_sockaddr = (struct sockaddr_storage){.ss_family = AF_UNSPEC};
	if (address->family == AF_INET) {
		memcpy(&in.sin_addr, address->bytes, 4);
		memcpy(ret_sockaddr, &in, sizeof(in));
	} else if (address->family == AF_INET6) {
		memcpy(&in6.sin6_addr, address->bytes, 16);
		memcpy(ret_sockaddr, &in6, sizeof(in6));
	}
}

void address_format(const struct address *address, char out[ADDRESS_TEXT_SIZE])
{
	if (address->family == 0 ||
	    inet_ntop(address->family, address->bytes, out, ADDRESS_TEXT_SIZE) == NULL)
		memcpy(out, "-", sizeof("-"));
}

bool address_is_loopback(const struct address *address)
{
	static const uint8_t loopback6[16] = {[15] = 1};

	if (address->family == AF_INET)
		return address->bytes[0] == 127;
	return address->family == AF_INET6 && memcmp(address->bytes, loopback6, 16) == 0;
}

/* Are the bits from `from` on all zero? */
static bool bits_are_zero(const struct address *address, unsigned from)
{
	for (unsigned bit = from; bit < address_bits(address); bit++)
		if ((address->bytes[bit / 8] >> (7 - bit % 8) & 1) != 0)
			return false;
	return true;
}

static bool network_has(const struct address *network, unsigned bits, const struct address *address)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (network->family != address->family || address->family == 0)
		return false;
	if (memcmp(network->bytes, address->bytes, whole) != 0)
		return false;
	return rest == 0 || (network->bytes[whole] ^ address->bytes[whole]) >> (8 - rest) == 0;
}

enum network_kind {
	NETWORK_OK,
	NETWORK_NOT,          /* no address: may be a wildcard */
	NETWORK_INCONSISTENT, /* an address with a mask that doesn't fit it */
};

static enum network_kind network_parse(const char *text, struct address *ret_network,
				       unsigned *ret_bits)
{
	char host[64];
	const char *slash = strchr(text, '/');
	size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
	unsigned long bits;
	char *end;

	if (strlen(text) >= sizeof(host))
		return NETWORK_NOT;
	memcpy(host, text, len);
	host[len] = '\0';
	if (slash != NULL) {
		if (!isdigit((unsigned char)slash[1]))
			return NETWORK_NOT;
		bits = strtoul(slash + 1, &end, 10);
		if (*end != '\0' || bits > 128)
			return NETWORK_NOT;
	}
	if (parse_as_written(host, ret_network) < 0)
		return NETWORK_NOT;
	if (slash == NULL)
		bits = address_bits(ret_network);
	if (bits > address_bits(ret_network) || !bits_are_zero(ret_network, (unsigned)bits))
		return NETWORK_INCONSISTENT;
	*ret_bits = (unsigned)bits;
	return NETWORK_OK;
}

/* `*` and `?`, over the whole text, in time proportional to text times pattern. */
static bool wildcard_match(const char *text, const char *pattern)
{
	const char *star = NULL, *resume = NULL;

	while (*text != '\0') {
		if (*pattern == '*') {
			star = ++pattern;
			resume = text;
		} else if (*pattern == '?' || (*pattern != '\0' && *pattern == *text)) {
			pattern++;
			text++;
		} else if (star != NULL) {
			pattern = star;
			text = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

/* The next entry of a comma-separated list, cut to PATTERN_MAX; false at the end. */
static bool list_next(const char **list, char out[PATTERN_MAX + 1], bool *ret_long)
{
	size_t len, take;

	if (*list == NULL)
		return false;
	len = strcspn(*list, ",");
	take = len < PATTERN_MAX ? len : PATTERN_MAX;
	memcpy(out, *list, take);
	out[take] = '\0';
	*ret_long = len > PATTERN_MAX;
	*list = (*list)[len] == ',' ? *list + len + 1 : NULL;
	return true;
}

/*
 * The same patterns over the address as a host name, as sshd does after the
 * addresses: case is folded here, and a negated match ends it all.
 */
static enum address_match match_as_name(const char *text, const char *patterns)
{
	char pattern[PATTERN_MAX + 1];
	enum address_match match = ADDRESS_NO;
	bool is_long;

	while (list_next(&patterns, pattern, &is_long)) {
		bool negated = pattern[0] == '!';

		if (is_long)
			return ADDRESS_NO;
		for (char *at = pattern; *at != '\0'; at++)
			*at = (char)tolower((unsigned char)*at);
		if (!wildcard_match(text, pattern + (negated ? 1 : 0)))
			continue;
		if (negated)
			return ADDRESS_NO;
		match = ADDRESS_YES;
	}
	return match;
}

enum address_match address_match_from(const struct address *address, const char *patterns)
{
	char text[ADDRESS_TEXT_SIZE], entry[PATTERN_MAX + 1];
	enum address_match match = ADDRESS_NO, name_match;
	const char *list = patterns;
	bool is_long, refused = false;

	if (address != NULL)
		address_format(address, text);
	while (list_next(&list, entry, &is_long)) {
		const char *pattern = entry[0] == '!' ? entry + 1 : entry;
		struct address network;
		unsigned bits;
		bool here = false;

		if (*pattern == '\0')
			return ADDRESS_INVALID;
		switch (network_parse(pattern, &network, &bits)) {
		case NETWORK_INCONSISTENT:
			return ADDRESS_INVALID;
		case NETWORK_OK:
			here = address != NULL && network_has(&network, bits, address);
			break;
		case NETWORK_NOT:
			here = address != NULL && address->family != 0 && !is_long &&
			       wildcard_match(text, pattern);
			break;
		}
		/* a negated match decides, but what follows must still be well formed */
		if (here && entry[0] == '!')
			refused = true;
		else if (here)
			match = ADDRESS_YES;
	}
	if (refused || address == NULL || address->family == 0)
		return ADDRESS_NO;
	name_match = match_as_name(text, patterns);
	return match == ADDRESS_YES || name_match == ADDRESS_YES ? ADDRESS_YES : ADDRESS_NO;
}

enum address_match address_match_networks(const struct address *address, const char *networks)
{
	char entry[PATTERN_MAX + 1];
	enum address_match match = ADDRESS_NO;
	bool is_long;

	while (list_next(&networks, entry, &is_long)) {
		struct address network;
		unsigned bits;

		if (is_long || entry[strspn(entry, "0123456789abcdefABCDEF.:/")] != '\0' ||
		    network_parse(entry, &network, &bits) != NETWORK_OK)
			return ADDRESS_INVALID;
		if (address != NULL && network_has(&network, bits, address))
			match = ADDRESS_YES;
	}
	return match;
}
