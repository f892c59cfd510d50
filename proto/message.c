#include "proto/message.h"

#include "base/clock.h"
#include "proto/json_line.h"
#include "proto/message_fields.h"
#include "proto/message_quick.h"
#include "proto/name.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROTOCOL_VERSION 1

struct message_parser {
	size_t line_bytes, content_chars; /* limits */
	char bytes[LINE_MAX_BYTES + 1];   /* the arena */
	struct resume_entry resume[RESUME_MAX];
	struct text only[RESUME_MAX];
	struct text options[ASK_OPTIONS_MAX], approve[ASK_APPROVE_MAX];
};

static const char *const type_names[MESSAGE_TYPES] = {
#define MESSAGE(type, handler, state, bucket) [MSG_##type] = #type,
#include "proto/messages.def"
#undef MESSAGE
};

int message_parser_create(struct message_parser **ret_parser)
{
	struct message_parser *parser = malloc(sizeof(*parser));

	if (parser == NULL)
		return -ENOMEM;
	message_parser_limit(parser, LINE_MAX_BYTES, CONTENT_MAX_CHARS);
	/* At the first object it would open /dev/urandom, which a walled-in worker can't. */
	json_object_seed(0);
	*ret_parser = parser;
	return 0;
}

void message_parser_limit(struct message_parser *parser, size_t line_bytes, size_t content_chars)
{
	assert(line_bytes <= LINE_MAX_BYTES && content_chars <= CONTENT_CHARS_LIMIT);
	parser->line_bytes = line_bytes;
	parser->content_chars = content_chars;
}

void message_parser_destroy(struct message_parser *parser)
{
	free(parser);
}

const char *message_type_name(enum message_type type)
{
	assert(type < MSG_UNKNOWN);
	return type_names[type];
}

/* ---- login ---- */

static enum proto_error parse_resume(struct fields *f, struct message_parser *parser,
				     struct message_login *login)
{
	json_t *list;
	enum proto_error error = fields_list(f, "resume", RESUME_MAX, &list);

	for (size_t i = 0; error == PROTO_OK && i < json_array_size(list); i++) {
		struct resume_entry entry = {.room = TEXT_NONE};
		struct fields g = {json_array_get(list, i), f->arena, f->why};

		if (!json_is_object(g.object))
			return fields_refuse(f, ERR_bad_field, "resume",
					     "each entry of resume must be an object: "
					     "{\"room\":...,\"epoch\":...,\"after\":...}");
		error = fields_room(&g, REQUIRED, &entry.room);
		/* It can't be one of the user's rooms: ignored, as those are that aren't. */
		if (error == ERR_bad_name) {
			error = PROTO_OK;
			continue;
		}
		if (error == PROTO_OK)
			error = fields_cursor(&g, &entry.cursor);
		if (error == PROTO_OK && !entry.cursor.has_after)
			return fields_refuse(f, ERR_missing_field, "resume",
					     "an entry of resume has no after");
		if (error == PROTO_OK)
			parser->resume[login->resume_count++] = entry;
	}
	login->resume = parser->resume;
	return error;
}

static enum proto_error parse_only(struct fields *f, struct message_parser *parser,
				   struct message_login *login)
{
	json_t *list;
	enum proto_error error = fields_list(f, "only", RESUME_MAX, &list);

	login->has_only = error == PROTO_OK && list != NULL;
	for (size_t i = 0; error == PROTO_OK && i < json_array_size(list); i++) {
		const json_t *value = json_array_get(list, i);
		char name[ROOM_SIZE];

		if (!json_is_string(value))
			return fields_refuse(f, ERR_bad_field, "only",
					     "only must be a list of room names");
		if (room_name_fold(json_string_value(value), json_string_length(value), name) == 0)
			parser->only[login->only_count++] = fields_keep(f, name, strlen(name));
	}
	login->only = parser->only;
	return error;
}

