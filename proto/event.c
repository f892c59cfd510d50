#include "proto/event.h"

#include "base/clock.h"
#include "proto/json_writer.h"
#include "proto/message.h"

#define SERVER_NAME "chat-master/" ROOMKEY_VERSION
#define NAMESPACE "login@chat-master"
#define VERSION 1

static void begin(struct json_writer *json, struct buf *out, const char *type, const char *id)
{
	json_begin(json, out);
	json_put_string(json, "type", type);
	json_put_string_if(json, "id", id);
}

static void put_time(struct json_writer *json, int64_t wall_ms)
{
	char text[TIMESTAMP_SIZE];

	clock_format(text, wall_ms);
	json_put_string(json, "timestamp", text);
}

static void put_epoch(struct json_writer *json, uint64_t epoch)
{
	char text[EPOCH_TEXT_SIZE];

	epoch_to_text(epoch, text);
	json_put_string(json, "epoch", text);
}

static void put_list(struct json_writer *json, const char *key, const char *const *strings)
{
	json_open(json, key, '[');
	for (; *strings != NULL; strings++)
		json_put_string(json, NULL, *strings);
	json_close(json, ']');
}

static void put_topic(struct json_writer *json, const char *topic)
{
	json_put_string(json, "topic", topic != NULL ? topic : "");
}

static void put_away(struct json_writer *json, const char *away)
{
	if (away != NULL)
		json_put_string(json, "away", away);
	else
		json_put_null(json, "away");
}

static void put_retry(struct json_writer *json, int64_t retry_after_ms)
{
	if (retry_after_ms >= 0)
		json_put_i64(json, "retry_after_ms", retry_after_ms);
}

/* ---- sequenced lines ---- */

struct text event_message_head(void)
{
	return TEXT("{\"type\":\"message\",\"room\":\"");
}

struct text event_topic_head(void)
{
	return TEXT("{\"type\":\"topic\",\"room\":\"");
}

struct text event_answer_head(void)
{
	return TEXT("{\"type\":\"answer\",\"room\":\"");
}

static void put_texts(struct json_writer *json, const char *key, const struct text *texts,
		      size_t count)
{
	json_open(json, key, '[');
	for (size_t i = 0; i < count; i++)
		json_put_text(json, NULL, texts[i]);
	json_close(json, ']');
}

void event_message_tail(struct buf *out, const struct event_message *message)
{
	struct json_writer json;

	json_continue(&json, out);
	put_time(&json, message->wall_ms);
	json_put_string(&json, "sender", message->sender);
	json_put_string_if(&json, "recipient", message->recipient);
	json_put_string_if(&json, "ref", message->ref);
	json_put_text(&json, "content", message->content);
	json_put_string_if(&json, "format", message->format);
	json_put_string_if(&json, "kind", message->kind);
	if (message->reply_to > 0)
		json_put_u64(&json, "reply_to", message->reply_to);
	else
		json_put_string_if(&json, "reply_to", message->reply_ref);
	if (message->option_count > 0)
		put_texts(&json, "options", message->options, message->option_count);
	if (message->has_approve)
		put_texts(&json, "approve", message->approve, message->approve_count);
	if (message->expires_s > 0)
		json_put_u64(&json, "expires", message->expires_s);
	json_put_string_if(&json, "id", message->id);
	json_end(&json);
}

void event_topic_tail(struct buf *out, int64_t wall_ms, const char *sender, struct text content,
		      const char *id)
{
	struct json_writer json;

	json_continue(&json, out);
	put_time(&json, wall_ms);
	json_put_string(&json, "sender", sender);
	json_put_text(&json, "content", content);
	json_put_string_if(&json, "id", id);
	json_end(&json);
}

void event_answer_tail(struct buf *out, const struct event_answer *answer)
{
	struct json_writer json;

	json_continue(&json, out);
	put_time(&json, answer->wall_ms);
	json_put_string(&json, "sender", answer->sender);
	json_put_u64(&json, "target", answer->target);
	json_put_text(&json, "option", answer->option);
	json_put_string_if(&json, "signature", answer->signature);
	json_put_string_if(&json, "id", answer->id);
	json_end(&json);
}

