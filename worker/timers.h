/*
 * A hashed timer wheel: add, move and cancel are O(1), so every connection can have
 * deadlines of its own (login, ping, idle, delayed refusals).
 *
 *	struct conn { struct timer timer; ... };
 *	timers_init(&worker->timers, now, conn_due);
 *	timer_set(&worker->timers, &conn->timer, now + 25000);
 *	timer_cancel(&conn->timer);                    before the memory goes
 *	timers_run(&worker->timers, now);              every TIMERS_TICK_MS
 *
 * All that are on one wheel belong to the same kind of thing, which knows itself by its timer.
 * A timer fires at or up to one tick after its time, once. A handler may set or cancel any
 * timer, its own included.
 */
#ifndef WORKER_TIMERS_H
#define WORKER_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIMERS_TICK_MS 25u
#define TIMERS_SLOTS 2048u /* one turn is 51.2 s; later deadlines wait for their turn */

struct timer {
	struct timer *next, **prev; /* prev NULL: not set */
	uint64_t due_ms;
};

struct timers {
	struct timer *slot[TIMERS_SLOTS];
	struct timer *due; /* those of the slot that is being run */
	uint64_t now_tick;
	void (*fire)(struct timer *timer);
};

void timers_init(struct timers *timers, uint64_t now_ms, void (*fire)(struct timer *timer));
/* Sets or moves. */
void timer_set(struct timers *timers, struct timer *timer, uint64_t due_ms);
void timer_cancel(struct timer *timer);
static inline bool timer_is_set(const struct timer *timer)
{
	return timer->prev != NULL;
}
void timers_run(struct timers *timers, uint64_t now_ms);

#endif
