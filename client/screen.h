/*
 * The terminal as a screen: the only place that knows ncurses. A canvas goes in; ncurses finds out
 * what changed and how this terminal is told. Keys are not its business.
 */
#ifndef CLIENT_SCREEN_H
#define CLIENT_SCREEN_H

#include "client/canvas.h"

#include <stdbool.h>

/* Takes the whole terminal. 0; -ENOTSUP: this one cannot do it; or -errno. */
int screen_open(int in, int out, bool colors);
void screen_close(void);
/* Gives it back for a while, and takes it again (also after a stop from outside). */
void screen_leave(void);
int screen_enter(int in, int out);
/* Rows and columns as they are now. */
void screen_size(int out, size_t *ret_rows, size_t *ret_columns);
/* `all`: what stands there now may be something else. */
void screen_paint(const struct canvas *canvas, bool all);
/* Something else for the terminal that moves nothing: a bell, a notification. */
void screen_write(const char *bytes, size_t len);

#endif
