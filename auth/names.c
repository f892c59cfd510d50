#include "auth/names.h"
#include "auth/challenge.h"
#include "auth/keyring.h"
#include "auth/name_rule.h"
#include "auth/names_private.h"
#include "base/fd.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_BYTES_MAX (256u << 20)

static unsigned find_place(const struct names *names, const char *name, bool *ret_there)
{
	unsigned low = 0, high = names->count;

	*ret_there = false;
	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		int order = strcmp(names->bindings[middle].name, name);

		if (order == 0) {
			*ret_there = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct name_binding *names_find(const struct names *names, const char *name)
{
	bool there;
	unsigned place = find_place(names, name, &there);

	return there ? &names->bindings[place] : NULL;
}

const struct name_binding *names_list(const struct names *names, unsigned *ret_count)
{
	*ret_count = names->count;
	return names->bindings;
}

uint64_t names_serial(const struct names *names)
{
	return names->serial;
}

/* Makes sure that one more fits: nothing may fail once an event is on disk. */
static int make_room(struct name_binding **list, unsigned count, unsigned *cap)
{
	struct name_binding *larger;
	unsigned wanted;

	if (count < *cap)
		return 0;
	if (count >= NAMES_MAX)
		return -ENOSPC;
	wanted = *cap > 0 ? *cap * 2 : 64;
	larger = reallocarray(*list, wanted, sizeof(*larger));
	if (larger == NULL)
		return -ENOMEM;
	*list = larger;
	*cap = wanted;
	return 0;
}

static int make_room_for(struct names *names, const struct names_event *event)
{
	if (event->type == NAMES_ALSO)
		return make_room(&names->aliases, names->alias_count, &names->alias_cap);
	return make_room(&names->bindings, names->count, &names->cap);
}

static void set_binding(struct names *names, const struct name_binding *binding)
{
	bool there;
	unsigned place = find_place(names, binding->name, &there);

	assert(names->bindings != NULL); /* room was made */
	if (!there) {
		memmove(&names->bindings[place + 1], &names->bindings[place],
			(names->count - place) * sizeof(*names->bindings));
		names->count++;
	}
	names->bindings[place] = *binding;
	if (binding->serial > names->serial)
		names->serial = binding->serial;
}

/* Room was made. */
static void apply(struct names *names, const struct names_event *event)
{
	if (event->type != NAMES_ALSO) {
		set_binding(names, &event->binding);
		return;
	}
	assert(names->aliases != NULL);
	names->aliases[names->alias_count++] = event->binding;
}

static bool alias_counts(const struct names *names, const struct name_binding *alias)
{
	const struct name_binding *binding = names_find(names, alias->name);

	return binding != NULL && binding->kind != NAME_RELEASED &&
	       binding->serial == alias->serial;
}

static void drop_stale_aliases(struct names *names)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < names->alias_count; i++)
		if (alias_counts(names, &names->aliases[i]))
			names->aliases[kept++] = names->aliases[i];
	names->alias_count = kept;
}

/*
 * Plays the log. *ret_compact: it holds more than the present state, or ends
 * with a torn line. 0, -EBADMSG with the line, or -errno.
 */
static int replay(struct names *names, const struct buf *log, unsigned *ret_line, bool *ret_compact)
{
	const size_t first_len = sizeof(NAMES_LOG_FIRST_LINE) - 1;
	const char *at = log->data, *end = log->data + log->len;
	unsigned number = 1, events = 0;
	struct names_event event;
	int ret;

	*ret_compact = false;
	if (log->len == 0) {
		*ret_compact = true;
		return 0;
	}
	if (log->len < first_len) {
		/* a power cut while the very first line was written */
		*ret_compact = true;
		return memcmp(at, NAMES_LOG_FIRST_LINE, log->len) == 0 ? 0
								       : (*ret_line = 1, -EBADMSG);
	}
	if (memcmp(at, NAMES_LOG_FIRST_LINE, first_len) != 0) {
		*ret_line = 1;
		return -EBADMSG;
	}
	for (at += first_len; at < end;) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		number++;
		if (newline == NULL) {
			*ret_compact = true; /* torn: nobody was told about it */
			break;
		}
		ret = names_event_parse(at, (size_t)(newline - at), &event);
		if (ret == 0)
			ret = make_room_for(names, &event);
		if (ret < 0) {
			*ret_line = number;
			return ret;
		}
		apply(names, &event);
		events++;
		at = newline + 1;
	}
	drop_stale_aliases(names);
	if (events > names->count + names->alias_count)
		*ret_compact = true;
	return 0;
}

