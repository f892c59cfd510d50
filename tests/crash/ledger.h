/*
 * Writers whose every message can be foretold, and a reader that knows what must be there.
 *
 * Message n of writer w (user w, device "d<w>") goes, by n mod 4, to room 0; to user w+1;
 * to room 1 as a topic; to user w+2. So each log must hold each writer's messages in order,
 * each once, with the text they must have, whatever died meanwhile.
 *
 *	ledger_say       one message; sent again with the same id until it is answered
 *	ledger_verify    reads on in all logs: lost, doubled, torn? and marks the inboxes read
 */
#ifndef TESTS_CRASH_LEDGER_H
#define TESTS_CRASH_LEDGER_H

#include "tests/unit/shm/log_fixture.h"

#define WRITERS 3u
#define KINDS 4u
#define NOISE_USERS 4u /* behind the writers and one idle user */
#define NOISE_FIRST 4u
#define ACKS 256u

/* Shared with the children that write. */
struct ledger_shared {
	struct {
		_Atomic uint64_t sent; /* the first message that isn't answered yet */
		_Atomic uint64_t seen; /* the verifier has seen all below in every log */
		_Atomic uint32_t window;
		struct {
			_Atomic uint64_t n, seq, epoch; /* n + 1; of copy 0 */
		} acked[ACKS];
	} writer[WRITERS];
	_Atomic uint32_t stop;
};

struct ledger {
	struct log_fixture fixture;
	struct shm *shm;
	struct ledger_shared *shared;
	/* The reader's own. */
	struct {
		uint64_t epoch, after;
		uint64_t expected[WRITERS];
		bool slack; /* lines may be missing: a reset, a flood, a copy that was given up */
	} log[2 + WRITERS + 1 + NOISE_USERS];
	uint64_t last_topic_seq; /* of a writer's line in room 1, this epoch; 0: none seen */
	char last_topic[TOPIC_SIZE];
};

void ledger_start(struct ledger *ledger, const struct segment_sizes *sizes);
void ledger_finish(struct ledger *ledger);
unsigned ledger_logs(const struct ledger *ledger);

/*
 * Writer w's next message: true once it is answered. A busy lock is tried again; false: an inbox is
 * full or `stop` is set.
 */
bool ledger_say(struct ledger *ledger, uint32_t w);
/* Its last answered message again: must be known, with the number that was told. */
void ledger_repeat(struct ledger *ledger, uint32_t w);
/* A line of nobody, to a log; `user` is one of the noise users. */
enum append_result ledger_noise(struct ledger *ledger, uint32_t log, uint32_t user);
/* The logs that message n of w goes to: copy 0 and the other one (SHM_NONE). */
void ledger_targets(const struct ledger *ledger, uint32_t w, uint64_t n, uint32_t ret_log[2]);

/* settled: every message that was begun is answered, so all below `sent` must be there. */
void ledger_verify(struct ledger *ledger, bool settled);

/*
 * After a death: w's successor sends all messages below `until` until they are answered, then
 * all is looked at, and no intent may stay open.
 */
void ledger_settle(struct ledger *ledger, uint32_t w, uint64_t until);

#endif
