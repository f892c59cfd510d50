/*
 * Is what was found a segment of ours, and what a killed master's workers left in it.
 */
#ifndef SHM_SEGMENT_CHECK_H
#define SHM_SEGMENT_CHECK_H

#include "shm/segment.h"

enum segment_found {
	FOUND_NOTHING, /* empty, or a master died while it made it: nothing was ever stored in it */
	FOUND_OURS,    /* whole, of this layout */
	FOUND_FOREIGN, /* no segment of ours */
	FOUND_OTHER_LAYOUT,
	FOUND_DAMAGED
};

/*
 * Judges a header by its magic, layout version, crc, and by what its own sizes give; and the
 * file's size by it. `bytes` is what could be read of the file's beginning.
 */
enum segment_found segment_header_check(const void *bytes, size_t len, uint64_t file_size);

/*
 * Nobody else has the segment: checks every table, audits every log (a bad one gets a new
 * epoch), finishes what dead processes began: logs first, then windows, then tables. All
 * locks are new afterwards, all sessions lost from now on. Fills the report; warnings, one a
 * line, go to `warnings`. 0 or -errno.
 */
int segment_repair(struct shm *shm, struct segment_report *report, struct buf *warnings);

#endif
