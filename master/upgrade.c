#include "master/upgrade.h"

#include "base/fd.h"
#include "base/log.h"
#include "master/heirs.h"
#include "master/master.h"
#include "master/upgrade_check.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#define SETTLE_MS 2000u
#define CHECK_MS 5000u
#define RETRY_MS 10u /* looks at what has no descriptor to wait for */
#define ANSWER_MAX 4096u

/* ---- where the binary lies ---------------------------------------------------------------- */

static bool is_our_binary(const char *path)
{
	struct stat ours, there;

	return stat("/proc/self/exe", &ours) == 0 && stat(path, &there) == 0 &&
	       ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

/*
 * The path that was given to exec: a link that is turned to a newer version is followed anew. The
 * kernel's own name of the binary is only the second choice, for it follows links, and says
 * "(deleted)" once the file was replaced; so it is asked now.
 */
static char *find_path(void)
{
	/* getauxval's type is a number; it is a pointer into our own memory. */
	const char *given = (const char *)getauxval(AT_EXECFN);
	char folder[PATH_MAX] = "", real[PATH_MAX];
	struct buf path = BUF_INIT;
	ssize_t len;

	if (given != NULL && (given[0] == '/' || getcwd(folder, sizeof(folder)) != NULL)) {
		buf_printf(&path, "%s%s%s", folder, folder[0] != '\0' ? "/" : "", given);
		if (!path.failed && is_our_binary(path.data))
			return path.data;
	}
	buf_finish(&path);
	len = readlink("/proc/self/exe", real, sizeof(real) - 1);
	if (len < 0)
		return NULL;
	real[len] = '\0';
	return strdup(real);
}

void upgrade_init(struct upgrade *upgrade)
{
	*upgrade = (struct upgrade){.process_fd = -1, .answer_fd = -1, .path = find_path()};
}

static void forget_answer(struct upgrade *upgrade)
{
	fd_close(&upgrade->process_fd);
	fd_close(&upgrade->answer_fd);
	buf_finish(&upgrade->answer);
}

void upgrade_finish(struct upgrade *upgrade)
{
	upgrade_cancel(upgrade);
	free(upgrade->path);
	upgrade->path = NULL;
}

void upgrade_enter_child(struct upgrade *upgrade)
{
	forget_answer(upgrade);
	free(upgrade->path);
	upgrade->path = NULL;
}

/* ---- asking the new one ------------------------------------------------------------------------
 */

static void refuse(struct upgrade *upgrade, const char *reason)
{
	log_error("upgrade refused", "path=%s reason=%s",
		  upgrade->path != NULL ? upgrade->path : "-", reason);
	upgrade->step = UPGRADE_NONE;
	forget_answer(upgrade);
}

/* What it says to its last reader. Before the exec nothing of ours may be written by it. */
static _Noreturn void become_asked(const char *path, char **argv, int answer_fd, int segment_fd,
				   int handover_fd, pid_t parent)
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(answer_fd, STDOUT_FILENO) < 0 || dup2(answer_fd, STDERR_FILENO) < 0 ||
	    fd_set_cloexec(segment_fd, 0) < 0 || fd_set_cloexec(handover_fd, 0) < 0)
		_exit(EXIT_FAILURE);
	execv(path, argv);
	dprintf(STDERR_FILENO, "cannot run it: %s\n", strerror(errno));
	_exit(EXIT_FAILURE);
}

/* Its own arguments, and in front of them what an older binary refuses. NULL: out of memory. */
static char **asking_argv(const struct config_call *call, char *word)
{
	char **argv = calloc((size_t)call->argc + 2, sizeof(*argv));

	if (argv == NULL)
		return NULL;
	argv[0] = call->argv[0];
	argv[1] = word;
	for (int i = 1; i < call->argc; i++)
		argv[i + 1] = call->argv[i];
	return argv;
}

