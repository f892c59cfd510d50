#include "master/adopt.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "master/heirs.h"
#include "master/open.h"
#include "master/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* For a worker that was just forked to close its copy of the locked log of names. */
#define NAMES_WAIT_MS 2000
#define NAMES_RETRY_MS 10

int adopt_find(struct handover *ret_handover)
{
	const char *where = getenv(HANDOVER_ENV);
	int pid = 0, fd = -1, err = 0;
	bool ours = where != NULL && sscanf(where, "%d:%d", &pid, &fd) == 2 && pid == getpid();

	/* Of another process: not for us, nor for our children. */
	unsetenv(HANDOVER_ENV);
	if (!ours || fd <= STDERR_FILENO)
		return 0;
	err = handover_read(fd, ret_handover);
	fd_close(&fd);
	return err < 0 ? err : 1;
}

/* ---- taking it ---------------------------------------------------------------------------- */

/*
 * Nobody told us of workers whose deaths came over the exec: a SIGCHLD that is pending is dropped
 * when signals are set up.
 */
static void reap_early(struct master *master)
{
	children_reap(&master->children, &master->shm, false, clock_mono_ms());
}

static void wait_for_names(const struct master *master)
{
	const struct timespec moment = {.tv_nsec = NAMES_RETRY_MS * 1000000L};
	struct buf path = BUF_INIT;
	int fd;

	buf_printf(&path, "%s/names", master->folder.data);
	fd = path.failed ? -1 : open(path.data, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	for (int i = 0; fd >= 0 && i < NAMES_WAIT_MS / NAMES_RETRY_MS; i++) {
		if (flock(fd, LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK)
			break;
		nanosleep(&moment, NULL);
	}
	fd_close(&fd);
	buf_finish(&path);
}

static int take(struct master *master, struct handover *handover)
{
	const char *part = "-";
	int err = master_open_account(master);

	if (err < 0)
		return err;
	err = signals_open(&master->signal_fd);
	if (err == 0)
		err = heirs_take(master, handover, &part);
	if (err < 0) {
		log_error("upgrade failed", "part=%s error=%s", part, strerror(-err));
		return err;
	}
	err = master_open_folder(master);
	if (err < 0)
		return err;
	wait_for_names(master);
	err = master_open_tls(master, "upgrade");
	if (err < 0)
		return err;
	err = master_open_keys(master, "upgrade");
	if (err < 0)
		return err;
	return names_server_adopt(&master->names_server, master->folder.data, master_answer_names,
				  master);
}

/* What it wrote last is in the segment; no worker may write to it while it is saved. */
static void end_children(struct children *children)
{
	children_kill(children, SIGKILL);
	for (unsigned i = 0; i < children->count; i++) {
		if (children->child[i].pid != 0)
			waitpid(children->child[i].pid, NULL, 0);
		children->child[i].pid = 0;
	}
}

int adopt_take(struct master *master, struct handover *handover)
{
	struct buf from = BUF_INIT;
	uint64_t now;
	int err;

	umask(077);
	handover_take_text(handover, "version", &from);
	err = take(master, handover);
	handover_finish(handover, true);
	now = clock_mono_ms();
	if (err == 0) {
		supervisor_adopt(&master->supervisor, &master->shm);
		master_hear_of_others(master);
		reap_early(master);
		master->children.watch_from_mono_ms = now;
		master->state = MASTER_ROLLING;
		notify_reloading(&master->notify);
		roll_begin(&master->roll, &master->children, keyring_fd(master->keys.keyring), now);
		log_info("upgrading",
			 "version=%s from=%s pid=%d listen=%s instance=%s old_workers=%u",
			 ROOMKEY_VERSION, from.data, (int)getpid(), master->listeners.text,
			 master->instance, children_running(&master->children));
	} else {
		end_children(&master->children);
	}
	buf_finish(&from);
	return err;
}

/* ---- and its workers ------------------------------------------------------------------------- */

void adopt_advance(struct master *master, uint64_t now_mono_ms)
{
	bool silent = roll_is_silent(&master->roll);

	roll_advance(&master->roll, &master->children, now_mono_ms);
	if (silent && !roll_is_silent(&master->roll)) {
		claims_release(&master->held, &master->children, &master->keys);
		if (master->reload_due)
			master_reload(master);
		roll_advance(&master->roll, &master->children, now_mono_ms);
	}
	if (master->roll.step != ROLL_OVER)
		return;
	master->state = MASTER_RUNNING;
	log_info("upgraded", "version=%s replaced=%u took_ms=%" PRIu64, ROOMKEY_VERSION,
		 master->roll.replaced, now_mono_ms - master->roll.began_ms);
}
