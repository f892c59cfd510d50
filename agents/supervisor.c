#include "agents/supervisor.h"

#include "agents/family.h"
#include "agents/seat.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "proto/message.h"
#include "shm/counters.h"
#include "shm/doorbell.h"
#include "shm/member.h"
#include "shm/news.h"
#include "shm/session.h"
#include "shm/user.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SEATS_MAX (AGENTS_MAX * AGENT_ROOMS_MAX)
#define FDS_A_SEAT 4u
#define BEAT_MS 250u
#define LOOK_MS 1000u
#define DEVICE "agent"
#define USER_TRIES 200u

struct supervisor {
	const struct supervisor_inherit *inherit;
	struct shm shm;
	struct seat_world world;
	int signal_fd;
	char *mark; /* owned */
	struct seat seats[SEATS_MAX];
	unsigned seat_count;
	uint32_t sessions[AGENTS_MAX]; /* SHM_NONE: none */
	uint64_t look_due_ms;
	uint64_t stop_by_ms; /* 0: it isn't stopping */
	bool reap_due;
};

/* ---- members ---- */

static void wait_a_moment(void)
{
	const struct timespec moment = {.tv_nsec = 10000000L};

	nanosleep(&moment, NULL);
}

/* The user and his session, which makes him present: 0 or -EAGAIN. */
static int enter_user(struct supervisor *sup, const char *name, uint32_t *ret_user,
		      uint32_t *ret_session)
{
	for (unsigned i = 0; i < USER_TRIES; i++) {
		if (user_make(&sup->shm, name, ret_user) == USER_OK &&
		    session_attach(&sup->shm, *ret_user, DEVICE, 0, ret_session) == SESSION_OK)
			return 0;
		wait_a_moment();
	}
	return -EAGAIN;
}

static bool is_in(const struct config_agent *config, const char *room)
{
	const char *rooms = config->rooms;
	char name[NAME_SIZE];

	while (agent_list_next(&rooms, name, sizeof(name)))
		if (strcmp(name, room) == 0)
			return true;
	return false;
}

/* Rooms of an earlier configuration. One whose lock is busy is left the next time. */
static void leave_others(struct supervisor *sup, const struct config_agent *config, uint32_t user)
{
	struct room_ref rooms[AGENT_ROOMS_MAX * 4];
	unsigned count = member_rooms(&sup->shm, user, rooms, AGENT_ROOMS_MAX * 4);
	struct room_info info;

	for (unsigned i = 0; i < count && i < AGENT_ROOMS_MAX * 4; i++)
		if (room_info(&sup->shm, rooms[i], &info) && !is_in(config, info.name))
			(void)member_leave(&sup->shm, user, rooms[i], true);
}

static int open_agent(struct supervisor *sup, unsigned entry, const char *folder)
{
	const struct config_agent *config = &sup->inherit->config->agents.agent[entry];
	const char *rooms = config->rooms;
	char room[NAME_SIZE];
	uint32_t user;
	int err = enter_user(sup, config->name, &user, &sup->sessions[entry]);

	if (err < 0) {
		log_error("agent can't enter", "agent=%s mend=%s", config->name,
			  "--max-users or --max-connections may be too low");
		return err;
	}
	leave_others(sup, config, user);
	if (config->process == AGENT_PROCESS_SHARED)
		return seat_open(&sup->seats[sup->seat_count++], &sup->world, config, rooms, folder,
				 user, entry);
	while (err == 0 && agent_list_next(&rooms, room, sizeof(room)))
		err = seat_open(&sup->seats[sup->seat_count++], &sup->world, config, room, folder,
				user, entry);
	return err;
}

static int open_signals(int *ret_fd)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	*ret_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return *ret_fd < 0 ? -errno : 0;
}

/*
 * Of programs of this server whose guard and supervisor were killed together. The folder's whole
 * path: another server's may have the same name elsewhere.
 */
static int kill_leftovers(struct supervisor *sup)
{
	char *folder = realpath(sup->inherit->folder, NULL);
	unsigned left;

	if (folder == NULL || asprintf(&sup->mark, "CHAT_SERVER=%s", folder) < 0)
		sup->mark = NULL;
	free(folder);
	if (sup->mark == NULL)
		return -ENOMEM;
	sup->world.mark = sup->mark;
	left = family_kill_marked(sup->mark);
	if (left > 0)
		log_warn("left behind", "processes=%u of=%s", left, sup->mark);
	return 0;
}

