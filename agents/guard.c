#include "agents/guard.h"

#include "agents/family.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define ENV_MAX 64
#define AGAIN_MS 10 /* between looks for descendants that are dying */

/* ---- the program: all that happens between fork and exec ---- */

static _Noreturn void fail(const char *what, const char *which)
{
	dprintf(STDERR_FILENO, "chat-master: %s %s: %s\n", what, which, strerror(errno));
	_exit(127);
}

static void limit(int resource, rlim_t value)
{
	struct rlimit limits = {.rlim_cur = value, .rlim_max = value};

	if (value > 0 && setrlimit(resource, &limits) < 0)
		fail("cannot limit", "its resources");
}

/* Who is named, else the account of those who face strangers: never root without a word. */
static void become_user(const struct config_agent *config, const struct account *account,
			struct passwd **ret_user)
{
	struct passwd *user;

	if (config->user[0] == '\0') {
		if (account_enter(account) < 0)
			fail("cannot become", "the workers' user");
		*ret_user = getpwuid(getuid());
		return;
	}
	user = getpwnam(config->user);
	if (user == NULL) {
		errno = ENOENT;
		fail("no such user", config->user);
	}
	if (user->pw_uid != geteuid() && (initgroups(user->pw_name, user->pw_gid) < 0 ||
					  setgid(user->pw_gid) < 0 || setuid(user->pw_uid) < 0))
		fail("cannot become", config->user);
	*ret_user = user;
}

static char *env_entry(const char *name, const char *value)
{
	char *entry = NULL;

	return asprintf(&entry, "%s=%s", name, value) < 0 ? NULL : entry;
}

/* The few that every program expects, then those that are named, which win. */
static void fill_environment(const struct config_agent *config, const struct passwd *user,
			     const char *mark, char *env[ENV_MAX + 1])
{
	const char *line = config->env;
	unsigned count = 0;

	env[count++] = env_entry("PATH", PATH_DEFAULT);
	env[count++] = env_entry("LANG", "C.UTF-8");
	env[count++] = env_entry("SHELL", "/bin/sh");
	env[count++] = env_entry("CHAT_AGENT", config->name);
	env[count++] = strdup(mark);
	if (user != NULL) {
		env[count++] = env_entry("HOME", user->pw_dir);
		env[count++] = env_entry("USER", user->pw_name);
		env[count++] = env_entry("LOGNAME", user->pw_name);
	}
	for (size_t len; *line != '\0' && count < ENV_MAX; line += len + (line[len] == '\n')) {
		char entry[AGENT_ENV_SIZE], *made = NULL;
		size_t name_len;
		unsigned at = 0;

		len = strcspn(line, "\n");
		snprintf(entry, sizeof(entry), "%.*s", (int)len, line);
		if (strchr(entry, '=') != NULL)
			made = strdup(entry);
		else if (getenv(entry) != NULL)
			made = env_entry(entry, getenv(entry));
		if (made == NULL)
			continue;
		name_len = strcspn(made, "=") + 1;
		while (at < count && strncmp(env[at], made, name_len) != 0)
			at++;
		env[at] = made;
		count += at == count;
	}
	env[count] = NULL;
}

static void set_fds(const struct guard_fds *fds)
{
	/* They stand above 2: the server keeps those open. */
	if (dup2(fds->in, STDIN_FILENO) < 0 || dup2(fds->out, STDOUT_FILENO) < 0 ||
	    dup2(fds->err, STDERR_FILENO) < 0)
		_exit(127);
	if (close_range(STDERR_FILENO + 1, ~0U, 0) < 0)
		fail("cannot close", "descriptors");
}

static void set_signals(void)
{
	sigset_t none;

	for (int signal_number = 1; signal_number < NSIG; signal_number++)
		signal(signal_number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void program_run(const struct config_agent *config, const struct account *account,
				  const char *session, const char *mark,
				  const struct guard_fds *fds, pid_t guard)
{
	char command[AGENT_COMMAND_SIZE + 256];
	char *env[ENV_MAX + 1];
	struct passwd *user = NULL;

	set_fds(fds);
	setsid();
	limit(RLIMIT_AS, config->memory);
	limit(RLIMIT_NOFILE, config->files);
	limit(RLIMIT_CPU, config->cpu);
	limit(RLIMIT_CORE, 0);
	become_user(config, account, &user);
	/* Counted for its user, whom it is from here on. */
	limit(RLIMIT_NPROC, config->processes);
	fill_environment(config, user, mark, env);
	if (config->directory[0] != '\0' && chdir(config->directory) < 0)
		fail("cannot change to", config->directory);
	if (config->directory[0] == '\0' && chdir("/") < 0)
		fail("cannot change to", "/");
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	/* Behind setuid, which clears it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != guard)
		_exit(127);
	/* What it makes is for those it works with, as everywhere. */
	umask(022);
	set_signals();
	snprintf(command, sizeof(command), "%s%s%s", config->command,
		 session[0] != '\0' ? " --resume " : "", session);
	execle("/bin/sh", "sh", "-c", command, (char *)NULL, env);
	fail("cannot run", "/bin/sh");
}

/* ---- the guard ---- */

struct guard {
	int status_fd, signal_fd;
	pid_t program; /* 0: it has been waited for */
	int status;
};

static void reap(struct guard *guard)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != guard->program)
			continue;
		guard->program = 0;
		guard->status = status;
	}
}

