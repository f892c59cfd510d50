#include "master/supervisor.h"

#include "base/clock.h"
#include "base/log.h"
#include "master/children.h"
#include "master/title.h"
#include "shm/janitor.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int supervisor_open(struct supervisor_child *sup)
{
	*sup = (struct supervisor_child){.board = agent_board_create()};
	return sup->board != NULL ? 0 : -ENOMEM;
}

/* The segment's numbers are any worker's to write, and what stands here is sent signals. */
static bool is_our_child(pid_t pid)
{
	siginfo_t info;

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

void supervisor_adopt(struct supervisor_child *sup, const struct shm *shm)
{
	int pid = atomic_load(&shm->workers[AGENTS_SLOT].pid);

	if (!janitor_worker_alive(shm, AGENTS_SLOT) || pid <= 0 || !is_our_child(pid))
		return;
	sup->pid = pid;
	sup->old = true;
	sup->born_mono_ms = clock_mono_ms();
	supervisor_stop(sup);
}

void supervisor_publish(struct supervisor_child *sup, const struct config *config)
{
	/* One that runs writes to the board, but for that of the binary before: it has its own. */
	if ((sup->pid == 0 || sup->old) && !agent_board_is(sup->board, &config->agents))
		agent_board_write(sup->board, &config->agents);
}

static _Noreturn void child_main(const struct supervisor_child *sup,
				 const struct supervisor_world *world, pid_t parent)
{
	struct supervisor_inherit inherit = {.shm = *world->shm,
					     .config = world->config,
					     .account = world->account,
					     .board = sup->board,
					     .folder = world->folder};
	int err;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
	setpgid(0, 0);
	signal(SIGTTOU, SIG_IGN);
	title_set("chat-agents");
	log_set_process("chat-agents");
	err = world->enter(world->data, &inherit.keyring);
	if (err < 0) {
		log_error("agents can't start", "error=%s", strerror(-err));
		_exit(EXIT_FAILURE);
	}
	exit(supervisor_run(&inherit));
}

void supervisor_fork_due(struct supervisor_child *sup, const struct supervisor_world *world,
			 uint64_t now_mono_ms)
{
	pid_t parent = getpid(), pid;

	if (world->config->agents.count == 0 || sup->pid != 0 || sup->due_mono_ms > now_mono_ms)
		return;
	janitor_worker_born(world->shm, AGENTS_SLOT);
	pid = fork();
	if (pid == 0)
		child_main(sup, world, parent);
	if (pid < 0) {
		log_error("agents not started", "error=%s", strerror(errno));
		janitor_worker_died(world->shm, AGENTS_SLOT, false);
		sup->due_mono_ms = now_mono_ms + RESPAWN_DELAY_MAX_MS / 10;
		return;
	}
	janitor_worker_pid(world->shm, AGENTS_SLOT, (int)pid);
	sup->pid = pid;
	sup->born_mono_ms = now_mono_ms;
	sup->ordered = false;
	sup->distrusted = false;
	log_info("supervisor started", "pid=%d agents=%u", (int)pid, world->config->agents.count);
}

bool supervisor_reaped(struct supervisor_child *sup, struct shm *shm, pid_t pid, int status,
		       uint64_t now_mono_ms)
{
	uint32_t delay_ms = 0;
	bool by_fault = sup->distrusted || (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL &&
					    WTERMSIG(status) != SIGTERM);

	if (sup->pid == 0 || pid != sup->pid)
		return false;
	janitor_worker_died(shm, AGENTS_SLOT, by_fault);
	if (sup->ordered)
		respawn_forgive(&sup->respawn);
	else
		delay_ms = respawn_after_death(&sup->respawn, sup->born_mono_ms, now_mono_ms);
	if (sup->ordered && WIFEXITED(status))
		log_info("supervisor stopped", "pid=%d", (int)pid);
	else
		log_warn("supervisor died", "pid=%d exit=%d signal=%d again_in_ms=%u", (int)pid,
			 WIFEXITED(status) ? WEXITSTATUS(status) : -1,
			 WIFSIGNALED(status) ? WTERMSIG(status) : 0, delay_ms);
	sup->pid = 0;
	sup->old = false;
	sup->due_mono_ms = now_mono_ms + delay_ms;
	return true;
}

void supervisor_stop(struct supervisor_child *sup)
{
	if (sup->pid == 0)
		return;
	sup->ordered = true;
	kill(sup->pid, SIGTERM);
}

void supervisor_kill(struct supervisor_child *sup)
{
	if (sup->pid != 0)
		kill(sup->pid, SIGKILL);
}

void supervisor_end(struct supervisor_child *sup)
{
	supervisor_kill(sup);
	if (sup->pid != 0)
		waitpid(sup->pid, NULL, 0);
	sup->pid = 0;
}

void supervisor_watch(struct supervisor_child *sup, struct shm *shm, uint64_t from_mono_ms,
		      uint64_t now_mono_ms)
{
	uint64_t beat = atomic_load_explicit(&shm->workers[AGENTS_SLOT].heartbeat_mono_ms,
					     memory_order_relaxed);

	/* Before its first beat it is starting. */
	if (sup->pid == 0 || beat < sup->born_mono_ms)
		return;
	if (beat < from_mono_ms)
		beat = from_mono_ms;
	if (beat + CHILD_STUCK_MS > now_mono_ms)
		return;
	log_error("supervisor stuck", "pid=%d for_ms=%" PRIu64, (int)sup->pid, now_mono_ms - beat);
	sup->distrusted = true;
	supervisor_kill(sup);
}

int supervisor_wait_ms(const struct supervisor_child *sup, bool wanted, uint64_t now_mono_ms)
{
	if (!wanted || sup->pid != 0)
		return -1;
	return sup->due_mono_ms > now_mono_ms ? (int)(sup->due_mono_ms - now_mono_ms) : 0;
}
