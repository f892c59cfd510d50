#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void buf_finish(struct buf *buf)
{
	free(buf->data);
	*buf = BUF_INIT;
}

void buf_reset(struct buf *buf)
{
	buf->len = 0;
	buf->failed = false;
	if (buf->data != NULL)
		buf->data[0] = '\0';
}

char *buf_reserve(struct buf *buf, size_t more)
{
	size_t cap = buf->cap > 0 ? buf->cap : 256;
	char *data;

	if (buf->failed)
		return NULL;
	if (more > SIZE_MAX / 4 - buf->len) {
		buf->failed = true;
		return NULL;
	}
	while (cap < buf->len + more + 1)
		cap *= 2;
	if (cap != buf->cap) {
		data = realloc(buf->data, cap);
		if (data == NULL) {
			buf->failed = true;
			return NULL;
		}
		buf->data = data;
		buf->cap = cap;
	}
	return buf->data + buf->len;
}

void buf_append(struct buf *buf, const void *bytes, size_t len)
{
	char *at = buf_reserve(buf, len);

	if (at == NULL)
		return;
	if (len > 0)
		memcpy(at, bytes, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void buf_append_str(struct buf *buf, const char *str)
{
	buf_append(buf, str, strlen(str));
}

void buf_append_char(struct buf *buf, char c)
{
	buf_append(buf, &c, 1);
}

void buf_append_u64(struct buf *buf, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	buf_append(buf, digits + at, sizeof(digits) - at);
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
	va_list ap;
	int len;
	char *at;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0) {
		buf->failed = true;
		return;
	}
	at = buf_reserve(buf, (size_t)len);
	if (at == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(at, (size_t)len + 1, fmt, ap);
	va_end(ap);
	buf->len += (size_t)len;
}

void buf_consume(struct buf *buf, size_t len)
{
	if (len > buf->len)
		len = buf->len;
	if (len == 0)
		return;
	memmove(buf->data, buf->data + len, buf->len - len);
	buf->len -= len;
	buf->data[buf->len] = '\0';
}

void buf_wipe(struct buf *buf)
{
	if (buf->data != NULL)
		explicit_bzero(buf->data, buf->cap);
	buf_finish(buf);
}

int buf_read_file(struct buf *buf, const char *path, size_t max)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t start = buf->len;
	int err = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		char *at = buf_reserve(buf, 4096);
		ssize_t got;

		if (at == NULL) {
			err = -ENOMEM;
			break;
		}
		got = read(fd, at, 4096);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			err = -errno;
		if (got <= 0)
			break;
		buf->len += (size_t)got;
		if (buf->len - start > max) {
			err = -EFBIG;
			break;
		}
	}
	if (buf->data != NULL)
		buf->data[buf->len] = '\0';
	close(fd);
	return err;
}
