#include "master/open.h"

#include "auth/proxies.h"
#include "base/fd.h"
#include "base/log.h"
#include "master/host.h"
#include "master/listen_metrics.h"
#include "master/signals.h"
#include "master/state_dir.h"
#include "shm/doorbell.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* For the workers of a killed master to go. */
#define SEGMENT_WAIT_MS 5000u
#define PORT_WAIT_MS 1000
/* Below that, each descriptor counts. */
#define FILES_FOR_ALL_BELLS 512u
#define PORT_RETRY_MS 20

/* ---- the segment --------------------------------------------------------------------- */

struct segment_sizes master_sizes(const struct config *config)
{
	return (struct segment_sizes){
		.max_users = config->max_users,
		.max_devices = config->max_devices,
		.max_connections = config->max_connections,
		.max_rooms = config->max_rooms,
		/* "No limit" is every room there can be. */
		.rooms_per_user = config->max_rooms_per_user > 0 ? config->max_rooms_per_user
								 : config->max_rooms,
		.max_addresses = config->max_connections,
		.max_penalties = config->max_penalties,
		.room_lines = config->room_lines,
		.room_bytes = config->room_bytes,
	};
}

static const char *origin_text(enum segment_origin origin)
{
	switch (origin) {
	case SEGMENT_NEW:
		return "new";
	case SEGMENT_ATTACHED:
		return "taken over";
	case SEGMENT_LOADED:
		return "loaded";
	case SEGMENT_RECOVERED:
		return "recovered";
	}
	return "-";
}

static void log_warnings(const char *event, struct buf *text)
{
	char *rest = NULL;

	if (text->data == NULL)
		return;
	for (char *line = strtok_r(text->data, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest))
		log_warn(event, "text=%s", line);
}

static int start_segment(struct master *master)
{
	struct segment_params params = {
		.instance = master->instance,
		.state_dir = master->config.state_dir,
		.sizes = master_sizes(&master->config),
		.wait_ms = SEGMENT_WAIT_MS,
	};
	struct segment_report report = {0};
	struct buf text = BUF_INIT;
	int err = segment_start(&params, &master->shm, &report, &text);

	if (err < 0) {
		log_error(err == -EBUSY ? "instance busy" : "no segment", "instance=%s reason=%s",
			  master->instance, text.data != NULL ? text.data : strerror(-err));
	} else {
		master->segment_started = true;
		master->shm.bells = (const int(*)[2])master->bells;
		master->members = report.users;
		log_warnings("segment", &text);
		log_info("segment",
			 "instance=%s origin=%s users=%u rooms=%u audited=%u quarantined=%u "
			 "repaired=%u",
			 master->instance, origin_text(report.origin), report.users, report.rooms,
			 report.logs_audited, report.logs_quarantined, report.locks_repaired);
	}
	buf_finish(&text);
	return err;
}

/* ---- the steps -------------------------------------------------------------------------- */

int master_open_folder(struct master *master)
{
	struct buf error = BUF_INIT;
	int err = state_dir_prepare(master->config.state_dir, master->instance, &master->folder,
				    &error);

	if (err < 0)
		log_error("no state", "reason=%s",
			  error.data != NULL ? error.data : strerror(-err));
	buf_finish(&error);
	return err;
}

static int try_listeners(struct master *master, struct buf *error)
{
	buf_reset(error);
	return listen_open(master->config.host, master->config.port, master->config.workers,
			   &master->listeners, error);
}

/* Is there a segment of this name, of a master that runs or of one that was killed? */
static bool segment_exists(const char *instance)
{
	char path[96];

	snprintf(path, sizeof(path), "/dev/shm/chat-%s", instance);
	return access(path, F_OK) == 0;
}

/*
 * The workers of a killed master let go of its segment a moment before or after they let go
 * of its port.
 */
