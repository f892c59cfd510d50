/*
 * Writing lines: once, whatever dies when.
 *
 * Each (user, device) has a window of its last DEDUPE_WINDOW ids. An append with an id
 * holds its window's lock and all its logs' locks (a direct message: both inboxes)
 * before it writes anything, then
 *
 *	intent in the window (open, no done bit)
 *	each log: move tail, copy bytes, index, store next (release) = the commit; its done bit
 *	unlock logs; the id enters the window; intent closed; unlock window
 *	fence (seq_cst); dirty bits of the workers with members; ring
 *
 * Whoever finds a log or a window whose holder died finishes or drops what the intent
 * says (docs/architecture.md, "Appending"). A line without id needs no window.
 */
#ifndef SHM_APPEND_H
#define SHM_APPEND_H

#include "shm/segment.h"

enum append_result {
	APPEND_OK,
	APPEND_DUPLICATE,   /* same id, same content: ret_seq is the first one's */
	APPEND_ID_CONFLICT, /* same id, other content */
	APPEND_BUSY,        /* a lock was not got in 2 ms: nothing is appended, send again */
	APPEND_STALE, /* a log has another epoch than the decision was made on: look up again */
	APPEND_INBOX_FULL_OWN,    /* copy 0's inbox */
	APPEND_INBOX_FULL_THEIRS, /* copy 1's inbox */
	APPEND_TOO_LONG,          /* the line doesn't fit the log's ring at all */
	APPEND_MOVED,         /* the log has gone on: next isn't `only_at` any more */
	APPEND_NO_MEMORY,         /* an inbox has no body and /dev/shm has no room for one */
	APPEND_BROKEN             /* quarantined log: its new epoch comes soon */
};

/* ---- windows ---- */

/* The window of (user, device), or SHM_NONE. device "" is the shared default. LOCK trouble:
 * SHM_NONE with *ret_busy. */
uint32_t window_find(struct shm *shm, uint32_t user, const char *device, bool *ret_busy);
/*
 * The same, made if there is none: 0, -EBUSY, -ENOSPC (no free one, and none that may be
 * taken over), -ESTALE (no such user any more).
 *
 * When none is free, the longest unused one is taken over whose user has no session and whose
 * intent is closed: so ask after session_attach. An append through one that was lost all the
 * same (the user was forgotten meanwhile) is APPEND_STALE.
 */
int window_take(struct shm *shm, uint32_t user, const char *device, uint32_t *ret_window);
/*
 * Is this id known? APPEND_OK: no. APPEND_DUPLICATE (ret_seq), APPEND_ID_CONFLICT or APPEND_BUSY.
 */
enum append_result window_lookup(struct shm *shm, uint32_t window, uint64_t id_hash,
				 uint64_t content_hash, uint64_t *ret_seq);
/* The last id committed, "" if none: 0 or -EBUSY. */
int window_last_id(struct shm *shm, uint32_t window, char ret_id[ID_SIZE]);
/*
 * Makes the table's chains and its count anew from the windows themselves: at start, after an
 * image was loaded, and when a holder of the table's lock died. Nobody else is at it.
 */
void window_table_rebuild(struct shm *shm);

/* SipHash-2-4 under a key of one's own. */
uint64_t siphash(const uint64_t key[2], const void *bytes, size_t len);
/* SipHash-2-4 of the bytes under the segment's key, never 0. */
uint64_t shm_hash(const struct shm *shm, const void *bytes, size_t len);

/* ---- append ---- */

struct append {
	/* The line: head, the log's name, LINE_NAME_END, its number, tail. tail ends with '\n'.
	 * Borrowed. */
	const char *head, *tail;
	size_t head_len, tail_len;
	uint32_t sender; /* user index */
	int64_t wall_ms;
	uint32_t window; /* SHM_NONE: without id */
	const char *id;
	uint64_t id_hash, content_hash;
	const char *topic; /* a topic line: the new topic; else NULL */
	/*
	 * Not 0: append as this number of copy 0's log or not at all (APPEND_MOVED). So a decision
	 * made on what the log holds is made once: read up to it, append, look again if it moved.
	 */
	uint64_t only_at;
	/*
	 * With an id: later than this nothing is appended (APPEND_BUSY); 0: whenever. Who was
	 * stopped before it got the window's lock may come when the id has been used and forgotten.
	 */
	uint64_t by_mono_ms;
	unsigned
		copies; /* 1; 2 for a direct message: [0] the sender's inbox, [1] the recipient's */
	struct {
		uint32_t log;
		uint64_t epoch;
		uint64_t ret_seq;
	} copy[APPEND_COPIES_MAX];
};

/*
 * Appends and rings. On APPEND_OK and APPEND_DUPLICATE copy[].ret_seq is set (a
 * duplicate: copy[0] only). *ret_local: this worker has members in one of the logs (its
 * own dirty bits are set, itself it doesn't ring).
 */
enum append_result append_line(struct shm *shm, struct append *append, bool *ret_local);

/* Janitor and take-over: finishes every open intent it can get the locks for; returns how many stay
 * open. */
unsigned append_finish_intents(struct shm *shm);

#endif
