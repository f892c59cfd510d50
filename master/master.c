#include "master/master.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "master/adopt.h"
#include "master/claims.h"
#include "master/open.h"
#include "master/signals.h"
#include "shm/doorbell.h"
#include "worker/process.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TICK_MS 1000u
#define POLL_MAX (2u + WORKERS_MAX + NAMES_POLL_MAX)
#define CLOSE_GOING_AWAY 1001u
#define HANGUP_MS 5000u

/* ---- workers -------------------------------------------------------------------------- */

static int enter_worker(void *data, unsigned slot, struct inherit *inherit)
{
	struct master *master = data;
	int err;

	signals_enter_child(&master->signal_fd);
	upgrade_enter_child(&master->upgrade);
	claims_drop(&master->held);
	names_server_enter_child(&master->names_server);
	notify_close(&master->notify);
	children_enter_child(&master->children);
	listen_enter_worker(&master->listeners, slot, inherit->listen_fds,
			    sizeof(inherit->listen_fds) / sizeof(inherit->listen_fds[0]));
	inherit->metrics_fd = master->metrics_fd;
	inherit->config = &master->config;
	inherit->account = &master->account;
	inherit->agents = master->supervisor.board;
	inherit->port = master->listeners.port;
	inherit->wildcard = master->listeners.wildcard;
	doorbell_enter(master->bells, slot);
	err = tls_files_enter_worker(&master->tls, &inherit->tls);
	return err < 0 ? err : keys_enter_worker(&master->keys, &inherit->keyring);
}

static int enter_supervisor(void *data, struct keyring **ret_keyring)
{
	struct master *master = data;

	signals_enter_child(&master->signal_fd);
	upgrade_enter_child(&master->upgrade);
	claims_drop(&master->held);
	names_server_enter_child(&master->names_server);
	notify_close(&master->notify);
	children_enter_child(&master->children);
	listen_close(&master->listeners);
	fd_close(&master->metrics_fd);
	doorbell_enter(master->bells, AGENTS_SLOT);
	tls_files_enter_other(&master->tls);
	return keys_enter_worker(&master->keys, ret_keyring);
}

static void other_died(void *data, pid_t pid, int status, uint64_t now)
{
	struct master *master = data;

	supervisor_reaped(&master->supervisor, &master->shm, pid, status, now);
}

void master_hear_of_others(struct master *master)
{
	master->children.other_died = other_died;
	master->children.other_data = master;
}

static void fork_due(struct master *master, uint64_t now)
{
	const struct supervisor_world agents = {
		.shm = &master->shm,
		.config = &master->config,
		.account = &master->account,
		.folder = master->folder.data,
		.enter = enter_supervisor,
		.data = master,
	};
	const struct child_world world = {
		.shm = &master->shm,
		.run = process_run,
		.enter = enter_worker,
		.data = master,
	};

	supervisor_publish(&master->supervisor, &master->config);
	if (master->state < MASTER_DRAINING)
		children_fork_due(&master->children, &world, now);
	/* Behind the workers, of whom somebody has to be there before anyone speaks. */
	if (master->state > MASTER_STARTING && master->state < MASTER_DRAINING)
		supervisor_fork_due(&master->supervisor, &agents, now);
}

/* After an upgrade, for a moment: nothing may be published, so nothing that leads to it is done. */
static bool is_silent(const struct master *master)
{
	return master->state == MASTER_ROLLING && roll_is_silent(&master->roll);
}

/* ---- the states -------------------------------------------------------------------------- */

static void drain(struct master *master, const char *why, uint64_t now)
{
	struct control_packet packet;

	upgrade_cancel(&master->upgrade);
	memset(&packet, 0, sizeof(packet));
	packet.kind = CONTROL_DRAIN;
	packet.drain.close_code = CLOSE_GOING_AWAY;
	log_info("stopping", "why=%s workers=%u", why, children_running(&master->children));
	notify_send(&master->notify, "STOPPING=1\nSTATUS=Telling everyone goodbye\n");
	master_remove_port(master);
	master->state = MASTER_DRAINING;
	master->drain_by_ms = now + MASTER_DRAIN_MS;
	children_tell(&master->children, &packet, SIGTERM);
	supervisor_stop(&master->supervisor);
}

