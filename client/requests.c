#include "client/requests.h"

#include "proto/name.h"
#include "proto/request.h"
#include "proto/text.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_append(enum request_kind kind)
{
	return kind == REQUEST_MESSAGE || kind == REQUEST_TOPIC || kind == REQUEST_ANSWER;
}

static void request_destroy(struct request *request)
{
	if (!request)
		return;
	free(request->target);
	free(request->content);
	buf_finish(&request->line);
	free(request);
}

void requests_init(struct requests *requests, const char *id_prefix, unsigned window)
{
	*requests = (struct requests){
		.window = window > 0 ? window : 1,
		.limits = {.line_bytes = LINE_MAX_BYTES,
			   .content_chars = CONTENT_MAX_CHARS,
			   .dedupe = DEDUPE_WINDOW},
	};
	snprintf(requests->id_prefix, sizeof(requests->id_prefix), "%s", id_prefix);
}

void requests_finish(struct requests *requests)
{
	while (requests->first) {
		struct request *next = requests->first->next;

		request_destroy(requests->first);
		requests->first = next;
	}
	*requests = (struct requests){0};
}

void requests_set_limits(struct requests *requests, const struct server_limits *limits)
{
	requests->limits = *limits;
	requests->rate = (struct token_rate){0};
	/* 0 in either place: the server sets no limit. */
	if (limits->rate_per_s > 0 && limits->rate_per_s <= UINT32_MAX && limits->rate_burst > 0 &&
	    limits->rate_burst <= UINT32_MAX) {
		requests->rate.per_s = (uint32_t)limits->rate_per_s;
		requests->rate.burst = (uint32_t)limits->rate_burst;
	}
}

static size_t window_now(const struct requests *requests)
{
	int64_t dedupe = requests->limits.dedupe;

	/* fewer than the server remembers, else a repeated line could be taken twice */
	if (dedupe > 1 && (int64_t)requests->window > dedupe - 1)
		return (size_t)(dedupe - 1);
	return dedupe > 1 ? requests->window : 1;
}

static int write_message(const struct requests *requests, const struct request_ask *ask,
			 const char *id, struct buf *out)
{
	struct request_message message = {
		.id = id,
		.content = ask->content,
		.kind = ask->as,
		.format = ask->format,
		.reply_to = ask->reply_to > 0 ? ask->reply_to : -1,
		.options = ask->options,
		.approve = ask->approve,
		.expires_s = ask->expires_s > 0 ? ask->expires_s : -1,
	};
	struct text content;

	if (!ask->target || !ask->content)
		return -EINVAL;
	content = text_from(ask->content);
	if ((int64_t)text_characters(content) > requests->limits.content_chars)
		return -EMSGSIZE;
	if (name_is_inbox(ask->target))
		message.recipient = ask->target + 1;
	else
		message.room = ask->target;
	request_message(out, &message);
	return 0;
}

static int write_history(const struct request_ask *ask, const char *id, struct buf *out)
{
	struct request_history history = {
		.id = id,
		.room = ask->target,
		.at = ask->at,
		.before = !ask->at && ask->before > 0 ? ask->before : -1,
		.after = !ask->at && ask->before <= 0 ? ask->after : -1,
		.limit = ask->limit,
	};

	if (!ask->target)
		return -EINVAL;
	request_history(out, &history);
	return 0;
}

static int write_line(const struct requests *requests, const struct request_ask *ask,
		      const char *id, struct buf *out)
{
	switch (ask->kind) {
	case REQUEST_MESSAGE:
		return write_message(requests, ask, id, out);
	case REQUEST_TOPIC:
		if (!ask->target || !ask->content)
			return -EINVAL;
		request_topic(out, id, ask->target, ask->content);
		return 0;
	case REQUEST_JOIN:
		if (!ask->target)
			return -EINVAL;
		request_join(out, id, ask->target, ask->epoch, ask->epoch ? ask->after : -1,
			     ask->limit);
		return 0;
	case REQUEST_LEAVE:
		if (!ask->target)
			return -EINVAL;
		request_leave(out, id, ask->target);
		return 0;
	case REQUEST_ROOMS:
		request_rooms(out, id, ask->target, ask->cursor);
		return 0;
	case REQUEST_USERS:
		request_users(out, id, ask->target, ask->cursor);
		return 0;
	case REQUEST_WHO:
		if (!ask->target)
			return -EINVAL;
		request_who(out, id, ask->target);
		return 0;
	case REQUEST_HISTORY:
		return write_history(ask, id, out);
	case REQUEST_AWAY:
		request_away(out, id, ask->content);
		return 0;
	case REQUEST_ANSWER:
		if (!ask->target || !ask->content)
			return -EINVAL;
		request_answer(out, id, ask->target, ask->before, ask->content);
		return 0;
	case REQUEST_AGENT:
		request_agent(out, id, ask->target, ask->content);
		return 0;
	}
	return -EINVAL;
}

