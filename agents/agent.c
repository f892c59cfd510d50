#include "agents/agent_private.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* While the whole server stops, it has less patience. */
#define CLOSE_WAIT_MS 2000u
/* What a program writes to its standard error is logged at a bounded rate. */
#define STDERR_LOGGED_A_SECOND 50u

void agent_init(struct agent *agent, const struct config_agent *config, const char *rooms,
		const struct agent_host *host, void *data)
{
	memset(agent, 0, sizeof(*agent));
	agent->config = config;
	agent->host = host;
	agent->data = data;
	while (agent->room_count < AGENT_ROOMS_MAX &&
	       agent_list_next(&rooms, agent->rooms[agent->room_count], NAME_SIZE))
		agent->room_count++;
}

void agent_finish(struct agent *agent)
{
	while (agent->first != NULL) {
		struct agent_turn *turn = agent->first;

		agent->first = turn->next;
		free(turn);
	}
	agent->last = NULL;
	ask_forget_all(agent);
	buf_finish(&agent->text);
	buf_finish(&agent->part);
	buf_finish(&agent->line);
	buf_finish(&agent->stderr_line);
}

bool agent_is_over(const struct agent *agent)
{
	return agent->run == AGENT_RUN_OFF || agent->run == AGENT_RUN_WAITING;
}

enum agent_state agent_state(const struct agent *agent)
{
	switch (agent->run) {
	case AGENT_RUN_OFF:
		return AGENT_DOWN;
	case AGENT_RUN_WAITING:
		return AGENT_RESTARTING;
	case AGENT_RUN_RUNNING:
		return turns_current(agent) != NULL ? AGENT_BUSY : AGENT_IDLE;
	case AGENT_RUN_STOPPING:
		return agent->start_again ? AGENT_RESTARTING : AGENT_DOWN;
	}
	return AGENT_DOWN;
}

static void tell_rooms(struct agent *agent, const char *text)
{
	for (unsigned i = 0; i < agent->room_count; i++)
		speak_notice(agent, i, 0, "%s", text);
}

/* ---- starting ---- */

/* It ended, or could not even begin: when is it started again? */
static void wait_or_give_up(struct agent *agent, uint64_t now_ms)
{
	char text[200];
	uint32_t wait_ms;

	if (restart_after_death(&agent->restart, agent->born_ms, now_ms, random_u64(), &wait_ms)) {
		agent->run = AGENT_RUN_WAITING;
		agent->due_ms = now_ms + wait_ms;
		agent->sums.restarts++;
		log_info("agent restarts", "agent=%s again_in_ms=%u", agent->config->name, wait_ms);
	} else {
		agent->run = AGENT_RUN_OFF;
		log_error("agent given up", "agent=%s deaths=%u in_ms=%u", agent->config->name,
			  RESTART_DEATHS, RESTART_WINDOW_MS);
		snprintf(text, sizeof(text),
			 "ended %u times in %u minutes and is not started again; /agent %s restart "
			 "starts it",
			 RESTART_DEATHS, RESTART_WINDOW_MS / 60000, agent->config->name);
		tell_rooms(agent, text);
		turns_refuse(agent, ERR_agent_down);
	}
	turns_busy(agent, now_ms);
}

static void start_process(struct agent *agent, uint64_t now_ms)
{
	bool resume = agent->config->format == AGENT_STREAM_JSON && agent->session[0] != '\0';
	int err;

	agent->born_ms = now_ms;
	agent->resumed = resume;
	agent->init_seen = false;
	agent->last_cost = 0;
	agent->line_cut = false;
	agent->stderr_count = 0;
	agent->stop = AGENT_STOP_NONE;
	agent->start_again = false;
	buf_reset(&agent->line);
	buf_reset(&agent->stderr_line);
	err = agent->host->start(agent->data, resume ? agent->session : "");
	if (err < 0) {
		log_error("agent not started", "agent=%s error=%s", agent->config->name,
			  strerror(-err));
		wait_or_give_up(agent, now_ms);
		return;
	}
	agent->run = AGENT_RUN_RUNNING;
	turns_send(agent, now_ms);
}

