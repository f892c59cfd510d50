/*
 * Upgrade in place, the old master's side: SIGUSR2 makes it become the binary that now lies where
 * it was started from.
 *
 *	upgrade_request   SIGUSR2
 *	  WANTED    until no worker is just starting and nobody is being answered
 *	  CHECKING  the new binary is asked first (upgrade_check.h): does it start, with these
 *	            options, on this shared memory? If not: refused with the reason, nothing
 *happened AGREED    what survives is written down (heirs.h), and exec: the same process goes on in
 *	            master_adopt (adopt.h)
 *
 * If the exec itself fails, nothing has happened either.
 */
#ifndef MASTER_UPGRADE_H
#define MASTER_UPGRADE_H

#include "base/buf.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct master;

enum upgrade_step { UPGRADE_NONE, UPGRADE_WANTED, UPGRADE_CHECKING, UPGRADE_AGREED };

struct upgrade {
	char *path; /* owned: where the binary lies; NULL: not known */
	enum upgrade_step step;
	struct stat asked; /* the file that is asked */
	int process_fd;    /* pidfd of the one that is asked; -1: none */
	int answer_fd;     /* what it says; -1: none */
	struct buf answer;
	uint64_t until_ms; /* of the step */
};

/* At the start of the process: remembers where it was started from. */
void upgrade_init(struct upgrade *upgrade);
void upgrade_finish(struct upgrade *upgrade);
void upgrade_enter_child(struct upgrade *upgrade);

void upgrade_request(struct upgrade *upgrade);
/* Nothing comes of it: the server stops. */
void upgrade_cancel(struct upgrade *upgrade);
/* Fills one entry if there is something to wait for; returns how many. */
size_t upgrade_poll(const struct upgrade *upgrade, struct pollfd *fds);
/* Each turn of the loop, while the server runs. Doesn't return if the exec succeeds. */
void upgrade_run(struct master *master, uint64_t now_mono_ms);
/* When to call again at the latest. */
uint64_t upgrade_due_ms(const struct upgrade *upgrade, uint64_t now_mono_ms);

#endif
