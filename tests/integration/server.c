#include "tests/integration/server.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/random.h"
#include "tests/integration/key.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"
#include "tests/integration/ws.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define STOP_MS 10000u
#define LOG_TAIL 4000
#define ARGS_MAX 64

char *keys_of(const char *users)
{
	struct buf text = BUF_INIT;
	char *list = strdup(users), *rest = NULL;

	for (char *name = strtok_r(list, " ", &rest); name != NULL;
	     name = strtok_r(NULL, " ", &rest))
		buf_printf(&text, "%s\n", key_of(name).line);
	free(list);
	owned_add(text.data, free, NULL);
	return text.data;
}

/* The parent and the name of a process: false when it is gone or a zombie. */
static bool process_look(pid_t pid, char name[32], pid_t *ret_parent)
{
	char path[64], stat[512], state = 0;
	int parent = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return false;
	size_t len = fread(stat, 1, sizeof(stat) - 1, file);
	fclose(file);
	stat[len] = '\0';
	const char *open = strchr(stat, '('), *close = strrchr(stat, ')');
	if (open == NULL || close == NULL || sscanf(close + 1, " %c %d", &state, &parent) != 2)
		return false;
	snprintf(name, 32, "%.*s", (int)(close - open - 1), open + 1);
	*ret_parent = parent;
	return state != 'Z' && state != 'X';
}

/* The child of `master` with that name, or 0; "" matches any child. */
static pid_t child_named(pid_t master, const char *wanted)
{
	DIR *proc = opendir("/proc");
	pid_t found = 0;

	for (struct dirent *entry; found == 0 && (entry = readdir(proc)) != NULL;) {
		pid_t pid = (pid_t)atoi(entry->d_name), parent = 0;
		char name[32];

		if (pid > 0 && process_look(pid, name, &parent) && parent == master &&
		    (*wanted == '\0' || strcmp(name, wanted) == 0))
			found = pid;
	}
	closedir(proc);
	return found;
}

static void describe(void *thing)
{
	struct server *s = thing;
	const char *log = file_read(s->log_path);

	if (log == NULL)
		log = "";
	size_t len = strlen(log);
	fprintf(stderr, "-- log of %s (port %u):\n%s\n", s->instance, s->port,
		len > LOG_TAIL ? log + len - LOG_TAIL : log);
}

static void finish(void *thing)
{
	struct server *s = thing;

	if (s->pid != 0)
		server_stop(s);
	unlink(s->shm_path);
	free(s);
}

/* The flags every server here gets, then those of the test, so that the test's win. */
static void build_args(struct server *s, char *args[ARGS_MAX], char *port, size_t port_size,
		       char *workers, size_t workers_size, char *extra)
{
	size_t n = 0;
	char *rest = NULL;

	snprintf(port, port_size, "%u", s->options.port_is_kept ? s->port : 0);
	snprintf(workers, workers_size, "%u", s->workers);
	char *fixed[] = {(char[]){"--host"},
			 (char[]){"127.0.0.1"},
			 (char[]){"--port"},
			 port,
			 (char[]){"--port-file"},
			 s->port_file,
			 (char[]){"--workers"},
			 workers,
			 (char[]){"--authorized-keys"},
			 s->keys_path,
			 (char[]){"--state-dir"},
			 s->state_dir,
			 (char[]){"--instance"},
			 s->instance,
			 (char[]){"--log-format"},
			 (char[]){"json"}};
	args[n++] = scratch_text("%s", s->options.program != NULL ? s->options.program
								  : program_path("chat-master"));
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		args[n++] = scratch_text("%s", fixed[i]);
	for (char *word = strtok_r(extra, " ", &rest); word != NULL && n < ARGS_MAX - 1;
	     word = strtok_r(NULL, " ", &rest))
		args[n++] = word;
	args[n] = NULL;
}

