#include "proto/server_line.h"

#include "base/limits.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	enum server_line_type type;
} type_names[] = {
	{"challenge", SERVER_LINE_CHALLENGE},
	{"welcome", SERVER_LINE_WELCOME},
	{"ok", SERVER_LINE_OK},
	{"error", SERVER_LINE_ERROR},
	{"room", SERVER_LINE_ROOM},
	{"rooms", SERVER_LINE_ROOMS},
	{"users", SERVER_LINE_USERS},
	{"who", SERVER_LINE_WHO},
	{"history", SERVER_LINE_HISTORY},
	{"gap", SERVER_LINE_GAP},
	{"reset", SERVER_LINE_RESET},
	{"message", SERVER_LINE_MESSAGE},
	{"edit", SERVER_LINE_EDIT},
	{"delete", SERVER_LINE_DELETE},
	{"reaction", SERVER_LINE_REACTION},
	{"topic", SERVER_LINE_TOPIC},
	{"moderation", SERVER_LINE_MODERATION},
	{"answer", SERVER_LINE_ANSWER},
	{"presence", SERVER_LINE_PRESENCE},
	{"left", SERVER_LINE_LEFT},
	{"typing", SERVER_LINE_TYPING},
	{"read", SERVER_LINE_READ},
	{"notice", SERVER_LINE_NOTICE},
	{"bye", SERVER_LINE_BYE},
	{"pong", SERVER_LINE_PONG},
	{"partial", SERVER_LINE_PARTIAL},
	{"agent", SERVER_LINE_AGENT},
};

static enum server_line_type type_of(const char *name)
{
	for (size_t i = 0; i < sizeof(type_names) / sizeof(type_names[0]); i++) {
		if (strcmp(type_names[i].name, name) == 0)
			return type_names[i].type;
	}
	return SERVER_LINE_UNKNOWN;
}

static const char *get_text(const json_t *object, const char *field)
{
	return json_string_value(json_object_get(object, field));
}

static int64_t get_integer(const json_t *object, const char *field)
{
	const json_t *value = json_object_get(object, field);

	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    json_integer_value(value) > INTEGER_MAX)
		return -1;
	return json_integer_value(value);
}

static bool get_flag(const json_t *object, const char *field)
{
	return json_is_true(json_object_get(object, field));
}

/* "away" is a flag, or the words that the person left. */
static void get_away(const json_t *object, bool *ret_away, const char **ret_text)
{
	const json_t *away = json_object_get(object, "away");

	*ret_text = json_string_value(away);
	*ret_away = json_is_true(away) || *ret_text;
}

/* The strings of an array; other elements are skipped. */
static int get_texts(const json_t *object, const char *field, const char ***ret_texts,
		     size_t *ret_count)
{
	const json_t *array = json_object_get(object, field);
	size_t size = json_array_size(array);
	const char **texts;
	size_t count = 0;

	if (size == 0)
		return 0;
	texts = calloc(size, sizeof(*texts));
	if (!texts)
		return -ENOMEM;
	for (size_t i = 0; i < size; i++) {
		const char *text = json_string_value(json_array_get(array, i));

		if (text)
			texts[count++] = text;
	}
	*ret_texts = texts;
	*ret_count = count;
	return 0;
}

static int get_rooms(const json_t *object, struct server_line *line)
{
	const json_t *array = json_object_get(object, "rooms");
	size_t size = json_array_size(array);

	if (size == 0)
		return 0;
	line->rooms = calloc(size, sizeof(*line->rooms));
	if (!line->rooms)
		return -ENOMEM;
	for (size_t i = 0; i < size; i++) {
		const json_t *item = json_array_get(array, i);
		struct server_room *room = &line->rooms[line->room_count];

		room->room = get_text(item, "room");
		if (!room->room)
			continue;
		room->epoch = get_text(item, "epoch");
		room->topic = get_text(item, "topic");
		room->first = get_integer(item, "first");
		room->head = get_integer(item, "head");
		room->members = get_integer(item, "members");
		room->read = get_integer(item, "read");
		line->room_count++;
	}
	return 0;
}

