#include "tests/storm/run.h"

#include "base/clock.h"
#include "base/fd.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define EVENTS_MAX 256
#define TURN_MS 2
#define START_MS 20000u
#define SETTLE_MS 60000u
/* Lets open intents be finished and late readers of stopped workers' sockets be heard. */
#define CALM_MS 1000u

/* ---- time goes on -------------------------------------------------------------------------- */

static struct program *program_of(void *link)
{
	return ((struct link *)link)->data;
}

static void turn(struct run *run)
{
	struct epoll_event events[EVENTS_MAX];
	int count = epoll_wait(run->world.epoll_fd, events, EVENTS_MAX, TURN_MS);

	run->world.now_us = clock_mono_us();
	for (int i = 0; i < count; i++)
		program_event(program_of(events[i].data.ptr), events[i].events);
	run->world.now_us = clock_mono_us();
	for (unsigned i = 0; i < run->program_count; i++)
		program_step(&run->programs[i]);
	weather_step(&run->weather);
}

void run_for(struct run *run, unsigned ms)
{
	uint64_t until = clock_mono_us() + ms * UINT64_C(1000);

	while (clock_mono_us() < until)
		turn(run);
}

bool run_until(struct run *run, bool (*done)(struct run *run), unsigned patience_ms)
{
	uint64_t until = clock_mono_us() + patience_ms * UINT64_C(1000);

	while (!done(run)) {
		if (clock_mono_us() > until)
			return false;
		turn(run);
	}
	return true;
}

/* ---- what is waited for ---------------------------------------------------------------------- */

static bool is_ready(struct run *run)
{
	return server_is_ready(&run->server);
}

static bool all_joined(struct run *run)
{
	for (unsigned i = 0; i < run->program_count; i++) {
		if (!run->programs[i].joined)
			return false;
	}
	return true;
}

static bool all_live(struct run *run)
{
	for (unsigned i = 0; i < run->program_count; i++) {
		if (run->programs[i].state != PROGRAM_LIVE)
			return false;
	}
	return true;
}

static bool all_answered(struct run *run)
{
	for (unsigned i = 0; i < run->program_count; i++) {
		if (run->programs[i].unanswered_count > 0)
			return false;
	}
	return true;
}

static bool all_ended(struct run *run)
{
	for (unsigned i = 0; i < run->program_count; i++) {
		if (!run->programs[i].ended)
			return false;
	}
	return true;
}

static bool is_up(struct run *run)
{
	return run->world.up_us != 0;
}

static bool has_ended(struct run *run)
{
	int status = 0;

	if (!server_has_ended(&run->server, &status))
		return false;
	if (status != 0 && status != 128 + SIGKILL)
		printf("  chat-master ended with %d\n", status);
	return true;
}

/* ---- the people
 * ----------------------------------------------------------------------------------- */

/*
 * A fifth of the senders are second devices of others, and a fifth of the receivers are
 * second devices of senders; half of the senders read the rooms they write to.
 */
static void cast_make(struct run *run, const struct run_options *options)
{
	unsigned alone = options->senders - options->senders / 5;
	unsigned shared = options->receivers / 5;

	run->program_count = options->senders + options->receivers;
	run->users = alone + options->receivers - shared;
	run->programs = calloc(run->program_count, sizeof(*run->programs));
	if (run->programs == NULL || run->program_count > USERS_MAX)
		abort();
	for (unsigned i = 0; i < run->program_count; i++) {
		struct program *program = &run->programs[i];
		bool sends = i < options->senders;
		unsigned user = i - shared - options->senders + alone;

		if (sends)
			user = i < alone ? i : i - alone;
		else if (i < options->senders + shared)
			user = alone - 1 - (i - options->senders);
		program_init(program, &run->world, i, user);
		program->sends = sends;
		program->subscribes = !sends || i % 2 == 0;
		program->users = run->users;
		program->room_count = sends ? 2 : ROOMS_EACH;
		for (unsigned k = 0; k < program->room_count; k++)
			program->rooms[k] = (uint16_t)((i + k * 3) % ROOMS);
		for (unsigned k = 0; program->subscribes && k < program->room_count; k++)
			program->cursor[program->cursor_count++].log = program->rooms[k];
	}
	run->world.history.programs = run->program_count;
	run->world.history.rooms = ROOMS;
	run->world.history.logs = ROOMS + run->users;
	run->world.history.inbox_of = run->world.inbox_of;
}

