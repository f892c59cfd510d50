/*
 * The keys of a person change: those that the file pins to a name together with a key of its
 * owner are noted as his, so that the name follows him when the old one goes (names_follow).
 */
#include "auth/keyring.h"
#include "auth/names_private.h"

#include <string.h>

static bool owner_is(const struct name_binding *owner, bool ca, const uint8_t *hash)
{
	return (owner->kind == NAME_CA) == ca && memcmp(owner->hash, hash, KEY_HASH_BYTES) == 0;
}

static bool has_alias(const struct names *names, const struct name_binding *binding, bool ca,
		      const uint8_t *hash)
{
	for (unsigned i = 0; i < names->alias_count; i++)
		if (names->aliases[i].serial == binding->serial &&
		    strcmp(names->aliases[i].name, binding->name) == 0 &&
		    owner_is(&names->aliases[i], ca, hash))
			return true;
	return false;
}

/* Is that key, or CA, known as one of the owner's? */
static bool is_known(const struct names *names, const struct name_binding *binding, bool ca,
		     const uint8_t *hash)
{
	return owner_is(binding, ca, hash) || has_alias(names, binding, ca, hash);
}

/* Notes a key, or CA, as one more of the owner's. */
static int add_alias(struct names *names, const struct name_binding *binding, bool ca,
		     const uint8_t *hash)
{
	struct names_event event = {.type = NAMES_ALSO, .binding = *binding};

	if (has_alias(names, binding, ca, hash))
		return 0;
	event.binding.kind = ca ? NAME_CA : NAME_KEY;
	memcpy(event.binding.hash, hash, KEY_HASH_BYTES);
	return names_record(names, &event);
}

/* One name that the file pins and somebody owns. */
static int follow_name(struct names *names, const struct keyring_view *view, unsigned first,
		       unsigned count, const struct name_binding *binding, bool *changed)
{
	const struct keyring_pin *same = NULL;
	bool owner_is_pinned = false;
	int ret = 0;

	for (unsigned i = first; i < first + count; i++) {
		const struct keyring_pin *pin = &view->pins[i];
		const uint8_t *hash = view->lines[pin->line].key_hash;

		if (owner_is(binding, pin->ca != 0, hash))
			owner_is_pinned = true;
		if (is_known(names, binding, pin->ca != 0, hash))
			same = pin;
	}
	if (same == NULL)
		return 0; /* all new: somebody else's now, when he comes */
	for (unsigned i = first; i < first + count && ret == 0; i++) {
		const struct keyring_pin *pin = &view->pins[i];
		const uint8_t *hash = view->lines[pin->line].key_hash;

		if (!owner_is(binding, pin->ca != 0, hash))
			ret = add_alias(names, binding, pin->ca != 0, hash);
	}
	if (ret == 0 && !owner_is_pinned) {
		/* the old key stays known: it may come back */
		ret = add_alias(names, binding, binding->kind == NAME_CA, binding->hash);
	}
	if (ret == 0 && !owner_is_pinned) {
		*changed = true;
		ret = names_record_owner(names, binding->name, same->ca != 0 ? NAME_CA : NAME_PIN,
					 view->lines[same->line].key_hash, binding->serial);
	}
	return ret;
}

void names_note_other_keys(struct names *names, const struct keyring_view *view, const char *name)
{
	unsigned count, first = keyring_find_pins(view, name, &count);
	struct name_binding copy = *names_find(names, name);
	bool changed = false;

	(void)follow_name(names, view, first, count, &copy, &changed);
}

int names_follow(struct names *names, const struct keyring_view *view, bool *ret_changed)
{
	unsigned i = 0;
	int ret = 0;

	*ret_changed = false;
	while (i < view->pin_count && ret == 0) {
		const struct name_binding *binding = names_find(names, view->pins[i].name);
		unsigned count, first = keyring_find_pins(view, view->pins[i].name, &count);
		struct name_binding copy;

		if (binding != NULL && binding->kind != NAME_RELEASED) {
			copy = *binding;
			ret = follow_name(names, view, first, count, &copy, ret_changed);
		}
		i = first + count;
	}
	return ret;
}