static int listen_after_takeover(struct master *master, struct buf *error)
{
	const struct timespec moment = {.tv_nsec = PORT_RETRY_MS * 1000000L};
	int err = try_listeners(master, error);

	for (int i = 0; err == -EADDRINUSE && i < PORT_WAIT_MS / PORT_RETRY_MS; i++) {
		nanosleep(&moment, NULL);
		err = try_listeners(master, error);
	}
	return err;
}

/*
 * The port, then the segment. Where the port is taken, it may be by workers of a killed
 * master that go while the segment waits for them; and where another master runs this instance,
 * that is what the operator should read. With no such segment, somebody else has the port.
 */
static int open_port_and_segment(struct master *master)
{
	const struct config *config = &master->config;
	struct buf error = BUF_INIT;
	int port_err = try_listeners(master, &error);
	int err;

	if (config->instance[0] != '\0')
		snprintf(master->instance, sizeof(master->instance), "%s", config->instance);
	else
		snprintf(master->instance, sizeof(master->instance), "%u",
			 port_err == 0 ? master->listeners.port : config->port);
	if (port_err < 0 && (port_err != -EADDRINUSE || !segment_exists(master->instance))) {
		err = port_err;
		goto out;
	}
	err = master_open_folder(master);
	if (err == 0)
		err = start_segment(master);
	if (err < 0)
		goto out_logged;
	/* Left by a master that was killed; on a running instance we have failed by now. */
	if (config->port_file[0] != '\0')
		unlink(config->port_file);
	if (port_err < 0)
		err = listen_after_takeover(master, &error);
out:
	if (err < 0)
		log_error("cannot listen", "reason=%s",
			  error.data != NULL ? error.data : strerror(-err));
out_logged:
	buf_finish(&error);
	return err;
}

int master_check(const struct config *config, struct buf *error)
{
	static const struct host_names nobody;
	struct server_names names;
	struct proxies proxies;
	struct account account;
	int err = listen_check(config->host, error);

	if (err == 0)
		err = server_names_fill(&names, config, &nobody, 1, "", "", error);
	if (err == 0)
		err = proxies_read(&config->trusted_proxies, &proxies, error);
	if (err == 0)
		err = account_find(config->user, &account, error);
	return err < 0 ? -EINVAL : 0;
}

int master_answer_names(void *data, const char *request, struct names_reply *ret_reply)
{
	struct master *master = data;

	return keys_answer(&master->keys, request, ret_reply);
}

int master_fill_server_names(struct master *master, struct buf *error)
{
	return server_names_fill(&master->server_names, &master->config, &master->host,
				 master->listeners.port, master->listeners.text,
				 master->tls.info.names, error);
}

int master_open_tls(struct master *master, const char *why)
{
	const struct host_names *host = &master->host;
	const char *names[] = {host->name, host->full, NULL};
	struct buf error = BUF_INIT;
	int err;

	host_names_find(&master->host);
	if (strcmp(host->name, host->full) == 0)
		names[1] = "";
	err = tls_files_open(&master->tls, &master->config, master->folder.data, names, why,
			     &error);
	if (err < 0)
		log_error("no certificate", "reason=%s",
			  error.data != NULL ? error.data : strerror(-err));
	buf_finish(&error);
	return err;
}

int master_open_keys(struct master *master, const char *why)
{
	struct buf error = BUF_INIT;
	int err;

	err = master_fill_server_names(master, &error);
	if (err == 0)
		err = keys_open(&master->keys, master->folder.data, &error);
	if (err < 0)
		log_error("no keys", "reason=%s", error.data != NULL ? error.data : strerror(-err));
	else
		err = keys_load(&master->keys, &master->config, master->server_names.list, why);
	buf_finish(&error);
	return err;
}

static int open_metrics(struct master *master)
{
	struct buf text = BUF_INIT, error = BUF_INIT;
	int err = 0;

	if (master->config.metrics_listen[0] != '\0')
		err = listen_metrics_open(master->config.metrics_listen, &master->metrics_fd, &text,
					  &error);
	if (err < 0)
		log_error("cannot listen", "reason=%s",
			  error.data != NULL ? error.data : strerror(-err));
	else if (master->metrics_fd >= 0)
		log_info("metrics", "listen=%s", text.data);
	buf_finish(&text);
	buf_finish(&error);
	return err;
}

