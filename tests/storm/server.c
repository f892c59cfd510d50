#include "tests/storm/server.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "storm: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
		die(path);
}

void server_init(struct server *server, const char *build, const char *keys)
{
	const char *tmp = getenv("TMPDIR");
	char text[2048];

	*server = (struct server){0};
	snprintf(server->program, sizeof(server->program), "%s/chat-master", build);
	snprintf(server->folder, sizeof(server->folder), "%.32s/storm-XXXXXX",
		 tmp != NULL && strlen(tmp) <= 32 ? tmp : "/tmp");
	if (mkdtemp(server->folder) == NULL)
		die("mkdtemp");
	snprintf(server->keys, sizeof(server->keys), "%s/authorized_keys", server->folder);
	snprintf(server->config, sizeof(server->config), "%s/conf", server->folder);
	snprintf(server->port_file, sizeof(server->port_file), "%s/port", server->folder);
	snprintf(server->log, sizeof(server->log), "%s/log", server->folder);
	snprintf(server->shm, sizeof(server->shm), "/dev/shm/chat-storm-%d-%s", (int)getpid(),
		 server->folder + strlen(server->folder) - 6);
	snprintf(text, sizeof(text),
		 "host = 127.0.0.1\nport-file = %s\nworkers = %u\nauthorized-keys = %s\n"
		 "state-dir = %s/state\ninstance = %s\nlog-format = json\nstats-interval = 0\n"
		 "rate = 0\nmax-pending-logins = 0\nmax-users = 256\nmax-devices = 512\n"
		 "max-connections = 1024\nmax-rooms = 32\nroom-lines = 256\nroom-bytes = 131072\n",
		 server->port_file, SERVER_WORKERS, server->keys, server->folder,
		 server->shm + strlen("/dev/shm/chat-"));
	write_file(server->config, text);
	write_file(server->keys, keys);
	chmod(server->keys, 0600);
}

void server_start(struct server *server)
{
	char port[16];
	pid_t parent = getpid();
	int log = open(server->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	snprintf(port, sizeof(port), "%u", server->port);
	unlink(server->port_file);
	server->pid = fork();
	if (server->pid < 0 || log < 0 || null < 0)
		die("cannot start");
	if (server->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(log, STDERR_FILENO);
		execl(server->program, "chat-master", "--config", server->config, "--port", port,
		      (char *)NULL);
		_exit(127);
	}
	close(log);
	close(null);
}

bool server_is_ready(struct server *server)
{
	struct buf text = BUF_INIT;
	bool ready = buf_read_file(&text, server->port_file, 64) == 0 && text.len > 0;

	if (ready)
		server->port = (unsigned)strtoul(text.data, NULL, 10);
	buf_finish(&text);
	return ready && server->port != 0;
}

void server_signal(const struct server *server, int signal_number)
{
	if (server->pid > 0)
		kill(server->pid, signal_number);
}

bool server_has_ended(struct server *server, int *ret_status)
{
	int status;

	if (server->pid <= 0 || waitpid(server->pid, &status, WNOHANG) != server->pid)
		return server->pid <= 0;
	server->pid = 0;
	*ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return true;
}

/* The master has other children for a moment: a new binary that it asks. */
static bool is_worker(pid_t pid)
{
	struct buf text = BUF_INIT;
	char path[64];
	bool is;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	is = buf_read_file(&text, path, 64) == 0 && text.len > 0 &&
	     strncmp(text.data, "chat-worker-", strlen("chat-worker-")) == 0;
	buf_finish(&text);
	return is;
}

unsigned server_workers(const struct server *server, pid_t ret_pids[CHILDREN_MAX])
{
	struct buf text = BUF_INIT;
	char path[64];
	unsigned count = 0;

	if (server->pid <= 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)server->pid,
		 (int)server->pid);
	if (buf_read_file(&text, path, 4096) == 0 && text.len > 0) {
		for (char *at = text.data; *at != '\0' && count < CHILDREN_MAX;
		     at += strspn(at, " ")) {
			pid_t pid = (pid_t)strtol(at, &at, 10);

			if (is_worker(pid))
				ret_pids[count++] = pid;
		}
	}
	buf_finish(&text);
	return count;
}

pid_t server_worker_named(const struct server *server, const char *name)
{
	pid_t pids[CHILDREN_MAX];
	unsigned count = server_workers(server, pids);

	for (unsigned i = 0; i < count; i++) {
		struct buf text = BUF_INIT;
		char path[64];
		bool found;

		snprintf(path, sizeof(path), "/proc/%d/comm", (int)pids[i]);
		found = buf_read_file(&text, path, 64) == 0 && text.len > 0 &&
			strncmp(text.data, name, strlen(name)) == 0 &&
			text.data[strlen(name)] == '\n';
		buf_finish(&text);
		if (found)
			return pids[i];
	}
	return 0;
}

pid_t server_worker_of(const struct server *server, const char *user)
{
	char wanted[64], process[32] = "";
	char *line = NULL;
	size_t size = 0;
	FILE *file = fopen(server->log, "re");

	snprintf(wanted, sizeof(wanted), "\"event\":\"login\",\"user\":\"%s\"", user);
	while (file != NULL && getline(&line, &size, file) > 0) {
		const char *name = strstr(line, "\"process\":\"");

		if (name != NULL && strstr(line, wanted) != NULL)
			sscanf(name, "\"process\":\"%31[^\"]", process);
	}
	free(line);
	if (file != NULL)
		fclose(file);
	return process[0] != '\0' ? server_worker_named(server, process) : 0;
}

bool server_left_segment(const struct server *server)
{
	return access(server->shm, F_OK) == 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void server_finish(struct server *server, bool keep)
{
	if (server->pid > 0) {
		kill(server->pid, SIGKILL);
		waitpid(server->pid, NULL, 0);
	}
	server->pid = 0;
	unlink(server->shm);
	if (keep)
		printf("  what the server said: %s\n", server->log);
	else
		nftw(server->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