static int start_asked(struct master *master, int handover_fd, int answer_fd)
{
	struct upgrade *upgrade = &master->upgrade;
	char word[64];
	char **argv;
	pid_t parent = getpid(), pid;
	int err = 0;

	snprintf(word, sizeof(word), UPGRADE_CHECK_WORD "%d", handover_fd);
	argv = asking_argv(&master->config.call, word);
	if (argv == NULL)
		return -ENOMEM;
	pid = fork();
	if (pid == 0)
		become_asked(upgrade->path, argv, answer_fd, master->shm.fd, handover_fd, parent);
	free(argv);
	if (pid < 0)
		return -errno;
	/* Not reaped yet, so the number is still its own; afterwards it may be another's. */
	upgrade->process_fd = pidfd_open(pid, 0);
	if (upgrade->process_fd < 0) {
		err = -errno;
		kill(pid, SIGKILL);
	}
	return err;
}

static int ask(struct master *master)
{
	struct upgrade *upgrade = &master->upgrade;
	struct handover handover;
	int pipe_fds[2] = {-1, -1}, handover_fd = -1;
	int err;

	forget_answer(upgrade);
	heirs_give(master, &handover);
	err = handover_seal(&handover, &handover_fd);
	if (err == 0 && pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) < 0)
		err = -errno;
	if (err == 0)
		err = start_asked(master, handover_fd, pipe_fds[1]);
	upgrade->answer_fd = pipe_fds[0];
	fd_close(&pipe_fds[1]);
	fd_close(&handover_fd);
	handover_finish(&handover, false);
	return err;
}

static void begin_check(struct master *master, uint64_t now_mono_ms)
{
	struct upgrade *upgrade = &master->upgrade;
	int err;

	if (upgrade->path == NULL) {
		refuse(upgrade, "it isn't known where this binary lies");
		return;
	}
	if (stat(upgrade->path, &upgrade->asked) < 0) {
		refuse(upgrade, strerror(errno));
		return;
	}
	err = ask(master);
	if (err < 0) {
		refuse(upgrade, strerror(-err));
		return;
	}
	upgrade->step = UPGRADE_CHECKING;
	upgrade->until_ms = now_mono_ms + CHECK_MS;
}

/* ---- its answer -------------------------------------------------------------------------------
 */

/* The last line that says something. */
static const char *last_words(struct buf *answer)
{
	while (answer->len > 0 && answer->data[answer->len - 1] == '\n')
		answer->data[--answer->len] = '\0';
	if (answer->len == 0)
		return "it ended without a word";
	return memrchr(answer->data, '\n', answer->len) != NULL
		       ? (const char *)memrchr(answer->data, '\n', answer->len) + 1
		       : answer->data;
}

/* True once it has closed its end, or says too much. */
static bool read_answer(struct upgrade *upgrade)
{
	char bytes[512];
	ssize_t got;

	while ((got = read(upgrade->answer_fd, bytes, sizeof(bytes))) > 0) {
		buf_append(&upgrade->answer, bytes, (size_t)got);
		if (upgrade->answer.len > ANSWER_MAX)
			return true;
	}
	return got == 0 || (errno != EAGAIN && errno != EINTR);
}

static void check(struct upgrade *upgrade, uint64_t now_mono_ms)
{
	const char *words;

	if (!read_answer(upgrade)) {
		if (now_mono_ms >= upgrade->until_ms) {
			pidfd_send_signal(upgrade->process_fd, SIGKILL, NULL, 0);
			refuse(upgrade, "it doesn't answer");
		}
		return;
	}
	/* It has nothing to say any more; most have ended by now. */
	pidfd_send_signal(upgrade->process_fd, SIGKILL, NULL, 0);
	words = last_words(&upgrade->answer);
	if (strncmp(words, UPGRADE_CHECK_OK, strlen(UPGRADE_CHECK_OK)) != 0) {
		refuse(upgrade, words);
		return;
	}
	forget_answer(upgrade);
	upgrade->step = UPGRADE_AGREED;
	upgrade->until_ms = now_mono_ms + SETTLE_MS;
}

