/* What a TCP connection's peer has taken so far: its kernel's word for it, whoever reads or not. */
#ifndef WORKER_FLOW_H
#define WORKER_FLOW_H

#include <stdbool.h>
#include <stdint.h>

struct flow {
	uint64_t taken; /* bytes acknowledged since the connection's beginning */
	bool waiting;   /* there are some that were not */
};

/* One system call. A socket that can't say has nothing waiting. */
void flow_look(int fd, struct flow *ret_flow);

#endif
