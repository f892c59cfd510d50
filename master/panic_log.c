#include "master/panic_log.h"

#include "base/build_id.h"
#include "base/log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* No lock: a name is constant while the log lives. What a broken worker wrote is no string yet. */
static void name_log(const struct shm *shm, uint32_t log, char ret_name[ROOM_SIZE])
{
	snprintf(ret_name, ROOM_SIZE, "-");
	if (log >= shm->sizes->max_rooms + shm->sizes->max_users)
		return;
	memcpy(ret_name, segment_log(shm, log)->name, ROOM_SIZE);
	ret_name[ROOM_SIZE - 1] = '\0';
	if (ret_name[0] == '\0')
		snprintf(ret_name, ROOM_SIZE, "-");
}

void panic_log(const struct shm *shm, unsigned slot, int pid)
{
	const struct worker_slot *worker = &shm->workers[slot];
	char room[ROOM_SIZE], build[BUILD_ID_SIZE], at[32] = "a library";
	uint64_t offset;
	uint32_t signal_number;

	if (atomic_load_explicit(&worker->panic_generation, memory_order_acquire) !=
	    atomic_load(&worker->generation))
		return;
	signal_number = atomic_load_explicit(&worker->panic_signal, memory_order_relaxed);
	offset = atomic_load_explicit(&worker->panic_at, memory_order_relaxed);
	name_log(shm, atomic_load_explicit(&worker->panic_log, memory_order_relaxed), room);
	memcpy(build, worker->panic_build, sizeof(build));
	build[sizeof(build) - 1] = '\0';
	if (offset != 0)
		snprintf(at, sizeof(at), "0x%llx", (unsigned long long)offset);
	log_error("worker panic", "worker=%u pid=%d signal=%u name=%s room=%s at=%s build=%s", slot,
		  pid, signal_number, strsignal((int)signal_number), room, at, build);
}
