#include "proto/stream_json.h"

#include "base/random.h"
#include "proto/json_writer.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

static const char *get_text(const json_t *object, const char *field)
{
	const char *text = json_string_value(json_object_get(object, field));

	return text != NULL ? text : "";
}

static bool is(const char *text, const char *word)
{
	return strcmp(text, word) == 0;
}

static void read_delta(const json_t *object, struct stream_line *line)
{
	const json_t *event = json_object_get(object, "event");
	const json_t *delta = json_object_get(event, "delta");

	line->type = STREAM_NOTHING;
	if (!is(get_text(event, "type"), "content_block_delta") ||
	    !is(get_text(delta, "type"), "text_delta"))
		return;
	line->type = STREAM_DELTA;
	line->text = get_text(delta, "text");
}

static int read_blocks(const json_t *object, struct stream_line *line)
{
	const json_t *content = json_object_get(json_object_get(object, "message"), "content");
	size_t count = json_array_size(content);

	line->type = STREAM_BLOCKS;
	if (count == 0)
		return 0;
	line->blocks = calloc(count, sizeof(*line->blocks));
	if (line->blocks == NULL)
		return -ENOMEM;
	line->block_count = count;
	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_array_get(content, i);
		struct stream_block *block = &line->blocks[i];
		const char *type = get_text(item, "type");

		block->kind = is(type, "text")       ? STREAM_BLOCK_TEXT
			      : is(type, "tool_use") ? STREAM_BLOCK_TOOL
						     : STREAM_BLOCK_OTHER;
		block->text = get_text(item, block->kind == STREAM_BLOCK_TOOL ? "name" : "text");
		if (block->kind == STREAM_BLOCK_TOOL)
			block->input = json_dumps(json_object_get(item, "input"),
						  JSON_COMPACT | JSON_ENSURE_ASCII);
	}
	return 0;
}

static int read_request(const json_t *object, struct stream_line *line)
{
	const json_t *request = json_object_get(object, "request");
	const json_t *input = json_object_get(request, "input");

	line->request_id = get_text(object, "request_id");
	if (!is(get_text(request, "subtype"), "can_use_tool") || !json_is_object(input) ||
	    line->request_id[0] == '\0')
		return 0;
	line->type = STREAM_PERMISSION;
	line->tool = get_text(request, "tool_name");
	line->input = json_dumps(input, JSON_INDENT(1) | JSON_ENSURE_ASCII);
	return line->input != NULL ? 0 : -ENOMEM;
}

static void read_result(const json_t *object, struct stream_line *line)
{
	double cost = json_number_value(json_object_get(object, "total_cost_usd"));

	line->type = STREAM_RESULT;
	line->session = get_text(object, "session_id");
	line->subtype = get_text(object, "subtype");
	line->text = get_text(object, "result");
	line->uuid = get_text(object, "user_message_uuid");
	line->is_error = json_is_true(json_object_get(object, "is_error"));
	if (cost > 0 && cost < 1e9)
		line->cost_microusd = (uint64_t)(cost * 1e6 + 0.5);
}

static int read_object(const json_t *object, struct stream_line *line)
{
	const char *type = get_text(object, "type");

	if (is(type, "system")) {
		line->type = is(get_text(object, "subtype"), "init") ? STREAM_INIT : STREAM_NOTHING;
		line->session = get_text(object, "session_id");
	} else if (is(type, "stream_event")) {
		read_delta(object, line);
	} else if (is(type, "assistant")) {
		return read_blocks(object, line);
	} else if (is(type, "control_request")) {
		return read_request(object, line);
	} else if (is(type, "control_cancel_request")) {
		line->type = STREAM_CANCEL;
		line->request_id = get_text(object, "request_id");
	} else if (is(type, "result")) {
		read_result(object, line);
	} else if (is(type, "user") || is(type, "control_response") || is(type, "keep_alive")) {
		line->type = STREAM_NOTHING;
	}
	return 0;
}

