/*
 * What the keyboard sends, as keys with names: "C-n", "M-a", "PgUp", "M-Enter", "Esc", "Paste".
 * A key without a name here ("") is for the line being typed, which reads the same bytes
 * (client/edit.h).
 *
 *	keyboard_byte     one byte came; calls `on_key` where a key is complete
 *	keyboard_is_open  an ESC came alone: is it the key, or does more follow?
 *	keyboard_settle   nothing followed: it was the key
 */
#ifndef CLIENT_KEYBOARD_H
#define CLIENT_KEYBOARD_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

#define KEYBOARD_WAIT_MS 50 /* what a terminal sends for one key comes at once */

struct keyboard {
	char bytes[24]; /* of the key under way, ESC first */
	size_t len;
	bool in_paste;
	struct buf paste; /* bracketed */
};

/* `bytes` are those that make the key; of a "Paste", the text. */
typedef void keyboard_fn(void *owner, const char *name, const char *bytes, size_t len);

void keyboard_finish(struct keyboard *keyboard);
void keyboard_byte(struct keyboard *keyboard, unsigned char byte, keyboard_fn *on_key, void *owner);
bool keyboard_is_open(const struct keyboard *keyboard);
void keyboard_settle(struct keyboard *keyboard, keyboard_fn *on_key, void *owner);

#endif
