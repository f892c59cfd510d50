/*
 * The keyring: who may log in and who owns which name, as one pointer-free
 * image in a sealed memfd that the master writes and workers can only read.
 *
 *	          | header      |  half 0  |  half 1  |
 *	memfd     | generation  |  image   |  image   |    F_SEAL_FUTURE_WRITE
 *
 * master: keyring_create; build an image; keyring_publish fills the idle half,
 * then stores `generation` with release. The half that counts is generation & 1.
 *
 * worker: after the fork keyring_attach(keyring_fd(master's)). keyring_refresh
 * copies the half that counts to private memory when the generation changed, and
 * looks at the generation again afterwards. All look-ups read the private copy,
 * so they need no check of their own and never see half an update.
 *
 *	if (keyring_generation(k) != worker->judged_generation)     before each read or append
 *		keyring_refresh(k), judge every session again
 *
 * The seal forbids any other mapping for writing, and the master's own is not
 * inherited by a fork (MADV_DONTFORK).
 */
#ifndef AUTH_KEYRING_H
#define AUTH_KEYRING_H

#include "auth/authorized_keys.h"
#include "auth/keys_file.h"
#include "auth/names.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEYRING_HALF_BYTES (8u << 20) /* reserved, not used, until filled */
#define KEYRING_LINES_MAX 16384u      /* the most that --max-keys may say (base/options.def) */

struct keyring;

/* ---- both sides */

/* Accepts NULL. Closes the process's own descriptor. */
void keyring_destroy(struct keyring *keyring);
int keyring_fd(const struct keyring *keyring);
/* What is published now; 0: nothing yet. One acquire load. Grows by one a publish. */
uint64_t keyring_generation(const struct keyring *keyring);

/* ---- master */

/* An empty keyring that lets nobody in, generation 0. 0 or -errno. */
int keyring_create(size_t half_bytes, struct keyring **ret_keyring);
/*
 * Before the first publish: generations go on behind this one. For the successor of a keyring
 * whose readers will be moved here: what they remember of it stays smaller than what is new.
 */
void keyring_continue(struct keyring *keyring, uint64_t generation);
/* Makes `image` (of keyring_image_build) the current one: 0, or -ENOSPC when it is too big. */
int keyring_publish(struct keyring *keyring, const void *image, size_t len);

/* What an image is made of. */
struct keyring_source {
	enum keys_safety safety;
	const char *keys; /* bytes of the authorized_keys file; NULL: nobody */
	size_t keys_len;
	const struct names *names;  /* NULL: no bindings */
	const char *const *servers; /* canonical server names; NULL-terminated; NULL: none */
	unsigned names_per_key;
};

struct keyring_report {
	unsigned accepted, refused; /* lines */
};

/*
 * Called for each line that isn't blank, in order; `line` is valid during the call. May be NULL.
 */
typedef void (*keyring_line_cb)(void *data, unsigned number, const struct authorized_line *line);

/*
 * Builds an image, appended to ret_image (empty before). 0; -E2BIG: over KEYRING_LINES_MAX lines;
 * -ENOMEM. A refused line does not stop the file.
 */
int keyring_image_build(const struct keyring_source *source, keyring_line_cb cb, void *data,
			struct buf *ret_image, struct keyring_report *ret_report);

struct keyring_view;
/*
 * The same keys with the names, servers, safety and names_per_key of `source`, whose keys aren't
 * read: for a claim, which must not cost a look at every key. Appended to ret_image. 0 or -ENOMEM.
 */
int keyring_image_renew(const struct keyring_view *view, const struct keyring_source *source,
			struct buf *ret_image);

/* ---- worker */

/*
 * Maps the memfd for reading; keeps a duplicate of fd. 0 or -errno (-EBADMSG: not a keyring).
 * The view is that of an empty keyring until the first refresh.
 */
int keyring_attach(int fd, struct keyring **ret_keyring);
/*
 * Copies the current image if it isn't the one we have. 0, or -errno: the image was bad or kept
 * changing; then the view is empty, which lets nobody in.
 */
int keyring_refresh(struct keyring *keyring);
/*
 * From now on it reads another keyring, as keyring_attach; whoever borrowed it keeps it. The view
 * is refreshed. 0, or -errno: it reads the old one as before.
 */
int keyring_move(struct keyring *keyring, int fd);

/* ---- the view: what look-ups read. Valid until the next refresh. */

struct keyring_line {
	uint8_t key_hash[KEY_HASH_BYTES];
	int64_t expires_s;
	uint32_t number;                  /* line in the file, from 1 */
	uint32_t flags;                   /* RULE_* */
	uint32_t roles;                   /* ROLE_* */
	uint32_t from, principals, names; /* offsets into text */
};

/* A name that a line pins. Sorted by name, then line. */
struct keyring_pin {
	char name[NAME_SIZE];
	uint8_t ca;    /* by a CA line: for its certificates */
	uint32_t line; /* index into lines */
};

struct keyring_view {
	uint64_t generation;
	enum keys_safety safety;
	unsigned names_per_key;
	const struct keyring_line *lines; /* sorted by key_hash, then number */
	unsigned line_count;
	const struct keyring_pin *pins;
	unsigned pin_count;
	const struct name_binding *bindings; /* sorted by name */
	unsigned binding_count;
	const char *servers; /* NUL-terminated strings, one after the other */
	unsigned server_count;
	const char *text;
	size_t text_len;
};

const struct keyring_view *keyring_view(const struct keyring *keyring);
/* Opens an image in memory, which stays the caller's: 0 or -EBADMSG. Every offset is checked. */
int keyring_view_open(const void *image, size_t len, struct keyring_view *ret_view);

/* The lines of a key: index of the first, *ret_count of them (maybe 0). */
unsigned keyring_find_lines(const struct keyring_view *view, const uint8_t key_hash[KEY_HASH_BYTES],
			    unsigned *ret_count);
/* The rule of a line; its strings live as long as the view. */
struct key_rule keyring_rule(const struct keyring_view *view, const struct keyring_line *line);
/* The pins of a name: index of the first, *ret_count of them (maybe 0). */
unsigned keyring_find_pins(const struct keyring_view *view, const char *name, unsigned *ret_count);
/* NULL: nobody has it. Released ones count as not there. */
const struct name_binding *keyring_find_binding(const struct keyring_view *view, const char *name);
/* Someone could have mail: the name is pinned by the file, or bound (so has logged in before). */
bool keyring_knows_name(const struct keyring_view *view, const char *name);
/*
 * ROLE_*: what the file says of the lines that grant the name, of its pins, or of the key that
 * owns it.
 */
unsigned keyring_roles(const struct keyring_view *view, const char *name);
/* How many lines accept keys: 0 means nobody can log in. */
unsigned keyring_line_count(const struct keyring_view *view);

#endif