/*
 * The one thing a person wants to know next. Whoever started us may know better which key
 * and which path it takes (tools/run.sh does).
 */
static void print_hint(const struct master *master)
{
	const char *hint = getenv("ROOMKEY_JOIN");

	if (hint != NULL)
		dprintf(STDOUT_FILENO, "%s\n", hint);
	else if (isatty(STDOUT_FILENO) && master->listeners.port == 8080)
		dprintf(STDOUT_FILENO, "join with: chat-client alice@localhost\n");
	else if (isatty(STDOUT_FILENO))
		dprintf(STDOUT_FILENO, "join with: chat-client alice@localhost:%u\n",
			master->listeners.port);
}

/* The one line that `systemctl status` shows. */
static void tell_manager(const struct master *master)
{
	char status[sizeof(master->listeners.text) + 64];

	snprintf(status, sizeof(status), "Listening on %s, %u keys accepted",
		 master->listeners.text, master->keys.report.accepted);
	notify_ready(&master->notify, status);
}

static void become_running(struct master *master)
{
	int err = master_write_port(master);

	master->state = MASTER_RUNNING;
	if (err < 0)
		log_error("no port file", "path=%s error=%s", master->config.port_file,
			  strerror(-err));
	log_info("ready", "version=%s listen=%s instance=%s workers=%u members=%u keys=%u state=%s",
		 ROOMKEY_VERSION, master->listeners.text, master->instance, master->config.workers,
		 master->members, master->keys.report.accepted, master->folder.data);
	tell_manager(master);
	print_hint(master);
}

static void advance(struct master *master, uint64_t now)
{
	walls_log_run(&master->walls_log, &master->children);
	if (master->state == MASTER_STARTING && children_ready(&master->children))
		become_running(master);
	if (master->state == MASTER_ROLLING) {
		adopt_advance(master, now);
		if (master->state == MASTER_RUNNING)
			tell_manager(master);
	}
	if (master->state == MASTER_RUNNING)
		upgrade_run(master, now);
	if (master->state < MASTER_DRAINING && children_given_up(&master->children)) {
		log_error("no worker can run", "instance=%s", master->instance);
		master->exit_code = MASTER_EXIT_FAILED;
		master->state = MASTER_ENDED;
	}
	if (master->state != MASTER_DRAINING)
		return;
	if (children_running(&master->children) == 0 && master->supervisor.pid == 0) {
		master->state = MASTER_ENDED;
	} else if (now >= master->drain_by_ms) {
		log_warn("workers killed", "count=%u after_ms=%u",
			 children_running(&master->children), MASTER_DRAIN_MS);
		children_kill(&master->children, SIGKILL);
		supervisor_kill(&master->supervisor);
		/* The kernel needs a moment; a worker stuck in it is asked again. */
		master->drain_by_ms = now + TICK_MS;
	}
}

/* ---- signals ------------------------------------------------------------------------------- */

static void log_notes(struct buf *notes, const char *event)
{
	char *rest = NULL;

	if (notes->data == NULL)
		return;
	for (char *line = strtok_r(notes->data, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest))
		log_warn(event, "text=%s", line);
}

static void log_changes(const struct config *before, const struct config *now)
{
	struct buf changes = BUF_INIT;
	char *rest = NULL;

	config_changes(before, now, &changes);
	for (char *line = changes.data != NULL ? strtok_r(changes.data, "\n", &rest) : NULL;
	     line != NULL; line = strtok_r(NULL, "\n", &rest))
		log_info("configuration changed", "text=%s", line);
	buf_finish(&changes);
}

