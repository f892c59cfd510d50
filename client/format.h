/*
 * What happened, as text for people. Every field that came over the wire is cleaned here; the
 * result holds only what we wrote ourselves, newlines between its lines, and style marks.
 *
 *	12:39 #dev bob: build is green
 *	12:40 #dev * carol waves
 *	12:41 [bob -> you] got a minute?
 *	-- #dev: bob joined
 */
#ifndef CLIENT_FORMAT_H
#define CLIENT_FORMAT_H

#include "base/buf.h"
#include "client/session.h"

#include <stdbool.h>

struct format {
	const char *user;      /* who we are; borrowed */
	bool dates;            /* "2026-11-20 12:39:01" instead of "12:39": for files and pipes */
	const char *timestamp; /* for settings_time(), without `dates`; NULL: "12:39"; borrowed */
	bool colors;           /* with SGR sequences around time, names and notes */
};

enum format_kind {
	FORMAT_NOTHING, /* not worth a line */
	FORMAT_SAID,    /* someone said or did something */
	FORMAT_NOTE,    /* by the way: comings and goings, gaps */
	FORMAT_ANSWER,  /* what was asked for */
	FORMAT_TROUBLE, /* an error */
};

/* Appends the text of an event, without a final newline; nothing for FORMAT_NOTHING. */
enum format_kind format_event(const struct format *format, const struct session_event *event,
			      struct buf *out);
/* What someone did, other than to speak, without time and room: "carol set the topic: Release". */
void format_deed(const struct server_line *line, struct buf *out);
/* How a question (kind "ask") is answered: "answer with /yes or /no (bob, carol)". */
void format_options(const struct server_line *line, struct buf *out);
/* "Friday 20 November 2026" where the line's day is not `*day` (which it then becomes), else
 * nothing. */
bool format_day(const struct server_line *line, int *day, struct buf *out);
/* A note of our own in the same shape. */
void format_note(const struct format *format, const char *text, struct buf *out);
/* An error of our own. */
void format_trouble(const struct format *format, const char *text, struct buf *out);

#endif
