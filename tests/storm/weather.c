#include "tests/storm/weather.h"

#include "base/clock.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define SLEEP_MS 10000u
#define STOP_MIN_MS 20u
#define STOP_MAX_MS 400u

/* Just before a blow so many people say so much, and it falls within so many microseconds. */
#define BURST_SENDERS 6u
#define BURST_LINES 8u
#define BURST_US 1500u

enum kind { KILL, STOP, HANG, HANGUP, CUT, SLEEP };

static void note_blow(struct weather *weather, pid_t pid, bool hang)
{
	if (weather->blow_count == weather->blow_cap) {
		weather->blow_cap = weather->blow_cap == 0 ? 64 : weather->blow_cap * 2;
		weather->blows =
			realloc(weather->blows, weather->blow_cap * sizeof(*weather->blows));
		if (weather->blows == NULL)
			abort();
	}
	weather->blows[weather->blow_count++] =
		(struct blow){.pid = pid, .wall_ms = clock_wall_ms(), .hang = hang};
}

/* A random worker that nothing happens to just now, or 0. */
static pid_t some_worker(struct weather *weather)
{
	pid_t pids[CHILDREN_MAX];
	unsigned count = server_workers(weather->server, pids), kept = 0;

	for (unsigned i = 0; i < count; i++) {
		if (pids[i] != weather->stopped && pids[i] != weather->hanging)
			pids[kept++] = pids[i];
	}
	return kept > 0 ? pids[world_draw(weather->world, kept)] : 0;
}

/* It may have died by itself, and another process have its number: /proc says whose child it is. */
static bool is_still_worker(const struct weather *weather, pid_t pid)
{
	pid_t pids[CHILDREN_MAX];
	unsigned count = server_workers(weather->server, pids);

	for (unsigned i = 0; i < count; i++) {
		if (pids[i] == pid)
			return true;
	}
	return false;
}

static struct program *some_program(struct weather *weather)
{
	return &weather->programs[world_draw(weather->world, weather->program_count)];
}

/* A blow is worth most while lines are on their way. */
static void burst(struct weather *weather)
{
	uint64_t until = clock_mono_us() + world_draw(weather->world, BURST_US);

	for (unsigned i = 0; i < BURST_SENDERS; i++)
		program_burst(some_program(weather),
			      1 + (unsigned)world_draw(weather->world, BURST_LINES));
	while (clock_mono_us() < until)
		continue;
}

static void cut(struct weather *weather)
{
	struct program *program = some_program(weather);

	program_burst(program, (unsigned)world_draw(weather->world, BURST_LINES));
	program_cut(program, world_draw(weather->world, 2) == 0, 0, false);
	weather->cuts++;
}

static void strike(struct weather *weather)
{
	pid_t pid = some_worker(weather);

	if (pid == 0)
		return;
	burst(weather);
	note_blow(weather, pid, false);
	kill(pid, SIGKILL);
	weather->kills++;
}

static void freeze(struct weather *weather)
{
	pid_t pid = some_worker(weather);

	if (pid == 0 || weather->stopped != 0)
		return;
	kill(pid, SIGSTOP);
	weather->stopped = pid;
	weather->continue_us =
		weather->world->now_us +
		1000 * (STOP_MIN_MS + world_draw(weather->world, STOP_MAX_MS - STOP_MIN_MS));
	weather->stops++;
}

void weather_note_kill(struct weather *weather, pid_t pid)
{
	note_blow(weather, pid, false);
}

void weather_note_hang(struct weather *weather, pid_t pid)
{
	note_blow(weather, pid, true);
	weather->hanging = pid;
	weather->hangs++;
}

static void hang(struct weather *weather)
{
	pid_t pid = some_worker(weather);

	if (pid == 0 || weather->hanging != 0)
		return;
	kill(pid, SIGSTOP);
	weather_note_hang(weather, pid);
}

static void strike_kind(struct weather *weather, enum kind kind)
{
	switch (kind) {
	case KILL:
		strike(weather);
		break;
	case STOP:
		freeze(weather);
		break;
	case HANG:
		hang(weather);
		break;
	case HANGUP:
		server_signal(weather->server, SIGHUP);
		weather->hangups++;
		break;
	case CUT:
		cut(weather);
		break;
	case SLEEP:
		program_cut(some_program(weather), false, SLEEP_MS, true);
		weather->sleeps++;
		break;
	}
}

static unsigned gap_of(const struct forecast *forecast, enum kind kind)
{
	switch (kind) {
	case KILL:
		return forecast->kill_ms;
	case STOP:
		return forecast->stop_ms;
	case HANG:
		return forecast->hang_ms;
	case HANGUP:
		return forecast->hangup_ms;
	case CUT:
		return forecast->cut_ms;
	case SLEEP:
		return forecast->sleep_ms;
	}
	return 0;
}

void weather_begin(struct weather *weather, const struct forecast *forecast)
{
	weather->forecast = *forecast;
	for (enum kind kind = KILL; kind <= SLEEP; kind++)
		weather->due_us[kind] =
			weather->world->now_us + gap_of(forecast, kind) * UINT64_C(1000);
}

static void thaw(struct weather *weather)
{
	if (weather->stopped != 0 && is_still_worker(weather, weather->stopped))
		kill(weather->stopped, SIGCONT);
	weather->stopped = 0;
}

void weather_step(struct weather *weather)
{
	uint64_t now = weather->world->now_us;

	if (weather->stopped != 0 && now >= weather->continue_us)
		thaw(weather);
	if (weather->hanging != 0 && !is_still_worker(weather, weather->hanging))
		weather->hanging = 0;
	for (enum kind kind = KILL; kind <= SLEEP; kind++) {
		unsigned gap_ms = gap_of(&weather->forecast, kind);

		if (gap_ms == 0 || now < weather->due_us[kind])
			continue;
		weather->due_us[kind] += gap_ms * UINT64_C(1000);
		strike_kind(weather, kind);
	}
}

void weather_end(struct weather *weather)
{
	weather->forecast = (struct forecast){0};
	thaw(weather);
	if (weather->hanging != 0 && is_still_worker(weather, weather->hanging))
		kill(weather->hanging, SIGKILL);
	weather->hanging = 0;
}

void weather_finish(struct weather *weather)
{
	free(weather->blows);
	weather->blows = NULL;
}