void agent_start(struct agent *agent, uint64_t now_ms)
{
	start_process(agent, now_ms);
}

/* ---- stopping ---- */

static uint64_t stop_wait_ms(const struct agent *agent)
{
	uint64_t wait_ms = (uint64_t)agent->config->stop_wait * 1000;

	return agent->closing && wait_ms > CLOSE_WAIT_MS ? CLOSE_WAIT_MS : wait_ms;
}

static void write_interrupt(struct agent *agent)
{
	struct buf out = BUF_INIT;
	char id[32];

	snprintf(id, sizeof(id), "interrupt-%" PRIu64, ++agent->interrupts);
	stream_interrupt(&out, id);
	if (!out.failed)
		agent->host->write(agent->data, out.data, out.len);
	buf_finish(&out);
}

void agent_interrupt(struct agent *agent, uint64_t now_ms)
{
	if (agent->run != AGENT_RUN_RUNNING || turns_current(agent) == NULL)
		return;
	if (agent->config->format == AGENT_STREAM_JSON)
		write_interrupt(agent);
	else
		agent->host->kill(agent->data, SIGINT);
	agent->interrupted = true;
	agent->word_ms = now_ms;
}

void agent_stop_now(struct agent *agent, bool start_again, uint64_t now_ms)
{
	if (agent->config->format == AGENT_STREAM_JSON && turns_current(agent) != NULL)
		write_interrupt(agent);
	agent->host->close_input(agent->data);
	ask_forget_all(agent);
	agent->run = AGENT_RUN_STOPPING;
	agent->start_again = start_again;
	agent->stop = AGENT_STOP_INPUT;
	agent->due_ms = now_ms + stop_wait_ms(agent);
	turns_busy(agent, now_ms);
}

static void stop_step(struct agent *agent, uint64_t now_ms)
{
	switch (agent->stop) {
	case AGENT_STOP_NONE:
	case AGENT_STOP_INPUT:
		agent->stop = AGENT_STOP_TERM;
		agent->host->kill(agent->data, SIGTERM);
		break;
	case AGENT_STOP_TERM:
	case AGENT_STOP_KILL: /* one that is stuck in the kernel is asked again */
		agent->stop = AGENT_STOP_KILL;
		agent->host->kill(agent->data, SIGKILL);
		break;
	}
	agent->due_ms = now_ms + stop_wait_ms(agent);
}

void agent_close(struct agent *agent, uint64_t now_ms)
{
	agent->closing = true;
	if (agent->run == AGENT_RUN_RUNNING)
		agent_stop_now(agent, false, now_ms);
	else if (agent->run == AGENT_RUN_STOPPING)
		agent->start_again = false;
	else
		agent->run = AGENT_RUN_OFF;
}

/* ---- its end ---- */

static void show_last_words(struct agent *agent, unsigned room, const char *how)
{
	struct buf text = BUF_INIT;
	unsigned count = agent->stderr_count;

	buf_append_str(&text, how);
	if (count > 0)
		buf_append_str(&text, "; the last lines of its standard error:");
	for (unsigned i = 0; i < count; i++) {
		unsigned at =
			(agent->stderr_at + AGENT_STDERR_LINES - count + i) % AGENT_STDERR_LINES;

		buf_printf(&text, "\n%s", agent->last_stderr[at]);
	}
	if (!text.failed)
		speak_notice(agent, room, 0, "%s", text.data);
	buf_finish(&text);
}

static void ended_by_itself(struct agent *agent, int status, unsigned room, uint64_t now_ms)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	char how[80];
	bool again = agent->config->restart == AGENT_ALWAYS ||
		     (agent->config->restart == AGENT_ON_FAILURE && code != 0);

	if (WIFSIGNALED(status))
		snprintf(how, sizeof(how), "was ended by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(how, sizeof(how), "ended with exit code %d", code);
	log_warn("agent ended", "agent=%s how=%s lived_ms=%" PRIu64, agent->config->name, how,
		 now_ms - agent->born_ms);
	if (code != 0)
		show_last_words(agent, room, how);
	if (again) {
		wait_or_give_up(agent, now_ms);
		return;
	}
	agent->run = AGENT_RUN_OFF;
	turns_refuse(agent, ERR_agent_down);
	turns_busy(agent, now_ms);
}

