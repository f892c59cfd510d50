/*
 * Where things are in a segment of given sizes: arithmetic only.
 *
 *	struct segment_header header = {.sizes = sizes};
 *	segment_layout(&header);              all constant fields but instance, boot id, key, crc
 *	segment_view(&shm, base, total);      a handle on a mapping with such a header
 *
 * The same sizes always give the same layout, so a header that was found is believed only if it
 * is what its own sizes give.
 */
#ifndef SHM_SEGMENT_LAYOUT_H
#define SHM_SEGMENT_LAYOUT_H

#include "shm/segment.h"

/* The constant part of the header: all that its crc covers stands before the crc. */
#define SEGMENT_HEADER_CONSTANT offsetof(struct segment_header, crc)

/* Derives inbox_lines, inbox_bytes and, where they are 0, max_addresses and max_penalties. 0 or -EINVAL. */
int segment_sizes_complete(struct segment_sizes *sizes);
/* From header->sizes: 0, or -EINVAL where a size is 0 or beyond reason. */
int segment_layout(struct segment_header *header);
/* Fills the pointers of `shm` (not fd, slot, generation, bells) from the header at base. */
void segment_view(struct shm *shm, unsigned char *base, size_t size);
uint32_t segment_header_crc(const struct segment_header *header);

/* Where a log's body lies, made or not. */
uint64_t segment_body_offset(const struct shm *shm, uint32_t log);
uint64_t segment_body_bytes(const struct shm *shm, uint32_t log);
static inline uint32_t segment_log_count(const struct shm *shm)
{
	return shm->sizes->max_rooms + shm->sizes->max_users;
}

/* The option whose table takes most of the segment, for a message that says what to lower. */
const char *segment_largest_table(const struct segment_header *header, uint64_t *ret_bytes);

#endif