static void put_keys(const struct run *run, struct buf *out)
{
	for (unsigned user = 0; user < run->users; user++) {
		struct login_key key;
		char name[16];

		snprintf(name, sizeof(name), "u%u", user);
		login_key_of(name, &key);
		login_key_line(&key, name, out);
	}
}

/* Everyone comes anew with the cursors it has; who is away comes, too. */
static void all_return(struct run *run)
{
	for (unsigned i = 0; i < run->program_count; i++) {
		program_cut(&run->programs[i], false, 0, true);
		run->programs[i].due_us = run->world.now_us;
	}
}

bool run_begin(struct run *run, const struct run_options *options)
{
	struct buf keys = BUF_INIT;

	memset(run, 0, sizeof(*run));
	run->world.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	run->world.random = options->seed * 2 + 1;
	run->world.mean_gap_ms = options->mean_gap_ms;
	run->world.direct_percent = options->direct_percent;
	run->world.now_us = clock_mono_us();
	cast_make(run, options);
	put_keys(run, &keys);
	server_init(&run->server, options->build, keys.data);
	buf_finish(&keys);
	run->weather = (struct weather){.world = &run->world,
					.server = &run->server,
					.programs = run->programs,
					.program_count = run->program_count};
	server_start(&run->server);
	while (!is_ready(run)) {
		int status = 0;

		if (server_has_ended(&run->server, &status)) {
			printf("  chat-master ended with %d\n", status);
			return false;
		}
		run->world.now_us = clock_mono_us();
		epoll_wait(run->world.epoll_fd, &(struct epoll_event){0}, 1, TURN_MS);
	}
	run->world.port = run->server.port;
	if (!run_until(run, all_joined, START_MS)) {
		printf("  not everybody got in\n");
		return false;
	}
	all_return(run);
	run->world.recording = true;
	if (!run_until(run, all_live, START_MS)) {
		printf("  not everybody came back\n");
		return false;
	}
	run->world.sending = true;
	return true;
}

bool run_settle(struct run *run)
{
	bool settled;

	run->world.sending = false;
	weather_end(&run->weather);
	settled = run_until(run, all_answered, SETTLE_MS);
	run_for(run, CALM_MS);
	run->world.ending = true;
	all_return(run);
	return run_until(run, all_ended, SETTLE_MS) && settled;
}

void run_finish(struct run *run, bool keep)
{
	for (unsigned i = 0; i < run->program_count; i++)
		program_finish(&run->programs[i]);
	free(run->programs);
	server_finish(&run->server, keep);
	weather_finish(&run->weather);
	history_finish(&run->world.history);
	for (unsigned i = 0; i < OUTAGES; i++)
		samples_finish(&run->world.outages[i]);
	samples_finish(&run->world.answers);
	samples_finish(&run->world.straight);
	samples_finish(&run->world.busy);
	fd_close(&run->world.epoll_fd);
}

bool run_restart(struct run *run, bool stop, uint64_t *ret_down_us)
{
	uint64_t begin = clock_mono_us();

	run->world.down_us = begin;
	run->world.up_us = 0;
	server_signal(&run->server, stop ? SIGTERM : SIGKILL);
	if (!run_until(run, has_ended, START_MS)) {
		printf("  chat-master does not end\n");
		return false;
	}
	if (stop && server_left_segment(&run->server))
		printf("  a clean stop left the segment\n");
	run->world.down_us = clock_mono_us();
	server_start(&run->server);
	if (!run_until(run, is_ready, START_MS) || !run_until(run, is_up, START_MS)) {
		printf("  chat-master does not come back\n");
		return false;
	}
	*ret_down_us = run->world.up_us - begin;
	return true;
}
