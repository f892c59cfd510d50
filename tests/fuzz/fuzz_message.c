/*
 * One line from a client: whatever it is, the parser stays within bounds, and what it
 * takes keeps the promises of proto/message.h and can be sent on as valid JSON.
 */
#include "proto/event.h"
#include "proto/message.h"
#include "proto/name.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

static void check_text(struct text text, const char *what)
{
	check(text.str != NULL && strlen(text.str) == text.len, what);
	check(text_is_utf8(text.str, text.len), what);
}

static void check_name(struct text name, bool may_be_absent, const char *what)
{
	check_text(name, what);
	check((may_be_absent && name.len == 0) || name_is_valid(name.str, name.len), what);
}

static void check_room(struct text room, bool may_be_absent, const char *what)
{
	check_text(room, what);
	check((may_be_absent && room.len == 0) || room_name_is_valid(room.str, room.len), what);
}

/* As the log will put it together, it is JSON with the same content. */
static void check_sent_on(const struct message *message)
{
	const struct message_message *m = &message->message;
	struct event_message event = {.sender = "alice",
				      .recipient = m->recipient.str,
				      .ref = m->recipient.len > 0 ? "00112233445566aa" : NULL,
				      .content = m->content,
				      .format = m->format_text.str,
				      .kind = m->kind_text.str,
				      .reply_to = m->reply_to,
				      .reply_ref = m->reply_ref.str,
				      .id = message->id.str};
	struct buf out = BUF_INIT;
	const json_t *content;
	json_t *root;

	buf_append(&out, event_message_head().str, event_message_head().len);
	buf_append_str(&out, "ops\",\"seq\":1");
	event_message_tail(&out, &event);
	check(memchr(out.data, '\n', out.len) == out.data + out.len - 1, "one line");
	check(out.len < 49152, "a line fits a log");
	root = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
	check(root != NULL, "valid JSON");
	content = json_object_get(root, "content");
	check(json_string_length(content) == m->content.len &&
		      memcmp(json_string_value(content), m->content.str, m->content.len) == 0,
	      "the same content");
	json_decref(root);
	buf_finish(&out);
}

static void check_login(const struct message_login *login)
{
	check_name(login->user, false, "user");
	check_text(login->server, "server");
	check_text(login->signature, "signature");
	check(login->resume_count <= RESUME_MAX && login->only_count <= RESUME_MAX, "lists");
	for (size_t i = 0; i < login->resume_count; i++) {
		check_room(login->resume[i].room, false, "resume");
		check(login->resume[i].cursor.has_after, "resume has after");
	}
	for (size_t i = 0; i < login->only_count; i++)
		check_room(login->only[i], false, "only");
}

static void check_message(const struct message *message)
{
	const struct message_message *m = &message->message;

	check_room(m->room, true, "room");
	check_name(m->recipient, true, "recipient");
	check(m->room.len == 0 || (m->recipient.len == 0 && !name_is_inbox(m->room.str)), "target");
	check_text(m->sender, "sender");
	check_text(m->content, "content");
	check(!text_is_blank(m->content) && !text_has_controls(m->content, true), "content");
	check(text_characters(m->content) <= CONTENT_MAX_CHARS, "length");
	check(m->recipient.len == 0 || m->reply_to == 0, "reply_to");
	check_sent_on(message);
}

static void check_taken(const struct message *message)
{
	check(message->type < MSG_UNKNOWN, "a type");
	switch (message->type) {
	case MSG_login:
		check_login(&message->login);
		break;
	case MSG_message:
		check_message(message);
		break;
	case MSG_join:
		check_room(message->join.room, false, "room");
		check(message->join.limit <= HISTORY_LINES_MAX, "limit");
		break;
	case MSG_topic:
		check_room(message->topic.room, false, "room");
		check(!text_has_controls(message->topic.content, false), "topic");
		break;
	case MSG_history:
		check_room(message->history.room, false, "room");
		check(message->history.limit >= 1 && message->history.limit <= HISTORY_LINES_MAX,
		      "limit");
		break;
	default:
		break;
	}
}

static void check_same(struct text a, struct text b, const char *what)
{
	check(a.len == b.len && memcmp(a.str, b.str, a.len) == 0, what);
}

/* Two readers, one meaning: what message_quick takes, jansson reads to the same. */
static void check_by_jansson(const char *line, size_t len, const struct message *taken)
{
	static struct message_parser *parser;
	const struct message_message *a = &taken->message, *b;
	struct message message;
	struct problem why;

	if (parser == NULL)
		check(message_parser_create(&parser) == 0, "memory");
	check(message_parse_json(parser, line, len, &message, &why) == PROTO_OK, "taken by both");
	check(message.type == taken->type, "the same type");
	check_same(message.id, taken->id, "the same id");
	if (taken->type != MSG_message)
		return;
	b = &message.message;
	check_same(a->room, b->room, "the same room");
	check_same(a->recipient, b->recipient, "the same recipient");
	check_same(a->sender, b->sender, "the same sender");
	check_same(a->content, b->content, "the same text");
	check_same(a->format_text, b->format_text, "the same format");
	check_same(a->kind_text, b->kind_text, "the same kind");
	check_same(a->reply_ref, b->reply_ref, "the same ref");
	check(a->format == b->format && a->kind == b->kind && a->reply_to == b->reply_to,
	      "the same rest");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct message_parser *parser;
	struct message message;
	struct problem why;
	enum proto_error error;

	if (parser == NULL)
		check(message_parser_create(&parser) == 0, "memory");
	error = message_parse(parser, size > 0 ? (const char *)data : "", size, &message, &why);
	check(strlen(why.text) < sizeof(why.text), "why");
	check((error == PROTO_OK) == (why.text[0] == '\0'), "a reason for a refusal");
	check_text(message.id, "id");
	check(message.id.len <= ID_LEN_MAX, "id");
	if (error == PROTO_OK) {
		check_taken(&message);
		check_by_jansson((const char *)data, size, &message);
	}
	return 0;
}
