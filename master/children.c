#include "master/children.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "master/panic_log.h"
#include "master/title.h"
#include "shm/counters.h"
#include "shm/doorbell.h"
#include "shm/janitor.h"
#include "worker/process.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Our own loop was asleep for so long (a stopped process group, a suspended machine). */
#define WATCH_GAP_MS 3000u

void children_init(struct children *children, unsigned count)
{
	assert(count > 0 && count <= WORKERS_MAX);
	memset(children, 0, sizeof(*children));
	children->count = count;
	for (unsigned i = 0; i < count; i++)
		children->child[i].control_fd = -1;
}

void children_enter_child(struct children *children)
{
	for (unsigned i = 0; i < children->count; i++)
		fd_close(&children->child[i].control_fd);
}

/* ---- birth ------------------------------------------------------------------------- */

static _Noreturn void child_main(const struct child_world *world, unsigned slot, int control_fd,
				 pid_t parent)
{
	struct inherit inherit = {
		.slot = slot, .shm = *world->shm, .metrics_fd = -1, .control_fd = control_fd};
	char title[32];
	int err;

	/* The signal is armed only now: a master that died before leaves us another parent. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
	/*
	 * A group of its own: Ctrl-C, and whoever stops the whole group, mean the master, and it
	 * tells the workers what to say to their clients. They may still log to its terminal.
	 */
	setpgid(0, 0);
	signal(SIGTTOU, SIG_IGN);
	snprintf(title, sizeof(title), "chat-worker-%u", slot);
	title_set(title);
	log_set_process(title);
	err = world->enter(world->data, slot, &inherit);
	if (err < 0) {
		log_error("worker can't start", "error=%s", strerror(-err));
		_exit(EXIT_FAILURE);
	}
	exit(world->run(&inherit));
}

static int child_fork(struct child *child, const struct child_world *world, unsigned slot,
		      uint64_t now_mono_ms)
{
	pid_t parent = getpid();
	int worker_fd = -1;
	pid_t pid;
	int err = control_pair(&child->control_fd, &worker_fd);

	if (err < 0)
		return err;
	janitor_worker_born(world->shm, slot);
	counter_add_at(world->shm, slot, COUNTER_worker_starts_total, 1);
	pid = fork();
	if (pid == 0)
		child_main(world, slot, worker_fd, parent);
	err = pid < 0 ? -errno : 0;
	fd_close(&worker_fd);
	if (err < 0) {
		janitor_worker_died(world->shm, slot, false);
		fd_close(&child->control_fd);
		return err;
	}
	janitor_worker_pid(world->shm, slot, (int)pid);
	child->pid = pid;
	child->born_mono_ms = now_mono_ms;
	child->ready = false;
	child->reported = false;
	child->distrusted = false;
	child->old = child->ordered = child->keyring_due = false;
	child->aborted_mono_ms = 0;
	log_info("worker started", "worker=%u pid=%d", slot, (int)pid);
	return 0;
}

void children_fork_due(struct children *children, const struct child_world *world,
		       uint64_t now_mono_ms)
{
	for (unsigned i = 0; i < children->count; i++) {
		struct child *child = &children->child[i];
		int err;

		if (child->pid != 0 || child->given_up || child->due_mono_ms > now_mono_ms)
			continue;
		err = child_fork(child, world, i, now_mono_ms);
		if (err < 0) {
			child->due_mono_ms = now_mono_ms + RESPAWN_DELAY_MAX_MS / 10;
			log_error("worker not started", "worker=%u error=%s again_in_ms=%u", i,
				  strerror(-err), RESPAWN_DELAY_MAX_MS / 10);
		}
	}
}

/* ---- death --------------------------------------------------------------------------- */

/* After one of these what the worker wrote last may be anything: its logs are audited. */
static bool signal_is_fault(int signal_number)
{
	return signal_number == SIGSYS || signal_number == SIGSEGV || signal_number == SIGBUS || signal_number == SIGABRT ||
	       signal_number == SIGILL || signal_number == SIGFPE;
}