static int copy_text(const char *text, char **ret_copy)
{
	if (!text)
		return 0;
	if (!text_is_utf8(text, strlen(text)))
		return -EINVAL;
	*ret_copy = strdup(text);
	return *ret_copy ? 0 : -ENOMEM;
}

/* Questions have ids of another shape: a line's number counts lines only. */
static void choose_id(struct requests *requests, const struct request_ask *ask, char out[ID_SIZE])
{
	if (ask->id)
		snprintf(out, ID_SIZE, "%s", ask->id);
	else if (is_append(ask->kind))
		snprintf(out, ID_SIZE, "%s-%" PRIu64, requests->id_prefix, ++requests->next_append);
	else
		snprintf(out, ID_SIZE, "q-%" PRIu64, ++requests->next_question);
}

static void insert(struct requests *requests, struct request *request, bool in_front)
{
	if (in_front) {
		request->next = requests->first;
		requests->first = request;
		if (!requests->last)
			requests->last = request;
	} else {
		if (requests->last)
			requests->last->next = request;
		else
			requests->first = request;
		requests->last = request;
	}
	requests->count++;
}

int requests_add(struct requests *requests, const struct request_ask *ask, bool in_front)
{
	struct request *request = calloc(1, sizeof(*request));
	int rc;

	if (!request)
		return -ENOMEM;
	request->kind = ask->kind;
	request->own = ask->own;
	if ((rc = copy_text(ask->target, &request->target)) < 0 ||
	    (rc = copy_text(ask->content, &request->content)) < 0)
		goto out;
	choose_id(requests, ask, request->id);
	if ((rc = write_line(requests, ask, request->id, &request->line)) < 0)
		goto out;
	if (request->line.failed) {
		rc = -ENOMEM;
		goto out;
	}
	if ((int64_t)request->line.len - 1 > requests->limits.line_bytes) {
		rc = -EMSGSIZE;
		goto out;
	}
	insert(requests, request, in_front);
	request = NULL;
out:
	request_destroy(request);
	return rc;
}

struct request *requests_find(const struct requests *requests, const char *id)
{
	for (struct request *at = requests->first; id && at; at = at->next) {
		if (at->sent && strcmp(at->id, id) == 0)
			return at;
	}
	return NULL;
}

static void mark_unsent(struct requests *requests, struct request *request)
{
	if (!request->sent)
		return;
	request->sent = false;
	if (is_append(request->kind)) {
		assert(requests->appends_unanswered > 0);
		requests->appends_unanswered--;
	}
}

void requests_settle(struct requests *requests, struct request *request)
{
	struct request **link = &requests->first;
	struct request *previous = NULL;

	mark_unsent(requests, request);
	while (*link != request) {
		assert(*link);
		previous = *link;
		link = &previous->next;
	}
	*link = request->next;
	if (requests->last == request)
		requests->last = previous;
	requests->count--;
	request_destroy(request);
}

void requests_hold(struct requests *requests, struct request *request, int64_t until_ms)
{
	mark_unsent(requests, request);
	if (until_ms > requests->held_until)
		requests->held_until = until_ms;
}

void requests_rewind(struct requests *requests)
{
	struct request *at = requests->first;

	while (at) {
		struct request *next = at->next;

		mark_unsent(requests, at);
		if (at->own)
			requests_settle(requests, at);
		at = next;
	}
	requests->held_until = 0;
	requests->paced_until = 0;
}

/* Takes a token for a line that appends; false: not before paced_until. */
static bool take_token(struct requests *requests, int64_t now_ms)
{
	uint64_t word = 0, wait_us = 0;

	if (!token_bucket_take(requests->rate, requests->bucket, (uint64_t)now_ms * 1000, &word,
			       &wait_us)) {
		requests->paced_until = now_ms + (int64_t)(wait_us / 1000) + 1;
		return false;
	}
	requests->bucket = word;
	return true;
}

void requests_pump(struct requests *requests, struct buf *out, int64_t now_ms)
{
	if (now_ms < requests->held_until || now_ms < requests->paced_until)
		return;
	requests->held_until = 0;
	requests->paced_until = 0;
	for (struct request *at = requests->first; at; at = at->next) {
		if (at->sent)
			continue;
		if (is_append(at->kind)) {
			if (requests->appends_unanswered >= window_now(requests) ||
			    !take_token(requests, now_ms))
				return;
			requests->appends_unanswered++;
		}
		buf_append(out, at->line.data, at->line.len);
		at->sent = true;
	}
}

int64_t requests_deadline(const struct requests *requests)
{
	int64_t until = requests->held_until > requests->paced_until ? requests->held_until
								     : requests->paced_until;

	return until > 0 && requests->first ? until : -1;
}
