#include "bench/server.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILDREN_MAX 64

static void die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void pin(unsigned cpus)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (unsigned i = 0; i < cpus; i++)
		CPU_SET(i, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* The child's standard output goes to a pipe, whose read end is returned, if out is asked for. */
static pid_t start(char *const argv[], unsigned cpus, const char *log, int *ret_out)
{
	int out[2] = {-1, -1};
	pid_t pid;

	if (ret_out != NULL && pipe2(out, O_CLOEXEC) < 0)
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		int fd = log != NULL ? open(log, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;

		prctl(PR_SET_PDEATHSIG, SIGTERM);
		pin(cpus);
		if (out[1] >= 0)
			dup2(out[1], 1);
		if (fd >= 0)
			dup2(fd, 2);
		execv(argv[0], argv);
		_exit(127);
	}
	if (ret_out != NULL) {
		close(out[1]);
		*ret_out = out[0];
	}
	return pid;
}

void server_start_floor(struct server *server, const char *build, const char *mode,
			unsigned frame_bytes)
{
	char path[256], bytes[16], kind[8], flag[] = "--frame", line[32] = "";
	char *argv[] = {path, kind, flag, bytes, NULL};
	int out;

	snprintf(path, sizeof(path), "%s/bench/floor", build);
	snprintf(kind, sizeof(kind), "%s", mode);
	snprintf(bytes, sizeof(bytes), "%u", frame_bytes);
	*server = (struct server){0};
	server->pid = start(argv, 1, NULL, &out);
	if (read(out, line, sizeof(line) - 1) <= 0)
		die(path);
	close(out);
	server->port = (unsigned)strtoul(line, NULL, 10);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
		die(path);
	chmod(path, 0600);
}

static void wait_for_port(struct server *server, const char *path)
{
	for (int i = 0; i < 1000; i++) {
		struct buf text = BUF_INIT;

		if (buf_read_file(&text, path, 64) == 0 && text.len > 0)
			server->port = (unsigned)strtoul(text.data, NULL, 10);
		buf_finish(&text);
		if (server->port > 0)
			return;
		if (waitpid(server->pid, NULL, WNOHANG) == server->pid)
			break;
		poll(NULL, 0, 10);
	}
	fprintf(stderr, "bench: chat-master did not start, see %s/log\n", server->folder);
	exit(1);
}

static void write_config(const struct server *server, const struct chat_size *size)
{
	bool many = size->rooms > 2000;
	char text[2048], path[128];

	snprintf(text, sizeof(text),
		 "host = 127.0.0.1\nport = 0\nport-file = %s/port\nworkers = %u\n"
		 "authorized-keys = %s/authorized_keys\n"
		 "state-dir = %s/state\ninstance = bench-%d\nlog-level = warn\n"
		 "names-per-key = 0\nrate = 0\nmax-connections-per-user = 0\n"
		 "max-connections-per-address = 0\nmax-pending-logins = 0\nmax-startups = "
		 "0\npenalty-max = 0\nlogin-timeout = 60\n"
		 "max-users = %u\nmax-devices = %u\nmax-connections = %u\n"
		 "max-rooms = %u\nmax-rooms-per-user = 16\nroom-bytes = %u\nroom-lines = %u\n%s",
		 server->folder, size->workers, server->folder, server->folder, (int)getpid(),
		 size->connections + 64, size->connections + 64, size->connections * 2 + 64,
		 size->rooms + 8, many ? 65536 : 262144, many ? 256 : 2048,
		 size->no_pings ? "ping-interval = 0\n" : "");
	snprintf(path, sizeof(path), "%s/conf", server->folder);
	write_file(path, text);
}

static void launch_chat(struct server *server, const char *build, const struct chat_size *size)
{
	char path[256], log[128], config[128], port[128];
	char flag[] = "--config";
	char *argv[] = {path, flag, config, NULL};

	snprintf(path, sizeof(path), "%s/chat-master", build);
	snprintf(config, sizeof(config), "%s/conf", server->folder);
	snprintf(port, sizeof(port), "%s/port", server->folder);
	snprintf(log, sizeof(log), "%s/log", server->folder);
	unlink(port);
	server->port = 0;
	server->pid = start(argv, size->cpus, log, NULL);
	wait_for_port(server, port);
}

void server_start_chat(struct server *server, const char *build, const char *public_key,
		       const struct chat_size *size)
{
	char keys[128];

	*server = (struct server){0};
	snprintf(server->folder, sizeof(server->folder), "/tmp/roomkey-bench-XXXXXX");
	if (mkdtemp(server->folder) == NULL)
		die("mkdtemp");
	snprintf(keys, sizeof(keys), "%s/authorized_keys", server->folder);
	write_file(keys, public_key);
	write_config(server, size);
	launch_chat(server, build, size);
}

static void end(struct server *server)
{
	kill(server->pid, SIGTERM);
	waitpid(server->pid, NULL, 0);
	server->pid = 0;
}

void server_restart_chat(struct server *server, const char *build, const struct chat_size *size)
{
	end(server);
	launch_chat(server, build, size);
}

void server_reload_chat(struct server *server, const struct chat_size *size)
{
	write_config(server, size);
	kill(server->pid, SIGHUP);
}

void server_stop(struct server *server)
{
	char command[128];

	if (server->pid <= 0)
		return;
	end(server);
	if (server->folder[0] != '\0') {
		snprintf(command, sizeof(command), "rm -rf %s", server->folder);
		if (system(command) != 0)
			fprintf(stderr, "bench: %s is left\n", server->folder);
	}
}

/* The process and its children: their count. */
static unsigned family(const struct server *server, pid_t ret_pids[CHILDREN_MAX])
{
	struct buf text = BUF_INIT;
	char path[64];
	unsigned count = 0;
	char *at;

	ret_pids[count++] = server->pid;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", server->pid, server->pid);
	if (buf_read_file(&text, path, 4096) == 0 && text.len > 0) {
		for (at = text.data; *at != '\0' && count < CHILDREN_MAX; at += strspn(at, " "))
			ret_pids[count++] = (pid_t)strtol(at, &at, 10);
	}
	buf_finish(&text);
	return count;
}

uint64_t server_cpu_ns(const struct server *server)
{
	pid_t pids[CHILDREN_MAX];
	unsigned count = family(server, pids);
	uint64_t sum = 0;

	for (unsigned i = 0; i < count; i++) {
		struct buf text = BUF_INIT;
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d/schedstat", pids[i]);
		if (buf_read_file(&text, path, 256) == 0 && text.len > 0)
			sum += strtoull(text.data, NULL, 10);
		buf_finish(&text);
	}
	return sum;
}

static uint64_t field_kb(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at != NULL ? strtoull(at + strlen(name), NULL, 10) : 0;
}

struct server_memory server_memory(const struct server *server)
{
	pid_t pids[CHILDREN_MAX];
	unsigned count = family(server, pids);
	struct server_memory memory = {0};

	for (unsigned i = 0; i < count; i++) {
		struct buf text = BUF_INIT;
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pids[i]);
		if (buf_read_file(&text, path, 8192) == 0 && text.len > 0) {
			uint64_t shmem = field_kb(text.data, "Pss_Shmem:");

			memory.process_bytes += field_kb(text.data, "\nPss_Anon:") * 1024;
			memory.shared_bytes += shmem * 1024;
		} else {
			/* A worker's walls let only root see more. */
			snprintf(path, sizeof(path), "/proc/%d/status", pids[i]);
			if (buf_read_file(&text, path, 8192) == 0 && text.len > 0)
				memory.process_bytes += field_kb(text.data, "RssAnon:") * 1024;
		}
		buf_finish(&text);
	}
	return memory;
}

