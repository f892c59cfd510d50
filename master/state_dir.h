/* The folder of an instance, <state-dir>/<instance>: ours alone. */
#ifndef MASTER_STATE_DIR_H
#define MASTER_STATE_DIR_H

#include "base/buf.h"

/*
 * Makes what is missing, each folder 0700, and refuses one that others could write into.
 * 0, or -errno with a sentence for the operator.
 */
int state_dir_prepare(const char *state_dir, const char *instance, struct buf *ret_path,
		      struct buf *error);

#endif
