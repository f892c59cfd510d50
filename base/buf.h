/*
 * A growable byte buffer: `data[0..len)` is the content, NUL-terminated for
 * convenience (the NUL is not counted). A failed allocation sets `failed` and
 * makes every later append a no-op, so a writer checks once, at the end.
 * Zero-initialise with BUF_INIT; buf_finish() may be called on any of these.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *data; /* owned; NULL until the first append */
	size_t len;
	size_t cap;
	bool failed; /* out of memory: the content is not complete */
};

#define BUF_INIT ((struct buf){0})

/* Frees the memory and returns to BUF_INIT. */
void buf_finish(struct buf *buf);
/* Empties the buffer, keeps its memory. */
void buf_reset(struct buf *buf);
/* Makes room for `more` bytes behind len; returns where they go, or NULL (and sets failed). */
char *buf_reserve(struct buf *buf, size_t more);
void buf_append(struct buf *buf, const void *bytes, size_t len);
void buf_append_str(struct buf *buf, const char *str);
void buf_append_char(struct buf *buf, char c);
void buf_append_u64(struct buf *buf, uint64_t value);
void buf_printf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Removes the first `len` bytes (at most buf->len). */
void buf_consume(struct buf *buf, size_t len);
/* Overwrites the content with zeros before freeing it: for secrets. */
void buf_wipe(struct buf *buf);

/* Reads a whole file of at most `max` bytes: 0, -EFBIG when longer, or -errno. */
int buf_read_file(struct buf *buf, const char *path, size_t max);

#endif
