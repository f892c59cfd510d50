#include "client/edit_kills.h"

void edit_kills_finish(struct edit_kills *kills)
{
	for (size_t i = 0; i < EDIT_KILLS_MAX; i++)
		buf_wipe(&kills->ring[i]);
	*kills = (struct edit_kills){0};
}

void edit_kills_add(struct edit_kills *kills, const char *text, size_t len)
{
	if (kills->count > 0)
		kills->newest = (kills->newest + 1) % EDIT_KILLS_MAX;
	if (kills->count < EDIT_KILLS_MAX)
		kills->count++;
	buf_wipe(&kills->ring[kills->newest]);
	buf_append(&kills->ring[kills->newest], text, len);
}

void edit_kills_join(struct edit_kills *kills, const char *text, size_t len, bool before)
{
	struct buf *latest = &kills->ring[kills->newest], joined = BUF_INIT;

	if (kills->count == 0) {
		edit_kills_add(kills, text, len);
		return;
	}
	if (!before) {
		buf_append(latest, text, len);
		return;
	}
	buf_append(&joined, text, len);
	buf_append(&joined, latest->data, latest->len);
	buf_wipe(latest);
	*latest = joined;
}

const struct buf *edit_kills_get(const struct edit_kills *kills, size_t back)
{
	if (kills->count == 0)
		return NULL;
	back %= kills->count;
	return &kills->ring[(kills->newest + EDIT_KILLS_MAX - back) % EDIT_KILLS_MAX];
}
