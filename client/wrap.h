/* Breaks lines between words so that they fit a terminal's columns. */
#ifndef CLIENT_WRAP_H
#define CLIENT_WRAP_H

#include "base/buf.h"

#include <stddef.h>

/*
 * Appends the text, each of its lines broken where it is wider than `columns`, between words or
 * wide characters; what follows a break is indented by `hang`, or as its line is if that is more,
 * or, in a list ("  name   what it is", two blanks in front), to where the second column begins. A
 * word that fits no line stays whole (the terminal breaks it, and an address can still be
 * clicked). SGR sequences have no width. Where there is too little room nothing is broken.
 */
void wrap_append(const char *text, size_t columns, size_t hang, struct buf *out);

#endif
