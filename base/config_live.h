/*
 * The numbers of a configuration that SIGHUP may change, in the order of options.def: for
 * processes that can't read the file themselves. Who reads it puts them into an array, who
 * gets the array takes them over.
 */
#ifndef BASE_CONFIG_LIVE_H
#define BASE_CONFIG_LIVE_H

#include "base/config.h"

#include <stdbool.h>
#include <stdint.h>

#define CONFIG_LIVE_MAX 48u

/* Fills the array: how many there are. */
unsigned config_live_get(const struct config *config, uint32_t ret_values[CONFIG_LIVE_MAX]);
/*
 * Sets them. False, and nothing changed: another build's table, or a value that its option
 * doesn't take.
 */
bool config_live_set(struct config *config, const uint32_t *values, unsigned count);

#endif
