#include "worker/flow.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

void flow_look(int fd, struct flow *ret_flow)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	*ret_flow = (struct flow){0};
	/* A kernel that knows fewer fields fills fewer. */
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 ||
	    len < offsetof(struct tcp_info, tcpi_notsent_bytes) + sizeof(info.tcpi_notsent_bytes))
		return;
	ret_flow->taken = info.tcpi_bytes_acked;
	ret_flow->waiting = info.tcpi_unacked > 0 || info.tcpi_notsent_bytes > 0;
}