static void reload_config(struct master *master)
{
	struct config fresh;
	struct buf notes = BUF_INIT;
	bool other_agents;
	int err = config_reload(&master->config, &fresh, &notes);

	if (err == 0) {
		err = master_check(&fresh, &notes);
		if (err < 0)
			config_finish(&fresh);
	}
	log_notes(&notes, err < 0 ? "configuration refused" : "configuration");
	buf_finish(&notes);
	if (err < 0)
		return;
	log_changes(&master->config, &fresh);
	other_agents = !config_agents_equal(&master->config.agents, &fresh.agents);
	config_finish(&master->config);
	master->config = fresh;
	/* One that knows the new ones is started when it has stopped its own. */
	if (other_agents)
		supervisor_stop(&master->supervisor);
	log_set_level(fresh.log_level);
	log_info("configuration loaded", "file=%s",
		 fresh.config_file[0] != '\0' ? fresh.config_file : "-");
}

/* The server's names, a certificate's among them, go to the workers with the keys. */
static void publish_names(struct master *master, const char *why)
{
	struct buf error = BUF_INIT;

	if (master_fill_server_names(master, &error) < 0)
		log_warn("server names", "reason=%s", error.data);
	buf_finish(&error);
	keys_load(&master->keys, &master->config, master->server_names.list, why);
}

void master_reload(struct master *master)
{
	struct control_packet packet;

	/* Not every worker would hear of it yet. */
	master->reload_due = is_silent(master);
	if (master->reload_due)
		return;
	memset(&packet, 0, sizeof(packet));
	notify_reloading(&master->notify);
	reload_config(master);
	packet.kind = CONTROL_RELOAD;
	packet.reload.count = config_live_get(&master->config, packet.reload.value);
	tls_files_load(&master->tls, &master->config, "reload");
	publish_names(master, "reload");
	children_tell(&master->children, &packet, 0);
	/* A server that is still starting says so when its workers accept. */
	if (master->state == MASTER_RUNNING)
		tell_manager(master);
}