/* Until nobody is left: each round finds those whose parents died in the one before. */
static void kill_all(struct guard *guard)
{
	const struct timespec moment = {.tv_nsec = AGAIN_MS * 1000000L};
	pid_t group = guard->program;
	int status;
	pid_t pid;

	for (;;) {
		if (group > 0 && guard->program > 0)
			kill(-group, SIGKILL);
		family_kill(NULL, 0);
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
			if (pid == guard->program) {
				guard->program = 0;
				guard->status = status;
			}
		}
		if (pid < 0 && errno == ECHILD)
			return;
		nanosleep(&moment, NULL);
	}
}

static void say(const struct guard *guard, enum guard_word word, int value)
{
	const struct guard_packet packet = {.word = word, .value = value};

	/* Who doesn't hear it is gone, and we notice. */
	(void)!send(guard->status_fd, &packet, sizeof(packet), MSG_NOSIGNAL);
}

/* False: the supervisor is gone. */
static bool hear(struct guard *guard)
{
	struct guard_packet packet;
	ssize_t got = recv(guard->status_fd, &packet, sizeof(packet), MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (got != (ssize_t)sizeof(packet))
		return false;
	if (packet.word != GUARD_KILL)
		return true;
	if (packet.value == SIGKILL)
		kill_all(guard);
	else if (guard->program > 0)
		kill(-guard->program, packet.value);
	return true;
}

static void watch(struct guard *guard)
{
	struct pollfd fds[] = {{.fd = guard->status_fd, .events = POLLIN},
			       {.fd = guard->signal_fd, .events = POLLIN}};
	struct signalfd_siginfo info;
	bool wanted = true;

	while (wanted && guard->program > 0) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[0].revents != 0)
			wanted = hear(guard);
		if (fds[1].revents != 0)
			(void)!read(guard->signal_fd, &info, sizeof(info));
		reap(guard);
	}
}

/* What it needs of its parent's descriptors, and nothing else: the segment's lock is one of them.
 */
static void keep_fds(struct guard_fds *fds, int *signal_fd)
{
	int *keep[] = {&fds->status, &fds->in, &fds->out, &fds->err, signal_fd};
	const int count = (int)(sizeof(keep) / sizeof(keep[0]));
	int low = STDERR_FILENO + 1;

	/* First above all of them, then down to where they stay. */
	for (int i = 0; i < count; i++) {
		*keep[i] = fcntl(*keep[i], F_DUPFD, low + 64);
		if (*keep[i] < 0)
			_exit(EXIT_FAILURE);
	}
	for (int i = 0; i < count; i++) {
		if (dup2(*keep[i], low + i) < 0)
			_exit(EXIT_FAILURE);
		*keep[i] = low + i;
	}
	close_range((unsigned)(low + count), ~0U, 0);
}

void guard_run(const struct config_agent *config, const struct account *account,
	       const char *session, const char *mark, const struct guard_fds *fds)
{
	struct guard guard = {.status_fd = -1};
	struct guard_fds own = *fds;
	sigset_t all;
	pid_t self;

	prctl(PR_SET_NAME, "chat-guard");
	/* Nobody else's signals end it: it goes when the program or the supervisor goes. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	signal(SIGCHLD, SIG_DFL);
	setsid();
	family_adopt();
	sigemptyset(&all);
	sigaddset(&all, SIGCHLD);
	guard.signal_fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (guard.signal_fd < 0)
		_exit(EXIT_FAILURE);
	keep_fds(&own, &guard.signal_fd);
	guard.status_fd = own.status;
	self = getpid();
	guard.program = fork();
	if (guard.program == 0)
		program_run(config, account, session, mark, &own, self);
	close(own.in);
	close(own.out);
	close(own.err);
	if (guard.program < 0)
		_exit(EXIT_FAILURE);
	say(&guard, GUARD_STARTED, (int)guard.program);
	watch(&guard);
	kill_all(&guard);
	say(&guard, GUARD_ENDED, guard.status);
	_exit(EXIT_SUCCESS);
}
