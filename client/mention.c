#include "client/mention.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

static const char *const everybody[] = {"all", "here", "everyone"};

static bool is_name_character(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

/* Does this name, and no longer one, stand here? A dot that ends a sentence is no part of it. */
static bool stands_at(const char *name, const char *at)
{
	size_t len = strlen(name);

	if (strncasecmp(at, name, len) != 0)
		return false;
	at += len;
	while (*at == '.')
		at++;
	return !is_name_character(*at);
}

bool mention_of(const char *user, const char *content)
{
	size_t len = strlen(user);

	if (!content)
		return false;
	if (strncasecmp(content, user, len) == 0 && (content[len] == ':' || content[len] == ','))
		return true;
	for (const char *at = content; (at = strchr(at, '@')); at++) {
		if (at > content && is_name_character(at[-1]))
			continue;
		if (stands_at(user, at + 1))
			return true;
		for (size_t i = 0; i < sizeof(everybody) / sizeof(everybody[0]); i++) {
			if (stands_at(everybody[i], at + 1))
				return true;
		}
	}
	return false;
}
