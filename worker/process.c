#include "worker/process.h"

#include "worker/control.h"
#include "worker/http.h"
#include "worker/judge.h"
#include "worker/panic.h"
#include "worker/process_http.h"
#include "worker/reserve.h"
#include "worker/startups.h"
#include "worker/walls.h"
#include "worker/worker.h"

#include "auth/signature.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/random.h"
#include "shm/counters.h"
#include "shm/doorbell.h"
#include "worker/tls.h"
#include "worker/ws.h"
#include "worker/ws_gate.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#define ACCEPTS_A_TURN 16
#define LOOK_MS 1000u
#define LISTEN_PAUSE_MS 100u
#define DRAIN_MS 5000u
#define TERM_WAIT_MS 200u
#define RESTART_RETRY_MS 100u /* our successor is there by then */
/* Looks at the sockets without waiting, and lines gathered by them, before we deliver. */
#define GATHER_TURNS_MAX 64u
#define GATHER_LINES_MAX 128u
#define HANDSHAKE_DEFAULT_S 20u
#define FILES_SPARE 1024u
#define REFUSED_LOG_MS 5000u
#define LISTEN_MAX (sizeof(((struct inherit *)0)->listen_fds) / sizeof(int))

struct process {
	const struct inherit *inherit;
	struct worker worker;
	struct config
		live; /* a copy of inherit->config, its strings borrowed, that a reload changes */
	struct control *control;
	struct ws_server *server;
	struct process_http *metrics; /* NULL: no --metrics-listen */
	struct ws_gate *gate;
	struct proxies proxies;
	struct tls *tls;
	uv_loop_t loop;
	uv_poll_t listeners[LISTEN_MAX], bell, control_poll;
	unsigned listener_count;
	uv_timer_t tick;
	uv_prepare_t prepare;
	uv_idle_t no_wait; /* while it is started the loop looks, and doesn't wait */
	unsigned gather_turns;
	uint64_t lines_seen, lines_flushed; /* of the lines clients have sent */
	uv_signal_t term;
	struct reserve reserve;
	uint64_t startups_here;   /* how many may be without a login in this process */
	uint64_t listen_again_ms; /* 0: we listen */
	uint64_t janitor_due_ms, look_due_ms, drain_by_ms;
	uint64_t term_due_ms; /* 0: no SIGTERM came */
	uint64_t refused;     /* system calls, as told */
	uint64_t refused_logged_ms;
};

/* ---- accepting ------------------------------------------------------------------ */

/* Tells the other workers, too, how many here have not logged in. */
static uint64_t count_startups(struct process *process)
{
	struct shm *shm = &process->worker.shm;
	uint64_t here = ws_server_strangers(process->server) + ws_gate_waiting(process->gate);

	atomic_store_explicit(&shm->workers[shm->slot].counters[COUNTER_startups], here,
			      memory_order_relaxed);
	return here;
}

/* Not the newcomer has to go, but any of those that have not logged in (startups.h). */
static void drop_a_startup(struct process *process)
{
	struct shm *shm = &process->worker.shm;
	uint64_t here = count_startups(process);

	/* The newcomer may be gone already, and the crowd another worker's. */
	if (here == 0)
		return;
	if (!startups_drop(counter_sum(shm, COUNTER_startups),
			   process->worker.config->max_startups) &&
	    !startups_drop(here, process->startups_here))
		return;
	counter_add(shm, COUNTER_startups_dropped_total, 1);
	if (random_below(here) < ws_gate_waiting(process->gate))
		ws_gate_drop_oldest(process->gate);
	else
		ws_server_drop_stranger(process->server);
}

/* Nothing can be accepted: who waits would wake us for ever. */
static void listen_pause(struct process *process)
{
	for (unsigned i = 0; i < process->listener_count; i++)
		uv_poll_stop(&process->listeners[i]);
	process->listen_again_ms = clock_mono_ms() + LISTEN_PAUSE_MS;
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
	struct process *process = poll->data;
	int one = 1;
	int listen_fd;

	(void)events;
	if (status < 0 || uv_fileno((uv_handle_t *)poll, &listen_fd) < 0)
		return;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		struct sockaddr_storage peer = {0};
		socklen_t len = sizeof(peer);
		int fd = accept4(listen_fd, (struct sockaddr *)&peer, &len,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0) {
			int why = errno;

			if (why == EINTR || why == ECONNABORTED)
				continue;
			if (why == EAGAIN || ((why == EMFILE || why == ENFILE) &&
					      reserve_turn_away(&process->reserve, listen_fd, why)))
				return;
			listen_pause(process);
			return;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		watch_file(&process->worker.watch, &process->worker.shm, fd);
		ws_gate_take(process->gate, fd, (const struct sockaddr *)&peer);
		drop_a_startup(process);
	}
}