/* ---- becoming it
 * --------------------------------------------------------------------------------- */

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Returns only if it fails: -errno, and everything is as before. */
static int become(struct master *master)
{
	struct upgrade *upgrade = &master->upgrade;
	struct handover handover;
	char where[64];
	int fd = -1;
	int err;

	heirs_give(master, &handover);
	err = handover_seal(&handover, &fd);
	if (err < 0)
		goto out;
	snprintf(where, sizeof(where), "%d:%d", (int)getpid(), fd);
	err = setenv(HANDOVER_ENV, where, 1) < 0 ? -errno : handover_keep_open(&handover, true);
	if (err == 0)
		err = fd_set_cloexec(fd, 0);
	if (err == 0) {
		execv(upgrade->path, master->config.call.argv);
		err = -errno;
	}
	handover_keep_open(&handover, false);
	unsetenv(HANDOVER_ENV);
out:
	fd_close(&fd);
	handover_finish(&handover, false);
	return err;
}

static void go(struct master *master)
{
	struct upgrade *upgrade = &master->upgrade;
	struct stat now;

	/* Replaced once more since it was asked: the newest one is asked. */
	if (stat(upgrade->path, &now) < 0 || !same_file(&now, &upgrade->asked)) {
		upgrade->step = UPGRADE_WANTED;
		return;
	}
	log_info("upgrade", "from=%s path=%s", ROOMKEY_VERSION, upgrade->path);
	refuse(upgrade, strerror(-become(master)));
}

/* ---- the steps
 * --------------------------------------------------------------------------------------- */

void upgrade_request(struct upgrade *upgrade)
{
	if (upgrade->step != UPGRADE_NONE) {
		log_info("upgrade under way", "path=%s", upgrade->path);
		return;
	}
	upgrade->step = UPGRADE_WANTED;
	upgrade->until_ms = 0;
}

void upgrade_cancel(struct upgrade *upgrade)
{
	if (upgrade->process_fd >= 0)
		pidfd_send_signal(upgrade->process_fd, SIGKILL, NULL, 0);
	upgrade->step = UPGRADE_NONE;
	forget_answer(upgrade);
}

size_t upgrade_poll(const struct upgrade *upgrade, struct pollfd *fds)
{
	if (upgrade->answer_fd < 0)
		return 0;
	*fds = (struct pollfd){.fd = upgrade->answer_fd, .events = POLLIN};
	return 1;
}

/*
 * A worker that is just starting may still hold descriptors of ours (its copy of the lock on the
 * names), and who waits for an answer should get it. But workers that can't live may be the reason
 * for the upgrade.
 */
static bool is_settled(struct master *master, uint64_t now_mono_ms)
{
	struct upgrade *upgrade = &master->upgrade;

	if (upgrade->until_ms == 0)
		upgrade->until_ms = now_mono_ms + SETTLE_MS;
	return now_mono_ms >= upgrade->until_ms || (children_settled(&master->children) &&
						    !names_server_is_busy(&master->names_server));
}

void upgrade_run(struct master *master, uint64_t now_mono_ms)
{
	struct upgrade *upgrade = &master->upgrade;

	if (upgrade->step == UPGRADE_WANTED && is_settled(master, now_mono_ms))
		begin_check(master, now_mono_ms);
	if (upgrade->step == UPGRADE_CHECKING)
		check(upgrade, now_mono_ms);
	if (upgrade->step == UPGRADE_AGREED && is_settled(master, now_mono_ms))
		go(master);
}

uint64_t upgrade_due_ms(const struct upgrade *upgrade, uint64_t now_mono_ms)
{
	if (upgrade->step == UPGRADE_CHECKING)
		return upgrade->until_ms;
	return upgrade->step == UPGRADE_NONE ? UINT64_MAX : now_mono_ms + RETRY_MS;
}
