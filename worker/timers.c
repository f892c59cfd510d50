#include "worker/timers.h"

#include <stddef.h>
#include <string.h>

void timers_init(struct timers *timers, uint64_t now_ms, void (*fire)(struct timer *timer))
{
	memset(timers, 0, sizeof(*timers));
	timers->fire = fire;
	timers->now_tick = now_ms / TIMERS_TICK_MS;
}

static void unlink_timer(struct timer *timer)
{
	*timer->prev = timer->next;
	if (timer->next != NULL)
		timer->next->prev = timer->prev;
	timer->next = NULL;
	timer->prev = NULL;
}

static void link_timer(struct timer **head, struct timer *timer)
{
	timer->next = *head;
	timer->prev = head;
	if (*head != NULL)
		(*head)->prev = &timer->next;
	*head = timer;
}

/* The first tick that is not before the due time, so that nothing fires early. */
static uint64_t due_tick(const struct timer *timer)
{
	return (timer->due_ms + TIMERS_TICK_MS - 1) / TIMERS_TICK_MS;
}

void timer_set(struct timers *timers, struct timer *timer, uint64_t due_ms)
{
	uint64_t tick;

	timer_cancel(timer);
	timer->due_ms = due_ms;
	tick = due_tick(timer);
	if (tick <= timers->now_tick)
		tick = timers->now_tick + 1;
	link_timer(&timers->slot[tick % TIMERS_SLOTS], timer);
}

void timer_cancel(struct timer *timer)
{
	if (timer_is_set(timer))
		unlink_timer(timer);
}

/*
 * The slot's timers are moved to a list of their own first: a handler may then set
 * and cancel any timer, also one that is due in this very tick.
 */
static void run_slot(struct timers *timers, struct timer **slot)
{
	timers->due = *slot;
	if (timers->due == NULL)
		return;
	*slot = NULL;
	timers->due->prev = &timers->due;
	while (timers->due != NULL) {
		struct timer *timer = timers->due;

		unlink_timer(timer);
		if (due_tick(timer) > timers->now_tick)
			link_timer(slot, timer); /* a later turn of the wheel */
		else
			timers->fire(timer);
	}
}

void timers_run(struct timers *timers, uint64_t now_ms)
{
	uint64_t until = now_ms / TIMERS_TICK_MS;

	/* After a long stop (SIGSTOP, suspend) one full turn reaches every timer. */
	if (until > timers->now_tick + TIMERS_SLOTS) {
		timers->now_tick = until - 1;
		for (unsigned i = 0; i < TIMERS_SLOTS; i++)
			run_slot(timers, &timers->slot[i]);
	}
	while (timers->now_tick < until) {
		timers->now_tick++;
		run_slot(timers, &timers->slot[timers->now_tick % TIMERS_SLOTS]);
	}
}
