#include "agents/lines.h"

#include "proto/json_writer.h"

#define LINE_SEPARATOR 0x2028u
#define PARAGRAPH_SEPARATOR 0x2029u
#define ESCAPE 0x1bu

static bool is_control(uint32_t character)
{
	return character < 0x20 || (character >= 0x7f && character <= 0x9f);
}

static bool breaks_lines(uint32_t character)
{
	return is_control(character) || character == LINE_SEPARATOR ||
	       character == PARAGRAPH_SEPARATOR;
}

void lines_text(struct buf *out, const struct lines_message *message)
{
	struct text text = message->content;
	uint32_t character;

	buf_printf(out, "%s: ", message->sender);
	for (size_t at = 0, size; at < text.len; at += size) {
		size = text_next(text.str + at, text.len - at, &character);
		if (size == 0 || breaks_lines(character)) {
			buf_append_char(out, ' ');
			size = size > 0 ? size : 1;
		} else {
			buf_append(out, text.str + at, size);
		}
	}
	buf_append_char(out, '\n');
}

void lines_json(struct buf *out, const struct lines_message *message)
{
	struct buf line = BUF_INIT;
	struct json_writer json;
	uint32_t character;

	json_begin(&json, &line);
	json_put_string(&json, "room", message->room);
	json_put_u64(&json, "seq", message->seq);
	json_put_string(&json, "sender", message->sender);
	json_put_text(&json, "content", message->content);
	json_end(&json);
	/* The writer escapes what JSON wants escaped; a reader by lines wants more. */
	for (size_t at = 0, size; at < line.len; at += size) {
		size = text_next(line.data + at, line.len - at, &character);
		if (size > 0 && character >= 0x7f && breaks_lines(character))
			buf_printf(out, "\\u%04x", (unsigned)character);
		else
			buf_append(out, line.data + at, size > 0 ? size : 1);
		size = size > 0 ? size : 1;
	}
	out->failed |= line.failed;
	buf_finish(&line);
}

/* Bytes of an escape sequence at the start (ECMA-48: CSI, or two characters; OSC to its end). */
static size_t escape_length(const char *bytes, size_t len)
{
	size_t at = 2;

	if (len < 2)
		return len;
	if (bytes[1] == '[') {
		while (at < len && (bytes[at] < '@' || bytes[at] > '~'))
			at++;
		return at < len ? at + 1 : len;
	}
	if (bytes[1] == ']') {
		while (at < len && bytes[at] != '\a' && bytes[at] != 0x1b)
			at++;
		return at < len && bytes[at] == '\a' ? at + 1 : at;
	}
	return 2;
}

void lines_clean(struct buf *out, const char *bytes, size_t len)
{
	uint32_t character;

	for (size_t at = 0, size; at < len; at += size) {
		size = text_next(bytes + at, len - at, &character);
		if (size == 0) {
			buf_append_str(out, "\xef\xbf\xbd"); /* U+FFFD */
			size = 1;
		} else if (character == ESCAPE) {
			size = escape_length(bytes + at, len - at);
		} else if (!is_control(character) || character == '\n' || character == '\t') {
			buf_append(out, bytes + at, size);
		}
	}
	while (out->len > 0 && (out->data[out->len - 1] == ' ' || out->data[out->len - 1] == '\t' ||
				out->data[out->len - 1] == '\n'))
		out->data[--out->len] = '\0';
}
