/*
 * A program that runs beside the test and is talked to: chat-client in pipes or
 * on a pseudo-terminal, an ssh-agent. Killed at the end of the test if it lives.
 */
#ifndef TESTS_INTEGRATION_PROGRAM_H
#define TESTS_INTEGRATION_PROGRAM_H

#include "base/buf.h"

#include <stdbool.h>
#include <sys/types.h>

struct program {
	pid_t pid; /* 0: ended */
	int status;
	int in;       /* its standard input; the terminal's other side on a pty; -1: closed */
	int out, err; /* its standard output and error; err is -1 on a pty */
	bool terminal;
	struct buf out_text, err_text; /* all that it wrote so far */
	size_t mark;                   /* where program_expect goes on in out_text */
	char *name;
};

/* argv ends with NULL; env entries "NAME=value" may be NULL. */
struct program *program_start(const char *const argv[], const char *const env[]);
struct program *program_start_terminal(const char *const argv[], const char *const env[]);

void program_write(struct program *p, const char *text);
void program_close_input(struct program *p);
/* Waits until the text stands in its output, behind what was expected before. */
void program_expect(struct program *p, const char *text);
/* The same for standard error, from its beginning. */
void program_expect_error(struct program *p, const char *text);
/* The next whole line of its output, without newline; NULL when it has ended or time is over. */
char *program_line(struct program *p);
/* Reads what comes until it ends by itself: the exit code, or 128 + signal. */
int program_wait(struct program *p);
void program_signal(struct program *p, int signal);

#endif
