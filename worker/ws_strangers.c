#include "worker/ws_strangers.h"

#include "base/random.h"

#include <libwebsockets.h>
#include <stdint.h>
#include <stdlib.h>

#define START 64u

/* Place + 1; 0, which a new socket has, is none. */
static void remember(struct lws *wsi, uintptr_t place)
{
	lws_set_opaque_user_data(wsi, (void *)place);
}

void ws_strangers_add(struct ws_strangers *strangers, struct lws *wsi)
{
	if (strangers->count == strangers->cap) {
		unsigned cap = strangers->cap > 0 ? strangers->cap * 2 : START;
		struct lws **list = realloc(strangers->list, cap * sizeof(struct lws *));

		if (list == NULL)
			return;
		strangers->list = list;
		strangers->cap = cap;
	}
	strangers->list[strangers->count++] = wsi;
	remember(wsi, strangers->count);
}

void ws_strangers_remove(struct ws_strangers *strangers, struct lws *wsi)
{
	uintptr_t place = (uintptr_t)lws_get_opaque_user_data(wsi);
	struct lws *last;

	if (place == 0)
		return;
	last = strangers->list[--strangers->count];
	strangers->list[place - 1] = last;
	remember(last, place);
	remember(wsi, 0);
}

struct lws *ws_strangers_draw(const struct ws_strangers *strangers)
{
	if (strangers->count == 0)
		return NULL;
	return strangers->list[random_below(strangers->count)];
}

void ws_strangers_finish(struct ws_strangers *strangers)
{
	free(strangers->list);
	*strangers = (struct ws_strangers){0};
}
