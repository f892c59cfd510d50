#include "auth/name_rule.h"

#include <string.h>

bool name_is_reserved_word(const char *name)
{
	static const char *const words[] = {
		"server", "system", "admin", "root", "all", "here", "everyone", ROOM_LOBBY,
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(name, words[i]) == 0)
			return true;
	return false;
}

const char *name_kind_text(enum name_kind kind)
{
	switch (kind) {
	case NAME_KEY:
		return "key";
	case NAME_PIN:
		return "pin";
	case NAME_CA:
		return "ca";
	case NAME_RELEASED:
		return "released";
	}
	return "released";
}

static bool hash_equal(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, KEY_HASH_BYTES) == 0;
}

/* Does the file pin the name to this key (or, with `ca`, to this CA)? */
static bool pinned_to(const struct keyring_view *view, unsigned first, unsigned count, bool ca,
		      const uint8_t *hash)
{
	for (unsigned i = first; i < first + count; i++)
		if ((view->pins[i].ca != 0) == ca &&
		    hash_equal(view->lines[view->pins[i].line].key_hash, hash))
			return true;
	return false;
}

/* May certificates of this CA use names that no principals= lists? */
static bool ca_is_open(const struct keyring_view *view, const uint8_t *ca_hash)
{
	unsigned count, first = keyring_find_lines(view, ca_hash, &count);

	for (unsigned i = first; i < first + count; i++)
		if ((view->lines[i].flags & (RULE_CA | RULE_NAMES)) == RULE_CA)
			return true;
	return false;
}

/* The file names the claimant: what the books say may have to give way. */
static enum name_right judge_pinned(const struct keyring_view *view, unsigned first, unsigned count,
				    const struct name_binding *binding)
{
	if (binding == NULL || binding->kind == NAME_RELEASED)
		return NAME_RIGHT_CLAIM;
	if (pinned_to(view, first, count, binding->kind == NAME_CA, binding->hash))
		return NAME_RIGHT_OWNED;
	return NAME_RIGHT_PASSES;
}

static enum name_right name_rule_decide(const struct keyring_view *view,
					const struct name_binding *binding, unsigned owned,
					const struct name_claim *claim)
{
	bool certified = claim->kind == NAME_CA;
	const uint8_t *hash = certified ? claim->ca_hash : claim->key_hash;
	unsigned count, first = keyring_find_pins(view, claim->name, &count);
	bool live = binding != NULL && binding->kind != NAME_RELEASED;

	if (count > 0) {
		if (claim->kind == NAME_KEY || !pinned_to(view, first, count, certified, hash))
			return NAME_RIGHT_NONE;
		return judge_pinned(view, first, count, binding);
	}
	if (claim->kind == NAME_PIN || claim->kind == NAME_RELEASED ||
	    (certified && !ca_is_open(view, hash)))
		return NAME_RIGHT_NONE;
	if (live) {
		/* what the file once pinned to this key stays this key's */
		bool of_kind = (binding->kind == NAME_CA) == certified;

		return of_kind && hash_equal(binding->hash, hash) ? NAME_RIGHT_OWNED
								  : NAME_RIGHT_NONE;
	}
	if (name_is_reserved_word(claim->name))
		return NAME_RIGHT_NONE;
	if (!certified && view->names_per_key > 0 && owned >= view->names_per_key)
		return NAME_RIGHT_LIMIT;
	return NAME_RIGHT_CLAIM;
}

enum name_right name_rule(const struct keyring_view *view, const struct name_binding *binding,
			  unsigned owned, const struct name_claim *claim)
{
	enum name_right right = name_rule_decide(view, binding, owned, claim);

	/* released meanwhile: it starts afresh, whoever comes */
	return right == NAME_RIGHT_CLAIM && binding != NULL ? NAME_RIGHT_PASSES : right;
}

unsigned name_count_owned(const struct name_binding *bindings, unsigned count,
			  const uint8_t key_hash[KEY_HASH_BYTES])
{
	unsigned owned = 0;

	for (unsigned i = 0; i < count; i++)
		if (bindings[i].kind == NAME_KEY && hash_equal(bindings[i].hash, key_hash))
			owned++;
	return owned;
}
