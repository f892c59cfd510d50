/* Random bytes from the kernel. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Fills all of it; aborts if the kernel has no random numbers (it never returns weak ones). */
void random_bytes(void *out, size_t len);
/* Never 0, so that 0 can mean "none". */
uint64_t random_u64(void);
/* Uniform in 0 .. below-1; below > 0. */
uint64_t random_below(uint64_t below);

#endif
