/*
 * The options in front of a key in authorized_keys, by sshd's grammar: names
 * in any case, values in double quotes where \" stands for a quote, an empty option between two
 * commas is nothing, and what sshd refuses is refused.
 */
#ifndef AUTH_KEY_OPTIONS_H
#define AUTH_KEY_OPTIONS_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct key_options {
	bool cert_authority;
	bool no_touch_required, verify_required;
	int64_t expires_s; /* the earliest expiry-time; 0: none */
	bool has_command, has_from, has_principals, has_user, has_role;
	/* values without their quotes; owned */
	struct buf from, principals;
	/* of environment="CHAT_USER=..." and CHAT_ROLE; the first one counts */
	struct buf user, role;
};

void key_options_init(struct key_options *options);
void key_options_finish(struct key_options *options);
/*
 * Reads from `text` to the first blank outside quotes. NULL, or what is wrong (static). May leave
 * a buf `failed`.
 */
const char *key_options_parse(struct key_options *options, const char *text);
/* Where the options that `text` begins with end; NULL: a quote is never closed. */
const char *key_options_end(const char *text);

#endif
