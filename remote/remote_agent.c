#include "remote/remote_private.h"

#include "agents/family.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "client/clean.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct account no_account; /* it is who started us */

/* ---- what the agent does to the world -------------------------------------------------- */

static int start(void *data, const char *session)
{
	struct remote *remote = data;

	buf_reset(&remote->unread);
	return child_start(&remote->child, remote->config, &no_account, session, remote->mark);
}

static void write_input(void *data, const void *bytes, size_t len)
{
	struct remote *remote = data;

	child_write(&remote->child, bytes, len);
}

static void close_input(void *data)
{
	struct remote *remote = data;

	child_close_input(&remote->child);
}

static void kill_child(void *data, int signal_number)
{
	struct remote *remote = data;

	child_kill(&remote->child, signal_number);
}

static char *copy_of(struct text text)
{
	return strndup(text.str, text.len);
}

static uint64_t say(void *data, const struct agent_saying *saying)
{
	struct remote *remote = data;
	struct request_ask ask = {.kind = REQUEST_MESSAGE,
				  .target = remote->agent.rooms[saying->room],
				  .as = saying->kind,
				  .format = saying->format,
				  .reply_to = (int64_t)saying->reply_to,
				  .options = saying->options,
				  .approve = saying->approve,
				  .expires_s = saying->expires_wall_s};
	char *content = copy_of(saying->content);
	char id[ID_SIZE];
	int err = -ENOMEM;

	if (saying->options != NULL) {
		snprintf(id, sizeof(id), "%s-ask-%" PRIu64, remote->id_prefix, ++remote->asks);
		ask.id = id;
	}
	ask.content = content;
	if (content != NULL)
		err = session_send(remote->session, &ask, (int64_t)clock_mono_ms());
	if (err < 0)
		log_error("not said", "bytes=%zu error=%s", saying->content.len, strerror(-err));
	free(content);
	return err < 0 ? 0 : AGENT_SAY_LATER | remote->asks;
}

static void partial(void *data, unsigned room, struct text content)
{
	struct remote *remote = data;
	char *text = copy_of(content);

	if (text != NULL)
		session_partial(remote->session, remote->agent.rooms[room], text);
	free(text);
}

/* To him alone: a direct message, for the server's notices are the server's. */
static void tell(void *data, const char *user, enum proto_error code, const char *text)
{
	struct remote *remote = data;
	char inbox[ROOM_SIZE];
	struct request_ask ask = {
		.kind = REQUEST_MESSAGE, .target = inbox, .as = "notice", .content = text};

	(void)code;
	snprintf(inbox, sizeof(inbox), "@%s", user);
	(void)session_send(remote->session, &ask, (int64_t)clock_mono_ms());
}

static void changed(void *data)
{
	(void)data;
}

/* Its session. What was said in the rooms meanwhile is not ours to catch up with. */
static void keep(void *data)
{
	struct remote *remote = data;
	struct memory memory = {.room_count = 0};
	int err = 0;

	memcpy(memory.session, remote->agent.session, sizeof(memory.session));
	if (remote->memory_path == NULL || strcmp(memory.session, remote->memory.session) == 0)
		return;
	err = memory_save(remote->memory_path, &memory, true);
	if (err < 0)
		log_error("agent memory", "path=%s error=%s", remote->memory_path, strerror(-err));
	else
		remote->memory = memory;
}

static const struct agent_host host = {
	.start = start,
	.write = write_input,
	.close_input = close_input,
	.kill = kill_child,
	.say = say,
	.partial = partial,
	.tell = tell,
	.changed = changed,
	.keep = keep,
};

/* ---- its life ------------------------------------------------------------------------------ */

static void open_memory(struct remote *remote)
{
	char *folder = state_folder();

	if (folder != NULL && fd_make_folders(folder, 0700) == 0 &&
	    asprintf(&remote->memory_path, "%s/agent-%s@%s", folder, remote->options->client.user,
		     remote->options->client.server) >= 0)
		(void)memory_load(remote->memory_path, &remote->memory);
	free(folder);
}

int remote_agent_open(struct remote *remote)
{
	child_init(&remote->child);
	remote->config = &remote->options->agents.agent[0];
	remote->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (remote->epoll_fd < 0)
		return -errno;
	agent_init(&remote->agent, remote->config, remote->config->rooms, &host, remote);
	snprintf(remote->mark, sizeof(remote->mark), "CHAT_SERVER=%s@%s",
		 remote->options->client.user, remote->options->client.server);
	open_memory(remote);
	memcpy(remote->agent.session, remote->memory.session, sizeof(remote->agent.session));
	return family_adopt();
}