static int open_all(struct supervisor *sup)
{
	const struct config_agents *agents = &sup->inherit->config->agents;
	char *folder = NULL;
	int err = open_signals(&sup->signal_fd);

	if (err < 0)
		return err;
	if (asprintf(&folder, "%s/agents", sup->inherit->folder) < 0)
		return -ENOMEM;
	err = fd_make_folders(folder, 0700);
	sup->world.lines = malloc(SEAT_READ_BYTES);
	if (err == 0 && sup->world.lines == NULL)
		err = -ENOMEM;
	if (err == 0)
		err = family_adopt();
	if (err == 0)
		err = kill_leftovers(sup);
	if (err == 0)
		(void)keyring_refresh(sup->inherit->keyring);
	for (unsigned i = 0; err == 0 && i < agents->count; i++)
		err = open_agent(sup, i, folder);
	free(folder);
	return err;
}

static void close_all(struct supervisor *sup)
{
	for (unsigned i = 0; i < sup->seat_count; i++)
		seat_close(&sup->seats[i]);
	for (unsigned i = 0; i < AGENTS_MAX; i++)
		if (sup->sessions[i] != SHM_NONE)
			session_end(&sup->shm, sup->sessions[i]);
	free(sup->world.lines);
	free(sup->mark);
	fd_close(&sup->signal_fd);
}

/* ---- the board ---- */

static enum agent_state together(enum agent_state a, enum agent_state b)
{
	static const unsigned rank[] = {
		[AGENT_BUSY] = 3, [AGENT_IDLE] = 2, [AGENT_RESTARTING] = 1, [AGENT_DOWN] = 0};

	return rank[a] > rank[b] ? a : b;
}

static void show(struct supervisor *sup)
{
	for (unsigned entry = 0; entry < sup->inherit->config->agents.count; entry++) {
		enum agent_state state = AGENT_DOWN;
		uint64_t queue = 0;

		for (unsigned i = 0; i < sup->seat_count; i++) {
			const struct seat *seat = &sup->seats[i];

			if (seat->entry != entry)
				continue;
			state = together(state, agent_state(&seat->agent));
			queue += seat->agent.waiting;
		}
		atomic_store(&sup->inherit->board->entry[entry].state, state);
		atomic_store(&sup->inherit->board->entry[entry].queue, queue);
	}
}

/* ---- orders ---- */

static void on_news(void *data, const void *bytes, size_t len)
{
	struct supervisor *sup = data;
	char name[NAME_SIZE], by[NAME_SIZE] = "somebody";
	enum agent_wish wish;
	struct news news;

	if (!news_read(bytes, len, &news) || news.kind != NEWS_ORDER || news.len >= sizeof(name))
		return;
	snprintf(name, sizeof(name), "%.*s", (int)news.len, news.line);
	if (news.except < sup->shm.sizes->max_users)
		(void)user_name(&sup->shm, news.except, by);
	switch (news.action) {
	case AGENT_RESTART:
		wish = AGENT_WISH_RESTART;
		break;
	case AGENT_STOP:
		wish = AGENT_WISH_STOP;
		break;
	case AGENT_INTERRUPT:
		wish = AGENT_WISH_INTERRUPT;
		break;
	default: /* a number from another process */
		return;
	}
	log_info("agent ordered", "agent=%s wish=%u by=%s", name, wish, by);
	for (unsigned i = 0; i < sup->seat_count; i++) {
		struct seat *seat = &sup->seats[i];

		if (strcmp(seat->agent.config->name, name) == 0)
			agent_order(&seat->agent, wish, by, clock_mono_ms());
	}
}

/* ---- the dead ---- */

/* Guards, and what comes to us from guards that were killed: that is nobody's any more. */
static void reap(struct supervisor *sup)
{
	pid_t guards[SEATS_MAX];
	unsigned count = 0;
	int status;

	while (waitpid(-1, &status, WNOHANG) > 0)
		;
	for (unsigned i = 0; i < sup->seat_count; i++)
		if (sup->seats[i].child.guard > 0)
			guards[count++] = sup->seats[i].child.guard;
	family_kill(guards, count);
}