static int get_users(const json_t *object, struct server_line *line)
{
	const json_t *array = json_object_get(object, "users");
	size_t size = json_array_size(array);

	if (size == 0)
		return 0;
	line->users = calloc(size, sizeof(*line->users));
	if (!line->users)
		return -ENOMEM;
	for (size_t i = 0; i < size; i++) {
		const json_t *item = json_array_get(array, i);
		struct server_user *user = &line->users[line->user_count];

		user->user = get_text(item, "user");
		if (!user->user)
			continue;
		user->role = get_text(item, "role");
		user->state = get_text(item, "state");
		user->connections = get_integer(item, "connections");
		get_away(item, &user->away, &user->away_text);
		line->user_count++;
	}
	return 0;
}

static int get_agents(const json_t *object, struct server_line *line)
{
	const json_t *array = json_object_get(object, "agents");
	size_t size = json_array_size(array);

	if (size == 0)
		return 0;
	line->agents = calloc(size, sizeof(*line->agents));
	if (!line->agents)
		return -ENOMEM;
	for (size_t i = 0; i < size; i++) {
		const json_t *item = json_array_get(array, i);
		struct server_agent *agent = &line->agents[line->agent_count];

		agent->agent = get_text(item, "agent");
		if (!agent->agent)
			continue;
		agent->state = get_text(item, "state");
		agent->rooms = get_text(item, "rooms");
		agent->queue = get_integer(item, "queue");
		agent->turns = get_integer(item, "turns");
		agent->failures = get_integer(item, "failures");
		agent->restarts = get_integer(item, "restarts");
		agent->busy_s = get_integer(item, "busy_s");
		agent->cost_microusd = get_integer(item, "cost_microusd");
		line->agent_count++;
	}
	return 0;
}

static int64_t integer_or(int64_t value, int64_t otherwise)
{
	return value >= 0 ? value : otherwise;
}

static void get_limits(const json_t *object, struct server_limits *limits)
{
	const json_t *told = json_object_get(object, "limits");
	const json_t *rate = json_object_get(told, "rate");

	limits->line_bytes = integer_or(get_integer(told, "line"), LINE_MAX_BYTES);
	limits->content_chars = integer_or(get_integer(told, "content"), CONTENT_MAX_CHARS);
	limits->dedupe = integer_or(get_integer(told, "dedupe"), DEDUPE_WINDOW);
	limits->history_lines = integer_or(get_integer(told, "history"), HISTORY_LINES_MAX);
	limits->rate_per_s = 10;
	limits->rate_burst = 30;
	if (json_array_size(rate) == 2 && json_is_integer(json_array_get(rate, 0)) &&
	    json_is_integer(json_array_get(rate, 1))) {
		limits->rate_per_s = json_integer_value(json_array_get(rate, 0));
		limits->rate_burst = json_integer_value(json_array_get(rate, 1));
	}
}

static void get_bindings(const json_t *object, struct server_line *line)
{
	const json_t *bindings = json_object_get(object, "bindings");

	for (size_t i = 0; i < json_array_size(bindings); i++) {
		const char *name = json_string_value(json_array_get(bindings, i));

		if (name && strcmp(name, "none") == 0)
			line->binding_none = true;
		if (name && strcmp(name, "tls-exporter") == 0)
			line->binding_exporter = true;
	}
}

static void get_plain_fields(const json_t *object, struct server_line *line)
{
	line->id = get_text(object, "id");
	line->room = get_text(object, "room");
	line->epoch = get_text(object, "epoch");
	line->timestamp = get_text(object, "timestamp");
	line->sender = get_text(object, "sender");
	line->recipient = get_text(object, "recipient");
	line->ref = get_text(object, "ref");
	line->seq = get_integer(object, "seq");
	line->prev = get_integer(object, "prev");

	line->content = get_text(object, "content");
	line->format = get_text(object, "format");
	line->kind = get_text(object, "kind");
	line->topic = get_text(object, "topic");
	line->action = get_text(object, "action");
	line->emoji = get_text(object, "emoji");
	line->reason = get_text(object, "reason");
	line->user = get_text(object, "user");
	line->reply_to = get_integer(object, "reply_to");
	line->option = get_text(object, "option");
	line->target = get_integer(object, "target");
	line->agent = get_text(object, "agent");
	line->state = get_text(object, "state");
	line->has_approve = json_is_array(json_object_get(object, "approve"));
	line->duplicate = get_flag(object, "duplicate");
	line->remove = get_flag(object, "remove");

	line->first = get_integer(object, "first");
	line->head = get_integer(object, "head");
	line->last = get_integer(object, "last");
	line->after = get_integer(object, "after");
	line->next = get_integer(object, "next");
	line->count = get_integer(object, "count");
	line->members = get_integer(object, "members");
	line->more = get_flag(object, "more");
	line->created = get_flag(object, "created");

	line->nonce = get_text(object, "nonce");
	line->name_space = get_text(object, "namespace");
	line->session = get_text(object, "session");
	line->server = get_text(object, "server");
	line->last_id = get_text(object, "last_id");
	line->version = get_integer(object, "version");
	line->expires = get_integer(object, "expires");

	line->code = get_text(object, "code");
	line->message = get_text(object, "message");
	line->retry_after_ms = get_integer(object, "retry_after_ms");
	line->fatal = get_flag(object, "fatal");

	line->connections = get_integer(object, "connections");
	line->idle_s = get_integer(object, "idle_s");
	line->key_count = get_integer(object, "keys");
	line->cursor = get_text(object, "cursor");
	get_away(object, &line->away, &line->away_text);
	get_bindings(object, line);
	get_limits(object, &line->limits);
}

