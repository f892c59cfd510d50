/*
 * When too many connections at once have not logged in (sshd's MaxStartups): from half of the
 * number that is allowed on, some are dropped, with a chance that grows to 1 at the full number.
 *
 * Not the newcomer goes, but any of those that wait, drawn at random: whoever logs in as people
 * do is done within milliseconds, so the one who goes is almost surely one of those who only sit
 * there, and real logins get through a crowd of any size.
 */
#ifndef WORKER_STARTUPS_H
#define WORKER_STARTUPS_H

#include <stdbool.h>
#include <stdint.h>

/* `count` wait, `max` may; 0: as many as come. True: one of them has to go. */
bool startups_drop(uint64_t count, uint64_t max);

#endif