int stream_line_parse(const char *bytes, size_t len, struct stream_line *ret_line)
{
	struct stream_line line = {
		.session = "", .text = "", .request_id = "", .tool = "", .subtype = "", .uuid = ""};
	json_t *object = json_loadb(bytes, len, 0, NULL);
	int err = -EBADMSG;

	*ret_line = (struct stream_line){0};
	line.json = object;
	if (json_is_object(object))
		err = read_object(object, &line);
	if (err < 0)
		stream_line_finish(&line);
	else
		*ret_line = line;
	return err;
}

void stream_line_finish(struct stream_line *line)
{
	for (size_t i = 0; i < line->block_count; i++)
		free(line->blocks[i].input);
	free(line->blocks);
	free(line->input);
	json_decref(line->json);
	*line = (struct stream_line){0};
}

/* ---- writing ---- */

void stream_uuid(char ret_uuid[STREAM_UUID_SIZE])
{
	uint8_t b[16];

	random_bytes(b, sizeof(b));
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	snprintf(ret_uuid, STREAM_UUID_SIZE,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
		 b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
		 b[15]);
}

void stream_user(struct buf *out, const char *sender, struct text text, const char *uuid)
{
	struct buf content = BUF_INIT;
	struct json_writer json;

	buf_printf(&content, "[%s] ", sender);
	for (size_t i = 0; i < text.len; i++) {
		buf_append_char(&content, text.str[i]);
		if (text.str[i] == '\n' && i + 1 < text.len && text.str[i + 1] == '[')
			buf_append_char(&content, ' ');
	}
	out->failed |= content.failed;
	json_begin(&json, out);
	json_put_string(&json, "type", "user");
	json_open(&json, "message", '{');
	json_put_string(&json, "role", "user");
	json_put_text(
		&json, "content",
		(struct text){.str = content.data != NULL ? content.data : "", .len = content.len});
	json_close(&json, '}');
	json_put_null(&json, "parent_tool_use_id");
	json_put_string(&json, "uuid", uuid);
	json_end(&json);
	buf_finish(&content);
}

/* Up to and with `"response":` of the inner object, which is the caller's to write. */
static void begin_response(struct json_writer *json, struct buf *out, const char *request_id)
{
	json_begin(json, out);
	json_put_string(json, "type", "control_response");
	json_open(json, "response", '{');
	json_put_string(json, "subtype", "success");
	json_put_string(json, "request_id", request_id);
	json_open(json, "response", '{');
}

static void end_response(struct json_writer *json)
{
	json_close(json, '}');
	json_close(json, '}');
	json_end(json);
}

void stream_allow(struct buf *out, const char *request_id, const char *input)
{
	struct json_writer json;

	begin_response(&json, out, request_id);
	json_put_string(&json, "behavior", "allow");
	buf_append_str(out, ",\"updatedInput\":");
	/* It was written by us with blanks and newlines between its parts only: one line again. */
	for (; *input != '\0'; input++)
		buf_append_char(out, *input == '\n' ? ' ' : *input);
	end_response(&json);
}

void stream_deny(struct buf *out, const char *request_id, const char *message)
{
	struct json_writer json;

	begin_response(&json, out, request_id);
	json_put_string(&json, "behavior", "deny");
	json_put_string(&json, "message", message);
	end_response(&json);
}

void stream_interrupt(struct buf *out, const char *request_id)
{
	struct json_writer json;

	json_begin(&json, out);
	json_put_string(&json, "type", "control_request");
	json_put_string(&json, "request_id", request_id);
	json_open(&json, "request", '{');
	json_put_string(&json, "subtype", "interrupt");
	json_close(&json, '}');
	json_end(&json);
}

bool stream_session_is_sound(const char *session)
{
	size_t len = strlen(session);

	return len > 0 && len <= STREAM_ID_LEN_MAX && session[0] != '-' &&
	       strspn(session,
		      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == len;
}
