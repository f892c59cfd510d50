/*
 * An agent's program, seen from the supervisor: its guard, its three pipes, and what waits to be
 * written to it. Nonblocking.
 */
#ifndef AGENTS_CHILD_H
#define AGENTS_CHILD_H

#include "base/account.h"
#include "base/buf.h"
#include "base/config_agent.h"

#include <stdbool.h>
#include <sys/types.h>

struct child_process {
	pid_t guard;                          /* 0: none */
	pid_t program;                        /* 0: not told yet */
	int status_fd, in_fd, out_fd, err_fd; /* -1: closed */
	struct buf input;                     /* not written yet */
	bool close_input;                     /* once that is written */
	bool ended;
	int status; /* as of waitpid, once ended */
};

void child_init(struct child_process *child);
/* 0 or -errno. The program itself may fail later: that is an end with exit code 127. */
int child_start(struct child_process *child, const struct config_agent *config,
		const struct account *account, const char *session, const char *mark);
void child_write(struct child_process *child, const void *bytes, size_t len);
void child_close_input(struct child_process *child);
/* Writes what fits. */
void child_flush(struct child_process *child);
/* To its group; SIGKILL: to all that came of it. */
void child_kill(struct child_process *child, int signal_number);
/* Hears its guard: true once the program and all that came of it have ended. */
bool child_hear(struct child_process *child);
/* Closes what is open. The guard's process is reaped by whoever reaps all. */
void child_finish(struct child_process *child);

#endif
