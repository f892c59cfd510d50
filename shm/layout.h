/*
 * Everything in the shared segment, on one page.
 *
 *	header | worker slots | room table | user table | windows | sessions | addresses
 *	       | penalties | bodies of rooms | bodies of inboxes
 *
 * The tables are reserved at start. A body (index ring and byte ring of a log) is
 * reserved when its room is made, or its inbox gets the first direct message, and
 * stays reserved: a slot that is used again uses the body again.
 *
 * Nothing here is owned by a process: indices and generations, no pointers. A
 * process may be killed between any two instructions; each struct says who may
 * write it, under what, and how a half-done change is recognised.
 *
 * Logs have one number space: rooms are 0 .. max_rooms-1, the inbox of user u is
 * max_rooms + u. The head of an inbox is in its user's slot, so its epoch and its
 * `workers` word are there long before its body.
 *
 * Change anything here and SHM_LAYOUT_VERSION goes up.
 */
#ifndef SHM_LAYOUT_H
#define SHM_LAYOUT_H

#include "base/limits.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SHM_MAGIC UINT64_C(0x3179654b6d6f6f52) /* "RoomKey1" */
#ifndef SHM_LAYOUT_VERSION                     /* tests make a server of another one */
#define SHM_LAYOUT_VERSION 2u
#endif
#define SHM_NONE UINT32_MAX /* no user, no log, no window, no session */
#define CACHE_LINE 64

/* Bytes of a topic: 300 characters of at most 4 bytes, and a NUL. */
#define TOPIC_SIZE (TOPIC_MAX_CHARS * 4 + 1)
#define AWAY_SIZE (AWAY_MAX_CHARS * 4 + 1)

/* What stands between a line's room name and its number; the rest of the JSON is the caller's. */
#define LINE_NAME_END "\",\"seq\":"

struct shm_lock {
	pthread_mutex_t mutex; /* process-shared, robust */
	/* Monotonic ms until which nobody waits for it after a timeout (law 2). */
	_Atomic uint64_t hot_until_ms;
};

/* Numbers fixed when the segment is made; another set means another segment. */
struct segment_sizes {
	uint32_t max_users;
	uint32_t max_devices;
	uint32_t max_connections;
	uint32_t max_rooms;
	uint32_t rooms_per_user; /* entries in a user's list, at least 1 */
	uint32_t max_addresses;
	uint32_t max_penalties;
	uint32_t room_lines;  /* readable lines, at least 1 */
	uint32_t inbox_lines; /* a quarter of room_lines, at least 2 (one is the reserve) */
	uint32_t zero;        /* no byte of it is left to chance: it is compared as a whole */
	uint64_t room_bytes;
	uint64_t inbox_bytes;
};

/* ---- logs ---------------------------------------------------------------- */

/* One line of a log; entry `seq & (ring - 1)`. Written under the log's lock before the commit. */
struct log_entry {
	_Atomic uint64_t offset; /* where it starts, in bytes since the log's beginning */
	_Atomic uint64_t id_hash;
	_Atomic uint64_t content_hash;
	_Atomic int64_t wall_ms;
	_Atomic uint32_t len; /* bytes of the line; the next line starts at offset + len */
	_Atomic uint32_t crc; /* CRC-32C of the line's bytes, its seq and all of this (log_ring.c) */
	_Atomic uint32_t window;  /* the intent it belongs to, or SHM_NONE */
	_Atomic uint32_t sender;  /* user index */
	_Atomic uint32_t tail_at; /* where the part behind the number starts in the line */
	_Atomic uint32_t mono_us; /* when it was appended, low half: for the latency histogram */
};

enum log_quarantine {
	LOG_SOUND = 0,
	LOG_QUARANTINED = 1, /* no append until room_log_reset; readers find nothing new */
	LOG_RESETTING = 2    /* a reset is under way; if its process died the repair ends it */
};

/*
 * `next` is the commit: a line exists from the release store of next = seq + 1
 * on. The wire's `head` is next - 1, its `first` is tail.
 */
