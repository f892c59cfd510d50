#include "client/edit_undo.h"

#include <stdlib.h>
#include <string.h>

void edit_undo_clear(struct edit_undo *undo)
{
	for (size_t i = 0; i < undo->count; i++)
		free(undo->states[i].text);
	undo->count = 0;
}

void edit_undo_keep(struct edit_undo *undo, const char *text, size_t cursor)
{
	char *copy = strdup(text);

	if (!copy)
		return; /* one step less */
	if (undo->count == EDIT_UNDO_MAX) {
		free(undo->states[0].text);
		undo->count--;
		memmove(undo->states, undo->states + 1, undo->count * sizeof(undo->states[0]));
	}
	undo->states[undo->count++] = (struct edit_state){.text = copy, .cursor = cursor};
}

bool edit_undo_take(struct edit_undo *undo, struct edit_state *ret_state)
{
	if (undo->count == 0)
		return false;
	*ret_state = undo->states[--undo->count];
	return true;
}