static enum proto_error parse_login(struct fields *f, struct message_parser *parser,
				    struct message_login *login)
{
	uint64_t version = PROTOCOL_VERSION;
	enum proto_error error;

	*login = (struct message_login){.device = TEXT_NONE};
	if ((error = fields_integer(f, "version", OPTIONAL, 0, INTEGER_MAX, &version)) != PROTO_OK)
		return error;
	if (version != PROTOCOL_VERSION)
		return fields_refuse(f, ERR_bad_version, "version", "%s",
				     error_message(ERR_bad_version));
	if ((error = fields_user(f, "user", REQUIRED, &login->user)) != PROTO_OK ||
	    (error = fields_string(f, "server", REQUIRED, SIZE_MAX, &login->server)) != PROTO_OK ||
	    (error = fields_string(f, "binding", REQUIRED, SIZE_MAX, &login->binding)) !=
		    PROTO_OK ||
	    (error = fields_string(f, "signature", REQUIRED, SIZE_MAX, &login->signature)) !=
		    PROTO_OK ||
	    (error = fields_string(f, "device", OPTIONAL, SIZE_MAX, &login->device)) != PROTO_OK)
		return error;
	if (fields_has(f, "device") && !device_name_is_valid(login->device.str, login->device.len))
		return fields_refuse(f, ERR_bad_field, "device",
				     "device must be 1 to %d of A-Z a-z 0-9 _ . -", DEVICE_LEN_MAX);
	if ((error = parse_resume(f, parser, login)) != PROTO_OK)
		return error;
	return parse_only(f, parser, login);
}

/* ---- message ---- */

/* `room` may name an inbox, which is its owner as recipient. */
static enum proto_error parse_target(struct fields *f, struct message_message *message)
{
	enum proto_error error;

	if ((error = fields_room(f, OPTIONAL, &message->room)) != PROTO_OK ||
	    (error = fields_user(f, "recipient", OPTIONAL, &message->recipient)) != PROTO_OK)
		return error;
	if (message->room.len > 0 && message->recipient.len > 0 &&
	    !(name_is_inbox(message->room.str) &&
	      text_equals(message->recipient, message->room.str + 1)))
		return fields_refuse(f, ERR_bad_field, "recipient",
				     "give room or recipient, not both");
	if (name_is_inbox(message->room.str)) {
		message->recipient =
			(struct text){.str = message->room.str + 1, .len = message->room.len - 1};
		message->room = TEXT_NONE;
	}
	return PROTO_OK;
}

static bool is_ref(struct text text)
{
	return text.len == REF_TEXT_LEN && strspn(text.str, "0123456789abcdef") == text.len;
}

static enum proto_error parse_reply(struct fields *f, struct message_message *message)
{
	enum proto_error error;

	if (!fields_has(f, "reply_to"))
		return PROTO_OK;
	if (message->recipient.len == 0)
		return fields_integer(f, "reply_to", OPTIONAL, 1, INTEGER_MAX, &message->reply_to);
	error = fields_folded(f, "reply_to", OPTIONAL, REF_TEXT_LEN, &message->reply_ref);
	if (error != PROTO_OK || !is_ref(message->reply_ref))
		return fields_refuse(f, ERR_bad_field, "reply_to",
				     "reply_to of a direct message must be a ref: 16 hex digits");
	return PROTO_OK;
}

/* A sender that is no name at all stays as it is: it is simply not the user. */
static enum proto_error parse_sender(struct fields *f, struct text *sender)
{
	enum proto_error error = fields_user(f, "sender", OPTIONAL, sender);

	if (error == ERR_bad_name)
		error = fields_string(f, "sender", OPTIONAL, SIZE_MAX, sender);
	/* It must not look like one that was left out. */
	if (error == PROTO_OK && fields_has(f, "sender") && sender->len == 0)
		return fields_refuse(f, ERR_wrong_sender, "sender", "%s",
				     error_message(ERR_wrong_sender));
	return error;
}