struct log_head {
	struct shm_lock lock;
	_Atomic uint64_t epoch;       /* 0: free. Never used twice */
	char name[ROOM_SIZE];         /* "ops" or "@alice"; constant while epoch is not 0 */
	_Atomic uint32_t made;        /* 1: the body is reserved */
	_Atomic uint32_t quarantined; /* LOG_QUARANTINED: failed a check; waits for its new epoch */
	alignas(CACHE_LINE) _Atomic uint64_t next;    /* 1 in a new log */
	alignas(CACHE_LINE) _Atomic uint64_t tail;    /* oldest readable seq; = next if none */
	alignas(CACHE_LINE) _Atomic uint64_t workers; /* bit w: worker w has members here */
};

/*
 * Two of these in a room; the one with the highest seq below `next` counts, the first of two
 * equals. Read with room_log_topic().
 */
struct room_topic {
	_Atomic uint64_t seq; /* 0: never written (empty), or kept from an earlier epoch */
	char text[TOPIC_SIZE];
};

struct room {
	struct log_head log;
	struct room_topic topic[2];
	_Atomic uint32_t members; /* users on the list and present; changed under the log's lock */
	_Atomic uint32_t recount; /* 1: a holder died; `members` waits for the janitor */
	_Atomic uint32_t hash_next;     /* in the room table's chain or free list */
	_Atomic uint64_t member_change; /* goes up whenever a member comes, goes, is away or back */
	_Atomic int64_t created_wall_ms;
	_Atomic int64_t idle_since_wall_ms; /* last append, join or leave */
};

/* ---- users --------------------------------------------------------------- */

/*
 * A room on a user's list: slot + 1 in bits 0..30 (0: free), bit 31 MEMBER_COUNTED
 * (this user is in the room's `members`), the low half of the room's epoch above.
 * Written under the user's lock and the room's lock, read by anyone.
 */
#define MEMBER_SLOT_MASK UINT64_C(0x7fffffff)
#define MEMBER_COUNTED UINT64_C(0x80000000)
struct member {
	_Atomic uint64_t word;
	_Atomic uint64_t read; /* highest seq a `read` line named; belongs to that epoch */
};

enum user_state { USER_FREE = 0, USER_USED = 1 };

/* Followed in memory by `rooms_per_user` struct member. Stride: segment's user_stride. */
struct user {
	struct log_head inbox;       /* named "@" and the user's name; has its epoch when taken */
	struct shm_lock lock;        /* list, away, session count */
	_Atomic uint32_t state;      /* enum user_state; stored last when taken, first when freed */
	_Atomic uint32_t hash_next;  /* in the user table's chain or free list */
	_Atomic uint64_t inbox_read; /* the owner's read mark */
	/* A fresh epoch when the slot is taken or emptied; a reset of the inbox leaves it. */
	_Atomic uint64_t life;
	_Atomic uint64_t name_serial; /* who owns the name (auth/names.h); another: a fresh inbox */
	_Atomic uint32_t sessions;    /* attached and lost; present while > 0. Under the lock */
	_Atomic uint32_t session_first; /* chain of the user's sessions. Under the lock */
	_Atomic uint32_t presence_due;  /* 1: a room's lock was busy; the janitor applies it */
	_Atomic uint32_t away;          /* 1: away_text counts */
	_Atomic uint64_t list_change;   /* goes up whenever a room comes onto or off the list */
	_Atomic uint64_t append_bucket; /* base/token_bucket words */
	_Atomic uint64_t other_bucket;
	_Atomic uint64_t active_mono_ms; /* last line of any connection, for idle_s */
	_Atomic int64_t last_login_wall_ms;
	char away_text[AWAY_SIZE]; /* under the lock */
};

/* ---- id windows (law 6) --------------------------------------------------- */

/*
 * The state word of an intent: generation in the high bits, then one done bit for
 * each log, then open. Lowest bits so that a reader compares once.
 */
