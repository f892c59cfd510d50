/*
 * The line mode: what happens is printed as it comes, above the line being typed.
 *
 *	12:39 #dev bob: build is green
 *	12:41 [bob -> you] got a minute?
 *	alice #dev> on it_
 */
#ifndef CLIENT_VIEW_LINE_H
#define CLIENT_VIEW_LINE_H

#include "client/view.h"

/* `in` and `out` are a terminal, borrowed. 0 or -errno. */
int view_line_create(int in, int out, const struct view_person *person,
		     const struct view_input *input, struct view **ret_view);

#endif