void agent_exited(struct agent *agent, int status, uint64_t now_ms)
{
	bool stopped = agent->run == AGENT_RUN_STOPPING, again = agent->start_again;
	const struct agent_turn *turn = turns_current(agent);
	unsigned room = turn != NULL ? turn->room : agent->speaks_in;

	if (agent->line.len > 0)
		agent_output(agent, "\n", 1, now_ms);
	ask_forget_all(agent);
	if (agent->resumed && !agent->init_seen && !stopped && WIFEXITED(status) &&
	    WEXITSTATUS(status) != 0 && agent->session[0] != '\0') {
		/* The session it was to go on with may be the reason. */
		agent->session[0] = '\0';
		agent->host->keep(agent->data);
	}
	turns_after_death(agent, now_ms);
	if (agent->closing) {
		agent->run = AGENT_RUN_OFF;
	} else if (!stopped) {
		ended_by_itself(agent, status, room, now_ms);
	} else if (again) {
		start_process(agent, now_ms);
	} else {
		agent->run = AGENT_RUN_OFF;
		turns_refuse(agent, ERR_agent_down);
		turns_busy(agent, now_ms);
	}
}

/* ---- orders ---- */

static void order_restart(struct agent *agent, uint64_t now_ms)
{
	restart_forgive(&agent->restart);
	if (agent->run == AGENT_RUN_RUNNING)
		agent_stop_now(agent, true, now_ms);
	else if (agent->run == AGENT_RUN_STOPPING)
		agent->start_again = true;
	else
		start_process(agent, now_ms);
}

static void order_stop(struct agent *agent, uint64_t now_ms)
{
	if (agent->run == AGENT_RUN_RUNNING)
		agent_stop_now(agent, false, now_ms);
	else if (agent->run == AGENT_RUN_WAITING)
		agent->run = AGENT_RUN_OFF;
	agent->start_again = false;
	if (agent->run == AGENT_RUN_OFF)
		turns_refuse(agent, ERR_agent_down);
	turns_busy(agent, now_ms);
}

void agent_order(struct agent *agent, enum agent_wish wish, const char *by, uint64_t now_ms)
{
	char text[NAME_SIZE + 32];

	if (agent->closing)
		return;
	switch (wish) {
	case AGENT_WISH_RESTART:
		snprintf(text, sizeof(text), "is restarted by %s", by);
		tell_rooms(agent, text);
		order_restart(agent, now_ms);
		break;
	case AGENT_WISH_STOP:
		snprintf(text, sizeof(text), "is stopped by %s", by);
		tell_rooms(agent, text);
		order_stop(agent, now_ms);
		break;
	case AGENT_WISH_INTERRUPT:
		agent_interrupt(agent, now_ms);
		break;
	}
}

/* ---- what it writes ---- */

static void line_said(struct agent *agent, uint64_t now_ms)
{
	struct buf line = agent->line;
	bool cut = agent->line_cut;

	/* What it does may end in a new line of ours. */
	agent->line = BUF_INIT;
	agent->line_cut = false;
	if (cut)
		speak_notice(agent, agent->speaks_in, 0, "a line longer than %u MiB was cut",
			     AGENT_LINE_MAX >> 20);
	if (agent->config->format == AGENT_LINES && line.len > 0)
		plain_line_said(agent, line.data, line.len, now_ms);
	else if (line.len > 0 && !cut)
		stream_line_said(agent, line.data, line.len, now_ms);
	buf_reset(&line);
	if (agent->line.data == NULL)
		agent->line = line;
	else
		buf_finish(&line);
}

void agent_output(struct agent *agent, const char *bytes, size_t len, uint64_t now_ms)
{
	const char *end = bytes + len;

	while (bytes < end) {
		const char *lf = memchr(bytes, '\n', (size_t)(end - bytes));
		size_t size = (size_t)((lf != NULL ? lf : end) - bytes);
		size_t fits = AGENT_LINE_MAX - agent->line.len;

		if (size > fits)
			agent->line_cut = true;
		buf_append(&agent->line, bytes, size < fits ? size : fits);
		if (agent->line.failed) {
			buf_finish(&agent->line);
			agent->line_cut = true;
		}
		bytes += size;
		if (lf == NULL)
			break;
		bytes++;
		line_said(agent, now_ms);
	}
}

