#include "shm/slot_check.h"

#include "shm/segment_layout.h"

#include <string.h>

#define load_relaxed(at) atomic_load_explicit((at), memory_order_relaxed)

bool slot_name_is_sound(const char name[ROOM_SIZE], bool inbox)
{
	const char *first = inbox ? name + 1 : name;
	size_t most = inbox ? ROOM_LEN_MAX : NAME_LEN_MAX;
	size_t len = strnlen(name, ROOM_SIZE);

	if (len > most || (inbox && name[0] != '@') || *first == '\0' ||
	    strchr("_.-", *first) != NULL)
		return false;
	return strspn(first, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == strlen(first);
}

bool slot_window_is_sound(const struct shm *shm, struct window *window)
{
	uint32_t user = load_relaxed(&window->user);
	uint32_t copies = load_relaxed(&window->intent.copies);

	if (load_relaxed(&window->state) != WINDOW_USED || user >= shm->sizes->max_users ||
	    load_relaxed(&window->user_epoch) != load_relaxed(&segment_user(shm, user)->life) ||
	    copies > APPEND_COPIES_MAX ||
	    memchr(window->device, '\0', sizeof(window->device)) == NULL ||
	    memchr(window->last_id, '\0', sizeof(window->last_id)) == NULL ||
	    memchr(window->intent.id, '\0', sizeof(window->intent.id)) == NULL)
		return false;
	for (uint32_t i = 0; i < copies; i++) {
		if (load_relaxed(&window->intent.copy[i].log) >= segment_log_count(shm))
			return false;
	}
	return true;
}

void slot_window_clear(struct window *window)
{
	const size_t lock = offsetof(struct window, state);

	memset((char *)window + lock, 0, sizeof(*window) - lock);
}
