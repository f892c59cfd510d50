/*
 * The address of --metrics-listen: plain HTTP for Prometheus and whoever asks after our health,
 * apart from the chat's port. One listen socket is shared by all workers: whichever is awake
 * takes the request, and any can answer for all. One request a connection, GET and HEAD, small
 * and soon, or it is cut.
 */
#ifndef WORKER_PROCESS_HTTP_H
#define WORKER_PROCESS_HTTP_H

#include <stdint.h>
#include <uv.h>

struct process_http;
struct worker;

/* listen_fd is borrowed. NULL: out of memory. */
struct process_http *process_http_create(uv_loop_t *loop, int listen_fd,
					 const struct worker *worker);
/* Cuts those that take too long. All three accept NULL. */
void process_http_tick(struct process_http *http, uint64_t now_mono_ms);
/* Closes its handles; run the loop out, then destroy. */
void process_http_close(struct process_http *http);
void process_http_destroy(struct process_http *http);

#endif
