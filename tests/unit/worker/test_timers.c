#include "worker/timers.h"

#include <criterion/criterion.h>
#include <stddef.h>

struct probe {
	struct timers *timers;
	struct timer timer, *cancels;
	unsigned fired;
	uint64_t again_ms;
};

static void fire(struct timer *timer)
{
	struct probe *probe =
		(struct probe *)(void *)((char *)timer - offsetof(struct probe, timer));

	probe->fired++;
	if (probe->cancels != NULL)
		timer_cancel(probe->cancels);
	if (probe->again_ms > 0)
		timer_set(probe->timers, &probe->timer, probe->again_ms);
}

static struct timers *make(uint64_t now_ms)
{
	static struct timers timers;

	timers_init(&timers, now_ms, fire);
	return &timers;
}

Test(timers, never_fire_early_and_at_most_a_tick_late)
{
	for (uint64_t delay = 0; delay < 300; delay += 7) {
		struct timers *timers = make(100003);
		struct probe probe = {.timers = timers};

		timer_set(timers, &probe.timer, 100003 + delay);
		if (delay > 0)
			timers_run(timers, 100003 + delay - 1);
		cr_assert_eq(probe.fired, 0, "delay %lu fired early", (unsigned long)delay);
		timers_run(timers, 100003 + delay + 2 * TIMERS_TICK_MS);
		cr_assert_eq(probe.fired, 1);
		cr_assert_not(timer_is_set(&probe.timer));
	}
}

Test(timers, a_deadline_beyond_one_turn_of_the_wheel_waits_for_its_turn)
{
	struct timers *timers = make(0);
	struct probe probe = {.timers = timers};
	uint64_t due = 3 * TIMERS_SLOTS * TIMERS_TICK_MS + 60;

	timer_set(timers, &probe.timer, due);
	for (uint64_t now = 0; now < due; now += TIMERS_TICK_MS) {
		timers_run(timers, now);
		cr_assert_eq(probe.fired, 0);
	}
	timers_run(timers, due + TIMERS_TICK_MS);
	cr_assert_eq(probe.fired, 1);
}

Test(timers, a_cancelled_or_moved_timer_does_not_fire_at_its_old_time)
{
	struct timers *timers = make(0);
	struct probe cancelled = {.timers = timers}, moved = {.timers = timers};

	timer_set(timers, &cancelled.timer, 100);
	timer_set(timers, &moved.timer, 100);
	timer_cancel(&cancelled.timer);
	timer_set(timers, &moved.timer, 5000);
	timers_run(timers, 1000);
	cr_assert_eq(cancelled.fired + moved.fired, 0);
	timers_run(timers, 6000);
	cr_assert_eq(moved.fired, 1);
}

Test(timers, a_handler_may_cancel_another_that_is_due_and_set_its_own_again)
{
	struct timers *timers = make(0);
	struct probe first = {.timers = timers}, second = {.timers = timers};

	/* Whichever runs first cancels the other. */
	first.cancels = &second.timer;
	second.cancels = &first.timer;
	timer_set(timers, &first.timer, 100);
	timer_set(timers, &second.timer, 100);
	timers_run(timers, 200);
	cr_assert_eq(first.fired + second.fired, 1);

	first = (struct probe){.timers = timers, .again_ms = 400};
	timer_set(timers, &first.timer, 300);
	timers_run(timers, 350);
	cr_assert_eq(first.fired, 1);
	first.again_ms = 0;
	timers_run(timers, 500);
	cr_assert_eq(first.fired, 2);
}

Test(timers, after_a_long_stop_everything_due_fires_once)
{
	struct timers *timers = make(0);
	struct probe probes[50] = {0};

	for (unsigned i = 0; i < 50; i++)
		timer_set(timers, &probes[i].timer, 100 + i * 977);
	timers_run(timers, 100 * TIMERS_SLOTS * TIMERS_TICK_MS);
	for (unsigned i = 0; i < 50; i++)
		cr_assert_eq(probes[i].fired, 1, "timer %u", i);
}
