/*
 * One line of the log of names (names.h), to text and back. Private to names.c.
 *
 *	own  SERIAL NAME KIND FINGERPRINT     owned, since the event SERIAL
 *	also SERIAL NAME key|ca FINGERPRINT   the same owner's: pinned together with one of his
 *	free SERIAL NAME FINGERPRINT          released
 */
#ifndef AUTH_NAMES_LOG_H
#define AUTH_NAMES_LOG_H

#include "auth/names.h"

#include <stddef.h>

#define NAMES_LOG_FIRST_LINE "# chat names 1\n"
#define NAMES_LOG_LINE_MAX 160u

enum names_event_type { NAMES_OWN, NAMES_ALSO, NAMES_FREE };

struct names_event {
	enum names_event_type type;
	/* of ALSO: kind is NAME_KEY or NAME_CA, serial that of the ownership; of FREE:
	 * NAME_RELEASED */
	struct name_binding binding;
};

/* With a newline and a NUL. */
void names_event_format(const struct names_event *event, char out[NAMES_LOG_LINE_MAX]);
/* Without the newline: 0 or -EBADMSG. */
int names_event_parse(const char *text, size_t len, struct names_event *ret_event);

#endif