#define INTENT_OPEN UINT64_C(1)
#define INTENT_DONE(copy) (UINT64_C(2) << (copy))
#define INTENT_GENERATION UINT64_C(8) /* added at each begin */
#define APPEND_COPIES_MAX 2u

struct window_entry {
	_Atomic uint64_t id_hash; /* 0: none */
	_Atomic uint64_t content_hash;
	_Atomic uint64_t seq; /* in the room, or in the sender's inbox */
};

struct intent {
	_Atomic uint64_t state;
	_Atomic uint64_t id_hash;
	_Atomic uint64_t content_hash;
	_Atomic uint32_t copies;
	char id[ID_SIZE];
	struct {
		_Atomic uint32_t log;
		_Atomic uint64_t epoch;
		_Atomic uint64_t seq;
	} copy[APPEND_COPIES_MAX]; /* copy 0 is the one whose seq the `ok` tells */
};

enum window_state { WINDOW_FREE = 0, WINDOW_USED = 1 };

struct window {
	struct shm_lock lock;
	_Atomic uint32_t state;
	_Atomic uint32_t user;
	_Atomic uint64_t user_epoch; /* his `life`: a user slot that is used again has another */
	_Atomic uint64_t device_hash;
	/* Of its last append; on the wall clock, for it outlives a boot in the image. */
	_Atomic int64_t used_wall_ms;
	_Atomic uint32_t hash_next; /* chain of the window table: index + 1, 0 ends it */
	_Atomic uint32_t at;        /* entry written next */
	char device[DEVICE_SIZE];
	char last_id[ID_SIZE]; /* under the lock; the last id that was committed */
	struct intent intent;
	struct window_entry entry[DEDUPE_WINDOW];
};

/* ---- sessions -------------------------------------------------------------- */

/*
 * word: state in bits 62..63, worker 56..61, the worker's generation 32..55, user 0..31.
 * Every change is one compare-and-swap. What changes the number of the user's sessions
 * or their chain (taking, resuming, freeing) is made under the user's lock; attached to
 * lost changes neither and needs none. There are more slots than --max-connections:
 * those that are lost, or whose worker is dead, don't stand in anyone's way.
 */
enum session_state { SESSION_FREE = 0, SESSION_ATTACHED = 1, SESSION_LOST = 2 };

struct session {
	_Atomic uint64_t word;
	_Atomic uint64_t device_hash;
	_Atomic uint64_t lost_until_mono_ms;
	_Atomic uint64_t since_mono_ms;
	_Atomic uint32_t next; /* chain from user->session_first; SHM_NONE ends it */
};

/* ---- addresses -------------------------------------------------------------- */

/*
 * Counts per client address and worker. Only worker w writes column w (and zeroes it at
 * its start); it raises it under the table's lock and lowers it without. An entry
 * whose columns are all zero is free.
 */
struct address_counts {
	uint8_t ip[16]; /* IPv4 mapped into IPv6; IPv6 by /64. Under the lock */
	_Atomic uint16_t connections[WORKERS_MAX];
	_Atomic uint16_t pending[WORKERS_MAX]; /* not logged in yet */
};

/* ---- penalties ---------------------------------------------------------------- */

#define PENALTY_FAILURES_MAX 10u

/*
 * A source whose logins fail (penalty.h). Written under the table's lock, read by anyone; `source`
 * is 0 while the rest changes owners. A process that dies in between leaves a failure uncounted.
 */
struct penalty {
	alignas(CACHE_LINE) _Atomic uint64_t source;       /* hash of the address; 0: free */
	_Atomic uint64_t until_mono_ms;                    /* it has to wait until then */
	_Atomic uint32_t at;                               /* the stamp written next */
	_Atomic uint32_t failure_ms[PENALTY_FAILURES_MAX]; /* low half of the clock; 0: none */
};

/* ---- workers ---------------------------------------------------------------- */

#define COUNTERS_MAX 192u

