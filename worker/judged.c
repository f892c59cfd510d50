#include "worker/judged.h"

#include "shm/append.h"

#include <string.h>

static void add_text(struct buf *out, const char *text)
{
	buf_append(out, text, strlen(text) + 1);
}

/* All that the key lines say, and whether the file may be believed. Never 0. */
static uint64_t hash_rules(struct judged *judged, const struct shm *shm,
			   const struct keyring_view *view)
{
	struct buf *bytes = &judged->scratch;

	buf_reset(bytes);
	buf_append(bytes, &view->safety, sizeof(view->safety));
	buf_append(bytes, view->lines, view->line_count * sizeof(*view->lines));
	buf_append(bytes, view->pins, view->pin_count * sizeof(*view->pins));
	for (unsigned i = 0; i < view->line_count; i++) {
		struct key_rule rule = keyring_rule(view, &view->lines[i]);

		add_text(bytes, rule.from);
		add_text(bytes, rule.principals);
		add_text(bytes, rule.names);
	}
	return bytes->failed ? 0 : shm_hash(shm, bytes->data, bytes->len);
}

/* True if all old bindings are there as they were; what else is there is added. */
static bool only_adds(const struct judged *judged, const struct keyring_view *view,
		      struct judged_change *change)
{
	const struct name_binding *old = (const struct name_binding *)(void *)judged->bindings.data;
	size_t old_count = judged->bindings.len / sizeof(*old), at = 0;

	for (unsigned i = 0; i < view->binding_count; i++) {
		const struct name_binding *now = &view->bindings[i];

		/* Padding and all: a difference that means nothing costs a judgement, no more. */
		if (at < old_count && memcmp(&old[at], now, sizeof(*now)) == 0) {
			at++;
			continue;
		}
		if (change->added_count == JUDGED_ADDED_MAX)
			return false;
		change->added[change->added_count++] = now;
	}
	return at == old_count;
}

void judged_compare(struct judged *judged, const struct shm *shm, const struct keyring_view *view,
		    struct judged_change *ret_change)
{
	uint64_t rules = hash_rules(judged, shm, view);

	ret_change->added_count = 0;
	ret_change->everyone =
		rules == 0 || rules != judged->rules || !only_adds(judged, view, ret_change);
	buf_reset(&judged->bindings);
	buf_append(&judged->bindings, view->bindings,
		   view->binding_count * sizeof(*view->bindings));
	judged->rules = judged->bindings.failed ? 0 : rules;
}

void judged_forget(struct judged *judged)
{
	judged->rules = 0;
}

void judged_finish(struct judged *judged)
{
	buf_finish(&judged->bindings);
	buf_finish(&judged->scratch);
	judged->rules = 0;
}
