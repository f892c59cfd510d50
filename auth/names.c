#include "auth/names.h"
#include "auth/challenge.h"
#include "auth/keyring.h"
#include "auth/name_rule.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_LINE "# chat names 1\n"
#define LOG_LINE_MAX 160u
#define LOG_BYTES_MAX (256u << 20)

struct names {
	struct name_binding *bindings; /* sorted by name */
	unsigned count, cap;
	uint64_t serial;
	char *path; /* NULL: in memory only */
	int fd;     /* -1 in memory; locked */
	off_t size; /* of the log as far as it is good */
	int broken; /* -errno: a failed write could not be taken back */
};

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
static int make_room(struct names *names)
{
	struct name_binding *bindings;
	unsigned cap;

	if (names->count < names->cap)
		return 0;
	if (names->count >= NAMES_MAX)
		return -ENOSPC;
	cap = names->cap > 0 ? names->cap * 2 : 64;
	bindings = reallocarray(names->bindings, cap, sizeof(*bindings));
	if (bindings == NULL)
		return -ENOMEM;
	names->bindings = bindings;
	names->cap = cap;
	return 0;
}

static void set_binding(struct names *names, const struct name_binding *binding)
{
	bool there;
	unsigned place = find_place(names, binding->name, &there);

	if (!there) {
		memmove(&names->bindings[place + 1], &names->bindings[place],
			(names->count - place) * sizeof(*names->bindings));
		names->count++;
	}
	names->bindings[place] = *binding;
	if (binding->serial > names->serial)
		names->serial = binding->serial;
}

static void log_line_format(const struct name_binding *binding, char out[LOG_LINE_MAX])
{
	char fingerprint[FINGERPRINT_SIZE];

	fingerprint_format(binding->hash, fingerprint);
	if (binding->kind == NAME_RELEASED)
		(void)snprintf(out, LOG_LINE_MAX, "free %" PRIu64 " %s %s\n", binding->serial,
			       binding->name, fingerprint);
	else
		(void)snprintf(out, LOG_LINE_MAX, "own %" PRIu64 " %s %s %s\n", binding->serial,
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

static int log_line_parse(const char *text, size_t len, struct name_binding *ret_binding)
{
	char line[LOG_LINE_MAX], kind[16], name[64], fingerprint[FINGERPRINT_SIZE];
	struct name_binding binding = {.kind = NAME_RELEASED};
	int end = -1;

	if (len >= sizeof(line) || memchr(text, '\0', len) != NULL)
		return -EBADMSG;
	memcpy(line, text, len);
	line[len] = '\0';
	if (sscanf(line, "own %" SCNu64 " %63s %15s %63s%n", &binding.serial, name, kind,
		   fingerprint, &end) == 4) {
		if (kind_from(kind, &binding.kind) < 0)
			return -EBADMSG;
	} else if (sscanf(line, "free %" SCNu64 " %63s %63s%n", &binding.serial, name, fingerprint,
			  &end) != 3) {
		return -EBADMSG;
	}
	if (end < 0 || (size_t)end != len || !user_name_valid(name) ||
	    fingerprint_parse(fingerprint, binding.hash) < 0)
		return -EBADMSG;
	memcpy(binding.name, name, strlen(name) + 1);
	*ret_binding = binding;
	return 0;
}

/*
 * Plays the log. *ret_compact: it holds more than the present state, or ends
 * with a torn line. 0, -EBADMSG with the line, or -errno.
 */
static int replay(struct names *names, const struct buf *log, unsigned *ret_line, bool *ret_compact)
{
	const size_t first_len = sizeof(FIRST_LINE) - 1;
	const char *at = log->data, *end = log->data + log->len;
	unsigned number = 1, events = 0;
	struct name_binding binding;
	int ret;

	*ret_compact = false;
	if (log->len == 0) {
		*ret_compact = true;
		return 0;
	}
	if (log->len < first_len) {
		/* a power cut while the very first line was written */
		*ret_compact = true;
		return memcmp(at, FIRST_LINE, log->len) == 0 ? 0 : (*ret_line = 1, -EBADMSG);
	}
	if (memcmp(at, FIRST_LINE, first_len) != 0) {
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
		ret = log_line_parse(at, (size_t)(newline - at), &binding);
		if (ret == 0)
			ret = make_room(names);
		if (ret < 0) {
			*ret_line = number;
			return ret;
		}
		set_binding(names, &binding);
		events++;
		at = newline + 1;
	}
	if (events > names->count)
		*ret_compact = true;
	return 0;
}

static int compact(const struct names *names)
{
	struct buf text = BUF_INIT;
	int ret = -ENOMEM;

	buf_append_str(&text, FIRST_LINE);
	for (unsigned i = 0; i < names->count; i++) {
		char line[LOG_LINE_MAX];

		log_line_format(&names->bindings[i], line);
		buf_append_str(&text, line);
	}
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
	free(names);
}

/*
 * Writes one event and syncs it. A line that was written in part, or may not
 * be on disk, is taken back; where even that fails nothing more is written until the next start,
 * for what follows half a line would be unreadable.
 */
static int append(struct names *names, const struct name_binding *binding)
{
	char line[LOG_LINE_MAX];
	size_t len;
	int ret;

	if (names->fd < 0)
		return 0;
	if (names->broken < 0)
		return names->broken;
	log_line_format(binding, line);
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

/* On disk first, then in memory. */
static int record(struct names *names, const char *name, enum name_kind kind, const uint8_t *hash)
{
	struct name_binding binding = {.kind = (uint8_t)kind, .serial = names->serial + 1};
	int ret;

	memcpy(binding.name, name, strlen(name) + 1);
	memcpy(binding.hash, hash, KEY_HASH_BYTES);
	ret = make_room(names);
	if (ret == 0)
		ret = append(names, &binding);
	if (ret == 0)
		set_binding(names, &binding);
	return ret;
}

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
		ret = record(names, claim->name, (enum name_kind)claim->kind, hash);
		answer = NAME_GRANTED;
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
	passed = binding != NULL && !same;
	ret = record(names, name, NAME_KEY, hash);
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
	return record(names, copy.name, NAME_RELEASED, copy.hash);
}
