#include "auth/challenge.h"
#include "auth/base64.h"
#include "base/random.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HOST_LEN_MAX 253u /* a DNS name; an address is shorter */

/* A field stands alone on its line: printable ASCII without spaces, so none can pass for two. */
static bool field_is_plain(const char *field)
{
	if (field == NULL || *field == '\0')
		return false;
	for (const char *at = field; *at != '\0'; at++)
		if (*at <= ' ' || *at > '~')
			return false;
	return true;
}

int challenge_text(const struct challenge *challenge, char out[CHALLENGE_TEXT_SIZE],
		   size_t *ret_len)
{
	int len;

	if (!field_is_plain(challenge->server) || !field_is_plain(challenge->user) ||
	    !field_is_plain(challenge->fingerprint) || !field_is_plain(challenge->nonce) ||
	    !field_is_plain(challenge->binding) || challenge->expires_s < 0)
		return -EINVAL;
	len = snprintf(out, CHALLENGE_TEXT_SIZE,
		       "chat-auth-v1\n"
		       "server: %s\n"
		       "user: %s\n"
		       "key: %s\n"
		       "nonce: %s\n"
		       "expires: %" PRId64 "\n"
		       "binding: %s\n",
		       challenge->server, challenge->user, challenge->fingerprint, challenge->nonce,
		       challenge->expires_s, challenge->binding);
	if (len < 0 || len >= (int)CHALLENGE_TEXT_SIZE)
		return -ENAMETOOLONG;
	*ret_len = (size_t)len;
	return 0;
}

void challenge_exporter_binding(const uint8_t exporter[BINDING_EXPORTER_BYTES],
				char out[BINDING_SIZE])
{
	static const char name[] = BINDING_TLS_EXPORTER ":";

	memcpy(out, name, sizeof(name) - 1);
	base64url_encode(exporter, BINDING_EXPORTER_BYTES, out + sizeof(name) - 1);
}

void challenge_nonce(char out[NONCE_SIZE])
{
	uint8_t bytes[NONCE_BYTES];

	random_bytes(bytes, sizeof(bytes));
	base64url_encode(bytes, sizeof(bytes), out);
}

static char lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c;
}

/* 1..65535 without leading zeros; 0 if it isn't one. */
static unsigned port_from(const char *text)
{
	unsigned port = 0;

	if (*text == '0' || *text == '\0')
		return 0;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return 0;
		port = port * 10 + (unsigned)(*text - '0');
		if (port > 65535)
			return 0;
	}
	return port;
}

/* An IPv6 address, with or without a zone, in its shortest form: 0 or -EINVAL. */
static int ipv6_shorten(const char *text, size_t len, char out[INET6_ADDRSTRLEN])
{
	char host[64];
	const char *zone = memchr(text, '%', len);
	struct in6_addr address;

	if (zone != NULL)
		len = (size_t)(zone - text);
	if (len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	if (inet_pton(AF_INET6, host, &address) != 1)
		return -EINVAL;
	return inet_ntop(AF_INET6, &address, out, INET6_ADDRSTRLEN) == NULL ? -EINVAL : 0;
}

static bool host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

int server_name_canonical(const char *text, unsigned default_port, char out[SERVER_NAME_SIZE])
{
	char address[INET6_ADDRSTRLEN];
	const char *colon = strchr(text, ':');
	const char *port_text = NULL;
	unsigned port = default_port;
	size_t len;

	if (*text == '[' || (colon != NULL && strchr(colon + 1, ':') != NULL)) {
		const char *host = text, *end = text + strlen(text);

		if (*text == '[') {
			host = text + 1;
			end = strchr(text, ']');
			if (end == NULL)
				return -EINVAL;
			if (end[1] == ':')
				port_text = end + 2;
			else if (end[1] != '\0')
				return -EINVAL;
		}
		if (ipv6_shorten(host, (size_t)(end - host), address) < 0)
			return -EINVAL;
		if (port_text != NULL)
			port = port_from(port_text);
		if (port == 0 || port > 65535)
			return -EINVAL;
		(void)snprintf(out, SERVER_NAME_SIZE, "[%s]:%u", address, port);
		return 0;
	}

	len = colon != NULL ? (size_t)(colon - text) : strlen(text);
	if (len == 0 || len > HOST_LEN_MAX)
		return -EINVAL;
	if (colon != NULL)
		port = port_from(colon + 1);
	if (port == 0 || port > 65535)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		out[i] = lower(text[i]);
		if (!host_char(out[i]))
			return -EINVAL;
	}
	(void)snprintf(out + len, SERVER_NAME_SIZE - len, ":%u", port);
	return 0;
}

void server_name_split(const char *canonical, char *host, unsigned *ret_port)
{
	const char *colon = strrchr(canonical, ':');
	const char *start = canonical;
	size_t len;

	if (colon == NULL)
		colon = canonical + strlen(canonical);
	len = (size_t)(colon - canonical);
	if (*start == '[' && len >= 2) {
		start++;
		len -= 2;
	}
	if (len >= SERVER_NAME_SIZE)
		len = SERVER_NAME_SIZE - 1;
	memcpy(host, start, len);
	host[len] = '\0';
	*ret_port = *colon == ':' ? port_from(colon + 1) : 0;
}

bool server_name_is_loopback(const char *canonical)
{
	char host[SERVER_NAME_SIZE];
	struct in_addr v4;
	struct in6_addr v6;
	unsigned port;

	server_name_split(canonical, host, &port);
	if (strcmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	if (inet_pton(AF_INET6, host, &v6) != 1)
		return false;
	return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

static bool name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool user_name_valid(const char *name)
{
	size_t len = strnlen(name, NAME_SIZE);

	if (len == 0 || len > NAME_LEN_MAX || !name_char(name[0]))
		return false;
	for (size_t i = 1; i < len; i++)
		if (!name_char(name[i]) && name[i] != '_' && name[i] != '.' && name[i] != '-')
			return false;
	return true;
}

int user_name_fold(const char *name, char out[NAME_SIZE])
{
	size_t len = strnlen(name, NAME_SIZE);

	if (len > NAME_LEN_MAX)
		return -EINVAL;
	for (size_t i = 0; i <= len; i++)
		out[i] = lower(name[i]);
	return user_name_valid(out) ? 0 : -EINVAL;
}