static void log_death(const struct child *child, unsigned slot, int status, bool ending,
		      uint64_t uptime_ms, uint32_t delay_ms)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	int killer = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (ending && (code == WORKER_EXIT_OK || (child->ordered && killer == SIGKILL)))
		log_info("worker stopped", "worker=%u pid=%d uptime_ms=%" PRIu64, slot,
			 (int)child->pid, uptime_ms);
	else if (child->given_up)
		log_error("worker given up",
			  "worker=%u pid=%d exit=%d uptime_ms=%" PRIu64 " reason=%s", slot,
			  (int)child->pid, code, uptime_ms,
			  "it says that it cannot run; the lines above say why");
	else if (killer != 0)
		log_warn("worker died",
			 "worker=%u pid=%d signal=%d name=%s uptime_ms=%" PRIu64 " again_in_ms=%u",
			 slot, (int)child->pid, killer, strsignal(killer), uptime_ms, delay_ms);
	else
		log_warn("worker died",
			 "worker=%u pid=%d exit=%d uptime_ms=%" PRIu64 " again_in_ms=%u", slot,
			 (int)child->pid, code, uptime_ms, delay_ms);
}

/*
 * One that has served, and is killed from outside, is no reason to wait: the delay is for workers
 * that cannot live. (Killed very young, it may be the kernel that has no memory for it.)
 */
static bool death_counts(const struct child *child, int status, uint64_t now_mono_ms)
{
	bool from_outside = WIFSIGNALED(status) && !child->distrusted &&
			    (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGTERM);

	return !from_outside || !child->ready ||
	       now_mono_ms - child->born_mono_ms < RESPAWN_YOUNG_MS;
}

static void child_died(struct child *child, unsigned slot, int status, struct shm *shm, bool ending,
		       uint64_t now_mono_ms)
{
	bool by_fault =
		(WIFSIGNALED(status) && signal_is_fault(WTERMSIG(status))) || child->distrusted;
	uint32_t delay_ms = 0;

	ending = ending || child->ordered;
	janitor_worker_died(shm, slot, by_fault);
	if (!ending)
		counter_add_at(shm, slot, COUNTER_worker_deaths_total, 1);
	fd_close(&child->control_fd);
	child->given_up = WIFEXITED(status) && WEXITSTATUS(status) == WORKER_EXIT_NO_RESPAWN;
	if (ending || !death_counts(child, status, now_mono_ms))
		respawn_forgive(&child->respawn);
	else if (!child->given_up)
		delay_ms = respawn_after_death(&child->respawn, child->born_mono_ms, now_mono_ms);
	child->due_mono_ms = now_mono_ms + delay_ms;
	log_death(child, slot, status, ending, now_mono_ms - child->born_mono_ms, delay_ms);
	if (WIFSIGNALED(status))
		panic_log(shm, slot, (int)child->pid);
	child->pid = 0;
	child->ready = false;
	child->old = child->ordered = child->keyring_due = false;
}

void children_reap(struct children *children, struct shm *shm, bool ending, uint64_t now_mono_ms)
{
	int status;
	pid_t pid;
	bool any = false;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		bool ours = false;

		for (unsigned i = 0; i < children->count; i++) {
			if (children->child[i].pid != pid)
				continue;
			child_died(&children->child[i], i, status, shm, ending, now_mono_ms);
			ours = true;
		}
		any |= ours;
		if (!ours && children->other_died != NULL)
			children->other_died(children->other_data, pid, status, now_mono_ms);
	}
	for (unsigned i = 0; any && i < children->count; i++) {
		if (children->child[i].pid != 0)
			doorbell_ring(shm, i);
	}
}

/* Its heart has stood still for too long: first so that it can tell where, then for good. */
static void child_stuck(struct child *child, struct shm *shm, unsigned slot, uint64_t for_ms,
			uint64_t now_mono_ms)
{
	bool again = child->aborted_mono_ms != 0;

	if (again && now_mono_ms - child->aborted_mono_ms < CHILD_ABORT_MS)
		return;
	log_error("worker stuck", "worker=%u pid=%d for_ms=%" PRIu64 " signal=%s", slot,
		  (int)child->pid, for_ms, again ? "KILL" : "ABRT");
	child->distrusted = true;
	child->aborted_mono_ms = now_mono_ms;
	counter_add_at(shm, slot, COUNTER_worker_stuck_total, 1);
	kill(child->pid, again ? SIGKILL : SIGABRT);
}

