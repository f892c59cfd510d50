/*
 * Asks for a passphrase as ssh does: on the terminal without echo, or with the program that
 * SSH_ASKPASS names, as SSH_ASKPASS_REQUIRE says (ssh(1)). A sign_ask_fn.
 */
#ifndef CLIENT_PASSPHRASE_H
#define CLIENT_PASSPHRASE_H

#include "base/buf.h"

/* 0; -ECANCELED: Ctrl-C, Ctrl-D, the program said no, or there is nobody to ask. */
int passphrase_ask(void *owner, const char *path, unsigned attempt, struct buf *words);

#endif