int server_line_parse(const char *text, size_t len, struct server_line *ret_line)
{
	struct server_line line = {0};
	json_t *object;
	int rc = 0;

	*ret_line = line;
	object = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	line.json = object;
	line.type_name = get_text(object, "type");
	if (!json_is_object(object) || !line.type_name) {
		rc = -EBADMSG;
		goto out;
	}
	line.type = type_of(line.type_name);
	get_plain_fields(object, &line);
	if ((rc = get_rooms(object, &line)) < 0 || (rc = get_users(object, &line)) < 0 ||
	    (rc = get_agents(object, &line)) < 0 ||
	    (rc = get_texts(object, "options", &line.options, &line.option_count)) < 0 ||
	    (rc = get_texts(object, "approve", &line.approve, &line.approve_count)) < 0 ||
	    (rc = get_texts(object, "joined", &line.joined, &line.joined_count)) < 0 ||
	    (rc = get_texts(object, "left", &line.left, &line.left_count)) < 0 ||
	    (rc = get_texts(object, "keys", &line.keys, &line.keys_count)) < 0 ||
	    (rc = get_texts(object, "capabilities", &line.capabilities, &line.capability_count)) <
		    0)
		goto out;
	if (line.keys_count > 0)
		line.key_count = (int64_t)line.keys_count;
	*ret_line = line;
	line = (struct server_line){0};
out:
	server_line_finish(&line);
	return rc;
}

void server_line_finish(struct server_line *line)
{
	free(line->rooms);
	free(line->users);
	free(line->agents);
	free(line->options);
	free(line->approve);
	free(line->joined);
	free(line->left);
	free(line->keys);
	free(line->capabilities);
	json_decref(line->json);
	*line = (struct server_line){0};
}

bool server_line_is_sequenced(const struct server_line *line)
{
	switch (line->type) {
	case SERVER_LINE_MESSAGE:
	case SERVER_LINE_EDIT:
	case SERVER_LINE_DELETE:
	case SERVER_LINE_REACTION:
	case SERVER_LINE_TOPIC:
	case SERVER_LINE_MODERATION:
	case SERVER_LINE_ANSWER:
		return line->room && line->seq > 0;
	case SERVER_LINE_UNKNOWN:
		/* a later kind of stored line still moves the cursor */
		return line->room && line->seq > 0;
	case SERVER_LINE_CHALLENGE:
	case SERVER_LINE_WELCOME:
	case SERVER_LINE_OK:
	case SERVER_LINE_ERROR:
	case SERVER_LINE_ROOM:
	case SERVER_LINE_ROOMS:
	case SERVER_LINE_USERS:
	case SERVER_LINE_WHO:
	case SERVER_LINE_HISTORY:
	case SERVER_LINE_GAP:
	case SERVER_LINE_RESET:
	case SERVER_LINE_PRESENCE:
	case SERVER_LINE_LEFT:
	case SERVER_LINE_TYPING:
	case SERVER_LINE_READ:
	case SERVER_LINE_NOTICE:
	case SERVER_LINE_BYE:
	case SERVER_LINE_PONG:
	case SERVER_LINE_PARTIAL:
	case SERVER_LINE_AGENT:
		break;
	}
	return false;
}
