/*
 * What a worker gives up once it has started and before it accepts its first connection: whoever
 * takes it over through a connection has what is in it, and no more. Each wall stands by itself;
 *one that this kernel or container doesn't have is left out and reported.
 *
 *	process_run
 *	  ... everything is open, mapped, loaded ...
 *	  walls_raise           no file, no program, no new socket from here on
 *	  control_ready         tells the master which walls stand; it logs them once
 *	  accept
 *	each 250 ms  walls_refused    what was tried since
 *
 * A refused system call fails with EPERM and is counted; one that only an attacker makes
 * (syscalls.def) kills the process. docs/security.md says why.
 */
#ifndef WORKER_WALLS_H
#define WORKER_WALLS_H

#include "base/account.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum wall {
#define WALL(name, takes) WALL_##name,
#include "worker/walls.def"
#undef WALL
	WALL_COUNT
};

/* Sanitizers and coverage (-DWALLS_OFF=1) write files and look into their process: none for them.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WALLS_OFF 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
	__has_feature(memory_sanitizer)
#define WALLS_OFF 1
#endif
#endif
#ifndef WALLS_OFF
#define WALLS_OFF 0
#endif

struct walls_plan {
	const struct account *account;
	pid_t parent;   /* we end with it */
	int segment_fd; /* the one file whose memory may be reserved */
};

/* Goes to the master as it is. */
struct walls_report {
	uint32_t up;             /* bit w: wall w stands */
	int32_t err[WALL_COUNT]; /* of those that don't: -errno */
};

const char *wall_name(enum wall wall);
/*
 * Raises what can be raised. 0; or -errno: the account that was asked for can't be entered, and
 * nothing is raised.
 */
int walls_raise(const struct walls_plan *plan, struct walls_report *ret_report);

/* For walls_raise; 0 or -errno. Both need no_new_privs. */
int walls_landlock(void);
int walls_filter(int segment_fd); /* of system calls: walls_filter.c */
/* How many calls were refused so far, and the number of the last one. */
uint64_t walls_refused(int *ret_syscall);
/* "openat", or its number where it has no name. `text` holds it. */
const char *walls_syscall_name(int number, char text[32]);

#endif