static void error_line(struct agent *agent)
{
	static uint64_t second;
	static unsigned logged;
	uint64_t now_s = clock_mono_ms() / 1000;
	char *kept = agent->last_stderr[agent->stderr_at];

	snprintf(kept, AGENT_STDERR_LEN, "%s", agent->stderr_line.data);
	agent->stderr_at = (agent->stderr_at + 1) % AGENT_STDERR_LINES;
	if (agent->stderr_count < AGENT_STDERR_LINES)
		agent->stderr_count++;
	if (now_s != second) {
		second = now_s;
		logged = 0;
	}
	if (logged++ < STDERR_LOGGED_A_SECOND)
		log_info("agent says", "agent=%s text=%s", agent->config->name, kept);
	buf_reset(&agent->stderr_line);
}

void agent_errors(struct agent *agent, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] != '\n' && agent->stderr_line.len < AGENT_STDERR_LEN - 1)
			buf_append_char(&agent->stderr_line, bytes[i] != '\0' ? bytes[i] : ' ');
		if (bytes[i] == '\n' && agent->stderr_line.len > 0 && !agent->stderr_line.failed)
			error_line(agent);
	}
}

/* ---- time ---- */

/* When a turn that says nothing is too silent; UINT64_MAX: it isn't. */
static uint64_t silence_due(const struct agent *agent)
{
	uint64_t wait_s = agent->silenced ? agent->config->stop_wait : agent->config->silence;

	if (agent->config->format != AGENT_STREAM_JSON || agent->run != AGENT_RUN_RUNNING ||
	    turns_current(agent) == NULL || ask_due(agent) != UINT64_MAX)
		return UINT64_MAX;
	return agent->word_ms + wait_s * 1000;
}

static uint64_t turn_due(const struct agent *agent)
{
	const struct agent_turn *turn = turns_current(agent);

	if (agent->config->format != AGENT_LINES || agent->run != AGENT_RUN_RUNNING || turn == NULL)
		return UINT64_MAX;
	return turn->sent_ms + AGENT_LINES_TURN_MS;
}

static void silent(struct agent *agent, uint64_t now_ms)
{
	const struct agent_turn *turn = turns_current(agent);

	if (!agent->silenced) {
		log_warn("agent silent", "agent=%s for_s=%u", agent->config->name,
			 agent->config->silence);
		agent_interrupt(agent, now_ms);
		agent->silenced = true;
		return;
	}
	speak_notice(agent, turn->room, turn->seq, "said nothing for %u seconds and is restarted",
		     agent->config->silence);
	agent->sums.restarts++;
	/* It had its time: the turn is not sent again. */
	turns_produced(agent, turns_current(agent));
	agent_stop_now(agent, true, now_ms);
}

void agent_tick(struct agent *agent, uint64_t now_ms)
{
	if (agent->run == AGENT_RUN_WAITING && now_ms >= agent->due_ms && !agent->closing)
		start_process(agent, now_ms);
	if (agent->run == AGENT_RUN_STOPPING && now_ms >= agent->due_ms)
		stop_step(agent, now_ms);
	ask_tick(agent, now_ms);
	if (now_ms >= silence_due(agent))
		silent(agent, now_ms);
	while (now_ms >= turn_due(agent))
		turns_end(agent, now_ms);
	if (agent->partial_due)
		speak_partial(agent, now_ms);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t agent_due(const struct agent *agent)
{
	uint64_t due = least(least(ask_due(agent), silence_due(agent)), turn_due(agent));

	if (agent->run == AGENT_RUN_WAITING || agent->run == AGENT_RUN_STOPPING)
		due = least(due, agent->due_ms);
	if (agent->partial_due)
		due = least(due, agent->partial_ms + AGENT_PARTIAL_MS);
	return due;
}