void remote_agent_start(struct remote *remote)
{
	agent_start(&remote->agent, clock_mono_ms());
}

void remote_agent_close(struct remote *remote)
{
	while (remote->first != NULL) {
		struct remote_heard *heard = remote->first;

		remote->first = heard->next;
		free(heard);
	}
	child_finish(&remote->child);
	agent_finish(&remote->agent);
	people_finish(&remote->people);
	buf_finish(&remote->unread);
	fd_close(&remote->epoll_fd);
	free(remote->memory_path);
}

/* ---- what it hears ----------------------------------------------------------------------------
 */

static int room_of(const struct remote *remote, const char *name)
{
	for (unsigned i = 0; name != NULL && i < remote->agent.room_count; i++)
		if (strcmp(remote->agent.rooms[i], name) == 0)
			return (int)i;
	return -1;
}

static void hear(struct remote *remote, const struct remote_heard *heard)
{
	const struct person_known *person = people_find(&remote->people, heard->sender);
	uint64_t now_ms = clock_mono_ms();
	bool is_op = person != NULL && person->is_op;

	if (heard->answer) {
		agent_answered(&remote->agent, heard->room, heard->target, heard->text,
			       heard->sender, is_op, now_ms);
		return;
	}
	agent_hear(&remote->agent,
		   &(struct agent_message){
			   .room = heard->room,
			   .seq = heard->seq,
			   .sender = heard->sender,
			   .is_op = is_op,
			   .is_agent = person != NULL && person->is_agent,
			   .kind = heard->kind[0] != '\0' ? heard->kind : NULL,
			   .content = {.str = heard->text, .len = heard->len},
		   },
		   now_ms);
}

static void hear_all(struct remote *remote)
{
	while (remote->first != NULL) {
		struct remote_heard *heard = remote->first;

		if (people_assume(&remote->people, heard->sender) < 0)
			return;
		remote->first = heard->next;
		if (remote->first == NULL)
			remote->last = NULL;
		hear(remote, heard);
		free(heard);
	}
}

static void ask_who(struct remote *remote, const char *room)
{
	struct request_ask ask = {.kind = REQUEST_USERS, .target = room};

	if (remote->asking)
		return;
	remote->asking = session_send(remote->session, &ask, (int64_t)clock_mono_ms()) == 0;
}

static void take_line(struct remote *remote, int room, const struct server_line *line)
{
	bool answer = line->type == SERVER_LINE_ANSWER;
	const char *text = answer ? line->option : line->content;
	struct remote_heard *heard;

	if (room < 0 || text == NULL || line->sender == NULL ||
	    strcmp(line->sender, remote->options->client.user) == 0)
		return;
	heard = calloc(1, sizeof(*heard) + strlen(text) + 1);
	if (heard == NULL)
		return;
	heard->room = (unsigned)room;
	heard->seq = (uint64_t)line->seq;
	heard->target = line->target > 0 ? (uint64_t)line->target : 0;
	heard->answer = answer;
	snprintf(heard->sender, sizeof(heard->sender), "%s", line->sender);
	snprintf(heard->kind, sizeof(heard->kind), "%s", line->kind != NULL ? line->kind : "");
	heard->len = strlen(text);
	memcpy(heard->text, text, heard->len);
	if (remote->last != NULL)
		remote->last->next = heard;
	else
		remote->first = heard;
	remote->last = heard;
	if (remote->first == heard && people_find(&remote->people, heard->sender) != NULL)
		hear_all(remote);
	else
		ask_who(remote, line->room);
}

static void take_reply(struct remote *remote, const struct session_event *event)
{
	const char *id = event->request->id;
	size_t len = strlen(remote->id_prefix);
	uint64_t number;
	bool said = event->line->type == SERVER_LINE_OK;

	if (!said && event->request->kind == REQUEST_MESSAGE)
		log_warn("not said", "code=%s message=%s", event->line->code, event->line->message);
	if (strncmp(id, remote->id_prefix, len) != 0 ||
	    sscanf(id + len, "-ask-%" SCNu64, &number) != 1)
		return;
	agent_asked(&remote->agent, AGENT_SAY_LATER | number,
		    said && event->line->seq > 0 ? (uint64_t)event->line->seq : 0);
}

