/*
 * Is the checker awake? Puts one fault of each kind into a copy of a faultless history and
 * looks whether that kind is found.
 */
#ifndef TESTS_STORM_FAULTS_H
#define TESTS_STORM_FAULTS_H

#include "tests/storm/checker.h"

/*
 * Prints what was missed; returns how many kinds were found, and in *ret_kinds how many were
 * tried. `seed` says where the faults are put.
 */
unsigned faults_found(const struct history *history, uint64_t seed, unsigned *ret_kinds);

#endif