static enum proto_error parse_content(struct fields *f, size_t max_chars, bool lines,
				      struct text *content)
{
	enum proto_error error = fields_shown(f, "content", REQUIRED, max_chars, lines, content);

	if (error == PROTO_OK && text_is_blank(*content))
		return fields_refuse(f, ERR_empty, "content", "%s", error_message(ERR_empty));
	return error;
}

/* A list of strings that others see, each one a line. */
static enum proto_error parse_texts(struct fields *f, const char *key, size_t max,
				    struct text *texts, size_t *ret_count)
{
	json_t *list;
	enum proto_error error = fields_list(f, key, max, &list);

	*ret_count = 0;
	for (size_t i = 0; error == PROTO_OK && i < json_array_size(list); i++) {
		const json_t *value = json_array_get(list, i);
		struct text text = {.str = json_string_value(value),
				    .len = json_string_length(value)};

		if (!json_is_string(value) || text_has_controls(text, false) ||
		    text_is_blank(text) || text_characters(text) > OPTION_MAX_CHARS)
			return fields_refuse(f, ERR_bad_field, key,
					     "%s must be a list of texts of 1 to %u characters in "
					     "one line",
					     key, OPTION_MAX_CHARS);
		for (size_t j = 0; j < *ret_count; j++)
			if (text_equals(text, texts[j].str))
				return fields_refuse(f, ERR_bad_field, key,
						     "%s names the same twice", key);
		texts[(*ret_count)++] = fields_keep(f, text.str, text.len);
	}
	return error;
}

static enum proto_error parse_ask(struct fields *f, struct message_parser *parser,
				  struct message_message *message)
{
	enum proto_error error;

	if (message->recipient.len > 0)
		return fields_refuse(f, ERR_bad_field, "kind",
				     "a question is asked in a room, not in a direct message");
	if (!fields_has(f, "options"))
		return fields_refuse(f, ERR_missing_field, "options", "options is missing");
	if ((error = parse_texts(f, "options", ASK_OPTIONS_MAX, parser->options,
				 &message->option_count)) != PROTO_OK ||
	    (error = parse_texts(f, "approve", ASK_APPROVE_MAX, parser->approve,
				 &message->approve_count)) != PROTO_OK ||
	    (error = fields_integer(f, "expires", OPTIONAL, 0, INTEGER_MAX, &message->expires_s)) !=
		    PROTO_OK)
		return error;
	if (message->option_count == 0)
		return fields_refuse(f, ERR_bad_field, "options", "options must name one at least");
	message->options = parser->options;
	message->has_approve = fields_has(f, "approve");
	message->approve = parser->approve;
	return PROTO_OK;
}

static enum proto_error parse_message(struct fields *f, struct message_parser *parser,
				      struct message_message *message)
{
	static const char *const formats[] = {"text", "markdown", "code", NULL};
	static const char *const kinds[] = {"message", "me", "notice", "alert", "ask", NULL};
	unsigned format = FORMAT_TEXT, kind = KIND_MESSAGE;
	enum proto_error error;

	*message = (struct message_message){.room = TEXT_NONE,
					    .recipient = TEXT_NONE,
					    .sender = TEXT_NONE,
					    .format_text = TEXT_NONE,
					    .kind_text = TEXT_NONE,
					    .reply_ref = TEXT_NONE};
	if ((error = parse_target(f, message)) != PROTO_OK ||
	    (error = parse_sender(f, &message->sender)) != PROTO_OK ||
	    (error = fields_word(f, "format", formats, &format, &message->format_text)) !=
		    PROTO_OK ||
	    (error = fields_word(f, "kind", kinds, &kind, &message->kind_text)) != PROTO_OK ||
	    (error = parse_reply(f, message)) != PROTO_OK)
		return error;
	message->format = (enum message_format)format;
	message->kind = (enum message_kind)kind;
	if (message->kind == KIND_ASK && (error = parse_ask(f, parser, message)) != PROTO_OK)
		return error;
	return parse_content(f, parser->content_chars, true, &message->content);
}

