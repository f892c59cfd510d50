#include "master/handover.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_LINE "roomkey handover 1\n"
#define LAST_LINE "end\n"
#define BYTES_MAX (1u << 20)
#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* ---- giving --------------------------------------------------------------------------- */

void handover_begin(struct handover *handover)
{
	*handover = (struct handover){.fd_count = 0};
	buf_append_str(&handover->text, FIRST_LINE);
}

void handover_give_text(struct handover *handover, const char *name, const char *text)
{
	buf_printf(&handover->text, "text %s ", name);
	/* A line ends with a newline: a path may have one. */
	for (; *text != '\0'; text++) {
		if (*text == '\n' || *text == '%')
			buf_printf(&handover->text, "%%%02x", (unsigned)*text);
		else
			buf_append_char(&handover->text, *text);
	}
	buf_append_char(&handover->text, '\n');
}

void handover_give_number(struct handover *handover, const char *name, uint64_t number)
{
	buf_printf(&handover->text, "number %s %" PRIu64 "\n", name, number);
}

void handover_give_fd(struct handover *handover, const char *name, int fd)
{
	if (fd < 0)
		return;
	if (handover->fd_count == HANDOVER_FDS_MAX) {
		handover->too_many = true;
		return;
	}
	handover->fds[handover->fd_count++] = (struct handover_fd){.fd = fd};
	buf_printf(&handover->text, "fd %s %d\n", name, fd);
}

