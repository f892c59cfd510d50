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

bool ws_strangers_add(struct ws_strangers *strangers, struct lws *wsi,
		      const struct ws_arrival *arrival)
{
	if (strangers->count == strangers->cap) {
		unsigned cap = strangers->cap > 0 ? strangers->cap * 2 : START;
		struct ws_stranger *list =
			realloc(strangers->list, cap * sizeof(struct ws_stranger));

		if (list == NULL)
			return false;
		strangers->list = list;
		strangers->cap = cap;
	}
	strangers->list[strangers->count++] = (struct ws_stranger){.wsi = wsi, .arrival = *arrival};
	remember(wsi, strangers->count);
	return true;
}

const struct ws_arrival *ws_strangers_arrival(const struct ws_strangers *strangers, struct lws *wsi)
{
	uintptr_t place = (uintptr_t)lws_get_opaque_user_data(wsi);

	return place > 0 ? &strangers->list[place - 1].arrival : NULL;
}

void ws_strangers_remove(struct ws_strangers *strangers, struct lws *wsi)
{
	uintptr_t place = (uintptr_t)lws_get_opaque_user_data(wsi);
	struct ws_stranger last;

	if (place == 0)
		return;
	last = strangers->list[--strangers->count];
	strangers->list[place - 1] = last;
	remember(last.wsi, place);
	remember(wsi, 0);
}

struct lws *ws_strangers_draw(const struct ws_strangers *strangers)
{
	if (strangers->count == 0)
		return NULL;
	return strangers->list[random_below(strangers->count)].wsi;
}

void ws_strangers_finish(struct ws_strangers *strangers)
{
	free(strangers->list);
	*strangers = (struct ws_strangers){0};
}