pid_t server_spawn(struct server *s)
{
	char *args[ARGS_MAX], port[16], workers[16];
	char *extra = scratch_text("%s", s->options.args != NULL ? s->options.args : "");
	pid_t parent = getpid();

	build_args(s, args, port, sizeof(port), workers, sizeof(workers), extra);
	unlink(s->port_file);
	int log = open(s->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	pid_t pid = fork();
	must(log >= 0 && null >= 0 && pid >= 0, "cannot start: %s", strerror(errno));
	if (pid == 0) {
		struct rlimit files = {s->options.open_files, s->options.open_files};

		child_prepare(parent);
		if (s->options.open_files > 0)
			setrlimit(RLIMIT_NOFILE, &files);
		for (size_t i = 0; s->options.env != NULL && s->options.env[i] != NULL; i++)
			putenv(strdup(s->options.env[i]));
		dup2(null, 0);
		dup2(log, 1);
		dup2(log, 2);
		execv(args[0], args);
		_exit(127);
	}
	close(log);
	close(null);
	s->pid = pid;
	return pid;
}

void server_wait_ready(struct server *s)
{
	uint64_t deadline = clock_mono_ms() + PATIENCE_MS;
	int status = 0;

	for (;;) {
		struct stat st;

		if (stat(s->port_file, &st) == 0 && st.st_size > 0)
			break;
		if (child_wait(s->pid, 0, &status)) {
			s->pid = 0;
			must(false, "chat-master ended with %d at the start", status);
		}
		must(clock_mono_ms() < deadline, "no port file after %u ms", PATIENCE_MS);
		file_wait_change(s->port_file, deadline);
	}
	s->port = (unsigned)atoi(file_read(s->port_file));
	must(s->port > 0, "no number in the port file");
	snprintf(s->address, sizeof(s->address), "127.0.0.1:%u", s->port);
}

struct server *server_start(const struct server_options *options)
{
	static unsigned number;
	struct server *s = calloc(1, sizeof(*s));

	must(s != NULL, "out of memory");
	s->options = *options;
	s->workers = options->workers != 0 ? options->workers : 2;
	snprintf(s->instance, sizeof(s->instance), "it-%d-%u-%llx", (int)getpid(), number,
		 (unsigned long long)random_below(1u << 24));
	snprintf(s->shm_path, sizeof(s->shm_path), "/dev/shm/chat-%s", s->instance);
	s->state_dir = scratch_path("state-%u", number);
	s->port_file = scratch_path("port-%u", number);
	s->log_path = options->log_path != NULL ? scratch_text("%s", options->log_path)
						: scratch_path("log-%u", number);
	mkdir(s->state_dir, 0700);
	const char *users = options->users != NULL ? options->users : "alice bob carol dave";
	char *name = scratch_text("authorized_keys-%u", number++);
	s->keys_path = scratch_write(name, options->keys != NULL ? options->keys : keys_of(users));
	owned_add(s, finish, describe);
	server_spawn(s);
	server_wait_ready(s);
	s->options.port_is_kept = options->port_is_kept;
	return s;
}

/*
 * The only death a test causes is by SIGKILL: any other one is a fault of the server. No test
 * makes a worker do what it never does.
 */
static void check_deaths(struct server *s)
{
	const char *log = file_read(s->log_path);
	const char *refused = log != NULL ? strstr(log, "system call refused") : NULL;

	should(refused == NULL, "a worker's walls are too narrow: %.200s", refused);

	for (const char *at = log; at != NULL && (at = strstr(at, "\"worker died\"")) != NULL;
	     at++) {
		int len = (int)strcspn(at, "\n");
		char *line = scratch_text("%.*s", len, at);

		should(s->options.faults_expected || strstr(line, "\"signal\":9,") != NULL,
		       "a worker died by itself: %s", line);
	}
}

void server_stop(struct server *s)
{
	pid_t workers[SERVER_WORKERS_MAX] = {0};
	int status = -1;
	pid_t pid = s->pid;

	for (unsigned n = 0; n < s->workers && n < SERVER_WORKERS_MAX; n++) {
		char name[32];

		snprintf(name, sizeof(name), "chat-worker-%u", n);
		workers[n] = child_named(pid, name);
	}
	kill(pid, SIGTERM);
	s->pid = 0;
	if (!child_wait(pid, STOP_MS, &status)) {
		should(false, "chat-master did not stop within %u ms", STOP_MS);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return;
	}
	should(status == 0, "chat-master ended with %d", status);
	check_deaths(s);
	should(access(s->shm_path, F_OK) != 0, "%s is left", s->shm_path);
	for (unsigned n = 0; n < SERVER_WORKERS_MAX; n++) {
		pid_t parent = 0;
		char name[32];

		should(workers[n] == 0 || !process_look(workers[n], name, &parent) ||
			       strncmp(name, "chat-worker", 11) != 0,
		       "worker %u is left", n);
	}
}

void server_kill(struct server *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	s->pid = 0;
}

void server_restart(struct server *s)
{
	server_spawn(s);
	server_wait_ready(s);
}

void server_signal(struct server *s, int signal)
{
	must(kill(s->pid, signal) == 0, "kill: %s", strerror(errno));
}

/* /proc tells no one about changes, so this looks every few milliseconds. */
static pid_t worker_await(struct server *s, unsigned n, pid_t other_than)
{
	uint64_t deadline = clock_mono_ms() + PATIENCE_MS;
	char name[32];
	pid_t pid;

	snprintf(name, sizeof(name), "chat-worker-%u", n);
	while ((pid = child_named(s->pid, name)) == 0 || pid == other_than) {
		must(clock_mono_ms() < deadline, "no %s appears", name);
		poll(NULL, 0, 5);
	}
	return pid;
}

pid_t server_worker(struct server *s, unsigned n)
{
	return worker_await(s, n, 0);
}

void server_kill_worker(struct server *s, unsigned n)
{
	pid_t pid = server_worker(s, n);

	kill(pid, SIGKILL);
	worker_await(s, n, pid);
}

size_t server_log_size(struct server *s)
{
	struct stat st;

	return stat(s->log_path, &st) == 0 ? (size_t)st.st_size : 0;
}

static void release_json(void *thing)
{
	json_decref(thing);
}

static json_t *log_find(const char *log, size_t *offset, const char *text, const char *text2)
{
	for (const char *line = log + *offset, *end; (end = strchr(line, '\n')) != NULL;
	     line = end + 1) {
		char *copy = strndup(line, (size_t)(end - line));
		bool hit = strstr(copy, text) != NULL && strstr(copy, text2) != NULL;
		json_t *parsed = hit ? json_loads(copy, 0, NULL) : NULL;

		free(copy);
		if (!hit)
			continue;
		*offset = (size_t)(end + 1 - log);
		return parsed != NULL ? parsed : json_object();
	}
	return NULL;
}

json_t *server_log_await(struct server *s, size_t *offset, const char *text, const char *text2)
{
	uint64_t deadline = clock_mono_ms() + PATIENCE_MS;
	size_t start = 0;

	if (offset == NULL)
		offset = &start;
	for (;;) {
		const char *log = file_read(s->log_path);
		json_t *line = log != NULL && strlen(log) >= *offset
				       ? log_find(log, offset, text, text2 != NULL ? text2 : "")
				       : NULL;
		if (line != NULL) {
			owned_add(line, release_json, NULL);
			return line;
		}
		must(clock_mono_ms() < deadline, "no log line with \"%s\" and \"%s\"", text,
		     text2 != NULL ? text2 : "");
		file_wait_change(s->log_path, deadline);
	}
}

unsigned server_worker_of(struct server *s, const char *user)
{
	char *wanted = scratch_text("\"user\":\"%s\"", user);
	size_t offset = 0, last = 0;
	unsigned worker = 0;

	json_t *line = server_log_await(s, &offset, "\"event\":\"login\"", wanted);
	while (line != NULL) {
		const char *process = json_string_value(json_object_get(line, "process"));

		must(process != NULL && sscanf(process, "chat-worker-%u", &worker) == 1,
		     "the login of %s was not logged by a chat-worker-N", user);
		if (last != 0)
			json_decref(line);
		last = offset;
		line = log_find(file_read(s->log_path), &offset, "\"event\":\"login\"", wanted);
	}
	return worker;
}

double server_metric(struct server *s, const char *name)
{
	struct buf body = BUF_INIT;
	size_t len = strlen(name);
	double sum = -1;

	must(http_get(s->port, "/metrics", &body) == 200, "no /metrics");
	for (char *line = body.data; line != NULL && *line != '\0';) {
		char *end = strchr(line, '\n');

		if (strncmp(line, name, len) == 0 && (line[len] == ' ' || line[len] == '{')) {
			const char *value = line[len] == '{' ? strchr(line, '}') : line + len - 1;

			if (value != NULL)
				sum = (sum < 0 ? 0 : sum) + atof(value + 1);
		}
		line = end != NULL ? end + 1 : NULL;
	}
	buf_finish(&body);
	return sum;
}
