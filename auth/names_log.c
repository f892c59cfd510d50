#include "auth/names_log.h"
#include "auth/challenge.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void names_event_format(const struct names_event *event, char out[NAMES_LOG_LINE_MAX])
{
	const struct name_binding *binding = &event->binding;
	char fingerprint[FINGERPRINT_SIZE];

	fingerprint_format(binding->hash, fingerprint);
	if (event->type == NAMES_FREE)
		(void)snprintf(out, NAMES_LOG_LINE_MAX, "free %" PRIu64 " %s %s\n", binding->serial,
			       binding->name, fingerprint);
	else
		(void)snprintf(out, NAMES_LOG_LINE_MAX, "%s %" PRIu64 " %s %s %s\n",
			       event->type == NAMES_OWN ? "own" : "also", binding->serial,
			       binding->name, name_kind_text((enum name_kind)binding->kind),
			       fingerprint);
}

static int kind_from(const char *text, uint8_t *ret_kind)
{
	for (enum name_kind kind = NAME_KEY; kind <= NAME_CA; kind++) {
		if (strcmp(text, name_kind_text(kind)) == 0) {
			*ret_kind = (uint8_t)kind;
			return 0;
		}
	}
	return -EBADMSG;
}

int names_event_parse(const char *text, size_t len, struct names_event *ret_event)
{
	char line[NAMES_LOG_LINE_MAX], kind[16] = "", name[64], fingerprint[FINGERPRINT_SIZE];
	struct names_event event = {.type = NAMES_FREE, .binding = {.kind = NAME_RELEASED}};
	struct name_binding *binding = &event.binding;
	int end = -1;

	if (len >= sizeof(line) || memchr(text, '\0', len) != NULL)
		return -EBADMSG;
	memcpy(line, text, len);
	line[len] = '\0';
	if (sscanf(line, "own %" SCNu64 " %63s %15s %63s%n", &binding->serial, name, kind,
		   fingerprint, &end) == 4)
		event.type = NAMES_OWN;
	else if (sscanf(line, "also %" SCNu64 " %63s %15s %63s%n", &binding->serial, name, kind,
			fingerprint, &end) == 4)
		event.type = NAMES_ALSO;
	else if (sscanf(line, "free %" SCNu64 " %63s %63s%n", &binding->serial, name, fingerprint,
			&end) != 3)
		return -EBADMSG;
	if (event.type != NAMES_FREE && kind_from(kind, &binding->kind) < 0)
		return -EBADMSG;
	if (event.type == NAMES_ALSO && binding->kind == NAME_PIN)
		return -EBADMSG;
	if (end < 0 || (size_t)end != len || !user_name_valid(name) ||
	    fingerprint_parse(fingerprint, binding->hash) < 0)
		return -EBADMSG;
	memcpy(binding->name, name, strlen(name) + 1);
	*ret_event = event;
	return 0;
}
