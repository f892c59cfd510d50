/*
 * CRC-32C (Castagnoli; RFC 3720 §B.4): the check of every stored line, of the segment's
 * header and of its image. SSE4.2's instruction where the processor has it, else a table.
 *
 *	uint32_t crc = crc32c(0, bytes, len);
 *	crc = crc32c(crc, more, more_len);      the same as over both in one
 */
#ifndef SHM_CRC32C_H
#define SHM_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(uint32_t crc, const void *bytes, size_t len);
/* The table's way, for processors without the instruction and for the test that compares them. */
uint32_t crc32c_portable(uint32_t crc, const void *bytes, size_t len);

#endif
