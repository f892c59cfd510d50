/*
 * The parts of a handover (handover.def): what an old master gives, and how the new one takes it.
 * And the terms: what both have to agree on, so that old and new processes can live side by side
 * for the seconds of an upgrade.
 */
#ifndef MASTER_HEIRS_H
#define MASTER_HEIRS_H

#include "base/buf.h"
#include "base/config.h"
#include "master/handover.h"

struct master;

/*
 * What processes of two builds say to each other: packets of the control socket, datagrams of the
 * doorbells, the keyring's image. Raise it when one of them gets another meaning; another
 * size is noticed without it.
 */
#define HEIRS_SPEAK 1u

/* The old master: terms and all parts. The handover is the caller's to seal and finish. */
void heirs_give(const struct master *master, struct handover *ret_handover);

/* The new one, and the one that is asked before. 0, or -EPROTO with a sentence in `error`. */
int heirs_agree(const struct handover *handover, struct buf *error);
/*
 * Options that can't change in a running server stay as they are in the old one; `notes` gets a
 * line for each that would have. 0, -EINVAL: this build can't have such a value; -ENOMEM.
 */
int heirs_keep_options(const struct handover *handover, struct config *config, struct buf *notes);
/* All parts into `master`, whose config is the final one. 0, or -errno and the part's name. */
int heirs_take(struct master *master, struct handover *handover, const char **ret_part);

#endif