/* ---- login ---- */

void event_challenge(struct buf *out, const struct event_challenge *challenge)
{
	struct json_writer json;

	begin(&json, out, "challenge", NULL);
	json_put_u64(&json, "version", VERSION);
	json_put_string(&json, "nonce", challenge->nonce);
	json_put_i64(&json, "expires", challenge->expires_s);
	json_put_string(&json, "namespace", NAMESPACE);
	put_list(&json, "bindings", challenge->bindings);
	json_end(&json);
}

static void put_limits(struct json_writer *json, const struct event_limits *limits)
{
	json_open(json, "limits", '{');
	json_put_u64(json, "line", limits->line);
	json_put_u64(json, "frame", limits->frame);
	json_put_u64(json, "content", limits->content);
	json_put_u64(json, "topic", TOPIC_MAX_CHARS);
	json_put_u64(json, "reason", REASON_MAX_CHARS);
	json_put_u64(json, "away", AWAY_MAX_CHARS);
	json_put_u64(json, "option", OPTION_MAX_CHARS);
	json_put_u64(json, "emoji", EMOJI_MAX_BYTES);
	json_put_u64(json, "rooms", limits->rooms);
	json_open(json, "rate", '[');
	json_put_u64(json, NULL, limits->rate);
	json_put_u64(json, NULL, limits->burst);
	json_close(json, ']');
	json_put_u64(json, "connections", limits->connections);
	json_put_u64(json, "address_connections", limits->address);
	json_put_u64(json, "server_connections", limits->server);
	json_put_u64(json, "capacity", limits->capacity);
	json_put_u64(json, "history", HISTORY_LINES_MAX);
	json_put_u64(json, "presence", limits->presence);
	json_put_u64(json, "dedupe", DEDUPE_WINDOW);
	json_put_u64(json, "ping", limits->ping);
	json_put_u64(json, "idle", limits->idle);
	json_close(json, '}');
}

static void put_welcome_room(struct json_writer *json, const struct event_welcome_room *room)
{
	json_open(json, NULL, '{');
	json_put_string(json, "room", room->room);
	put_epoch(json, room->epoch);
	json_put_u64(json, "first", room->first);
	json_put_u64(json, "head", room->head);
	json_put_u64(json, "members", room->members);
	put_topic(json, room->topic);
	json_put_u64(json, "read", room->read);
	json_close(json, '}');
}

void event_welcome(struct buf *out, const struct event_welcome *welcome,
		   const struct event_welcome_room *rooms, size_t count)
{
	struct json_writer json;

	begin(&json, out, "welcome", welcome->id);
	json_put_u64(&json, "version", VERSION);
	json_put_string(&json, "user", welcome->user);
	json_put_string(&json, "session", welcome->session);
	json_put_string(&json, "server", SERVER_NAME);
	put_list(&json, "roles", welcome->roles);
	json_put_string_if(&json, "last_id", welcome->last_id);
	json_open(&json, "rooms", '[');
	for (size_t i = 0; i < count; i++)
		put_welcome_room(&json, &rooms[i]);
	json_close(&json, ']');
	put_limits(&json, &welcome->limits);
	put_list(&json, "capabilities", welcome->capabilities);
	put_time(&json, welcome->wall_ms);
	json_end(&json);
}

/* ---- answers ---- */

void event_ok(struct buf *out, const char *id, const char *room, uint64_t seq, unsigned flags)
{
	struct json_writer json;

	begin(&json, out, "ok", id);
	json_put_string_if(&json, "room", room);
	if (seq > 0)
		json_put_u64(&json, "seq", seq);
	if (flags & OK_DUPLICATE)
		json_put_bool(&json, "duplicate", true);
	if (flags & OK_DURABLE)
		json_put_bool(&json, "durable", true);
	json_end(&json);
}

