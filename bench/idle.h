/* What connections cost by being there and by coming, and a great many of them. */
#ifndef BENCH_IDLE_H
#define BENCH_IDLE_H

#include <stdbool.h>
#include <stdint.h>

/* W4: memory and CPU of those who say nothing; their names are known already. */
void idle_connections(const char *build, uint32_t count, bool quick);
/* W5: CPU of a handshake, and of a login. */
void idle_connects(const char *build, uint32_t count, unsigned rounds);
/* W9: count connections of several generator processes, a message a second in each room of ten. */
void idle_many(const char *build, uint32_t count, unsigned seconds);

#endif
