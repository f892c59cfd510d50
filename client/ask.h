/* A question to the person at the terminal, answered with a word and Enter. */
#ifndef CLIENT_ASK_H
#define CLIENT_ASK_H

#include "base/buf.h"

/*
 * Appends what was typed, without the line's end. 0; -ECANCELED: Ctrl-C or Ctrl-D; -ENOTTY: this
 * process has no terminal; -ENOMEM. The terminal must be in its usual mode.
 */
int ask_line(const char *question, struct buf *answer);

#endif
