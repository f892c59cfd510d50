#include "shm/doorbell.h"

#include "shm/copy.h"
#include "shm/counters.h"
#include "shm/crash_point.h"

#include "base/fd.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define RING_BYTES 16 /* all zero: "look at your dirty logs" */
/* Datagrams read in one go; a ring that is left makes the socket readable again. */
#define DRAIN_MAX 1024

enum bell_end { BELL_LISTENS, BELL_RINGS };

int doorbell_create_for(int bells[SLOTS_MAX][2], uint64_t slots)
{
	int ret = 0;

	for (unsigned i = 0; i < SLOTS_MAX; i++)
		bells[i][BELL_LISTENS] = bells[i][BELL_RINGS] = -1;
	for (unsigned i = 0; i < SLOTS_MAX && ret == 0; i++) {
		if ((slots >> i & 1) != 0 &&
		    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, bells[i]) < 0)
			ret = -errno;
	}
	for (unsigned i = 0; i < SLOTS_MAX && ret != 0; i++) {
		fd_close(&bells[i][BELL_LISTENS]);
		fd_close(&bells[i][BELL_RINGS]);
	}
	return ret;
}

int doorbell_create(int bells[SLOTS_MAX][2])
{
	return doorbell_create_for(bells, UINT64_MAX);
}

void doorbell_enter(int bells[SLOTS_MAX][2], unsigned slot)
{
	for (unsigned i = 0; i < SLOTS_MAX; i++)
		if (i != slot)
			fd_close(&bells[i][BELL_LISTENS]);
}

int doorbell_fd(const struct shm *shm, unsigned slot)
{
	return shm->bells[slot][BELL_LISTENS];
}

static bool bell_send(struct shm *shm, unsigned to_slot, const void *bytes, size_t len)
{
	ssize_t sent;

	do {
		sent = send(shm->bells[to_slot][BELL_RINGS], bytes, len,
			    MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent >= 0;
}

/* ---- ringing ---- */

/* The master rings, too, and has no counters. */
static void count(struct shm *shm, enum counter counter)
{
	if (shm->slot < SLOTS_MAX)
		counter_add(shm, counter, 1);
}

static const char ring_bytes[RING_BYTES];

/* One ring under way is enough for all: the receiver clears the flag before he looks. */
static void ring_once(struct shm *shm, unsigned to_slot)
{
	struct worker_slot *slot = &shm->workers[to_slot];

	if (shm->bells == NULL)
		return;
	if (atomic_load(&slot->pending) != 0 || atomic_exchange(&slot->pending, 1) != 0) {
		count(shm, COUNTER_rings_spared_total);
		return;
	}
	CRASH_POINT(bell_pending);
	if (bell_send(shm, to_slot, ring_bytes, sizeof(ring_bytes))) {
		count(shm, COUNTER_rings_out_total);
		return;
	}
	/* EAGAIN: the receiver has other datagrams to wake up for. Else nobody is on the way. */
	if (errno != EAGAIN)
		atomic_store(&slot->pending, 0);
	count(shm, COUNTER_rings_lost_total);
}

/* Sends whatever the flag says: the one who set it may have died before he sent. */
void doorbell_ring(struct shm *shm, unsigned to_slot)
{
	if (shm->bells != NULL)
		bell_send(shm, to_slot, ring_bytes, sizeof(ring_bytes));
}

/* Word first, then its summary: the receiver takes them the other way round. */
static void dirty_set(struct shm *shm, unsigned slot, uint32_t log)
{
	_Atomic uint64_t *dirty = segment_dirty(shm, slot);
	_Atomic uint64_t *summary = dirty + shm->header->dirty_words;
	uint32_t word = log / 64;

	atomic_fetch_or(&dirty[word], UINT64_C(1) << (log % 64));
	CRASH_POINT(bell_dirty_half);
	atomic_fetch_or(&summary[word / 64], UINT64_C(1) << (word % 64));
	CRASH_POINT(bell_dirty);
}

bool doorbell_ring_log(struct shm *shm, uint32_t log)
{
	uint64_t workers;
	bool us = false;

	/* The other half is in room_log_subscribe. */
	shm_fence(memory_order_seq_cst);
	workers = atomic_load_explicit(&segment_log(shm, log)->workers, memory_order_relaxed);
	for (; workers != 0; workers &= workers - 1) {
		unsigned slot = (unsigned)__builtin_ctzll(workers);

		dirty_set(shm, slot, log);
		if (slot == shm->slot)
			us = true;
		else
			ring_once(shm, slot);
	}
	return us;
}

void doorbell_mark(struct shm *shm, uint32_t log)
{
	dirty_set(shm, shm->slot, log);
}

bool doorbell_send(struct shm *shm, unsigned to_slot, const void *bytes, size_t len)
{
	return shm->bells != NULL && len > 0 && len <= DOORBELL_DATAGRAM_MAX &&
	       bell_send(shm, to_slot, bytes, len);
}

/* ---- being rung ---- */

void doorbell_drain(struct shm *shm, void (*handle)(void *data, const void *bytes, size_t len),
		    void *data)
{
	unsigned char bytes[DOORBELL_DATAGRAM_MAX];
	ssize_t len;

	for (int i = 0; i < DRAIN_MAX; i++) {
		len = recv(doorbell_fd(shm, shm->slot), bytes, sizeof(bytes), MSG_DONTWAIT);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			break;
		if (len > 0 && bytes[0] != 0)
			handle(data, bytes, (size_t)len);
	}
	/* Before the dirty words are looked at: a bit set from here on rings anew. */
	atomic_store(&shm->workers[shm->slot].pending, 0);
	shm_fence(memory_order_seq_cst);
}

uint32_t doorbell_take(struct shm *shm, uint32_t *cursor)
{
	_Atomic uint64_t *dirty = segment_dirty(shm, shm->slot);
	_Atomic uint64_t *summary = dirty + shm->header->dirty_words;
	uint32_t word = *cursor / 64;
	uint64_t ahead = ~UINT64_C(0) << (*cursor % 64); /* bits of this word not passed yet */
	bool looking = *cursor % 64 != 0;                /* its summary bit is taken already */

	while (word < shm->header->dirty_words) {
		uint64_t bits;

		if (!looking) {
			uint64_t bit = UINT64_C(1) << (word % 64);
			uint64_t left =
				atomic_load(&summary[word / 64]) & (~UINT64_C(0) << (word % 64));

			if (left == 0) {
				word = (word / 64 + 1) * 64;
				continue;
			}
			if ((left & bit) == 0) {
				word = word / 64 * 64 + (uint32_t)__builtin_ctzll(left);
				continue;
			}
			atomic_fetch_and(&summary[word / 64], ~bit);
		}
		bits = atomic_load(&dirty[word]) & ahead;
		if (bits != 0) {
			uint32_t at = (uint32_t)__builtin_ctzll(bits);

			atomic_fetch_and(&dirty[word], ~(UINT64_C(1) << at));
			*cursor = word * 64 + at + 1;
			/* The log is read after its bit is gone, so a line behind that sets it
			 * again. */
			shm_fence(memory_order_seq_cst);
			return word * 64 + at;
		}
		word++;
		ahead = ~UINT64_C(0);
		looking = false;
	}
	*cursor = shm->header->dirty_words * 64;
	return SHM_NONE;
}
