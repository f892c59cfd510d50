/* How the line looked before each change, the latest last: C-_ goes back there. */
#ifndef CLIENT_EDIT_UNDO_H
#define CLIENT_EDIT_UNDO_H

#include <stdbool.h>
#include <stddef.h>

#define EDIT_UNDO_MAX 64u

struct edit_state {
	char *text; /* owned */
	size_t cursor;
};

struct edit_undo {
	struct edit_state states[EDIT_UNDO_MAX];
	size_t count;
};

/* Forgets all of it. */
void edit_undo_clear(struct edit_undo *undo);
/* The line is about to change; forgets the oldest state where there are too many. */
void edit_undo_keep(struct edit_undo *undo, const char *text, size_t cursor);
/* The latest state; the caller owns its text now. False where there is none. */
bool edit_undo_take(struct edit_undo *undo, struct edit_state *ret_state);

#endif
