/* A small faultless history that needs no server: rooms, direct messages, readers who come back. */
#ifndef TESTS_STORM_MADE_H
#define TESTS_STORM_MADE_H

#include "tests/storm/history.h"

void history_make(struct history *ret_history);

#endif