static void listen_again(struct process *process, uint64_t now)
{
	if (process->listen_again_ms == 0 || now < process->listen_again_ms)
		return;
	process->listen_again_ms = 0;
	for (unsigned i = 0; i < process->listener_count && !process->worker.draining; i++)
		uv_poll_start(&process->listeners[i], UV_READABLE, on_connection);
}

/* ---- wake-ups ------------------------------------------------------------------- */

static void on_bell(uv_poll_t *poll, int status, int events)
{
	struct process *process = poll->data;

	(void)status;
	(void)events;
	worker_bell(&process->worker);
}

static void on_control(uv_poll_t *poll, int status, int events)
{
	struct process *process = poll->data;

	(void)status;
	(void)events;
	/* The master is gone: the kernel is about to kill us, nothing is left to hear. */
	if (control_receive(process->control) == -EPIPE)
		uv_poll_stop(poll);
}

static void on_no_wait(uv_idle_t *idle)
{
	(void)idle;
}

/*
 * A turn of the loop reads at most a quarter of a kilobyte from each client. Delivering after each
 * of them would write to a whole room for every few lines of a client that sends many; so as long
 * as lines keep coming we look again, without waiting, and deliver what was gathered. A line that
 * comes alone waits for nothing.
 */
static bool gather_more(struct process *process)
{
	uint64_t lines =
		counter_of(&process->worker.shm, process->inherit->slot, COUNTER_lines_in_total);
	bool more = lines != process->lines_seen && process->worker.dirty &&
		    process->worker.burst && process->gather_turns < GATHER_TURNS_MAX &&
		    lines - process->lines_flushed < GATHER_LINES_MAX &&
		    ws_server_has_more(process->server);

	process->lines_seen = lines;
	if (more) {
		process->gather_turns++;
		uv_idle_start(&process->no_wait, on_no_wait);
		return true;
	}
	process->gather_turns = 0;
	process->lines_flushed = lines;
	uv_idle_stop(&process->no_wait);
	return false;
}

static void on_prepare(uv_prepare_t *prepare)
{
	struct process *process = prepare->data;

	if (gather_more(process))
		return;
	worker_flush(&process->worker);
	/* Its share of a turn was used up: look at the clients, don't wait for them. */
	if (process->worker.dirty || process->worker.broadcasts != NULL)
		uv_idle_start(&process->no_wait, on_no_wait);
}

static void drain(void *data, const struct control_drain *order)
{
	struct process *process = data;

	if (process->worker.draining)
		return;
	for (unsigned i = 0; i < process->listener_count; i++)
		uv_poll_stop(&process->listeners[i]);
	process->drain_by_ms =
		clock_mono_ms() + (order->within_ms > 0 ? order->within_ms : DRAIN_MS);
	worker_drain(&process->worker, order->close_code == CLOSE_RESTART, order->retry_after_ms);
}

/* Our clients go to our successor. */
static void restart(struct process *process)
{
	drain(process, &(struct control_drain){.close_code = CLOSE_RESTART,
					       .retry_after_ms = RESTART_RETRY_MS});
}

/* A library does what it never did, or somebody is in here who doesn't belong. */
static void tell_refused(struct process *process, uint64_t now)
{
	int number;
	uint64_t refused = walls_refused(&number);
	char name[32];

	if (refused == process->refused || now < process->refused_logged_ms + REFUSED_LOG_MS)
		return;
	counter_add(&process->worker.shm, COUNTER_refused_calls_total, refused - process->refused);
	log_warn("system call refused", "call=%s times=%" PRIu64, walls_syscall_name(number, name),
		 refused - process->refused);
	process->refused = refused;
	process->refused_logged_ms = now;
}

static void refresh_tls(struct process *process)
{
	int err = tls_refresh(process->tls, process->inherit->tls);

	if (err < 0)
		log_error("certificate not loaded", "error=%s", strerror(-err));
}

