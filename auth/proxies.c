#include "auth/proxies.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

static const char proxy2_word[] = "=proxy2", xff_word[] = "=xff";

/* ---- the list ---------------------------------------------------------------------- */

/* Cuts the word off `text`: what is before it has `len` characters then. */
static enum proxy_kind kind_of(const char *text, size_t *ret_len)
{
	const char *equals = strrchr(text, '=');

	if (equals == NULL)
		return PROXY_NONE;
	*ret_len = (size_t)(equals - text);
	if (strcmp(equals, proxy2_word) == 0)
		return PROXY_V2;
	return strcmp(equals, xff_word) == 0 ? PROXY_XFF : PROXY_NONE;
}

static int read_one(const char *text, struct proxy *ret_proxy, struct buf *error)
{
	size_t len = 0;
	enum proxy_kind kind = kind_of(text, &len);

	if (kind == PROXY_NONE || len >= PROXY_NETWORK_SIZE) {
		buf_printf(error, "--trusted-proxy %s: not NETWORK=proxy2 or NETWORK=xff", text);
		return -EINVAL;
	}
	ret_proxy->kind = kind;
	memcpy(ret_proxy->network, text, len);
	ret_proxy->network[len] = '\0';
	if (address_match_networks(NULL, ret_proxy->network) == ADDRESS_INVALID ||
	    strchr(ret_proxy->network, ',') != NULL) {
		buf_printf(error,
			   "--trusted-proxy %s: %s is no address and no network such as "
			   "10.0.0.0/8",
			   text, ret_proxy->network);
		return -EINVAL;
	}
	return 0;
}

int proxies_read(const struct config_names *options, struct proxies *ret_proxies, struct buf *error)
{
	*ret_proxies = (struct proxies){0};
	for (unsigned i = 0; i < options->count; i++) {
		int err = read_one(options->name[i], &ret_proxies->list[i], error);

		if (err < 0)
			return err;
		ret_proxies->count++;
	}
	return 0;
}

enum proxy_kind proxies_find(const struct proxies *proxies, const struct address *peer)
{
	for (unsigned i = 0; i < proxies->count; i++) {
		if (address_match_networks(peer, proxies->list[i].network) == ADDRESS_YES)
			return proxies->list[i].kind;
	}
	return PROXY_NONE;
}

/* ---- a request's head (RFC 9112 §5) ----------------------------------------------------- */

static bool is_token(const char *text, size_t len)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      (c != '\0' && strchr(marks, c) != NULL)))
			return false;
	}
	return len > 0;
}

/* One line without its CRLF: 0 or -EBADMSG. */
static int take_field(const char *line, size_t len, char out[FORWARDED_SIZE], size_t *out_len)
{
	static const char name[] = "X-Forwarded-For";
	const char *colon = memchr(line, ':', len);
	size_t value_len;

	if (colon == NULL || !is_token(line, (size_t)(colon - line)) ||
	    memchr(line, '\0', len) != NULL || memchr(line, '\r', len) != NULL)
		return -EBADMSG;
	if ((size_t)(colon - line) != sizeof(name) - 1 ||
	    strncasecmp(line, name, sizeof(name) - 1) != 0)
		return 0;
	value_len = len - (size_t)(colon + 1 - line);
	if (*out_len + value_len + 2 > FORWARDED_SIZE)
		return -EBADMSG;
	if (*out_len > 0)
		out[(*out_len)++] = ',';
	memcpy(out + *out_len, colon + 1, value_len);
	*out_len += value_len;
	out[*out_len] = '\0';
	return 0;
}

int proxies_forwarded(const char *bytes, size_t len, char out[FORWARDED_SIZE])
{
	const char *end = memmem(bytes, len, "\r\n\r\n", 4);
	const char *at = memchr(bytes, '\n', len);
	size_t out_len = 0;

	if (end == NULL || (size_t)(end - bytes) > FORWARDED_HEAD_MAX)
		return len < FORWARDED_HEAD_MAX ? -EAGAIN : -EBADMSG;
	if (at == NULL || at == bytes || at[-1] != '\r')
		return -EBADMSG;
	/* Behind the request's own line, which is libwebsockets' to judge. */
	while (at < end) {
		const char *line = at + 1;

		at = memchr(line, '\n', (size_t)(end + 2 - line));
		if (at == NULL || at[-1] != '\r' ||
		    take_field(line, (size_t)(at - 1 - line), out, &out_len) < 0)
			return -EBADMSG;
	}
	return out_len > 0 ? 0 : -ENODATA;
}

/* ---- X-Forwarded-For ------------------------------------------------------------------ */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_port(const char *text)
{
	size_t len = strspn(text, "0123456789");

	return len >= 1 && len <= 5 && text[len] == '\0';
}

/* ADDRESS, ADDRESS:PORT, IPv6 alone or [IPv6] or [IPv6]:PORT: what proxies write. */
static int read_entry(const char *start, size_t len, struct address *ret_address)
{
	char text[ADDRESS_TEXT_SIZE + 16];
	char *host = text, *colon, *bracket;
	struct in_addr four;

	while (len > 0 && is_blank(*start)) {
		start++;
		len--;
	}
	while (len > 0 && is_blank(start[len - 1]))
		len--;
	if (len == 0 || len >= sizeof(text))
		return -EINVAL;
	memcpy(text, start, len);
	text[len] = '\0';
	colon = strchr(text, ':');
	if (text[0] == '[') {
		bracket = strchr(text, ']');
		if (bracket == NULL ||
		    (bracket[1] != '\0' && (bracket[1] != ':' || !is_port(bracket + 2))))
			return -EINVAL;
		*bracket = '\0';
		host = text + 1;
		/* Only IPv6 stands in brackets. */
		if (strchr(host, ':') == NULL)
			return -EINVAL;
	} else if (colon != NULL && strchr(colon + 1, ':') == NULL) {
		if (!is_port(colon + 1))
			return -EINVAL;
		*colon = '\0';
	}
	/* Not what inet_aton takes beside: "1" is no address here. */
	if (strchr(host, ':') == NULL && inet_pton(AF_INET, host, &four) != 1)
		return -EINVAL;
	return address_parse(host, ret_address);
}

int proxies_client(const struct proxies *proxies, const char *forwarded, struct address *ret_client)
{
	const char *end = forwarded + strlen(forwarded);

	for (;;) {
		const char *start = end;

		while (start > forwarded && start[-1] != ',')
			start--;
		if (read_entry(start, (size_t)(end - start), ret_client) < 0)
			return -EINVAL;
		if (start == forwarded || proxies_find(proxies, ret_client) == PROXY_NONE)
			return 0;
		end = start - 1;
	}
}
