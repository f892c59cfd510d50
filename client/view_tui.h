/*
 * The full screen: rooms, what is said, members, a line to type in.
 *
 *	 #dev · 5 members · Release Friday                                        12ms ●
 *	 lobby        │ ──────────── Friday 20 November ────────────      │ alice ●
 *	 dev       3  │ 12:39 bob      build is green                     │ bob   ●
 *	 ── direct ── │ ───────────────── 3 new ─────────────────         │ ── agents
 *	 @carol    2  │ 12:41 alice    on it                              │ deploy ⚙
 *	 [ops !1] [@carol 2]           -- 14 more below --      reconnecting in 3 s …
 *	 alice #dev> _
 *
 * Drawn at most 30 times a second, however much is said; a key is drawn at once, if the last
 * picture is that old.
 */
#ifndef CLIENT_VIEW_TUI_H
#define CLIENT_VIEW_TUI_H

#include "client/view.h"

/* As view_line_create; -ENOTSUP where this terminal cannot be a screen. */
int view_tui_create(int in, int out, const struct view_person *person,
		    const struct view_input *input, struct view **ret_view);

#endif
