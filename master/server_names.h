/*
 * The names this server answers to: what a client may have dialled, and so signed
 * (docs/auth.md). localhost, 127.0.0.1, [::1], the host's name and full name, the
 * bound addresses, the certificate's names, and each --server-name, all in canonical form.
 */
#ifndef MASTER_SERVER_NAMES_H
#define MASTER_SERVER_NAMES_H

#include "auth/challenge.h"
#include "base/config.h"

#define SERVER_NAMES_ALL_MAX (SERVER_NAMES_MAX + 64u)

struct server_names {
	unsigned count;
	char text[SERVER_NAMES_ALL_MAX][SERVER_NAME_SIZE];
	const char *list[SERVER_NAMES_ALL_MAX + 1]; /* points to the texts, NULL at the end */
};

/*
 * The machine's own names, found once: the full one may need a resolver that doesn't
 * answer, so another process asks, and it gets HOST_FULL_NAME_WAIT_MS. "" where there is none.
 * Before the first fork of a worker.
 */
#define HOST_FULL_NAME_WAIT_MS 500
struct host_names {
	char name[256], full[256];
};
void host_names_find(struct host_names *ret_names);

/*
 * Fills `names` (not movable: list points into it). `bound`: "127.0.0.1:8080, [::1]:8080";
 * `certified`: the certificate's, one a line. More than fit are left out.
 * 0, or -EINVAL with a sentence in `error` for a --server-name that is none.
 */
int server_names_fill(struct server_names *names, const struct config *config,
		      const struct host_names *host, unsigned port, const char *bound,
		      const char *certified, struct buf *error);

#endif