/* proc(5), net/tcp: local, remote, state, ..., inode; our side is the accepted one. */
static unsigned long socket_inode(unsigned server_port, unsigned client_port)
{
	FILE *file = fopen("/proc/net/tcp", "r");
	char line[256];
	unsigned long found = 0;

	while (file != NULL && found == 0 && fgets(line, sizeof(line), file) != NULL) {
		unsigned local, remote;
		unsigned long inode;

		if (sscanf(line, " %*d: %*x:%x %*x:%x %*x %*s %*s %*s %*d %*d %lu", &local, &remote,
			   &inode) == 3 &&
		    local == server_port && remote == client_port)
			found = inode;
	}
	if (file != NULL)
		fclose(file);
	return found;
}

static bool process_holds(pid_t pid, unsigned long inode)
{
	char path[64], wanted[64], link[64];

	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	for (int fd = 3; fd < 1024; fd++) {
		ssize_t len;

		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
		len = readlink(path, link, sizeof(link) - 1);
		if (len > 0 && (size_t)len == strlen(wanted) &&
		    memcmp(link, wanted, (size_t)len) == 0)
			return true;
	}
	return false;
}

int server_worker_of(const struct server *server, unsigned client_port)
{
	unsigned long inode = socket_inode(server->port, client_port);
	pid_t pids[CHILDREN_MAX];
	unsigned count = family(server, pids);

	for (unsigned i = 1; inode > 0 && i < count; i++)
		if (process_holds(pids[i], inode))
			return (int)i - 1;
	return -1;
}
