/*
 * What chat-client remembers between runs, for each server and user: the name of its device and
 * the key that last worked. Files under $XDG_STATE_HOME/chat/client (~/.local/state/chat/client):
 *
 *	alice@localhost:8080.key       fingerprint
 *	alice@localhost:8080.1.device  a device's name; locked by the program that uses it
 *	alice@localhost:8080.2.device  the second one that runs at the same time, and so on
 *
 * Two programs never share a device: the server's promise that a repeated line counts once is made
 * to each device. Where nothing can be written, the name is made up for this run.
 */
#ifndef CLIENT_STATE_H
#define CLIENT_STATE_H

#include "base/limits.h"

struct state {
	char device[DEVICE_SIZE];
	char key[FINGERPRINT_SIZE]; /* "" where none worked yet */
	char *base;                 /* owned; the path without its ending; NULL: nothing is kept */
	int lock;                   /* the device's file; -1: none */
};

/*
 * Finds the state of user@server in `folder` (as state_folder() tells; NULL: keep nothing). Never
 * fails: there is always a device.
 */
void state_open(const char *folder, const char *user, const char *server, struct state *ret_state);
void state_close(struct state *state);
/* This key worked. 0 or -errno. */
int state_remember_key(struct state *state, const char *fingerprint);

/* The folder by the environment; the caller frees it. NULL where there is no home. */
char *state_folder(void);

#endif
