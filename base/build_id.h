/*
 * The linker's name for this very program (NT_GNU_BUILD_ID): with it the symbols of a crash are
 * found, `addr2line -e` the build of that id.
 */
#ifndef BASE_BUILD_ID_H
#define BASE_BUILD_ID_H

#include <stdint.h>

#define BUILD_ID_SIZE 41 /* 20 bytes as hex digits, and a NUL */

/* The running program's: "" where the linker gave it none. */
void build_id_get(char ret_id[BUILD_ID_SIZE]);
/* Where the program lies in memory: an address less than `*ret_end` in it, minus `*ret_start`. */
void build_id_span(uintptr_t *ret_start, uintptr_t *ret_end);

#endif
