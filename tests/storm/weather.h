/*
 * What happens to the server and to the connections: workers killed, stopped and continued
 * or left to the watchdog, keys reloaded, connections cut, people who sleep through it.
 */
#ifndef TESTS_STORM_WEATHER_H
#define TESTS_STORM_WEATHER_H

#include "tests/storm/program.h"
#include "tests/storm/server.h"

/* Milliseconds between two of a kind; 0: none. */
struct forecast {
	unsigned kill_ms;   /* kill -9 of a random worker */
	unsigned stop_ms;   /* SIGSTOP of one, for 20 to 400 ms */
	unsigned hang_ms;   /* SIGSTOP of one, for ever: the watchdog's */
	unsigned hangup_ms; /* SIGHUP of the master */
	unsigned cut_ms;    /* a random connection ends, half of them with RST */
	unsigned sleep_ms;  /* a program goes for 10 s: meanwhile its logs are overwritten */
};

struct blow {
	pid_t pid;
	int64_t wall_ms;
	bool hang; /* left stopped */
};

struct weather {
	struct world *world;
	struct server *server;
	struct program *programs;
	unsigned program_count;
	struct forecast forecast;
	uint64_t due_us[6];
	pid_t stopped, hanging;
	uint64_t continue_us;
	struct blow *blows; /* owned: every worker that was killed or hung */
	size_t blow_count, blow_cap;
	unsigned kills, stops, hangs, hangups, cuts, sleeps;
};

void weather_begin(struct weather *weather, const struct forecast *forecast);
/* A worker is killed by others: no death of its own. */
void weather_note_kill(struct weather *weather, pid_t pid);
/* A worker that was stopped by others, for the watchdog to find. */
void weather_note_hang(struct weather *weather, pid_t pid);
void weather_step(struct weather *weather);
/* The sun comes out: what is stopped goes on (but a hanging one, which is killed). */
void weather_end(struct weather *weather);
void weather_finish(struct weather *weather);

#endif
