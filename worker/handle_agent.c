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

#include <string.h>

const char *agent_state_of(const struct worker *worker, const char *name)
{
	struct agent_entry entry;

	if (config_agent_find(&worker->config->agents, name) == NULL)
		return NULL;
	if (!janitor_worker_alive(&worker->shm, AGENTS_SLOT) ||
	    !agent_board_find(worker->inherit->agents, name, &entry))
		return agent_state_word(AGENT_RESTARTING);
	return agent_state_word((enum agent_state)atomic_load(&entry.state));
}

/* ---- agent ------------------------------------------------------------------------ */

static void tell_status(struct conn *conn, const struct message *message)
{
	struct worker *worker = conn->worker;
	const struct config_agents *agents = &worker->config->agents;
	struct event_agent_row rows[AGENTS_MAX];
	size_t count = 0;

	for (unsigned i = 0; i < agents->count; i++) {
		const struct config_agent *agent = &agents->agent[i];
		struct agent_entry entry;

		if (message->agent.agent.len > 0 && !text_equals(message->agent.agent, agent->name))
			continue;
		memset(&entry, 0, sizeof(entry));
		agent_board_find(worker->inherit->agents, agent->name, &entry);
		rows[count++] = (struct event_agent_row){
			.agent = agent->name,
			.state = agent_state_of(worker, agent->name),
			.rooms = agent->rooms,
			.queue = atomic_load(&entry.queue),
			.turns = atomic_load(&entry.turns),
			.failures = atomic_load(&entry.failures),
			.restarts = atomic_load(&entry.restarts),
			.busy_s = atomic_load(&entry.busy_ms) / 1000,
			.cost_microusd = atomic_load(&entry.cost_microusd)};
	}
	buf_reset(&worker->line);
	event_agents(&worker->line, message->id.str, rows, count);
	conn_tell(conn, &worker->line);
}

static bool may_order(const struct conn *conn, const struct config_agent *agent,
		      enum agent_action action)
{
	bool is_op = (conn->identity->roles & ROLE_OP) != 0;

	return is_op || agent_list_has(agent->approve, conn->name, is_op) ||
	       (action == AGENT_INTERRUPT && agent_list_has(agent->talk, conn->name, is_op));
}

static enum proto_error send_order(struct conn *conn, const struct message *message)
{
	struct worker *worker = conn->worker;
	struct text name = message->agent.agent;
	struct news news;

	if (!janitor_worker_alive(&worker->shm, AGENTS_SLOT))
		return ERR_agent_restarting;
	if (message->agent.action == AGENT_INTERRUPT &&
	    strcmp(agent_state_of(worker, name.str), "down") == 0)
		return ERR_agent_down;
	news_fill(&news, NEWS_ORDER, 0, 0, name.str, name.len);
	news.action = (uint8_t)message->agent.action;
	news.except = conn->user;
	return news_send(&worker->shm, AGENTS_SLOT, &news) ? PROTO_OK : ERR_busy;
}

void handle_agent(struct conn *conn, const struct message *message)
{
	const struct config_agent *agent =
		config_agent_find(&conn->worker->config->agents, message->agent.agent.str);
	enum proto_error error;

	if (message->agent.agent.len > 0 && agent == NULL) {
		answer_error_text(conn, message, ERR_no_such_user,
				  "there is no agent of that name");
		return;
	}
	if (message->agent.action == AGENT_STATUS) {
		tell_status(conn, message);
		return;
	}
	if (!may_order(conn, agent, message->agent.action)) {
		answer_error_text(
			conn, message, ERR_forbidden,
			"only operators, and whom the agent's approve = names, may do that");
		return;
	}
	error = send_order(conn, message);
	if (error != PROTO_OK) {
		answer_error(conn, message, error);
		return;
	}
	log_info("agent order", "agent=%s action=%u user=%s", agent->name, message->agent.action,
		 conn->name);
	answer_ok(conn, message);
}

/* ---- partial ----------------------------------------------------------------------- */

void handle_partial(struct conn *conn, const struct message *message)
{
	struct worker *worker = conn->worker;
	enum proto_error error;
	struct target target;

	if ((conn->identity->roles & ROLE_AGENT) == 0) {
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
	event_partial(&worker->line, target.name, conn->name, message->partial.content);
	peers_tell_room(worker, target.ref, &worker->line, conn->user);
}
