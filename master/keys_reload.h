/*
 * Who may log in and who owns which name, as the master keeps them: the authorized_keys file and
 * the log of names on one side, the keyring that the workers read on the other.
 *
 *	keys_load      at start, at SIGHUP, and by keys_tick when the file changed
 *	keys_claim     a worker asks for a name
 *	keys_answer    `chat-keys names` asks
 *
 * Each change is published before anybody is told of it. The master's own view of what is
 * published is the same image that the workers read.
 */
#ifndef MASTER_KEYS_RELOAD_H
#define MASTER_KEYS_RELOAD_H

#include "auth/keyring.h"
#include "auth/names_socket.h"
#include "base/config.h"
#include "master/file_look.h"

#include <stdbool.h>
#include <stdint.h>

struct keys {
	struct keyring *keyring;       /* owned */
	struct names *names;           /* owned */
	struct keys_file file;         /* as loaded last */
	struct file_look loaded, seen; /* when it was loaded; a second ago */
	struct buf image;              /* what is published, and what `view` looks at */
	struct keyring_view view;
	struct keyring_report report; /* of the file as loaded last */
	char *path;                   /* owned */
	const char *const *servers;   /* borrowed */
	unsigned names_per_key, max_keys;
	uint64_t first_generation; /* set before keys_open: an earlier keyring's last one (0: none)
				    */
};

/*
 * Opens the log of names in the instance's folder, and an empty keyring. 0, or -errno with
 * a sentence for the operator. Zero-initialise `keys` before (but first_generation).
 */
int keys_open(struct keys *keys, const char *folder, struct buf *error);
void keys_close(struct keys *keys);
/*
 * In a child: opens its own view of the keyring, read only, and gives the rest up; whoever takes
 * a worker over must not hold the log of names open for writing. 0 or -errno.
 */
int keys_enter_worker(struct keys *keys, struct keyring **ret_keyring);

/*
 * Reads the file that `config` names, publishes, and logs what was accepted, or why nobody
 * can log in and how that is mended. `why`: "start", "reload", "changed". 0, or -errno: nothing
 * could be published (then nobody gets in who wasn't in before).
 */
int keys_load(struct keys *keys, const struct config *config, const char *const *servers,
	      const char *why);
/*
 * Once a second: loads the file again when it has changed and then looked the same twice;
 * what isn't safe may become so without a change of the file, so that is looked at, too.
 */
void keys_tick(struct keys *keys);

/* Decides and publishes. 0, or -errno: unavailable. */
int keys_claim(struct keys *keys, const struct name_claim *claim, enum name_answer *ret_answer,
	       bool *ret_passed);
/* One request of `chat-keys names`. 0 or -ENOMEM; reply->text is the caller's then. */
int keys_answer(struct keys *keys, const char *request, struct names_reply *ret_reply);

#endif
