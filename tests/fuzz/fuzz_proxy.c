/*
 * What a proxy, or who says he is one, sends: a PROXY header, and X-Forwarded-For. Whatever it is,
 * reading stays inside it, and an address comes out or none.
 */
#include "auth/proxies.h"
#include "auth/proxy_header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

static void check_client(const struct address *client)
{
	struct address again;
	char text[ADDRESS_TEXT_SIZE];

	check(client->family == AF_INET || client->family == AF_INET6, "a client has an address");
	address_format(client, text);
	check(address_parse(text, &again) == 0 && memcmp(&again, client, sizeof(again)) == 0,
	      "an address reads back");
}

static void read_header(const uint8_t *data, size_t size)
{
	struct proxy_header header;
	int len;

	(void)proxy_header_begins(data, size);
	if (size < PROXY_HEADER_START)
		return;
	len = proxy_header_length(data);
	if (len < 0 || (size_t)len > size)
		return;
	check(len <= (int)PROXY_HEADER_MAX, "a length that fits");
	check(proxy_header_begins(data, size), "a header is known by its beginning");
	if (proxy_header_read(data, (size_t)len, &header) == 0 && !header.local)
		check_client(&header.client);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxies proxies = {
		.count = 2,
		.list = {{.network = "10.0.0.0/8", .kind = PROXY_XFF},
			 {.network = "2001:db8::/32", .kind = PROXY_V2}},
	};
	char *text = malloc(size + 1);
	struct address client;
	char forwarded[FORWARDED_SIZE];

	read_header(data, size);
	check(text != NULL, "memory");
	memcpy(text, data, size);
	text[size] = '\0';
	if (proxies_client(&proxies, text, &client) == 0)
		check_client(&client);
	if (proxies_forwarded(text, size, forwarded) == 0) {
		check(strlen(forwarded) < sizeof(forwarded), "a value that fits");
		(void)proxies_client(&proxies, forwarded, &client);
	}
	free(text);
	return 0;
}
