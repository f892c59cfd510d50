#include "worker/answer.h"
#include "worker/handlers.h"
#include "worker/peers.h"

#include "auth/login.h"
#include "base/log.h"
#include "proto/event.h"
#include "proto/name.h"
#include "shm/agent_board.h"
#include "shm/janitor.h"
#include "shm/news.h"

#include <stdlib.h>
#include <string.h>

/* Without a supervisor nobody does anything. */
static const char *state_of(const struct worker *worker, const struct agent_entry *entry)
{
	if (!janitor_worker_alive(&worker->shm, AGENTS_SLOT))
		return agent_state_word(AGENT_RESTARTING);
	return agent_state_word((enum agent_state)atomic_load(&entry->state));
}

const char *agent_state_of(const struct worker *worker, const char *name)
{
	struct agent_entry entry;

	if (!agent_board_find(worker->inherit->agents, name, &entry))
		return NULL;
	return state_of(worker, &entry);
}

/* ---- agent ------------------------------------------------------------------------ */

static void tell_status(struct conn *conn, const struct message *message)
{
	struct worker *worker = conn->worker;
	const struct agent_board *board = worker->inherit->agents;
	struct agent_entry *entries = calloc(AGENTS_MAX, sizeof(*entries));
	struct event_agent_row rows[AGENTS_MAX];
	size_t count = 0;

	for (unsigned i = 0; entries != NULL && i < agent_board_count(board); i++) {
		struct agent_entry *entry = &entries[count];

		if (!agent_board_read(board, i, entry) ||
		    (message->agent.agent.len > 0 &&
		     !text_equals(message->agent.agent, entry->name)))
			continue;
		rows[count++] = (struct event_agent_row){
			.agent = entry->name,
			.state = state_of(worker, entry),
			.rooms = entry->rooms,
			.queue = atomic_load(&entry->queue),
			.turns = atomic_load(&entry->turns),
			.failures = atomic_load(&entry->failures),
			.restarts = atomic_load(&entry->restarts),
			.busy_s = atomic_load(&entry->busy_ms) / 1000,
			.cost_microusd = atomic_load(&entry->cost_microusd)};
	}
	buf_reset(&worker->line);
	event_agents(&worker->line, message->id.str, rows, count);
	conn_tell(conn, &worker->line);
	free(entries);
}

static bool may_order(const struct conn *conn, const struct agent_entry *agent,
		      enum agent_action action)
{
	bool is_op = (conn->identity.roles & ROLE_OP) != 0;

	return is_op || agent_list_has(agent->approve, conn->identity.user, is_op) ||
	       (action == AGENT_INTERRUPT &&
		agent_list_has(agent->talk, conn->identity.user, is_op));
}

static enum proto_error send_order(struct conn *conn, const struct message *message,
				   const struct agent_entry *agent)
{
	struct worker *worker = conn->worker;
	struct text name = message->agent.agent;
	struct news news;

	if (!janitor_worker_alive(&worker->shm, AGENTS_SLOT))
		return ERR_agent_restarting;
	if (message->agent.action == AGENT_INTERRUPT &&
	    strcmp(state_of(worker, agent), "down") == 0)
		return ERR_agent_down;
	news_fill(&news, NEWS_ORDER, 0, 0, name.str, name.len);
	news.action = (uint8_t)message->agent.action;
	news.except = conn->user;
	return news_send(&worker->shm, AGENTS_SLOT, &news) ? PROTO_OK : ERR_busy;
}

void handle_agent(struct conn *conn, const struct message *message)
{
	const struct agent_board *board = conn->worker->inherit->agents;
	struct agent_entry agent;
	enum proto_error error;

	if (message->agent.agent.len > 0 &&
	    !agent_board_find(board, message->agent.agent.str, &agent)) {
		answer_error_text(conn, message, ERR_no_such_user,
				  "there is no agent of that name");
		return;
	}
	if (message->agent.action == AGENT_STATUS) {
		tell_status(conn, message);
		return;
	}
	if (!may_order(conn, &agent, message->agent.action)) {
		answer_error_text(
			conn, message, ERR_forbidden,
			"only operators, and whom the agent's approve = names, may do that");
		return;
	}
	error = send_order(conn, message, &agent);
	if (error != PROTO_OK) {
		answer_error(conn, message, error);
		return;
	}
	log_info("agent order", "agent=%s action=%u user=%s", agent.name, message->agent.action,
		 conn->identity.user);
	answer_ok(conn, message);
}

/* ---- partial ----------------------------------------------------------------------- */

void handle_partial(struct conn *conn, const struct message *message)
{
	struct worker *worker = conn->worker;
	enum proto_error error;
	struct target target;

	if ((conn->identity.roles & ROLE_AGENT) == 0) {
		answer_error_text(conn, message, ERR_forbidden,
				  "only keys with the role agent send partial text");
		return;
	}
	error = answer_target(conn, message->partial.room, &target);
	if (error == PROTO_OK && target.inbox)
		error = ERR_forbidden;
	if (error != PROTO_OK) {
		answer_error(conn, message, error);
		return;
	}
	buf_reset(&worker->line);
	event_partial(&worker->line, target.name, conn->identity.user, message->partial.content);
	peers_tell_room(worker, target.ref, &worker->line, conn->user);
}