void children_watch(struct children *children, struct shm *shm, uint64_t now_mono_ms)
{
	if (now_mono_ms - children->watched_mono_ms > WATCH_GAP_MS)
		children->watch_from_mono_ms = now_mono_ms;
	children->watched_mono_ms = now_mono_ms;
	for (unsigned i = 0; i < children->count; i++) {
		struct child *child = &children->child[i];
		uint64_t beat = atomic_load_explicit(&shm->workers[i].heartbeat_mono_ms,
						     memory_order_relaxed);

		/* Before its first beat it is starting; a beat of its predecessor isn't its own. */
		if (child->pid == 0 || beat < child->born_mono_ms)
			continue;
		if (beat < children->watch_from_mono_ms)
			beat = children->watch_from_mono_ms;
		if (beat + CHILD_STUCK_MS <= now_mono_ms)
			child_stuck(child, shm, i, now_mono_ms - beat, now_mono_ms);
	}
}

/* ---- orders ---------------------------------------------------------------------------- */

void children_tell(struct children *children, const struct control_packet *packet, int or_signal)
{
	for (unsigned i = 0; i < children->count; i++) {
		const struct child *child = &children->child[i];
		int err;

		if (child->pid == 0)
			continue;
		err = control_send(child->control_fd, packet);
		if (err == 0)
			continue;
		log_warn("worker not told", "worker=%u order=%u error=%s", i, packet->kind,
			 strerror(-err));
		if (or_signal != 0)
			kill(child->pid, or_signal);
	}
}

void child_distrust(struct child *child, unsigned slot)
{
	log_error("worker distrusted", "worker=%u pid=%d reason=%s", slot, (int)child->pid,
		  "it sent a packet that makes no sense");
	child->distrusted = true;
	kill(child->pid, SIGKILL);
}

void child_kill_late(struct child *child, unsigned slot, const char *why)
{
	log_warn("worker late", "worker=%u pid=%d why=%s", slot, (int)child->pid, why);
	child->ordered = true;
	kill(child->pid, SIGKILL);
}

void children_kill(struct children *children, int signal_number)
{
	for (unsigned i = 0; i < children->count; i++) {
		if (children->child[i].pid != 0)
			kill(children->child[i].pid, signal_number);
	}
}

/* ---- questions --------------------------------------------------------------------------- */

bool children_settled(const struct children *children)
{
	for (unsigned i = 0; i < children->count; i++) {
		if (children->child[i].pid != 0 && !children->child[i].ready)
			return false;
	}
	return true;
}

unsigned children_running(const struct children *children)
{
	unsigned running = 0;

	for (unsigned i = 0; i < children->count; i++)
		running += children->child[i].pid != 0;
	return running;
}

bool children_ready(const struct children *children)
{
	unsigned ready = 0, given_up = 0;

	for (unsigned i = 0; i < children->count; i++) {
		ready += children->child[i].ready;
		given_up += children->child[i].given_up;
	}
	return ready > 0 && ready + given_up == children->count;
}

bool children_given_up(const struct children *children)
{
	for (unsigned i = 0; i < children->count; i++) {
		if (!children->child[i].given_up)
			return false;
	}
	return true;
}

int children_wait_ms(const struct children *children, uint64_t now_mono_ms)
{
	int wait = -1;

	for (unsigned i = 0; i < children->count; i++) {
		const struct child *child = &children->child[i];
		int due;

		if (child->pid != 0 || child->given_up)
			continue;
		due = child->due_mono_ms > now_mono_ms ? (int)(child->due_mono_ms - now_mono_ms)
						       : 0;
		if (wait < 0 || due < wait)
			wait = due;
	}
	return wait;
}