static void on_tick(uv_timer_t *timer)
{
	struct process *process = timer->data;
	uint64_t now = clock_mono_ms();

	timers_run(&process->worker.timers, now);
	count_startups(process);
	listen_again(process, now);
	if (now >= process->janitor_due_ms) {
		process->janitor_due_ms = now + JANITOR_MS;
		worker_janitor(&process->worker);
		control_tick(process->control, now);
		ws_server_tick(process->server, now);
		process_http_tick(process->metrics, now);
		ws_gate_tick(process->gate, now);
		tell_refused(process, now);
	}
	if (now >= process->look_due_ms) {
		process->look_due_ms = now + LOOK_MS;
		worker_look(&process->worker);
		refresh_tls(process);
	}
	if (process->term_due_ms > 0 && now >= process->term_due_ms)
		restart(process);
	if (process->worker.draining &&
	    (worker_connections(&process->worker) == 0 || now >= process->drain_by_ms))
		uv_stop(&process->loop);
}

/* ---- orders ---------------------------------------------------------------------- */

/*
 * Somebody stops this worker alone: its clients come back to its successor. Or somebody sent
 * the signal to every process of the service: then the master's order comes in a moment.
 */
static void on_term(uv_signal_t *handle, int signal_number)
{
	struct process *process = handle->data;

	(void)signal_number;
	process->term_due_ms = clock_mono_ms() + TERM_WAIT_MS;
}

static void reload(void *data, const uint32_t *values, unsigned count)
{
	struct process *process = data;

	if (!config_live_set(&process->live, values, count)) {
		log_warn("order ignored", "why=%s", "numbers of another configuration");
		return;
	}
	worker_reload(&process->worker, &process->live);
	ws_gate_allow_plain(process->gate, process->live.insecure_plain);
	log_set_level(process->live.log_level);
}

static int read_keyring(void *data, int fd)
{
	struct process *process = data;
	int err = keyring_move(process->worker.keyring, fd);

	if (err < 0) {
		/* Nobody would tell us of a revoked key any more. */
		log_error("keyring not taken", "error=%s", strerror(-err));
		restart(process);
		return err;
	}
	judge_all(&process->worker);
	return 0;
}

/* ---- the life of it ------------------------------------------------------------------ */

static int start_poll(struct process *process, uv_poll_t *poll, int fd, uv_poll_cb callback)
{
	int err = uv_poll_init(&process->loop, poll, fd);

	poll->data = process;
	return err < 0 ? err : uv_poll_start(poll, UV_READABLE, callback);
}

static int start_handles(struct process *process)
{
	const struct inherit *inherit = process->inherit;
	int err = 0;

	for (unsigned i = 0; err == 0 && i < LISTEN_MAX && inherit->listen_fds[i] >= 0; i++) {
		err = start_poll(process, &process->listeners[i], inherit->listen_fds[i],
				 on_connection);
		process->listener_count = i + 1;
	}
	if (err == 0)
		err = start_poll(process, &process->bell,
				 doorbell_fd(&process->worker.shm, inherit->slot), on_bell);
	if (err == 0)
		err = start_poll(process, &process->control_poll, inherit->control_fd, on_control);
	if (err < 0)
		return err;
	uv_timer_init(&process->loop, &process->tick);
	uv_prepare_init(&process->loop, &process->prepare);
	uv_idle_init(&process->loop, &process->no_wait);
	uv_signal_init(&process->loop, &process->term);
	process->tick.data = process;
	process->prepare.data = process;
	process->term.data = process;
	uv_timer_start(&process->tick, on_tick, TIMERS_TICK_MS, TIMERS_TICK_MS);
	uv_prepare_start(&process->prepare, on_prepare);
	return uv_signal_start(&process->term, on_term, SIGTERM);
}

static void close_handles(struct process *process)
{
	for (unsigned i = 0; i < process->listener_count; i++)
		uv_close((uv_handle_t *)&process->listeners[i], NULL);
	uv_close((uv_handle_t *)&process->bell, NULL);
	uv_close((uv_handle_t *)&process->control_poll, NULL);
	uv_close((uv_handle_t *)&process->tick, NULL);
	uv_close((uv_handle_t *)&process->prepare, NULL);
	uv_close((uv_handle_t *)&process->no_wait, NULL);
	uv_close((uv_handle_t *)&process->term, NULL);
}

/* Strangers have half of what may be open here; who has logged in can count on the other half. */
#define STARTUPS_PART 2u

/*
 * Debian's libwebsockets 4.1.6 (built with _DEBUG) walks its table of all descriptors that the
 * soft limit allows at each accept: with the million of some service managers that costs more
 * than the rest of the handshake. So the limit is what the connections need, and spare ones for
 * strangers who have not logged in.
 */
