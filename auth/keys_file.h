/*
 * Reads the authorized_keys file, after making sure that only its owner could
 * have written it. Safe is sshd's StrictModes with one difference: the real
 * path's file and every folder above it, up to the home folder (if below it) or /, belong to
 * root or to us and are not writable by group or others; root's sticky folder (/tmp) is safe.
 * What isn't safe, is empty or isn't there lets nobody in.
 */
#ifndef AUTH_KEYS_FILE_H
#define AUTH_KEYS_FILE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define KEYS_FILE_MAX (8u << 20)

enum keys_safety {
	KEYS_SAFE,
	KEYS_MISSING,   /* no such file, or it can't be opened */
	KEYS_EMPTY,     /* no line that accepts a key: not an error of the file itself */
	KEYS_UNSAFE,    /* others could have written it */
	KEYS_TOO_LARGE, /* more bytes or lines than the keyring takes */
};

struct keys_file {
	enum keys_safety safety;
	char reason[512]; /* "" where safe: names path, owner and mode */
	char mend[1100];  /* the exact command, "" where there is none */
	struct buf bytes; /* owned; nothing unless KEYS_SAFE or KEYS_EMPTY */
};

void keys_file_init(struct keys_file *file);
void keys_file_finish(struct keys_file *file);
/* Always fills `file`. 0, or -ENOMEM (then nothing is safe). `home` may be NULL: $HOME. */
int keys_file_load(struct keys_file *file, const char *path, const char *home);
/* "safe", "missing", "empty", "unsafe", "too large". */
const char *keys_safety_name(enum keys_safety safety);

#endif