static void warn_about_host(const struct master *master, unsigned long files)
{
	unsigned long wanted = master->config.max_connections / master->config.workers + 256;

	if (files < wanted)
		log_warn("few open files", "limit=%lu wanted=%lu mend=%s", files, wanted,
			 "ulimit -Hn, or LimitNOFILE= of the service");
	if (host_removes_ipc())
		log_warn("logind may delete the shared memory at logout", "instance=%s mend=%s",
			 master->instance,
			 "RemoveIPC=no in /etc/systemd/logind.conf, or run it as a service");
}

/* All slots; where files are few only those that somebody is in: the workers, one resident. */
static uint64_t slots_with_bells(unsigned workers, unsigned long files)
{
	if (files >= FILES_FOR_ALL_BELLS)
		return UINT64_MAX;
	return ((UINT64_C(1) << workers) - 1) | UINT64_C(1) << WORKERS_MAX;
}

/* master_check has looked; whoever takes the account away meanwhile gets no server. */
int master_open_account(struct master *master)
{
	struct buf error = BUF_INIT;
	int err = account_find(master->config.user, &master->account, &error);

	if (err < 0)
		log_error("cannot start", "reason=%s",
			  error.data != NULL ? error.data : strerror(-err));
	buf_finish(&error);
	return err;
}

int master_open(struct master *master)
{
	unsigned long files = host_raise_open_files();
	int err;

	/* What we make is ours alone; the umask holds for the workers, too. */
	umask(077);
	err = master_open_account(master);
	if (err < 0)
		return err;
	children_init(&master->children, master->config.workers);
	err = signals_open(&master->signal_fd);
	if (err == 0)
		err = doorbell_create_for(master->bells,
					  slots_with_bells(master->config.workers, files));
	if (err < 0) {
		log_error("cannot start", "error=%s", strerror(-err));
		return err;
	}
	err = open_port_and_segment(master);
	if (err < 0)
		return err;
	err = open_metrics(master);
	if (err < 0)
		return err;
	warn_about_host(master, files);
	err = master_open_tls(master, "start");
	if (err == 0)
		err = master_open_keys(master, "start");
	if (err < 0)
		return err;
	err = names_server_open(&master->names_server, master->folder.data, master_answer_names,
				master);
	if (err < 0)
		log_error("no names socket", "folder=%s error=%s", master->folder.data,
			  strerror(-err));
	return err;
}

int master_write_port(struct master *master)
{
	char text[16];
	int len;

	if (master->config.port_file[0] == '\0')
		return 0;
	master->port_written = true;
	len = snprintf(text, sizeof(text), "%u\n", master->listeners.port);
	/* Others wait for it: no secret, unlike all else we write. */
	return fd_replace_file(master->config.port_file, text, (size_t)len, 0644);
}

void master_remove_port(struct master *master)
{
	if (master->port_written)
		unlink(master->config.port_file);
	master->port_written = false;
}

int master_close(struct master *master)
{
	int err = 0;

	names_server_close(&master->names_server);
	listen_close(&master->listeners);
	fd_close(&master->metrics_fd);
	master_remove_port(master);
	if (master->segment_started) {
		err = segment_stop(&master->shm, master->config.state_dir);
		if (err < 0)
			log_error("registry not saved", "instance=%s error=%s kept_in=%s",
				  master->instance, strerror(-err), "/dev/shm");
		else
			log_info("registry saved", "instance=%s folder=%s", master->instance,
				 master->folder.data);
	}
	keys_close(&master->keys);
	tls_files_close(&master->tls);
	for (unsigned i = 0; i < SLOTS_MAX; i++) {
		fd_close(&master->bells[i][0]);
		fd_close(&master->bells[i][1]);
	}
	fd_close(&master->signal_fd);
	buf_finish(&master->folder);
	return err;
}
