#include "proto/message_quick.h"

#include "proto/name.h"

#include <string.h>

enum field {
	FIELD_TYPE,
	FIELD_ID,
	FIELD_ROOM,
	FIELD_RECIPIENT,
	FIELD_SENDER,
	FIELD_CONTENT,
	FIELDS
};

static const char *const keys[FIELDS] = {
	[FIELD_TYPE] = "type",           [FIELD_ID] = "id",         [FIELD_ROOM] = "room",
	[FIELD_RECIPIENT] = "recipient", [FIELD_SENDER] = "sender", [FIELD_CONTENT] = "content",
};

struct reader {
	const char *at, *end;
	struct arena *arena;
};

static bool skip(struct reader *r, char c)
{
	while (r->at < r->end && *r->at == ' ')
		r->at++;
	if (r->at == r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

/* What a backslash and this character stand for; 0: not for us. */
static char escaped(char c)
{
	switch (c) {
	case '"':
	case '\\':
	case '/':
		return c;
	case 'n':
		return '\n';
	case 't':
		return '\t';
	default:
		return 0;
	}
}

/* A string's text, NUL-terminated in the arena, which is as long as the line. */
static bool take_string(struct reader *r, struct text *ret)
{
	struct arena *arena = r->arena;
	char *out = arena->bytes + arena->used, *begin = out;

	if (!skip(r, '"'))
		return false;
	while (r->at < r->end) {
		char c = *r->at++;

		if (c == '"') {
			*out = '\0';
			*ret = (struct text){.str = begin, .len = (size_t)(out - begin)};
			arena->used += ret->len + 1;
			return true;
		}
		if (c == '\\')
			c = r->at < r->end ? escaped(*r->at++) : 0;
		else if ((unsigned char)c < ' ')
			return false;
		if (c == 0)
			return false;
		*out++ = c;
	}
	return false;
}

static bool take_field(struct reader *r, struct text values[FIELDS])
{
	struct text key, value;

	if (!take_string(r, &key) || !skip(r, ':') || !take_string(r, &value))
		return false;
	for (unsigned i = 0; i < FIELDS; i++) {
		if (!text_equals(key, keys[i]))
			continue;
		if (values[i].str != NULL)
			return false; /* twice */
		values[i] = value;
		return true;
	}
	return false;
}

/* ---- the fields' rules: proto/message_fields.c and parse_message have the reasons ---- */

static bool is_id(struct text id)
{
	for (size_t i = 0; i < id.len; i++)
		if (id.str[i] < ' ' || id.str[i] > '~')
			return false;
	return id.len > 0 && id.len <= ID_LEN_MAX;
}

static bool is_content(struct text content, size_t max_chars)
{
	return content.str != NULL && text_is_utf8(content.str, content.len) &&
	       !text_has_controls(content, true) && !text_is_blank(content) &&
	       text_characters(content) <= max_chars;
}

/* Folds a name where it lies; a folded one is never longer. */
static bool fold(struct reader *r, struct text *name)
{
	char folded[NAME_SIZE];
	char *at = r->arena->bytes + (name->str - r->arena->bytes);

	if (name_fold(name->str, name->len, folded) < 0)
		return false;
	memcpy(at, folded, name->len);
	return true;
}

bool message_quick(struct arena *arena, size_t content_chars, const char *line, size_t len,
		   struct message *ret_message)
{
	struct reader r = {.at = line, .end = line + len, .arena = arena};
	struct text values[FIELDS] = {0};
	struct message_message *message = &ret_message->message;
	char room[ROOM_SIZE];

	if (len >= arena->size || !skip(&r, '{'))
		return false;
	do {
		if (!take_field(&r, values))
			return false;
	} while (skip(&r, ','));
	if (!skip(&r, '}') || r.at != r.end)
		return false;
	if ((values[FIELD_TYPE].str != NULL && !text_equals(values[FIELD_TYPE], "message")) ||
	    (values[FIELD_ID].str != NULL && !is_id(values[FIELD_ID])) ||
	    !is_content(values[FIELD_CONTENT], content_chars))
		return false;
	if (values[FIELD_ROOM].str != NULL) {
		struct text *name = &values[FIELD_ROOM];

		if (values[FIELD_RECIPIENT].str != NULL ||
		    room_name_fold(name->str, name->len, room) < 0 || name_is_inbox(room))
			return false;
		/* Without its '#' it is shorter. */
		name->len = strlen(room);
		memcpy(arena->bytes + (name->str - arena->bytes), room, name->len + 1);
	}
	for (unsigned i = FIELD_RECIPIENT; i <= FIELD_SENDER; i++)
		if (values[i].str != NULL && !fold(&r, &values[i]))
			return false;
	for (unsigned i = 0; i < FIELDS; i++)
		if (values[i].str == NULL)
			values[i] = TEXT_NONE;
	ret_message->type = MSG_message;
	ret_message->id = values[FIELD_ID];
	*message = (struct message_message){.room = values[FIELD_ROOM],
					    .recipient = values[FIELD_RECIPIENT],
					    .sender = values[FIELD_SENDER],
					    .content = values[FIELD_CONTENT],
					    .format = FORMAT_TEXT,
					    .format_text = TEXT_NONE,
					    .kind = KIND_MESSAGE,
					    .kind_text = TEXT_NONE,
					    .reply_ref = TEXT_NONE};
	return true;
}