static void put_event(struct buf *text, enum names_event_type type,
		      const struct name_binding *binding)
{
	const struct names_event event = {.type = type, .binding = *binding};
	char line[NAMES_LOG_LINE_MAX];

	names_event_format(&event, line);
	buf_append_str(text, line);
}

static int compact(const struct names *names)
{
	struct buf text = BUF_INIT;
	int ret = -ENOMEM;

	buf_append_str(&text, NAMES_LOG_FIRST_LINE);
	for (unsigned i = 0; i < names->count; i++)
		put_event(&text, names->bindings[i].kind == NAME_RELEASED ? NAMES_FREE : NAMES_OWN,
			  &names->bindings[i]);
	for (unsigned i = 0; i < names->alias_count; i++)
		put_event(&text, NAMES_ALSO, &names->aliases[i]);
	if (!text.failed)
		ret = fd_replace_file(names->path, text.data, text.len, 0600);
	buf_finish(&text);
	return ret;
}

/* Opens and locks the log: 0, -EBUSY or -errno. */
static int open_log(struct names *names, int *ret_fd)
{
	int fd = open(names->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat st, named;
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		ret = errno == EWOULDBLOCK ? -EBUSY : -errno;
	else if (fstat(fd, &st) < 0 || stat(names->path, &named) < 0)
		ret = -errno;
	else if (st.st_ino != named.st_ino || st.st_dev != named.st_dev)
		ret = -EBUSY; /* another one has just compacted it */
	if (ret < 0) {
		fd_close(&fd);
		return ret;
	}
	names->size = st.st_size;
	*ret_fd = fd;
	return 0;
}

int names_open_memory(struct names **ret_names)
{
	struct names *names = calloc(1, sizeof(*names));

	if (names == NULL)
		return -ENOMEM;
	names->fd = -1;
	*ret_names = names;
	return 0;
}

int names_open(const char *path, struct names **ret_names, unsigned *ret_line)
{
	struct names *names = NULL;
	struct buf log = BUF_INIT;
	bool must_compact = false;
	int old_fd = -1, ret;

	*ret_line = 0;
	ret = names_open_memory(&names);
	if (ret < 0)
		return ret;
	names->path = strdup(path);
	if (names->path == NULL) {
		ret = -ENOMEM;
		goto out;
	}
	ret = open_log(names, &old_fd);
	if (ret == 0)
		ret = buf_read_file(&log, path, LOG_BYTES_MAX);
	if (ret == 0)
		ret = replay(names, &log, ret_line, &must_compact);
	if (ret == 0 && must_compact) {
		/* the old one stays locked until the new one is */
		ret = compact(names);
		if (ret == 0)
			ret = open_log(names, &names->fd);
	} else if (ret == 0) {
		names->fd = old_fd;
		old_fd = -1;
	}
	if (ret == 0) {
		*ret_names = names;
		names = NULL;
	}
out:
	fd_close(&old_fd);
	buf_finish(&log);
	names_close(names);
	return ret;
}

void names_close(struct names *names)
{
	if (names == NULL)
		return;
	fd_close(&names->fd);
	free(names->path);
	free(names->bindings);
	free(names->aliases);
	free(names);
}

/*
 * Writes one event and syncs it. A line that was written in part, or may not
 * be on disk, is taken back; where even that fails nothing more is written until the next start,
 * for what follows half a line would be unreadable.
 */
static int append(struct names *names, const struct names_event *event)
{
	char line[NAMES_LOG_LINE_MAX];
	size_t len;
	int ret;

	if (names->fd < 0)
		return 0;
	if (names->broken < 0)
		return names->broken;
	names_event_format(event, line);
	len = strlen(line);
	ret = fd_write_all(names->fd, line, len);
	if (ret == 0 && fdatasync(names->fd) < 0)
		ret = -errno;
	if (ret == 0) {
		names->size += (off_t)len;
		return 0;
	}
	if (ftruncate(names->fd, names->size) < 0 || fdatasync(names->fd) < 0)
		names->broken = ret;
	return ret;
}

int names_record(struct names *names, const struct names_event *event)
{
	int ret = make_room_for(names, event);

	if (ret == 0)
		ret = append(names, event);
	if (ret == 0)
		apply(names, event);
	return ret;
}

int names_record_owner(struct names *names, const char *name, enum name_kind kind,
		       const uint8_t *hash, uint64_t serial)
{
	struct names_event event = {
		.type = kind == NAME_RELEASED ? NAMES_FREE : NAMES_OWN,
		.binding = {.kind = (uint8_t)kind, .serial = serial},
	};

	memcpy(event.binding.name, name, strlen(name) + 1);
	memcpy(event.binding.hash, hash, KEY_HASH_BYTES);
	return names_record(names, &event);
}

/* ---- decisions */

int names_claim(struct names *names, const struct keyring_view *view,
		const struct name_claim *claim, enum name_answer *ret_answer, bool *ret_passed)
{
	const uint8_t *hash = claim->kind == NAME_CA ? claim->ca_hash : claim->key_hash;
	enum name_answer answer = NAME_TAKEN;
	bool passed = false;
	int ret = 0;

	/* it came from another process */
	if (memchr(claim->name, '\0', sizeof(claim->name)) == NULL ||
	    !user_name_valid(claim->name) || claim->kind > NAME_CA)
		return -EINVAL;
	switch (name_rule(view, names_find(names, claim->name),
			  name_count_owned(names->bindings, names->count, claim->key_hash),
			  claim)) {
	case NAME_RIGHT_OWNED:
		answer = NAME_GRANTED;
		break;
	case NAME_RIGHT_PASSES:
		passed = true;
		/* fall through */
	case NAME_RIGHT_CLAIM:
		ret = names_record_owner(names, claim->name, (enum name_kind)claim->kind, hash,
					 names->serial + 1);
		answer = NAME_GRANTED;
		if (ret == 0)
			names_note_other_keys(names, view, claim->name);
		break;
	case NAME_RIGHT_LIMIT:
		answer = NAME_LIMIT;
		break;
	case NAME_RIGHT_NONE:
		break;
	}
	if (ret < 0)
		return ret;
	*ret_answer = answer;
	*ret_passed = passed;
	return 0;
}

int names_add(struct names *names, const char *name, const uint8_t hash[KEY_HASH_BYTES],
	      bool *ret_passed)
{
	const struct name_binding *binding;
	bool same, passed;
	int ret;

	if (!user_name_valid(name))
		return -EINVAL;
	if (name_is_reserved_word(name))
		return -EPERM;
	binding = names_find(names, name);
	same = binding != NULL && memcmp(binding->hash, hash, KEY_HASH_BYTES) == 0;
	if (binding != NULL && binding->kind != NAME_RELEASED) {
		*ret_passed = false;
		return same ? 0 : -EEXIST;
	}
	passed = binding != NULL;
	ret = names_record_owner(names, name, NAME_KEY, hash, names->serial + 1);
	if (ret == 0)
		*ret_passed = passed;
	return ret;
}

int names_release(struct names *names, const char *name)
{
	const struct name_binding *binding = names_find(names, name);
	struct name_binding copy;

	if (binding == NULL || binding->kind == NAME_RELEASED)
		return -ENOENT;
	copy = *binding;
	return names_record_owner(names, copy.name, NAME_RELEASED, copy.hash, names->serial + 1);
}
