/*
 * Who owns which name. The file <state-dir>/<instance>/names is a log, one
 * event a line, appended and synced before anyone is told; a torn last line (a
 * power cut) is dropped, and the log is written anew, compacted, when it is loaded.
 *
 *	# chat names 1
 *	own 7 alice key SHA256:6VQr...   serial, name, kind, whose
 *	also 7 alice key SHA256:Hk5o...  another key of the same owner: pinned together once
 *	free 8 alice SHA256:6VQr...      released by `chat-keys names release`; whose it was
 *
 * The master is its only user. Rules (docs/auth.md, name_rule.h):
 *	key   the first key that used a free name owns it; --names-per-key of these each
 *	pin   the file's own word: CHAT_USER= of a key's line; takes a name from a "key" owner
 *	ca    used with a certificate: belongs to that CA
 *
 * A binding stays when its key goes: the name is reserved. A serial names one
 * ownership: a name that passes to someone else gets a new one.
 */
#ifndef AUTH_NAMES_H
#define AUTH_NAMES_H

#include "auth/pubkey.h"
#include "base/limits.h"

#include <stdbool.h>
#include <stdint.h>

#define NAMES_MAX 65536u

enum name_kind { NAME_KEY, NAME_PIN, NAME_CA, NAME_RELEASED };

/* Pointer-free: it stands in the keyring as it is. */
struct name_binding {
	char name[NAME_SIZE];
	uint8_t kind;                 /* enum name_kind */
	uint8_t hash[KEY_HASH_BYTES]; /* the key's, or the CA's; released: the last owner's */
	uint64_t serial;
};

/* Who wants a name: fixed size, it travels from a worker to the master as it is. */
struct name_claim {
	char name[NAME_SIZE];
	uint8_t kind; /* NAME_KEY, NAME_PIN or NAME_CA */
	uint8_t key_hash[KEY_HASH_BYTES];
	uint8_t ca_hash[KEY_HASH_BYTES]; /* NAME_CA only, else zeros */
};

enum name_answer {
	NAME_GRANTED,
	NAME_TAKEN, /* someone was faster, or the file changed meanwhile: judge the login again */
	NAME_LIMIT, /* this key has its --names-per-key names already: name_taken too */
};

struct names;
struct keyring_view;

/* Words nobody may claim (the file may pin them): server system admin root and so on. */
bool name_is_reserved_word(const char *name);
const char *name_kind_text(enum name_kind kind);

/*
 * Loads the log (none: starts one; folders exist already). 0; -EBADMSG: not ours or damaged in the
 * middle, *ret_line says where (0 elsewhere); else -errno. Keeps the file open and locked (-EBUSY).
 */
int names_open(const char *path, struct names **ret_names, unsigned *ret_line);
/* In memory only, for tools and tests: nothing is written. 0 or -ENOMEM. */
int names_open_memory(struct names **ret_names);
/* Accepts NULL. */
void names_close(struct names *names);

/* Sorted by name, released ones too. Valid until the next change. */
const struct name_binding *names_list(const struct names *names, unsigned *ret_count);
const struct name_binding *names_find(const struct names *names, const char *name);
/* Raised by every change: publish the keyring when it moved. */
uint64_t names_serial(const struct names *names);

/*
 * Decides a claim by the full rule, with what the current keys file pins, and if it is granted
 * writes it down and syncs it before it returns. 0 with the answer; -errno: it could not be written
 * (the answer to the client is `unavailable`) and nothing has changed.
 * *ret_passed: the name belonged to somebody else before, or was released: its inbox must start
 * afresh.
 * A claim of what the claimer owns already is granted again without a line in the log.
 */
int names_claim(struct names *names, const struct keyring_view *view,
		const struct name_claim *claim, enum name_answer *ret_answer, bool *ret_passed);
/*
 * After each load of the keys file, before it is published: takes note of the keys that are pinned
 * to a name together with a key of its owner, and follows him to those when his old one goes. So a
 * key can be replaced by pinning both for a while; a name whose keys are all new ones passes to
 * somebody else. *ret_changed: bindings changed, renew the image. 0 or -errno.
 */
int names_follow(struct names *names, const struct keyring_view *view, bool *ret_changed);
/*
 * The operator's word. add: 0, -EINVAL (no name), -EPERM (reserved word), -EEXIST (owned by
 * another: release it first), -ENOSPC, or -errno. release: 0, -ENOENT, or -errno.
 */
int names_add(struct names *names, const char *name, const uint8_t hash[KEY_HASH_BYTES],
	      bool *ret_passed);
int names_release(struct names *names, const char *name);

#endif