/* ---- rooms ---- */

static enum proto_error parse_topic(struct fields *f, struct message_topic *topic)
{
	enum proto_error error = fields_room(f, REQUIRED, &topic->room);

	if (error != PROTO_OK)
		return error;
	return fields_shown(f, "content", REQUIRED, TOPIC_MAX_CHARS, false, &topic->content);
}

static enum proto_error parse_join(struct fields *f, struct message_join *join)
{
	uint64_t limit = JOIN_LINES_DEFAULT;
	enum proto_error error;

	if ((error = fields_room(f, REQUIRED, &join->room)) != PROTO_OK ||
	    (error = fields_cursor(f, &join->cursor)) != PROTO_OK ||
	    (error = fields_integer(f, "limit", OPTIONAL, 0, HISTORY_LINES_MAX, &limit)) !=
		    PROTO_OK)
		return error;
	join->has_limit = fields_has(f, "limit");
	join->limit = (unsigned)limit;
	return PROTO_OK;
}

static enum proto_error parse_read(struct fields *f, struct message_read *read)
{
	enum proto_error error = fields_room(f, REQUIRED, &read->room);

	if (error != PROTO_OK)
		return error;
	return fields_integer(f, "seq", REQUIRED, 0, INTEGER_MAX, &read->seq);
}

/* ---- agents ---- */

static enum proto_error parse_answer(struct fields *f, struct message_answer *answer)
{
	enum proto_error error;

	*answer = (struct message_answer){.option = TEXT_NONE, .signature = TEXT_NONE};
	if ((error = fields_room(f, REQUIRED, &answer->room)) != PROTO_OK ||
	    (error = fields_integer(f, "target", REQUIRED, 1, INTEGER_MAX, &answer->target)) !=
		    PROTO_OK ||
	    (error = fields_shown(f, "option", REQUIRED, OPTION_MAX_CHARS, false,
				  &answer->option)) != PROTO_OK)
		return error;
	return fields_string(f, "signature", OPTIONAL, SIGNATURE_LEN_MAX, &answer->signature);
}

static enum proto_error parse_agent(struct fields *f, struct message_agent *agent)
{
	static const char *const actions[] = {[AGENT_STATUS] = "status",
					      [AGENT_RESTART] = "restart",
					      [AGENT_STOP] = "stop",
					      [AGENT_INTERRUPT] = "interrupt",
					      NULL};
	struct text word = TEXT_NONE;
	unsigned action = AGENT_STATUS;
	enum proto_error error;

	agent->agent = TEXT_NONE;
	if ((error = fields_user(f, "agent", OPTIONAL, &agent->agent)) != PROTO_OK ||
	    (error = fields_word(f, "action", actions, &action, &word)) != PROTO_OK)
		return error;
	agent->action = (enum agent_action)action;
	if (agent->action != AGENT_STATUS && agent->agent.len == 0)
		return fields_refuse(f, ERR_missing_field, "agent", "agent is missing");
	return PROTO_OK;
}

static enum proto_error parse_partial(struct fields *f, struct message_partial *partial)
{
	enum proto_error error = fields_room(f, REQUIRED, &partial->room);

	if (error != PROTO_OK)
		return error;
	return parse_content(f, PARTIAL_MAX_CHARS, true, &partial->content);
}

/* ---- questions ---- */

static enum proto_error parse_rooms(struct fields *f, struct message_rooms *rooms)
{
	enum proto_error error;

	*rooms = (struct message_rooms){.match = TEXT_NONE, .cursor = TEXT_NONE};
	error = fields_folded(f, "match", OPTIONAL, MATCH_LEN_MAX, &rooms->match);
	if (error != PROTO_OK)
		return error;
	if (rooms->match.str[0] == '#')
		rooms->match = (struct text){rooms->match.str + 1, rooms->match.len - 1};
	return fields_string(f, "cursor", OPTIONAL, CURSOR_LEN_MAX, &rooms->cursor);
}