static rlim_t limit_files(const struct config *config)
{
	rlim_t need = (rlim_t)config->max_connections + config->max_connections / 8 + FILES_SPARE;
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return need;
	if (need < files.rlim_cur) {
		files.rlim_cur = need;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	return files.rlim_cur;
}

/* The master has looked at them: nothing can be wrong with them here. */
static int read_proxies(struct process *process, const struct config *config)
{
	struct buf error = BUF_INIT;
	int err = proxies_read(&config->trusted_proxies, &process->proxies, &error);

	buf_finish(&error);
	return err;
}

/* The master's input and output may be anything; a worker only logs. */
static void drop_standard_fds(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	fd_close(&fd);
}

static int init(struct process *process, const struct inherit *inherit)
{
	static const struct control_handler orders = {
		.reload = reload,
		.drain = drain,
		.keyring = read_keyring,
	};
	struct ws_handler handler = worker_ws_handler;
	struct ws_options options = {
		.loop = &process->loop,
		.path = "/ws",
		.subprotocol = "chat.v1",
		.handshake_s = inherit->config->login_timeout > 0 ? inherit->config->login_timeout
								  : HANDSHAKE_DEFAULT_S,
	};
	struct ws_gate_options gate = {
		.loop = &process->loop,
		.silence_s = options.handshake_s,
		.insecure_plain = inherit->config->insecure_plain,
	};
	int err;

	process->inherit = inherit;
	process->live = *inherit->config;
	drop_standard_fds();
	err = signature_prepare();
	if (err < 0)
		return err;
	process->startups_here = limit_files(inherit->config) / STARTUPS_PART;
	reserve_open(&process->reserve, inherit->control_fd);
	err = uv_loop_init(&process->loop);
	if (err < 0)
		return err;
	err = worker_init(&process->worker, inherit);
	if (err < 0)
		return err;
	err = panic_arm(&process->worker.shm);
	if (err < 0)
		return err;
	process->control = control_create(inherit->control_fd, &orders, process);
	if (process->control == NULL)
		return -ENOMEM;
	process->worker.control = process->control;
	process->tls = tls_create();
	if (process->tls == NULL)
		return -ENOMEM;
	handler.http = http_answer;
	err = read_proxies(process, inherit->config);
	if (err < 0)
		return err;
	options.tls = process->tls;
	gate.proxies = &process->proxies;
	process->server = ws_server_create(&options, &handler, &process->worker);
	if (process->server == NULL)
		return -ENOTSUP;
	gate.server = process->server;
	process->gate = ws_gate_create(&gate);
	if (process->gate == NULL)
		return -ENOMEM;
	if (inherit->metrics_fd >= 0)
		process->metrics =
			process_http_create(&process->loop, inherit->metrics_fd, &process->worker);
	if (inherit->metrics_fd >= 0 && process->metrics == NULL)
		return -ENOMEM;
	err = tls_refresh(process->tls, inherit->tls);
	if (err == 0)
		err = start_handles(process);
	/* From the first moment on: /readyz asks whether we have been heard of. */
	worker_janitor(&process->worker);
	return err;
}

/* From here on strangers may come. */
static int begin(struct process *process, pid_t parent)
{
	const struct walls_plan plan = {
		.account = process->inherit->account,
		.parent = parent,
		.segment_fd = process->inherit->shm.fd,
	};
	struct walls_report walls;
	int err = walls_raise(&plan, &walls);

	if (err < 0) {
		log_error("worker can't become another user", "uid=%u error=%s",
			  (unsigned)plan.account->uid, strerror(-err));
		return -ENOTSUP;
	}
	return control_ready(process->control, &walls);
}

static void finish(struct process *process)
{
	close_handles(process);
	process_http_close(process->metrics);
	ws_gate_destroy(process->gate);
	ws_server_destroy(process->server);
	tls_destroy(process->tls);
	tls_share_destroy(process->inherit->tls);
	worker_finish(&process->worker);
	uv_loop_close(&process->loop);
	process_http_destroy(process->metrics);
	if (process->control != NULL)
		control_stopped(process->control);
	control_destroy(process->control);
	reserve_close(&process->reserve);
}

int process_run(const struct inherit *inherit)
{
	pid_t parent = getppid();
	struct process *process = calloc(1, sizeof(*process));
	int err = -ENOMEM;

	signal(SIGPIPE, SIG_IGN);
	/* Sent to the whole foreground group by a terminal; the master says what happens. */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
	if (process != NULL)
		err = init(process, inherit);
	if (err == 0)
		err = begin(process, parent);
	if (err < 0) {
		log_error("worker can't start", "error=%s", strerror(-err));
		return err == -ENOTSUP ? WORKER_EXIT_NO_RESPAWN : EXIT_FAILURE;
	}
	uv_run(&process->loop, UV_RUN_DEFAULT);
	finish(process);
	free(process);
	return WORKER_EXIT_OK;
}
