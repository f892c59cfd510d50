#include "proto/request.h"

#include "proto/json_writer.h"

static void begin(struct json_writer *json, struct buf *out, const char *type, const char *id)
{
	json_begin(json, out);
	json_put_string(json, "type", type);
	json_put_string_if(json, "id", id);
}

static void integer_if(struct json_writer *json, const char *key, int64_t value)
{
	if (value >= 0)
		json_put_i64(json, key, value);
}

void request_login(struct buf *out, const struct request_login *login)
{
	struct json_writer json;

	begin(&json, out, "login", NULL);
	json_put_string(&json, "user", login->user);
	json_put_string(&json, "server", login->server);
	json_put_string(&json, "binding", login->binding ? login->binding : "none");
	json_put_string(&json, "signature", login->signature);
	json_put_string_if(&json, "device", login->device);
	if (login->resume_count > 0) {
		json_open(&json, "resume", '[');
		for (size_t i = 0; i < login->resume_count; i++) {
			json_open(&json, NULL, '{');
			json_put_string(&json, "room", login->resume[i].room);
			json_put_string(&json, "epoch", login->resume[i].epoch);
			json_put_i64(&json, "after", login->resume[i].after);
			json_close(&json, '}');
		}
		json_close(&json, ']');
	}
	if (login->has_only) {
		json_open(&json, "only", '[');
		for (size_t i = 0; i < login->only_count; i++)
			json_put_string(&json, NULL, login->only[i]);
		json_close(&json, ']');
	}
	json_end(&json);
}

static void put_texts_if(struct json_writer *json, const char *key, const char *const *texts)
{
	if (!texts)
		return;
	json_open(json, key, '[');
	for (; *texts; texts++)
		json_put_string(json, NULL, *texts);
	json_close(json, ']');
}

void request_message(struct buf *out, const struct request_message *message)
{
	struct json_writer json;

	begin(&json, out, "message", message->id);
	json_put_string_if(&json, "room", message->room);
	json_put_string_if(&json, "recipient", message->recipient);
	json_put_string(&json, "content", message->content);
	json_put_string_if(&json, "kind", message->kind);
	json_put_string_if(&json, "format", message->format);
	integer_if(&json, "reply_to", message->reply_to);
	put_texts_if(&json, "options", message->options);
	put_texts_if(&json, "approve", message->approve);
	integer_if(&json, "expires", message->options ? message->expires_s : -1);
	json_end(&json);
}

void request_join(struct buf *out, const char *id, const char *room, const char *epoch,
		  int64_t after, int64_t limit)
{
	struct json_writer json;

	begin(&json, out, "join", id);
	json_put_string(&json, "room", room);
	json_put_string_if(&json, "epoch", epoch);
	integer_if(&json, "after", after);
	integer_if(&json, "limit", limit);
	json_end(&json);
}

void request_leave(struct buf *out, const char *id, const char *room)
{
	struct json_writer json;

	begin(&json, out, "leave", id);
	json_put_string(&json, "room", room);
	json_end(&json);
}

void request_rooms(struct buf *out, const char *id, const char *match, const char *cursor)
{
	struct json_writer json;

	begin(&json, out, "rooms", id);
	json_put_string_if(&json, "match", match);
	json_put_string_if(&json, "cursor", cursor);
	json_end(&json);
}

void request_users(struct buf *out, const char *id, const char *room, const char *cursor)
{
	struct json_writer json;

	begin(&json, out, "users", id);
	json_put_string_if(&json, "room", room);
	json_put_string_if(&json, "cursor", cursor);
	json_end(&json);
}

void request_who(struct buf *out, const char *id, const char *user)
{
	struct json_writer json;

	begin(&json, out, "who", id);
	json_put_string(&json, "user", user);
	json_end(&json);
}

void request_history(struct buf *out, const struct request_history *history)
{
	struct json_writer json;

	begin(&json, out, "history", history->id);
	json_put_string(&json, "room", history->room);
	json_put_string_if(&json, "at", history->at);
	integer_if(&json, "before", history->before);
	integer_if(&json, "after", history->after);
	integer_if(&json, "limit", history->limit);
	json_end(&json);
}

void request_topic(struct buf *out, const char *id, const char *room, const char *content)
{
	struct json_writer json;

	begin(&json, out, "topic", id);
	json_put_string(&json, "room", room);
	json_put_string(&json, "content", content);
	json_end(&json);
}

void request_away(struct buf *out, const char *id, const char *content)
{
	struct json_writer json;

	begin(&json, out, "away", id);
	json_put_string_if(&json, "content", content);
	json_end(&json);
}

void request_answer(struct buf *out, const char *id, const char *room, int64_t target,
		    const char *option)
{
	struct json_writer json;

	begin(&json, out, "answer", id);
	json_put_string(&json, "room", room);
	json_put_i64(&json, "target", target);
	json_put_string(&json, "option", option);
	json_end(&json);
}

void request_agent(struct buf *out, const char *id, const char *agent, const char *action)
{
	struct json_writer json;

	begin(&json, out, "agent", id);
	json_put_string_if(&json, "agent", agent);
	json_put_string_if(&json, "action", action);
	json_end(&json);
}

void request_partial(struct buf *out, const char *room, const char *content)
{
	struct json_writer json;

	begin(&json, out, "partial", NULL);
	json_put_string(&json, "room", room);
	json_put_string(&json, "content", content);
	json_end(&json);
}

void request_read(struct buf *out, const char *room, int64_t seq)
{
	struct json_writer json;

	begin(&json, out, "read", NULL);
	json_put_string(&json, "room", room);
	json_put_i64(&json, "seq", seq);
	json_end(&json);
}

void request_typing(struct buf *out, const char *room)
{
	struct json_writer json;

	begin(&json, out, "typing", NULL);
	json_put_string(&json, "room", room);
	json_end(&json);
}

void request_ping(struct buf *out, const char *id)
{
	struct json_writer json;

	begin(&json, out, "ping", id);
	json_end(&json);
}

void request_bye(struct buf *out, const char *reason)
{
	struct json_writer json;

	begin(&json, out, "bye", NULL);
	json_put_string_if(&json, "reason", reason);
	json_end(&json);
}
