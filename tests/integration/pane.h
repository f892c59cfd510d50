/*
 * A program on a real terminal emulator: tmux, on a socket of its own, which ends with the test.
 * What is on the screen is looked at until it is as it should be.
 *
 *	struct pane *p = pane_start(argv, 100, 24);
 *	pane_type(p, "hello");
 *	pane_key(p, "Enter");
 *	pane_expect(p, "12:39 alice    hello");
 */
#ifndef TESTS_INTEGRATION_PANE_H
#define TESTS_INTEGRATION_PANE_H

#include "tests/integration/program.h"

#include <stdbool.h>

struct pane {
	struct program *control; /* a tmux client in control mode: commands in, events out */
	const char *wanted;      /* what it was looked at for */
	char *screen;            /* as it was looked at last */
};

struct pane *pane_start(const char *const argv[], unsigned columns, unsigned rows);
/* Characters as they are. */
void pane_type(struct pane *p, const char *text);
/* A key as tmux names it: "Enter", "M-a", "PPage". */
void pane_key(struct pane *p, const char *name);
/* As a terminal pastes: bracketed, where the program asked for it. */
void pane_paste(struct pane *p, const char *text);
void pane_resize(struct pane *p, unsigned columns, unsigned rows);
/* What is on the screen now, without colours. */
const char *pane_screen(struct pane *p);
/* Waits until the text stands on the screen, or no more. */
void pane_expect(struct pane *p, const char *text);
void pane_expect_gone(struct pane *p, const char *text);
/* Where the cursor is: "column,row". */
char *pane_cursor(struct pane *p);

#endif
