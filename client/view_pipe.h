/*
 * Without a terminal of its own: plain lines out, whole lines in. For pipes and files, and for a
 * terminal that understands no sequences.
 */
#ifndef CLIENT_VIEW_PIPE_H
#define CLIENT_VIEW_PIPE_H

#include "client/view.h"

#include <stdbool.h>

#define PIPE_LINE_MAX (1024u * 1024u) /* longer ones are told as too long and dropped */

struct view_pipe_config {
	int in, out;      /* borrowed */
	bool print;       /* what is said goes to `out` */
	bool json;        /* every line goes to `out`, as it came */
	bool everything;  /* comings and goings and answers too: someone is looking */
	const char *user; /* copied */
};

/* 0 or -ENOMEM. */
int view_pipe_create(const struct view_pipe_config *config, const struct view_input *input,
		     struct view **ret_view);

#endif