static enum proto_error parse_users(struct fields *f, struct message_users *users)
{
	enum proto_error error;

	*users = (struct message_users){.room = TEXT_NONE, .cursor = TEXT_NONE};
	if ((error = fields_room(f, OPTIONAL, &users->room)) != PROTO_OK)
		return error;
	return fields_string(f, "cursor", OPTIONAL, CURSOR_LEN_MAX, &users->cursor);
}

static enum proto_error parse_at(struct fields *f, int64_t *ret_wall_ms)
{
	struct text at = TEXT_NONE;
	enum proto_error error = fields_string(f, "at", REQUIRED, SIZE_MAX, &at);

	if (error == PROTO_OK && clock_parse(at.str, ret_wall_ms) < 0)
		return fields_refuse(f, ERR_bad_field, "at",
				     "at must be a time like 2026-11-20T17:00:00.123Z");
	return error;
}

static enum proto_error parse_history(struct fields *f, struct message_history *history)
{
	static const char *const froms[] = {[HISTORY_BEFORE] = "before",
					    [HISTORY_AFTER] = "after",
					    [HISTORY_AROUND] = "around",
					    [HISTORY_AT] = "at"};
	enum proto_error error;
	uint64_t limit = HISTORY_LINES_DEFAULT;
	unsigned found = 0;

	*history = (struct message_history){.room = TEXT_NONE};
	error = fields_room(f, REQUIRED, &history->room);
	for (unsigned i = HISTORY_BEFORE; error == PROTO_OK && i <= HISTORY_AT; i++) {
		if (!fields_has(f, froms[i]))
			continue;
		found++;
		history->from = (enum history_from)i;
		error = i == HISTORY_AT ? parse_at(f, &history->at_wall_ms)
					: fields_integer(f, froms[i], REQUIRED, 0, INTEGER_MAX,
							 &history->seq);
	}
	if (error == PROTO_OK)
		error = fields_integer(f, "limit", OPTIONAL, 1, HISTORY_LINES_MAX, &limit);
	if (error != PROTO_OK)
		return error;
	history->limit = (unsigned)limit;
	if (found == 0)
		return fields_refuse(f, ERR_missing_field, "before",
				     "one of before, after, around and at is missing");
	if (found > 1)
		return fields_refuse(f, ERR_bad_query, "before",
				     "give one of before, after, around and at, not several");
	return PROTO_OK;
}

/* ---- the line ---- */

static enum proto_error parse_fields(struct fields *f, struct message_parser *parser,
				     struct message *out)
{
	switch (out->type) {
	case MSG_login:
		return parse_login(f, parser, &out->login);
	case MSG_message:
		return parse_message(f, parser, &out->message);
	case MSG_topic:
		return parse_topic(f, &out->topic);
	case MSG_join:
		return parse_join(f, &out->join);
	case MSG_leave:
		out->leave.room = TEXT_NONE;
		return fields_room(f, OPTIONAL, &out->leave.room);
	case MSG_rooms:
		return parse_rooms(f, &out->rooms);
	case MSG_users:
		return parse_users(f, &out->users);
	case MSG_who:
		return fields_user(f, "user", REQUIRED, &out->who.user);
	case MSG_history:
		return parse_history(f, &out->history);
	case MSG_read:
		return parse_read(f, &out->read);
	case MSG_typing:
		return fields_room(f, REQUIRED, &out->typing.room);
	case MSG_away:
		out->away.has_content = fields_has(f, "content");
		out->away.content = TEXT_NONE;
		if (!out->away.has_content)
			return PROTO_OK;
		return parse_content(f, AWAY_MAX_CHARS, false, &out->away.content);
	case MSG_bye:
		out->bye.reason = TEXT_NONE;
		return fields_shown(f, "reason", OPTIONAL, REASON_MAX_CHARS, false,
				    &out->bye.reason);
	case MSG_answer:
		return parse_answer(f, &out->answer);
	case MSG_agent:
		return parse_agent(f, &out->agent);
	case MSG_partial:
		return parse_partial(f, &out->partial);
	case MSG_ping:
	case MSG_search:
	case MSG_edit:
	case MSG_delete:
	case MSG_reaction:
	case MSG_moderation:
		return PROTO_OK;
	case MSG_UNKNOWN:
		break;
	}
	return ERR_unknown_type;
}

