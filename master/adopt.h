/*
 * Upgrade in place, the new master's side: in place of master_open it takes what the old one has
 * left (heirs.h), and makes anew what it can't take: the keyring, in a new sealed memfd. Then its
 * loop replaces the workers (roll.h).
 */
#ifndef MASTER_ADOPT_H
#define MASTER_ADOPT_H

#include "master/handover.h"
#include "master/master.h"

/*
 * The handover that this process was exec'ed with: 1 and *ret_handover, 0 if there is none, or
 * -errno. Takes it out of the environment.
 */
int adopt_find(struct handover *ret_handover);
/* 0, or -errno with the reason logged: the workers are gone then, close and exit. */
int adopt_take(struct master *master, struct handover *handover);
/* After each turn of the loop in MASTER_ROLLING. */
void adopt_advance(struct master *master, uint64_t now_mono_ms);

#endif
