#include "client/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <uv.h>

static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGCONT};

#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

struct loop {
	struct loop_events events;
	uv_loop_t uv;
	uv_poll_t poll;
	uv_poll_t output;
	uv_idle_t idle; /* in place of poll where the input cannot be polled */
	uv_timer_t timer;
	uv_signal_t signals[SIGNALS];
	size_t signal_count;
	bool has_poll, has_idle, has_output;
	bool closed;
};

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct loop *loop = poll->data;

	(void)status; /* an error shows when it is read */
	(void)events;
	loop->events.input(loop->events.owner);
}

static void on_output(uv_poll_t *poll, int status, int events)
{
	struct loop *loop = poll->data;

	(void)status;
	(void)events;
	uv_poll_stop(poll);
	loop->events.output_gone(loop->events.owner);
}

static void on_idle(uv_idle_t *idle)
{
	struct loop *loop = idle->data;

	loop->events.input(loop->events.owner);
}

static void on_timer(uv_timer_t *timer)
{
	struct loop *loop = timer->data;

	loop->events.timer(loop->events.owner);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct loop *loop = handle->data;

	loop->events.signal(loop->events.owner, number);
}

int loop_create(const struct loop_events *events, struct loop **ret_loop)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int rc;

	if (!loop)
		return -ENOMEM;
	loop->events = *events;
	rc = uv_loop_init(&loop->uv);
	if (rc < 0) {
		free(loop);
		return rc;
	}
	uv_timer_init(&loop->uv, &loop->timer);
	loop->timer.data = loop;
	for (size_t i = 0; i < SIGNALS; i++) {
		uv_signal_init(&loop->uv, &loop->signals[i]);
		loop->signals[i].data = loop;
		rc = uv_signal_start(&loop->signals[i], on_signal, signals[i]);
		loop->signal_count++;
		if (rc < 0) {
			loop_destroy(loop);
			return rc;
		}
	}
	*ret_loop = loop;
	return 0;
}

void loop_close(struct loop *loop)
{
	if (loop->closed)
		return;
	loop->closed = true;
	uv_close((uv_handle_t *)&loop->timer, NULL);
	for (size_t i = 0; i < loop->signal_count; i++)
		uv_close((uv_handle_t *)&loop->signals[i], NULL);
	if (loop->has_poll)
		uv_close((uv_handle_t *)&loop->poll, NULL);
	if (loop->has_output)
		uv_close((uv_handle_t *)&loop->output, NULL);
	if (loop->has_idle)
		uv_close((uv_handle_t *)&loop->idle, NULL);
}

void loop_destroy(struct loop *loop)
{
	if (!loop)
		return;
	loop_close(loop);
	uv_run(&loop->uv, UV_RUN_NOWAIT);
	/* a name still being looked up keeps the loop; both go with the process */
	if (uv_loop_close(&loop->uv) == 0)
		free(loop);
}

/*
 * uv_poll_init makes a descriptor non-blocking, and with it everyone's copy of a terminal or pipe:
 * our own standard output, and the shell we leave behind. We read only what is there, so it need
 * not be.
 */
static int watch(struct loop *loop, uv_poll_t *poll, int fd)
{
	int flags = fcntl(fd, F_GETFL);
	int rc = uv_poll_init(&loop->uv, poll, fd);

	if (rc == 0 && flags >= 0)
		fcntl(fd, F_SETFL, flags);
	return rc;
}

void loop_watch_output(struct loop *loop, int fd)
{
	struct stat stat;

	/* a terminal that goes is told by SIGHUP, and by its input */
	if (fstat(fd, &stat) < 0 || !S_ISFIFO(stat.st_mode) || watch(loop, &loop->output, fd) < 0)
		return;
	loop->output.data = loop;
	loop->has_output = true;
	uv_poll_start(&loop->output, UV_DISCONNECT, on_output);
}

int loop_set_input(struct loop *loop, int fd)
{
	int rc = watch(loop, &loop->poll, fd);

	if (rc == 0) {
		loop->poll.data = loop;
		loop->has_poll = true;
		return 0;
	}
	if (rc != UV_EPERM) /* epoll's word for regular files */
		return rc;
	uv_idle_init(&loop->uv, &loop->idle);
	loop->idle.data = loop;
	loop->has_idle = true;
	return 0;
}

void loop_want_input(struct loop *loop, bool wanted)
{
	if (loop->has_poll && wanted)
		uv_poll_start(&loop->poll, UV_READABLE, on_poll);
	else if (loop->has_poll)
		uv_poll_stop(&loop->poll);
	if (loop->has_idle && wanted)
		uv_idle_start(&loop->idle, on_idle);
	else if (loop->has_idle)
		uv_idle_stop(&loop->idle);
}

void loop_set_timer(struct loop *loop, int64_t delay_ms)
{
	if (delay_ms < 0) {
		uv_timer_stop(&loop->timer);
		return;
	}
	uv_update_time(&loop->uv);
	/* never 0: libuv would run it again before it looks at any socket */
	uv_timer_start(&loop->timer, on_timer, delay_ms > 0 ? (uint64_t)delay_ms : 1, 0);
}

void loop_run(struct loop *loop)
{
	uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop)
{
	uv_stop(&loop->uv);
}

void *loop_handle(struct loop *loop)
{
	return &loop->uv;
}
