/*
 * Takes out of a text what may harm a terminal or deceive its reader. Everything printed for
 * people goes through here: names, topics, comments of keys and the server's words as well as
 * messages.
 *
 * Dropped: C0 but newline and tab, DEL, C1, the bidi controls, zero-width characters, tags and
 * other invisible ones. A zero-width joiner and a variation selector stay inside an emoji, a
 * non-joiner inside scripts that spell with it. Of the marks that combine with one character the
 * first CLEAN_MARKS_MAX stay: a tower of them covers the lines above. What is not UTF-8 becomes
 * U+FFFD.
 *
 * What combines is known by LC_CTYPE (client/utf8.h).
 */
#ifndef CLIENT_CLEAN_H
#define CLIENT_CLEAN_H

#include "base/buf.h"

#include <stddef.h>

#define CLEAN_MARKS_MAX 5u /* more than any language needs but for show */

enum clean_form {
	CLEAN_TEXT, /* newline and tab stay */
	CLEAN_LINE, /* they become spaces: for what must stay on one line */
	CLEAN_SEND, /* only what no server takes is dropped: controls but newline and tab */
};

/* Appends the cleaned text. */
void clean_append(struct buf *out, const char *text, size_t len, enum clean_form form);
/* The same for a string; NULL counts as "". */
void clean_append_str(struct buf *out, const char *text, enum clean_form form);

#endif
