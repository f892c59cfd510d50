/*
 * The inside of auth/sign.h, for sign_keys.c (which keys there are to try) and sign.c (unlocking
 * one, signing with it).
 */
#ifndef AUTH_SIGN_PRIVATE_H
#define AUTH_SIGN_PRIVATE_H

#include "auth/sign.h"

/* Empty ones equal nothing: they stand for what isn't known. */
bool sign_same_bytes(const struct buf *a, const struct buf *b);
/* Tells the fingerprint of key->plain; -ENOTSUP where the server would not take such a key. */
int sign_key_name_plain(struct sign_key *key);

#endif