int handover_seal(struct handover *handover, int *ret_fd)
{
	int fd, err;

	buf_append_str(&handover->text, LAST_LINE);
	if (handover->text.failed)
		return -ENOMEM;
	if (handover->too_many || handover->text.len > BYTES_MAX)
		return -E2BIG;
	fd = memfd_create("chat-handover", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	err = fd_write_all(fd, handover->text.data, handover->text.len);
	if (err == 0 && fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		err = -errno;
	if (err < 0) {
		fd_close(&fd);
		return err;
	}
	*ret_fd = fd;
	return 0;
}

int handover_keep_open(const struct handover *handover, bool keep)
{
	int err = 0;

	for (unsigned i = 0; i < handover->fd_count; i++) {
		int one = fd_set_cloexec(handover->fds[i].fd, !keep);

		if (one < 0)
			err = one;
	}
	return err;
}

/* ---- taking ---------------------------------------------------------------------------- */

/* A line "KIND NAME VALUE" in pieces; all NULL for any other. */
struct line {
	const char *kind, *name, *value;
	size_t kind_len, name_len, value_len;
};

static const char *line_cut(const char *at, struct line *ret_line)
{
	const char *end = strchr(at, '\n');
	const char *name, *value;

	*ret_line = (struct line){.kind = NULL};
	if (end == NULL)
		return NULL;
	name = memchr(at, ' ', (size_t)(end - at));
	value = name != NULL ? memchr(name + 1, ' ', (size_t)(end - name - 1)) : NULL;
	if (value != NULL)
		*ret_line = (struct line){
			.kind = at,
			.kind_len = (size_t)(name - at),
			.name = name + 1,
			.name_len = (size_t)(value - name - 1),
			.value = value + 1,
			.value_len = (size_t)(end - value - 1),
		};
	return end + 1;
}

static bool piece_is(const char *piece, size_t len, const char *word)
{
	return piece != NULL && len == strlen(word) && memcmp(piece, word, len) == 0;
}

static bool find(const struct handover *handover, const char *kind, const char *name,
		 struct line *ret_line)
{
	const char *at = handover->text.data;

	while (at != NULL && *at != '\0') {
		at = line_cut(at, ret_line);
		if (piece_is(ret_line->kind, ret_line->kind_len, kind) &&
		    piece_is(ret_line->name, ret_line->name_len, name))
			return true;
	}
	return false;
}

static int number_of(const struct line *line, uint64_t *ret_number)
{
	char digits[24], *end = NULL;

	if (line->value_len == 0 || line->value_len >= sizeof(digits) || line->value[0] < '0' ||
	    line->value[0] > '9')
		return -EBADMSG;
	memcpy(digits, line->value, line->value_len);
	digits[line->value_len] = '\0';
	errno = 0;
	*ret_number = strtoull(digits, &end, 10);
	return errno != 0 || *end != '\0' ? -EBADMSG : 0;
}

static void unescape(const struct line *line, struct buf *out)
{
	for (size_t i = 0; i < line->value_len; i++) {
		char hex[3] = "";

		if (line->value[i] == '%' && i + 2 < line->value_len) {
			memcpy(hex, line->value + i + 1, 2);
			buf_append_char(out, (char)strtoul(hex, NULL, 16));
			i += 2;
		} else {
			buf_append_char(out, line->value[i]);
		}
	}
	/* So that an empty one isn't NULL. */
	buf_reserve(out, 1);
	if (out->data != NULL)
		out->data[out->len] = '\0';
}

/* Every descriptor it names, so that what nobody takes is closed in the end. */
static int note_fds(struct handover *handover)
{
	const char *at = handover->text.data;

	while (at != NULL && *at != '\0') {
		struct line line;
		uint64_t fd;

		at = line_cut(at, &line);
		if (!piece_is(line.kind, line.kind_len, "fd"))
			continue;
		if (handover->fd_count == HANDOVER_FDS_MAX || number_of(&line, &fd) < 0 ||
		    fd <= STDERR_FILENO || fd > INT32_MAX)
			return -EBADMSG;
		handover->fds[handover->fd_count++] = (struct handover_fd){.fd = (int)fd};
	}
	return 0;
}

static int read_text(int fd, struct buf *text)
{
	struct stat st;
	char *room;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size <= 0 || st.st_size > (off_t)BYTES_MAX)
		return -EBADMSG;
	room = buf_reserve(text, (size_t)st.st_size + 1);
	if (room == NULL)
		return -ENOMEM;
	if (pread(fd, room, (size_t)st.st_size, 0) != (ssize_t)st.st_size)
		return -EBADMSG;
	text->len = (size_t)st.st_size;
	text->data[text->len] = '\0';
	return 0;
}

int handover_read(int fd, struct handover *ret_handover)
{
	struct handover handover = {.fd_count = 0};
	struct buf *text = &handover.text;
	int seals = fcntl(fd, F_GET_SEALS);
	int err = seals < 0 || (seals & F_SEAL_WRITE) == 0 ? -EBADMSG : read_text(fd, text);

	if (err == 0 &&
	    (strlen(text->data) != text->len || text->len < strlen(FIRST_LINE LAST_LINE) ||
	     strncmp(text->data, FIRST_LINE, strlen(FIRST_LINE)) != 0 ||
	     strcmp(text->data + text->len - strlen("\n" LAST_LINE), "\n" LAST_LINE) != 0))
		err = -EBADMSG;
	if (err == 0)
		err = note_fds(&handover);
	if (err < 0) {
		buf_finish(text);
		return err;
	}
	*ret_handover = handover;
	return 0;
}

int handover_take_text(const struct handover *handover, const char *name, struct buf *ret_text)
{
	struct buf text = BUF_INIT;
	struct line line;

	if (!find(handover, "text", name, &line))
		return -ENOENT;
	unescape(&line, &text);
	if (text.failed) {
		buf_finish(&text);
		return -ENOMEM;
	}
	buf_finish(ret_text);
	*ret_text = text;
	return 0;
}

int handover_take_number(const struct handover *handover, const char *name, uint64_t *ret_number)
{
	struct line line;

	return find(handover, "number", name, &line) ? number_of(&line, ret_number) : -ENOENT;
}

int handover_take_fd(struct handover *handover, const char *name, int *ret_fd)
{
	struct line line;
	uint64_t fd;
	int err;

	if (!find(handover, "fd", name, &line))
		return -ENOENT;
	err = number_of(&line, &fd);
	for (unsigned i = 0; err == 0 && i < handover->fd_count; i++) {
		if (handover->fds[i].fd != (int)fd)
			continue;
		if (handover->fds[i].taken)
			return -ENOENT;
		err = fd_set_cloexec((int)fd, 1);
		if (err < 0)
			return err == -EBADF ? -EBADMSG : err;
		handover->fds[i].taken = true;
		*ret_fd = (int)fd;
		return 0;
	}
	return -EBADMSG;
}

void handover_each(const struct handover *handover, const char *prefix,
		   void (*each)(void *data, const char *name, const char *text), void *data)
{
	const char *at = handover->text.data;

	while (at != NULL && *at != '\0') {
		struct line line;
		struct buf name = BUF_INIT, text = BUF_INIT;

		at = line_cut(at, &line);
		if (!piece_is(line.kind, line.kind_len, "text") ||
		    line.name_len <= strlen(prefix) ||
		    strncmp(line.name, prefix, strlen(prefix)) != 0)
			continue;
		buf_append(&name, line.name + strlen(prefix), line.name_len - strlen(prefix));
		unescape(&line, &text);
		if (!name.failed && !text.failed)
			each(data, name.data, text.data);
		buf_finish(&name);
		buf_finish(&text);
	}
}

void handover_finish(struct handover *handover, bool close_rest)
{
	for (unsigned i = 0; close_rest && i < handover->fd_count; i++) {
		if (!handover->fds[i].taken)
			close(handover->fds[i].fd);
	}
	buf_finish(&handover->text);
	handover->fd_count = 0;
}
