/*
 * Is somebody spoken to in a text?
 *
 *	@alice look, (@alice), @Alice.      yes
 *	alice: look, alice, look            yes, at the beginning
 *	@all, @here, @everyone              yes, everybody is
 *	mail@alice, @alice-2, I like alice  no
 */
#ifndef CLIENT_MENTION_H
#define CLIENT_MENTION_H

#include <stdbool.h>

bool mention_of(const char *user, const char *content);

#endif
