/*
 * How `chat-keys names` asks the running master: a Unix stream socket,
 * <state-dir>/<instance>/control.sock (0600; the master checks the peer's uid
 * too). One request line, answer lines, end of file.
 *
 *	C names list                      S alice SHA256:6VQr... key
 *	                                  S bob SHA256:Hk5o... pin
 *	                                  S ok 2 names
 *	C names add alice SHA256:6VQr...  S ok alice belongs to SHA256:6VQr...
 *	C names release alice             S ok alice is free
 *	C anything else                   S error what is wrong, in words
 *
 * The last line begins with "ok" or "error". In a list the kind is key, pin, ca
 * or reserved: reserved means that no line of the keys file has that key now. A
 * released name is not listed. A request is at most NAMES_REQUEST_MAX bytes with
 * its newline; the client has NAMES_TIMEOUT_MS to send it.
 */
#ifndef AUTH_NAMES_SOCKET_H
#define AUTH_NAMES_SOCKET_H

#include "auth/keyring.h"
#include "auth/names.h"

#define NAMES_SOCKET_NAME "control.sock"
#define NAMES_REQUEST_MAX 256u
#define NAMES_TIMEOUT_MS 2000

struct names_reply {
	struct buf text; /* all lines of the answer; owned */
	bool changed;    /* publish the keyring before you send this */
	bool passed;     /* `name` was freed, or passed to somebody else: its inbox starts afresh */
	char name[NAME_SIZE];
};

/*
 * The server's side without the socket: answers one request (without the newline). Always
 * gives an answer; 0, or -ENOMEM. A failed write is an "error" line, and changed is false.
 */
int names_answer(struct names *names, const struct keyring_view *view, const char *request,
		 struct names_reply *ret_reply);

#endif
