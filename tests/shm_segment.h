/*
 * A real segment under a name of its own, with a state directory of its own, both removed
 * afterwards. Worker slots 0 and 1 are born and this process is worker 0; as_worker()
 * gives the handle of another.
 */
#ifndef TESTS_SHM_SEGMENT_H
#define TESTS_SHM_SEGMENT_H

#include "shm/segment.h"

#include "base/buf.h"

struct segment_fixture {
	struct shm shm;
	struct segment_params params;
	struct segment_report report;
	struct buf error;
	char instance[48];
	char state_dir[64];
};

/* 8 users, 8 devices, 8 connections, 6 rooms, 4 rooms a user, 64 lines or 64 KiB a room. */
extern const struct segment_sizes segment_fixture_small;

/* Names and folders only. */
void segment_fixture_prepare(struct segment_fixture *fixture, const struct segment_sizes *sizes);
/* segment_start, and what it returned. On success workers 0 and 1 are born and we are 0. */
int segment_fixture_try(struct segment_fixture *fixture);
/* Both; aborts on failure. */
void segment_fixture_start(struct segment_fixture *fixture, const struct segment_sizes *sizes);
/* As if every process had been killed: the mapping and the flock go, the file stays. */
void segment_fixture_kill(struct segment_fixture *fixture);
/* A clean stop: the image is in the state directory, the segment is gone. */
void segment_fixture_stop(struct segment_fixture *fixture);
void segment_fixture_finish(struct segment_fixture *fixture);
/* The file goes now, the mapping lives on: for a program that may end before it finishes. */
void segment_fixture_unlink(const struct segment_fixture *fixture);

struct shm as_worker(const struct segment_fixture *fixture, unsigned slot);

/* Path of a file in the instance's folder. */
const char *segment_fixture_file(const struct segment_fixture *fixture, const char *file,
				 char ret_path[256]);

/* A user, a room and a line in it; they must succeed. */
uint32_t make_user(struct shm *shm, const char *name);
uint32_t make_room(struct shm *shm, const char *name);
/* Appends {"type":"message","room":…,"seq":N,"content":"…"}; returns its seq. */
uint64_t make_line(struct shm *shm, uint32_t log, uint32_t sender, const char *content);

/*
 * All that must hold when nobody is at work: every slot is found once or free once, counts are
 * those of a full recount, lists point to rooms. 0, or a sentence in `why`.
 */
int segment_is_consistent(struct shm *shm, struct buf *why);

#endif
