/*
 * The shared segment: made or taken over by the master before its first fork,
 * inherited by every worker (never mapped a second time, never unmapped).
 *
 *	/dev/shm/chat-<instance>, mode 0600, flocked by the master's open file
 *	description: the children inherit the lock, so a second master is refused while
 *	any process of the old one lives.
 */
#ifndef SHM_SEGMENT_H
#define SHM_SEGMENT_H

#include "shm/layout.h"

#include "base/buf.h"

#include <stddef.h>
#include <sys/types.h>

/* A process's handle: where things are in its mapping. Plain copy for a child. */
struct shm {
	unsigned char *base;
	size_t size;
	int fd;        /* holds the flock; inherited, close-on-exec */
	unsigned slot; /* this process's worker slot; SLOTS_MAX in the master */
	uint32_t generation;
	struct segment_header *header;
	const struct segment_sizes *sizes; /* = &header->sizes */
	struct worker_slot *workers;       /* SLOTS_MAX */
	struct room *rooms;
	struct window *windows;
	struct session *sessions;
	struct address_counts *addresses;
	struct penalty *penalties;
	/* window + 1 of an open intent that we met when we repaired a log; 0: none (intent.h). */
	uint32_t owed_window;
	const int (*bells)[2]; /* the doorbell socketpairs, SLOTS_MAX; see doorbell.h */
};

struct segment_params {
	const char *instance;
	const char *state_dir;      /* the image is <state_dir>/<instance>/segment */
	struct segment_sizes sizes; /* inbox_* are derived: 0 here */
	unsigned wait_ms;           /* for the flock of a killed master's workers: 5000 */
};

enum segment_origin {
	SEGMENT_NEW,      /* nothing was there */
	SEGMENT_ATTACHED, /* the segment of a killed master, checked, repaired */
	SEGMENT_LOADED,   /* from the image of a clean stop */
	SEGMENT_RECOVERED /* from segment.used: users, rooms, topics; empty logs with new epochs */
};

struct segment_report {
	enum segment_origin origin;
	unsigned logs_audited, logs_quarantined, locks_repaired;
	unsigned users, rooms;
};

/*
 * Makes, takes over or loads the segment. With other sizes than before, what is
 * there is carried over where it fits. 0, or:
 *	-EBUSY   another master runs this instance (ret_error names its process)
 *	-ENOSPC  /dev/shm can't hold the tables (ret_error names the option to lower)
 *	-EPROTO  an image of a layout this build can't read (kept; ret_error says what to do)
 *	-errno   else
 * ret_error gets one sentence for the operator on failure, else warnings (one a line).
 */
int segment_start(const struct segment_params *params, struct shm *ret_shm,
		  struct segment_report *ret_report, struct buf *ret_error);

/*
 * May this build go on with a segment that is in use, with such tables? Takes no lock, changes
 * nothing: for an upgrade. 0, or -EPROTO with a sentence in ret_error.
 */
int segment_accepts(int fd, const struct segment_sizes *sizes, struct buf *ret_error);
/*
 * Goes on with it, after that: for the successor of a master in the same process, whose workers
 * live. Nothing is repaired, for nothing is broken. fd is taken over on success. 0 or -errno.
 */
int segment_adopt(int fd, struct shm *ret_shm);

/*
 * The end of the master once the last worker is gone: saves the image (write, fsync,
 * rename) and unlinks the segment; if it can't be written the segment stays. 0 or -errno.
 */
int segment_stop(struct shm *shm, const char *state_dir);

/* What a child calls first: remembers its slot and clears its bit in every log. */
void segment_enter_worker(struct shm *shm, unsigned slot);

/* Bytes: the segment's tables, the bodies made so far. */
void segment_memory(const struct shm *shm, uint64_t *ret_tables, uint64_t *ret_bodies);

/* ---- where things are ---- */
struct user *segment_user(const struct shm *shm, uint32_t user);
struct member *segment_members(const struct shm *shm, uint32_t user);
/* The head of a log: a room's, or an inbox's. */
struct log_head *segment_log(const struct shm *shm, uint32_t log);
static inline bool log_is_inbox(const struct shm *shm, uint32_t log)
{
	return log >= shm->sizes->max_rooms;
}
static inline uint32_t log_of_inbox(const struct shm *shm, uint32_t user)
{
	return shm->sizes->max_rooms + user;
}
static inline uint32_t user_of_inbox(const struct shm *shm, uint32_t log)
{
	return log - shm->sizes->max_rooms;
}
/* The rings of a made log. */
struct log_entry *segment_log_index(const struct shm *shm, uint32_t log);
unsigned char *segment_log_bytes(const struct shm *shm, uint32_t log);
/* Dirty words of a worker: header->dirty_words of them, then their summary words. */
_Atomic uint64_t *segment_dirty(const struct shm *shm, unsigned slot);
/*
 * Reserves a log's body if it isn't yet: 0, -ENOSPC. Under the lock of the room table, for an
 * inbox of the user table.
 */
int segment_make_body(struct shm *shm, uint32_t log);
/* A fresh epoch, never 0, never given before. */
uint64_t segment_new_epoch(struct shm *shm);

#endif
