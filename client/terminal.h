/*
 * The terminal's own mode. What it was before is restored on every way out, crashes included: a
 * shell without echo is a bad place to be left in.
 */
#ifndef CLIENT_TERMINAL_H
#define CLIENT_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

/* Byte by byte, without echo and signals from keys; bracketed paste on. 0 or -errno. */
int terminal_raw(int in, int out);
/* Back to what it was; safe in a signal handler, and where nothing was changed. */
void terminal_restore(void);
/* Also write this then (at most 127 bytes): what else has to be undone. */
void terminal_on_restore(const char *text);
/* Columns of the terminal; 80 where nobody knows. */
size_t terminal_columns(int fd);
/* Does it understand the few sequences we use? */
bool terminal_is_dumb(void);

#endif