void event_error(struct buf *out, const char *id, enum proto_error error, const char *message,
		 int64_t retry_after_ms, bool fatal)
{
	struct json_writer json;

	begin(&json, out, "error", id);
	json_put_string(&json, "code", error_code(error));
	json_put_string(&json, "message",
			message != NULL && message[0] != '\0' ? message : error_message(error));
	put_retry(&json, retry_after_ms);
	if (fatal || error_is_fatal(error))
		json_put_bool(&json, "fatal", true);
	json_end(&json);
}

void event_pong(struct buf *out, const char *id, int64_t wall_ms)
{
	struct json_writer json;

	begin(&json, out, "pong", id);
	put_time(&json, wall_ms);
	json_end(&json);
}

void event_room(struct buf *out, const struct event_room *room)
{
	struct json_writer json;

	begin(&json, out, "room", room->id);
	json_put_string(&json, "room", room->room);
	put_epoch(&json, room->epoch);
	json_put_u64(&json, "first", room->first);
	json_put_u64(&json, "head", room->head);
	json_put_u64(&json, "after", room->after);
	json_put_u64(&json, "count", room->count);
	json_put_u64(&json, "members", room->members);
	put_topic(&json, room->topic);
	if (room->created)
		json_put_bool(&json, "created", true);
	json_end(&json);
}

void event_history(struct buf *out, const struct event_history *history)
{
	struct json_writer json;

	begin(&json, out, "history", history->id);
	json_put_string(&json, "room", history->room);
	json_put_u64(&json, "first", history->first);
	json_put_u64(&json, "last", history->last);
	json_put_u64(&json, "count", history->count);
	json_put_bool(&json, "more", history->more);
	json_end(&json);
}

void event_rooms(struct buf *out, const char *id, const struct event_rooms_row *rows, size_t count,
		 const char *cursor)
{
	struct json_writer json;

	begin(&json, out, "rooms", id);
	json_open(&json, "rooms", '[');
	for (size_t i = 0; i < count; i++) {
		json_open(&json, NULL, '{');
		json_put_string(&json, "room", rows[i].room);
		json_put_u64(&json, "members", rows[i].members);
		put_topic(&json, rows[i].topic);
		json_put_u64(&json, "head", rows[i].head);
		json_close(&json, '}');
	}
	json_close(&json, ']');
	json_put_string_if(&json, "cursor", cursor);
	json_end(&json);
}

void event_users(struct buf *out, const char *id, const char *room,
		 const struct event_users_row *rows, size_t count, const char *cursor)
{
	struct json_writer json;

	begin(&json, out, "users", id);
	json_put_string(&json, "room", room);
	json_open(&json, "users", '[');
	for (size_t i = 0; i < count; i++) {
		json_open(&json, NULL, '{');
		json_put_string(&json, "user", rows[i].user);
		json_put_u64(&json, "connections", rows[i].connections);
		put_away(&json, rows[i].away);
		json_put_string(&json, "role", rows[i].role);
		json_put_string_if(&json, "state", rows[i].state);
		json_close(&json, '}');
	}
	json_close(&json, ']');
	json_put_string_if(&json, "cursor", cursor);
	json_end(&json);
}

void event_agents(struct buf *out, const char *id, const struct event_agent_row *rows, size_t count)
{
	struct json_writer json;

	begin(&json, out, "agent", id);
	json_open(&json, "agents", '[');
	for (size_t i = 0; i < count; i++) {
		json_open(&json, NULL, '{');
		json_put_string(&json, "agent", rows[i].agent);
		json_put_string(&json, "state", rows[i].state);
		json_put_string(&json, "rooms", rows[i].rooms);
		json_put_u64(&json, "queue", rows[i].queue);
		json_put_u64(&json, "turns", rows[i].turns);
		json_put_u64(&json, "failures", rows[i].failures);
		json_put_u64(&json, "restarts", rows[i].restarts);
		json_put_u64(&json, "busy_s", rows[i].busy_s);
		if (rows[i].cost_microusd > 0)
			json_put_u64(&json, "cost_microusd", rows[i].cost_microusd);
		json_close(&json, '}');
	}
	json_close(&json, ']');
	json_end(&json);
}

