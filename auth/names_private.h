/*
 * The inside of auth/names.h, for names.c (the books, the log, the decisions) and names_follow.c
 * (a person's other keys).
 */
#ifndef AUTH_NAMES_PRIVATE_H
#define AUTH_NAMES_PRIVATE_H

#include "auth/names.h"
#include "auth/names_log.h"

#include <sys/types.h>

struct names {
	struct name_binding *bindings; /* sorted by name */
	unsigned count, cap;
	/* other keys of the owner, in no order; only those whose serial is the binding's count */
	struct name_binding *aliases;
	unsigned alias_count, alias_cap;
	uint64_t serial;
	char *path; /* NULL: in memory only */
	int fd;     /* -1 in memory; locked */
	off_t size; /* of the log as far as it is good */
	int broken; /* -errno: a failed write could not be taken back */
};

/* On disk first, then in memory. 0; -ENOSPC, -ENOMEM or the -errno of the write: no change. */
int names_record(struct names *names, const struct names_event *event);
/* `kind` NAME_RELEASED: the name is free again, `hash` says whose it was. */
int names_record_owner(struct names *names, const char *name, enum name_kind kind,
		       const uint8_t *hash, uint64_t serial);
/*
 * After a claim: the other keys that the file pins to the name. The claim stands already, so what
 * can't be noted now is noted at the next load of the file.
 */
void names_note_other_keys(struct names *names, const struct keyring_view *view, const char *name);

#endif
