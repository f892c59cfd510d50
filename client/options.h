/*
 * The command line of chat-client, checked: names are folded, the server's name is canonical.
 */
#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H

#include "auth/challenge.h"
#include "base/buf.h"
#include "base/limits.h"
#include "client/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPTION_ROOMS_MAX 64u

struct options {
	const char *key; /* borrowed from argv; NULL: not given */
	char room[OPTION_ROOMS_MAX][ROOM_SIZE];
	size_t room_count;
	bool send, follow, once, json, plain, tls, insecure, code, ping, version, help;
	const char *fingerprint; /* NULL: not given */
	int64_t batch_ms;        /* 0: each line is a message */
	int64_t wait_reply_ms;   /* 0: no answer is waited for */
	int64_t since;           /* ms since 1970; 0: not said */
	const char *as;          /* a kind of message; NULL: not said */
	const char *device;
	const char *id_prefix;
	const char *notify; /* a way that settings_set() takes */
	const char *notify_command;

	char user[NAME_SIZE];
	char server[SERVER_NAME_SIZE]; /* canonical, "host:port" */
	char host[SERVER_NAME_SIZE];   /* without port and brackets */
	unsigned port;
};

/*
 * Reads the arguments; `login_name` is the user where none is named (may be NULL). HOST may be one
 * of the settings' hosts; their strings are borrowed then. 0; -EINVAL: a usage error, told in
 * `problem`. With --help or --version nothing else is checked.
 */
int options_parse(int argc, char **argv, const char *login_name, const struct settings *settings,
		  struct buf *problem, struct options *ret_options);
/*
 * Are its connections encrypted? This machine is dialled without TLS by its loopback names, whoever
 * is beyond it with; --tls, --fingerprint and --insecure say otherwise.
 */
bool options_mean_tls(const struct options *options);
/* The text of --help. */
void options_help(struct buf *out);

#endif