void event_who(struct buf *out, const struct event_who *who)
{
	struct json_writer json;

	begin(&json, out, "who", who->id);
	json_put_string(&json, "user", who->user);
	put_list(&json, "keys", who->keys);
	json_put_u64(&json, "connections", who->connections);
	if (who->idle_s >= 0)
		json_put_i64(&json, "idle_s", who->idle_s);
	else
		json_put_null(&json, "idle_s");
	put_away(&json, who->away);
	json_end(&json);
}

/* ---- news ---- */

void event_gap(struct buf *out, const char *room, uint64_t after, uint64_t next, uint64_t head)
{
	struct json_writer json;

	begin(&json, out, "gap", NULL);
	json_put_string(&json, "room", room);
	json_put_u64(&json, "after", after);
	json_put_u64(&json, "next", next);
	json_put_u64(&json, "head", head);
	json_end(&json);
}

void event_reset(struct buf *out, const char *room, uint64_t epoch, uint64_t head)
{
	struct json_writer json;

	begin(&json, out, "reset", NULL);
	json_put_string(&json, "room", room);
	put_epoch(&json, epoch);
	json_put_u64(&json, "head", head);
	json_end(&json);
}

static void put_users(struct json_writer *json, const char *key, const char *const *users,
		      size_t count)
{
	json_open(json, key, '[');
	for (size_t i = 0; i < count; i++)
		json_put_string(json, NULL, users[i]);
	json_close(json, ']');
}

void event_presence(struct buf *out, const struct event_presence *presence)
{
	struct json_writer json;

	begin(&json, out, "presence", NULL);
	json_put_string(&json, "room", presence->room);
	if (!presence->count_only) {
		put_users(&json, "joined", presence->joined, presence->joined_count);
		put_users(&json, "left", presence->left, presence->left_count);
	}
	json_put_u64(&json, "members", presence->members);
	json_end(&json);
}

void event_left(struct buf *out, const char *room)
{
	struct json_writer json;

	begin(&json, out, "left", NULL);
	json_put_string(&json, "room", room);
	json_end(&json);
}

void event_typing(struct buf *out, const char *room, const char *sender)
{
	struct json_writer json;

	begin(&json, out, "typing", NULL);
	json_put_string(&json, "room", room);
	json_put_string(&json, "sender", sender);
	json_end(&json);
}

void event_partial(struct buf *out, const char *room, const char *sender, struct text content)
{
	struct json_writer json;

	begin(&json, out, "partial", NULL);
	json_put_string(&json, "room", room);
	json_put_string(&json, "sender", sender);
	json_put_text(&json, "content", content);
	json_end(&json);
}

void event_agent(struct buf *out, const char *room, const char *agent, const char *state)
{
	struct json_writer json;

	begin(&json, out, "agent", NULL);
	json_put_string(&json, "room", room);
	json_put_string(&json, "agent", agent);
	json_put_string(&json, "state", state);
	json_end(&json);
}

void event_read(struct buf *out, const char *room, uint64_t seq)
{
	struct json_writer json;

	begin(&json, out, "read", NULL);
	json_put_string(&json, "room", room);
	json_put_u64(&json, "seq", seq);
	json_end(&json);
}

void event_notice(struct buf *out, const char *code, const char *message)
{
	struct json_writer json;

	begin(&json, out, "notice", NULL);
	json_put_string(&json, "code", code);
	json_put_string(&json, "message", message);
	json_end(&json);
}

void event_bye(struct buf *out, const char *code, const char *message, int64_t retry_after_ms)
{
	struct json_writer json;

	begin(&json, out, "bye", NULL);
	json_put_string(&json, "code", code);
	json_put_string(&json, "message", message);
	put_retry(&json, retry_after_ms);
	json_end(&json);
}
