/*
 * A small segment in anonymous shared memory for tests of logs, windows and doorbells: all
 * rooms r0, r1, … and users u0, u1, … are there, each log with its body.
 */
#ifndef TESTS_LOG_FIXTURE_H
#define TESTS_LOG_FIXTURE_H

#include "shm/append.h"
#include "shm/room_log.h"

#include <stddef.h>

struct log_fixture {
	struct shm shm;
	int bells[SLOTS_MAX][2];
};

/* 4 rooms of 16 lines or 4096 bytes, 4 users with inboxes of 8 lines or 2048 bytes, 4 windows. */
extern const struct segment_sizes log_fixture_small;

/* Aborts where it can't: a test without a segment is no test. */
void log_fixture_start(struct log_fixture *fixture, const struct segment_sizes *sizes);
void log_fixture_finish(struct log_fixture *fixture);
/* A fresh life for everything, without new memory: for programs that start over often. */
void log_fixture_fill(struct log_fixture *fixture);

uint64_t log_epoch(const struct shm *shm, uint32_t log);

/* One line to say. Fields left out are 0: room r0, user u0. window SHM_NONE and id NULL: without
 * id. */
struct saying {
	uint32_t log; /* a room; or the sender's inbox, then `to` is the other one */
	uint32_t to;  /* 0: one copy */
	uint32_t sender;
	uint32_t window;
	const char *id;
	const char *content;
	uint64_t by_mono_ms; /* 0: whenever */
	const char *topic;
	int64_t wall_ms;
};

/* {"type":"message","room":"r0","seq":1,"content":"…"}\n */
enum append_result say(struct shm *shm, const struct saying *saying, uint64_t *ret_seq);
/* A line to room r0 by u0 without id; must succeed. Its number. */
uint64_t say_plain(struct shm *shm, uint32_t log, const char *content);

#endif
