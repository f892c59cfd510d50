/*
 * The one loop of the client: standard input, one timer, signals; the transport's socket lives
 * in it too. Everything happens in the callbacks, one after the other, in one thread.
 */
#ifndef CLIENT_LOOP_H
#define CLIENT_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;

struct loop_events {
	void (*input)(void *owner);              /* the input can be read without waiting */
	void (*timer)(void *owner);              /* the time set came */
	void (*output_gone)(void *owner);        /* nobody reads the output any more */
	void (*signal)(void *owner, int signal); /* INT, TERM, HUP, WINCH, CONT */
	void *owner;
};

/* 0 or -errno. */
int loop_create(const struct loop_events *events, struct loop **ret_loop);
/* Watches nothing any more: before the transport's end, which runs the loop out. */
void loop_close(struct loop *loop);
/* After everything that lives in it is closed. Accepts NULL. */
void loop_destroy(struct loop *loop);

/* Which descriptor is the input; files and devices that cannot be polled are always ready. */
int loop_set_input(struct loop *loop, int fd);
void loop_want_input(struct loop *loop, bool wanted);
/* Tells when the reader of this pipe goes; other kinds of files are left alone. */
void loop_watch_output(struct loop *loop, int fd);
/* In `delay_ms` from now; -1: never. */
void loop_set_timer(struct loop *loop, int64_t delay_ms);

/* Until loop_stop(). */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
/* The uv_loop_t, for the transport. */
void *loop_handle(struct loop *loop);

#endif