/* Dirty bits of the logs, two levels: summary bit i says word i of `dirty` may be set. */
struct worker_slot {
	alignas(CACHE_LINE) _Atomic uint32_t pending; /* a ring is under way (doorbell.h) */
	/* Goes up at each fork; the master writes it. */
	alignas(CACHE_LINE) _Atomic uint32_t generation;
	_Atomic uint32_t alive; /* 1 from the fork to the reap; the master writes it */
	_Atomic int32_t pid;
	_Atomic uint64_t heartbeat_mono_ms;
	/* Not 0: died of a fault at that monotonic ns; cleared when all logs were audited since. */
	_Atomic uint64_t needs_audit;
	/* Attached ones of this worker: its own count, zeroed at the fork. */
	_Atomic uint32_t sessions;
	/* Its last words when it dies of a fault, kept until the next time (worker/panic.h). */
	_Atomic uint32_t panic_signal;
	_Atomic uint32_t panic_log;        /* the log it worked at last, or SHM_NONE */
	_Atomic uint32_t panic_generation; /* the life they belong to; 0: none yet */
	char panic_build[41];              /* the program's build id */
	_Atomic uint64_t panic_at; /* the instruction, from the program's start; 0: elsewhere */
	alignas(CACHE_LINE) _Atomic uint64_t counters[COUNTERS_MAX];
};

/* ---- the segment ------------------------------------------------------------- */

struct segment_header {
	uint64_t magic;
	uint32_t layout_version;
	uint32_t header_bytes;
	uint64_t total_bytes;
	uint64_t boot_id[2];
	struct segment_sizes sizes;
	char instance[64];
	uint64_t hash_key[2]; /* for ids, names and addresses: strangers choose those */
	/* Offsets from the segment's start, all page aligned where a table starts. */
	uint64_t worker_slots, dirty, rooms, room_buckets, users, user_buckets, windows,
		window_buckets, sessions, addresses, penalties, room_bodies, inbox_bodies;
	uint64_t user_stride;
	uint64_t room_body_bytes, inbox_body_bytes;
	uint32_t room_ring, inbox_ring;           /* entries of an index ring, powers of two */
	uint64_t room_data_ring, inbox_data_ring; /* bytes of a byte ring, powers of two */
	uint32_t dirty_words;                     /* per worker; one bit for each log */
	uint32_t bucket_count[3];                 /* rooms, users, windows: powers of two */
	uint32_t session_slots;
	uint32_t crc; /* CRC-32C of all above, with this field 0 */
	/* From here on it changes. */
	_Atomic int32_t master_pid;
	_Atomic uint32_t clean; /* 1: stopped cleanly, nothing to repair */
	_Atomic uint64_t epoch_counter;
	_Atomic uint64_t room_memory;      /* bytes that bodies may take in all (segment_measure) */
	_Atomic uint64_t room_memory_used; /* by rooms; made under room_table */
	_Atomic uint64_t inbox_memory_used;
	_Atomic uint32_t rooms_used, users_used, windows_used;
	/* Heads of the free lists; under the tables' locks. */
	_Atomic uint32_t room_free, user_free;
	_Atomic uint32_t users_high;    /* no user slot at or above it was ever used */
	_Atomic uint32_t sessions_high; /* the same of sessions */
	_Atomic uint32_t session_hint;  /* where to look for a free session first */
	_Atomic uint32_t presence_due;  /* 1: some user's presence_due is set */
	_Atomic uint32_t mend_due; /* 1: some log is quarantined, some room's `recount` is set */
	/*
	 * Goes up after each change of a list_change, a member_change or an epoch: where it stands
	 * still, and nothing was appended, there is nothing to look for.
	 */
	_Atomic uint64_t changes;
	struct shm_lock room_table;
	struct shm_lock user_table;
	struct shm_lock window_table;
	struct shm_lock address_table;
	struct shm_lock penalty_table;
	struct shm_lock janitor;
};

#endif
