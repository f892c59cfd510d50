/*
 * What an append is about to do, so that whoever comes after its death can finish it
 * (docs/appending.md). An intent lives in its window and is written under the window's lock.
 *
 *	intent_begin      open, no done bit          a death from here to the first commit: dropped
 *	  log_write, intent_mark   for each log      a death in between: the owed copy is made
 *	intent_close      the id is known            a death before: it is entered
 *
 * Done bits are also set, by compare-and-swap and without the window's lock, by whoever
 * holds the lock of a log whose holder died: intent_note.
 */
#ifndef SHM_INTENT_H
#define SHM_INTENT_H

#include "shm/append.h"

/* Logs that got a line while locks were held: to be rung when none is. */
struct bells_due {
	uint32_t log[APPEND_COPIES_MAX];
	unsigned count;
};

static inline bool intent_is_open(const struct window *window)
{
	return (atomic_load_explicit(&window->intent.state, memory_order_acquire) & INTENT_OPEN) !=
	       0;
}

/* Under the window's lock and the logs' locks. copy[].ret_seq are the numbers to come. */
void intent_begin(struct window *window, const struct append *append);
void intent_mark(struct window *window, unsigned copy);
/*
 * Under the window's lock: the id of the finished append becomes known, then the intent is closed.
 */
void intent_close(struct window *window, const struct append *append);
/*
 * Under the window's lock, no log's: finishes or drops the open intent. False: a log's lock was
 * not to be had, or an owed copy has no room yet; it stays open and nothing else may begin.
 */
bool intent_finish(struct shm *shm, uint32_t window, struct bells_due *due);
/*
 * Under the lock of `log`, whose holder died: `seq` is its newest line and belongs to `window`.
 * True: to an intent that is still open.
 */
bool intent_note(struct shm *shm, uint32_t window, uint32_t log, uint64_t epoch, uint64_t seq,
		 uint64_t id_hash);

/* Is line `seq` of this log the stored copy of an open intent's direct message? */
bool intent_needs(const struct shm *shm, uint32_t window, uint32_t log, uint64_t epoch,
		  uint64_t seq);

/* The known id, or NULL. Under the window's lock. */
struct window_entry *window_entry_of(struct window *window, uint64_t id_hash);
/*
 * A window's lock, its holder's death mended as far as that goes alone (an open intent stays
 * open): 0, -EBUSY, -ENOTRECOVERABLE.
 */
int window_lock(struct window *window);
/* The same for a log's, with its repair: APPEND_OK, APPEND_BUSY or APPEND_BROKEN. */
enum append_result log_lock(struct shm *shm, uint32_t log);

/* Finishes the intent of this window, if it is open and its locks are to be had. True: closed. */
bool intent_mend(struct shm *shm, uint32_t window);
/*
 * When no lock is held any more: rings, and finishes at once what a repair has met. The
 * janitor would do it, too, but by then the copy that an owed one is made from may be
 * overwritten.
 */
void locks_left(struct shm *shm, const struct bells_due *due);

#endif
