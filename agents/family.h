/*
 * The processes that came of this one. As a subreaper it becomes the parent of every orphan among
 * its descendants, so whoever kills its children until there is none has killed them all, whatever
 * group or session they moved to.
 */
#ifndef AGENTS_FAMILY_H
#define AGENTS_FAMILY_H

#include <sys/types.h>

/* Orphans among our descendants come to us. 0 or -errno. */
int family_adopt(void);
/*
 * SIGKILL to each child of this process but those in `keep`. How many there were, or -errno where
 * the kernel doesn't tell (/proc/PID/task/TID/children).
 */
int family_kill(const pid_t *keep, unsigned count);
/*
 * SIGKILL to every process on this machine that was started with `entry` ("NAME=value") in its
 * environment, as far as we may look: what is left of programs whose guard and supervisor were
 * killed together. How many there were.
 */
unsigned family_kill_marked(const char *entry);

#endif