/* A line without a type is a message. */
static enum proto_error parse_type(struct fields *f, enum message_type *ret_type)
{
	const json_t *value = json_object_get(f->object, "type");
	unsigned type = MSG_message;

	if (value == NULL) {
		*ret_type = MSG_message;
		return PROTO_OK;
	}
	if (!json_is_string(value))
		return fields_refuse(f, ERR_bad_field, "type", "type must be a string");
	for (type = 0; type < MESSAGE_TYPES; type++) {
		if (strcmp(json_string_value(value), type_names[type]) == 0) {
			*ret_type = (enum message_type)type;
			return PROTO_OK;
		}
	}
	return fields_refuse(f, ERR_unknown_type, "type", "%s", error_message(ERR_unknown_type));
}

static enum proto_error parse_object(struct message_parser *parser, json_t *object,
				     struct message *out, struct problem *why)
{
	struct arena arena = {.bytes = parser->bytes, .size = sizeof(parser->bytes)};
	struct fields fields = {.object = object, .arena = &arena, .why = why};
	enum proto_error type_error = parse_type(&fields, &out->type);
	enum proto_error error = fields_id(&fields, &out->id);

	if (error != PROTO_OK)
		return error;
	if (type_error != PROTO_OK)
		return type_error;
	return parse_fields(&fields, parser, out);
}

enum proto_error message_parse(struct message_parser *parser, const char *line, size_t len,
			       struct message *ret_message, struct problem *ret_why)
{
	struct arena arena = {.bytes = parser->bytes, .size = sizeof(parser->bytes)};

	if (len <= parser->line_bytes &&
	    message_quick(&arena, parser->content_chars, line, len, ret_message)) {
		ret_why->field = "";
		ret_why->text[0] = '\0';
		return PROTO_OK;
	}
	return message_parse_json(parser, line, len, ret_message, ret_why);
}

enum proto_error message_parse_json(struct message_parser *parser, const char *line, size_t len,
				    struct message *ret_message, struct problem *ret_why)
{
	json_t *object = NULL;
	const char *reason = "";
	enum proto_error error;

	*ret_why = (struct problem){.field = ""};
	ret_message->type = MSG_UNKNOWN;
	ret_message->id = TEXT_NONE;
	if (len > parser->line_bytes) {
		error = ERR_too_large;
		reason = error_message(error);
	} else {
		error = json_line_load(line, len, &object, &reason);
	}
	if (object == NULL) {
		snprintf(ret_why->text, sizeof(ret_why->text), "%s", reason);
		return error;
	}
	error = parse_object(parser, object, ret_message, ret_why);
	json_decref(object);
	/* An entry that was passed over may have left a complaint. */
	if (error == PROTO_OK)
		*ret_why = (struct problem){.field = ""};
	return error;
}

/* ---- epochs ---- */

uint64_t epoch_from_text(const char *text)
{
	if (strlen(text) != EPOCH_TEXT_LEN || strspn(text, "0123456789abcdef") != EPOCH_TEXT_LEN)
		return 0;
	return strtoull(text, NULL, 16);
}

void epoch_to_text(uint64_t epoch, char ret_text[EPOCH_TEXT_SIZE])
{
	static const char hex[] = "0123456789abcdef";

	for (unsigned i = EPOCH_TEXT_LEN; i-- > 0; epoch >>= 4)
		ret_text[i] = hex[epoch & 15];
	ret_text[EPOCH_TEXT_LEN] = '\0';
}