static bool has_controlling_terminal(void)
{
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/*
 * A server in the foreground goes with its terminal, as its user expects. The SIGHUP comes a
 * moment before the terminal can be seen to be gone, so it is looked at for a while after one.
 */
static bool terminal_is_gone(const struct master *master)
{
	struct winsize size;

	return master->on_terminal &&
	       ((ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 && errno == EIO) ||
		!has_controlling_terminal());
}

static void hang_up(struct master *master, uint64_t now)
{
	if (master->state >= MASTER_DRAINING)
		return;
	if (terminal_is_gone(master)) {
		drain(master, "terminal gone", now);
		return;
	}
	master->hangup_until_ms = now + HANGUP_MS;
	master_reload(master);
}

static void handle_signal(struct master *master, int signal_number, uint64_t now)
{
	switch (signal_number) {
	case SIGTERM:
	case SIGINT:
		if (master->state < MASTER_DRAINING)
			drain(master, signal_number == SIGINT ? "SIGINT" : "SIGTERM", now);
		else if (signal_number == SIGINT)
			master->drain_by_ms = now;
		break;
	case SIGHUP:
		hang_up(master, now);
		break;
	case SIGUSR2:
		if (master->state < MASTER_DRAINING)
			upgrade_request(&master->upgrade);
		break;
	case SIGCHLD:
		children_reap(&master->children, &master->shm, master->state >= MASTER_DRAINING,
			      now);
		break;
	default: /* none other is in the set */
		break;
	}
}

/* ---- the loop -------------------------------------------------------------------------------- */

static int wait_ms(const struct master *master, uint64_t now)
{
	uint64_t until = master->tick_due_ms;
	int due = -1;

	if (master->state == MASTER_DRAINING && master->drain_by_ms < until)
		until = master->drain_by_ms;
	if (master->state == MASTER_ROLLING && roll_due_ms(&master->roll) < until)
		until = roll_due_ms(&master->roll);
	if (master->state == MASTER_RUNNING && upgrade_due_ms(&master->upgrade, now) < until)
		until = upgrade_due_ms(&master->upgrade, now);
	if (master->state < MASTER_DRAINING)
		due = children_wait_ms(&master->children, now);
	if (due >= 0 && now + (unsigned)due < until)
		until = now + (unsigned)due;
	if (master->state > MASTER_STARTING && master->state < MASTER_DRAINING)
		due = supervisor_wait_ms(&master->supervisor, master->config.agents.count > 0, now);
	if (due >= 0 && now + (unsigned)due < until)
		until = now + (unsigned)due;
	return until > now ? (int)(until - now) : 0;
}

static void wait_for_events(struct master *master)
{
	struct pollfd fds[POLL_MAX];
	unsigned slots[WORKERS_MAX], slot_count = 0;
	size_t count = 0;

	fds[count++] = (struct pollfd){.fd = master->signal_fd, .events = POLLIN};
	for (unsigned i = 0; i < master->children.count; i++) {
		if (master->children.child[i].control_fd < 0)
			continue;
		slots[slot_count++] = i;
		fds[count++] = (struct pollfd){.fd = master->children.child[i].control_fd,
					       .events = POLLIN};
	}
	count += upgrade_poll(&master->upgrade, fds + count);
	if (!is_silent(master))
		count += names_server_poll(&master->names_server, fds + count);
	assert(count <= POLL_MAX);
	if (poll(fds, (nfds_t)count, wait_ms(master, clock_mono_ms())) <= 0)
		return;
	/* Before the reap: what a worker said last still counts. */
	for (unsigned i = 0; i < slot_count; i++) {
		if (fds[1 + i].revents != 0)
			claims_receive(&master->children.child[slots[i]], slots[i], &master->keys,
				       is_silent(master) ? &master->held : NULL);
	}
}

static void tick(struct master *master, uint64_t now)
{
	if (now < master->tick_due_ms)
		return;
	master->tick_due_ms = now + TICK_MS;
	notify_alive(&master->notify, now);
	if (master->state >= MASTER_DRAINING)
		return;
	if (!is_silent(master)) {
		if (tls_files_tick(&master->tls, now))
			publish_names(master, "certificate");
		keys_tick(&master->keys);
	}
	children_watch(&master->children, &master->shm, now);
	supervisor_watch(&master->supervisor, &master->shm, master->children.watch_from_mono_ms,
			 now);
	if (now < master->hangup_until_ms && terminal_is_gone(master))
		drain(master, "terminal gone", now);
}

static void loop(struct master *master)
{
	uint64_t now = clock_mono_ms();
	int signal_number;

	master->tick_due_ms = now + TICK_MS;
	master_hear_of_others(master);
	while (master->state != MASTER_ENDED) {
		fork_due(master, now);
		wait_for_events(master);
		now = clock_mono_ms();
		while ((signal_number = signals_next(master->signal_fd)) != 0)
			handle_signal(master, signal_number, now);
		if (!is_silent(master))
			names_server_run(&master->names_server, now);
		tick(master, now);
		advance(master, now);
	}
}

int master_run(struct config *config, struct handover *handover)
{
	/* Static, so that a child's leak check sees what the master holds as held. */
	static struct master master;
	int err;

	master = (struct master){
		.config = *config,
		.signal_fd = -1,
		.metrics_fd = -1,
		.exit_code = MASTER_EXIT_OK,
		.on_terminal = isatty(STDERR_FILENO) != 0 && has_controlling_terminal(),
		.names_server = {.fd = -1},
	};
	for (unsigned i = 0; i < NAMES_CONNECTIONS_MAX; i++)
		master.names_server.connection[i].fd = -1;
	for (unsigned i = 0; i < SLOTS_MAX; i++)
		master.bells[i][0] = master.bells[i][1] = -1;
	notify_open(&master.notify);
	upgrade_init(&master.upgrade);
	err = supervisor_open(&master.supervisor);
	if (err == 0)
		err = handover != NULL ? adopt_take(&master, handover) : master_open(&master);
	if (err == 0)
		loop(&master);
	supervisor_end(&master.supervisor);
	upgrade_finish(&master.upgrade);
	claims_drop(&master.held);
	if (master_close(&master) < 0 || err < 0)
		master.exit_code = MASTER_EXIT_FAILED;
	if (master.state == MASTER_ENDED)
		log_info("stopped", "instance=%s exit=%d", master.instance, master.exit_code);
	notify_close(&master.notify);
	config_finish(&master.config);
	return master.exit_code;
}
