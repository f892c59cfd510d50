/* Keys and agents for the tests: made by OpenSSH itself, in a folder that goes away. */
#ifndef TESTS_KEY_MAKER_H
#define TESTS_KEY_MAKER_H

#include "base/buf.h"

#include <sys/types.h>

struct key_folder {
	char path[64];
	pid_t agent; /* 0: none was started */
	char agent_socket[80];
};

void key_folder_create(struct key_folder *folder);
void key_folder_destroy(struct key_folder *folder);

/* A path in the folder; good until the next call but seven. */
const char *key_path(const struct key_folder *folder, const char *name);
/* Runs a shell command there ("$D" is the folder); fails the test where it fails. */
void key_run(const struct key_folder *folder, const char *command);
/* A key pair NAME, NAME.pub; `options` go to ssh-keygen (-t, -N and the like). */
void key_make(const struct key_folder *folder, const char *name, const char *options);
void key_read(const struct key_folder *folder, const char *name, struct buf *text);
/* The decoded blob of a .pub file. */
void key_read_public(const struct key_folder *folder, const char *name, struct buf *blob);
/* Starts an ssh-agent that dies with the test. */
void key_agent_start(struct key_folder *folder);

#endif
