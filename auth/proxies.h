/*
 * The proxies that may tell who a client is (--trusted-proxy NETWORK=proxy2|xff), and what they
 * say. One way for each of them, and no other counts:
 *
 *	proxy2   a PROXY header, version 2, in front of each connection (proxy_header.h)
 *	xff      the request's X-Forwarded-For: the rightmost address that is no trusted proxy's
 */
#ifndef AUTH_PROXIES_H
#define AUTH_PROXIES_H

#include "auth/address.h"
#include "base/buf.h"
#include "base/config.h"

#include <stdbool.h>
#include <stddef.h>

enum proxy_kind { PROXY_NONE, PROXY_V2, PROXY_XFF };

#define PROXY_NETWORK_SIZE 64u

struct proxies {
	unsigned count;
	struct proxy {
		char network[PROXY_NETWORK_SIZE]; /* an address, or one with /BITS */
		enum proxy_kind kind;
	} list[SERVER_NAMES_MAX];
};

/* 0, or -EINVAL with a sentence in `error`. */
int proxies_read(const struct config_names *options, struct proxies *ret_proxies,
		 struct buf *error);
/* The first entry that holds the address counts. */
enum proxy_kind proxies_find(const struct proxies *proxies, const struct address *peer);
#define FORWARDED_HEAD_MAX 8192u /* of a request's head */
#define FORWARDED_SIZE 1024u

/*
 * Finds X-Forwarded-For in what has come of a request: `out` gets the values of all its lines,
 * joined with commas. 0; -EAGAIN: the head's end isn't there yet; -ENODATA: no such line;
 * -EBADMSG: a head that programs may read differently (a folded line, a name with a blank, a line
 * without a colon, a lone LF), or longer than it may be.
 *
 * We read it ourselves because libwebsockets 4.1.6 lets a line such as "X: a", which a proxy passes
 * on, swallow the one behind it, which the proxy adds.
 */
int proxies_forwarded(const char *bytes, size_t len, char out[FORWARDED_SIZE]);
/*
 * The client by the value of X-Forwarded-For (all its lines, joined with commas): the rightmost
 * address that is no trusted proxy's, or the leftmost where all are. 0, or -EINVAL: none, or
 * what stands where an address should is none.
 */
int proxies_client(const struct proxies *proxies, const char *forwarded,
		   struct address *ret_client);

#endif
