/*
 * The servers whose key was accepted once, by hand: $XDG_STATE_HOME/chat/known_hosts
 * (~/.local/state/chat/known_hosts), a line each, `#` begins a comment:
 *
 *	chat.example.org:8080 SHA256:ONM5A1KOKiMfXawm5B7xpAvmg65t3DtjfF1DnKKnZxM
 *
 * The name is what was dialled, with its port. A server may have several lines: each key counts.
 */
#ifndef CLIENT_KNOWN_HOSTS_H
#define CLIENT_KNOWN_HOSTS_H

#include <stdbool.h>

enum known_host {
	KNOWN_HOST_NONE, /* no line names it */
	KNOWN_HOST_SAME,
	KNOWN_HOST_OTHER, /* a line names it, with another key */
	KNOWN_HOST_UNREADABLE
};

/* The file's path by the environment; the caller frees it. NULL where there is no home. */
char *known_hosts_path(void);
/* What the file says. For KNOWN_HOST_OTHER *ret_line is the number of the last such line. */
enum known_host known_hosts_find(const char *path, const char *server, const char *fingerprint,
				 unsigned *ret_line);
/* Adds a line, making file and folders (0600, 0700). 0 or -errno. */
int known_hosts_add(const char *path, const char *server, const char *fingerprint);

#endif