static void hear_signals(struct supervisor *sup, uint64_t now_ms)
{
	struct signalfd_siginfo info;

	while (read(sup->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			sup->reap_due = true;
		if (info.ssi_signo != SIGTERM || sup->stop_by_ms != 0)
			continue;
		sup->stop_by_ms = now_ms + SUPERVISOR_STOP_MS;
		for (unsigned i = 0; i < sup->seat_count; i++)
			agent_close(&sup->seats[i].agent, now_ms);
	}
}

/* ---- the loop ---- */

static void add_fd(struct pollfd *fds, unsigned *count, int fd, short events)
{
	if (fd >= 0)
		fds[(*count)++] = (struct pollfd){.fd = fd, .events = events};
}

static int wait_ms(struct supervisor *sup, uint64_t now_ms)
{
	uint64_t due = now_ms + BEAT_MS;

	for (unsigned i = 0; i < sup->seat_count; i++) {
		uint64_t next = agent_due(&sup->seats[i].agent);
		uint64_t quiet = seat_quiet_until(&sup->seats[i], now_ms);

		uint64_t shown = seat_show_state(&sup->seats[i], now_ms);

		due = next < due ? next : due;
		due = shown < due ? shown : due;
		due = quiet != 0 && quiet < due ? quiet : due;
	}
	return due > now_ms ? (int)(due - now_ms) : 0;
}

/* Behind all that changed in this turn. */
static void wait_for_events(struct supervisor *sup, uint64_t now_ms)
{
	static struct pollfd fds[2 + SEATS_MAX * FDS_A_SEAT];
	unsigned count = 0;

	add_fd(fds, &count, doorbell_fd(&sup->shm, sup->shm.slot), POLLIN);
	add_fd(fds, &count, sup->signal_fd, POLLIN);
	for (unsigned i = 0; i < sup->seat_count; i++) {
		const struct child_process *child = &sup->seats[i].child;

		add_fd(fds, &count, child->status_fd, POLLIN);
		add_fd(fds, &count, child->err_fd, POLLIN);
		/* Who has to be quiet is not listened to: its pipe fills, and it waits. */
		if (seat_quiet_until(&sup->seats[i], now_ms) == 0)
			add_fd(fds, &count, child->out_fd, POLLIN);
		if (child->input.len > 0)
			add_fd(fds, &count, child->in_fd, POLLOUT);
	}
	poll(fds, count, wait_ms(sup, now_ms));
}

static void hear_bell(struct supervisor *sup)
{
	uint32_t cursor = 0;

	doorbell_drain(&sup->shm, on_news, sup);
	/* The rooms are few: all of them are looked at, whichever bit it was. */
	while (doorbell_take(&sup->shm, &cursor) != SHM_NONE)
		;
}

static bool is_over(const struct supervisor *sup)
{
	for (unsigned i = 0; i < sup->seat_count; i++)
		if (!agent_is_over(&sup->seats[i].agent))
			return false;
	return true;
}

static void kill_late(struct supervisor *sup)
{
	for (unsigned i = 0; i < sup->seat_count; i++)
		child_kill(&sup->seats[i].child, SIGKILL);
}

static void turn(struct supervisor *sup)
{
	uint64_t now_ms = clock_mono_ms();

	atomic_store_explicit(&sup->shm.workers[sup->shm.slot].heartbeat_mono_ms, now_ms,
			      memory_order_relaxed);
	hear_signals(sup, now_ms);
	hear_bell(sup);
	for (unsigned i = 0; i < sup->seat_count; i++) {
		if (sup->stop_by_ms == 0)
			seat_read(&sup->seats[i], now_ms);
		seat_listen(&sup->seats[i], now_ms);
		agent_tick(&sup->seats[i].agent, now_ms);
	}
	if (sup->reap_due || now_ms >= sup->look_due_ms) {
		sup->reap_due = false;
		sup->look_due_ms = now_ms + LOOK_MS;
		reap(sup);
	}
	show(sup);
	if (sup->stop_by_ms != 0 && now_ms >= sup->stop_by_ms)
		kill_late(sup);
}

int supervisor_run(const struct supervisor_inherit *inherit)
{
	/* Static, so that a leak check sees what it holds as held. */
	static struct supervisor sup;
	int err;

	sup.inherit = inherit;
	sup.shm = inherit->shm;
	sup.signal_fd = -1;
	sup.world = (struct seat_world){.shm = &sup.shm,
					.config = inherit->config,
					.account = inherit->account,
					.keyring = inherit->keyring,
					.board = inherit->board};
	memset(sup.sessions, 0xff, sizeof(sup.sessions));
	segment_enter_worker(&sup.shm, AGENTS_SLOT);
	err = open_all(&sup);
	if (err < 0) {
		log_error("agents can't start", "error=%s", strerror(-err));
		close_all(&sup);
		return EXIT_FAILURE;
	}
	for (unsigned i = 0; i < sup.seat_count; i++)
		agent_start(&sup.seats[i].agent, clock_mono_ms());
	log_info("agents started", "agents=%u processes=%u", inherit->config->agents.count,
		 sup.seat_count);
	while (sup.stop_by_ms == 0 || !is_over(&sup)) {
		turn(&sup);
		if (sup.stop_by_ms == 0 || !is_over(&sup))
			wait_for_events(&sup, clock_mono_ms());
	}
	close_all(&sup);
	return EXIT_SUCCESS;
}