void remote_agent_event(struct remote *remote, const struct session_event *event)
{
	const struct server_line *line = event->line;
	bool users = event->request != NULL && event->request->kind == REQUEST_USERS;

	if (event->type != SESSION_EVENT_LINE)
		return;
	if (line->type == SERVER_LINE_ROOM && room_of(remote, line->room) >= 0)
		log_info("in room", "room=%s members=%lld", line->room, (long long)line->members);
	if (event->request != NULL &&
	    (line->type == SERVER_LINE_OK || line->type == SERVER_LINE_ERROR))
		take_reply(remote, event);
	if (users && !event->request->own) {
		remote->asking = false;
		(void)people_learn(&remote->people, line);
		hear_all(remote);
	}
	for (size_t i = 0; line->type == SERVER_LINE_PRESENCE && i < line->left_count; i++)
		people_forget(&remote->people, line->left[i]);
	if (event->freshness != SESSION_HISTORY &&
	    (line->type == SERVER_LINE_MESSAGE || line->type == SERVER_LINE_ANSWER))
		take_line(remote, room_of(remote, line->room), line);
}

/* ---- its pipes
 * ------------------------------------------------------------------------------------ */

static void watch(struct remote *remote, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};

	if (fd < 0)
		return;
	if (events == 0)
		(void)epoll_ctl(remote->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	else if (epoll_ctl(remote->epoll_fd, EPOLL_CTL_MOD, fd, &event) < 0)
		(void)epoll_ctl(remote->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static bool must_wait(const struct remote *remote)
{
	return session_unanswered(remote->session) >= REMOTE_UNANSWERED_MAX;
}

/* False: nothing more for now; at the end the descriptor is closed. */
static bool read_some(int *fd, struct buf *out)
{
	char *to = buf_reserve(out, 65536);
	ssize_t got = to != NULL ? read(*fd, to, 65536) : -1;

	if (got > 0) {
		out->len += (size_t)got;
		out->data[out->len] = '\0';
		return true;
	}
	if (got == 0 || (to != NULL && errno != EAGAIN && errno != EINTR))
		fd_close(fd);
	return false;
}

/* Line by line, so that it can be stopped between two. */
static void pass_on(struct remote *remote, bool all)
{
	size_t at = 0;

	while (at < remote->unread.len && (all || !must_wait(remote))) {
		const char *from = remote->unread.data + at;
		const char *lf = memchr(from, '\n', remote->unread.len - at);
		size_t len = lf != NULL ? (size_t)(lf - from) + 1 : remote->unread.len - at;

		at += len;
		agent_output(&remote->agent, from, len, clock_mono_ms());
	}
	buf_consume(&remote->unread, at);
}

static void listen_to(struct remote *remote)
{
	struct child_process *child = &remote->child;
	struct buf errors = BUF_INIT;
	bool ended = child_hear(child);
	int status;

	child_flush(child);
	if (child->err_fd >= 0 && read_some(&child->err_fd, &errors))
		agent_errors(&remote->agent, errors.data, errors.len);
	buf_finish(&errors);
	pass_on(remote, false);
	if (child->out_fd >= 0 && remote->unread.len == 0 && !must_wait(remote) &&
	    read_some(&child->out_fd, &remote->unread))
		pass_on(remote, false);
	if (!ended)
		return;
	/* What is left in its pipes is not much, and all there will ever be. */
	while (child->err_fd >= 0 && read_some(&child->err_fd, &errors))
		;
	if (errors.len > 0)
		agent_errors(&remote->agent, errors.data, errors.len);
	buf_finish(&errors);
	while (child->out_fd >= 0 && read_some(&child->out_fd, &remote->unread))
		;
	pass_on(remote, true);
	status = child->status;
	child_finish(child);
	agent_exited(&remote->agent, status, clock_mono_ms());
}

void remote_agent_turn(struct remote *remote)
{
	struct child_process *child = &remote->child;
	pid_t guard;
	int status;

	listen_to(remote);
	agent_tick(&remote->agent, clock_mono_ms());
	while (waitpid(-1, &status, WNOHANG) > 0)
		;
	guard = child->guard;
	family_kill(&guard, guard > 0 ? 1 : 0);
	watch(remote, child->status_fd, EPOLLIN);
	watch(remote, child->err_fd, EPOLLIN);
	watch(remote, child->out_fd, must_wait(remote) ? 0 : EPOLLIN);
	watch(remote, child->in_fd, child->input.len > 0 ? EPOLLOUT : 0);
}

int64_t remote_agent_deadline(const struct remote *remote)
{
	uint64_t due = agent_due(&remote->agent);

	return due == UINT64_MAX ? -1 : (int64_t)due;
}
