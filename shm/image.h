/*
 * The segment's image: what a clean stop leaves on disk.
 *
 *	<state-dir>/<instance>/segment        written, fsynced, renamed into place
 *	<state-dir>/<instance>/segment.used   the same after it was loaded
 *
 *	head | extent: {offset, length, crc} and the bytes | ... | end: number of extents
 *
 * Extents are the tables and the bodies that were made, without the blocks that are all zero.
 * An image is read into private memory laid out like the segment it was, and then carried over
 * record by record (import.c), so other sizes are no special case.
 *
 * An image is loaded once. What is left of a loaded one (a power cut took the segment) gives
 * users, memberships, names and topics, but no lines: they may have been numbered on.
 */
#ifndef SHM_IMAGE_H
#define SHM_IMAGE_H

#include "shm/segment.h"

struct image {
	struct shm shm;   /* a view of private memory; only for import */
	bool used;        /* it was loaded before */
	uint64_t mono_ms; /* when it was saved */
	char path[512];
};
#define IMAGE_INIT ((struct image){.shm = {.base = NULL, .fd = -1}})

/* Nobody writes to the segment any more. 0 or -errno. */
int image_save(const struct shm *shm, const char *state_dir);
/*
 * Reads `segment`, or where there is none `segment.used`: 0; -ENOENT where there is neither;
 * -EPROTO for another layout, -EBADMSG for a damaged one (both are kept; `error` says which and
 * the command that moves it away); -errno.
 */
int image_load(const char *state_dir, const char *instance, struct image *ret_image,
	       struct buf *error);
/* Renames `segment` to `segment.used`: 0 (also where there is none) or -errno. */
int image_mark_used(const char *state_dir, const char *instance);
void image_finish(struct image *image);

/*
 * Carries everything over into a new segment: 0, or -ENOSPC where the new sizes don't hold it,
 * with a message that names the option. What was damaged is left out, with a warning.
 */
int image_import(const struct image *image, struct shm *shm, struct segment_report *report,
		 struct buf *error);

#endif
