#include "tests/integration/chat.h"

#include "base/clock.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOLD_ON_FAILURE 12

static void finish(void *thing)
{
	struct chat *c = thing;

	ws_drop(&c->ws);
	buf_finish(&c->frame);
	json_decref(c->seen);
	free(c);
}

static void describe(void *thing)
{
	struct chat *c = thing;
	size_t count = json_array_size(c->seen);

	fprintf(stderr, "-- %s: %zu lines, %zu taken%s", c->name, count, c->taken,
		c->ws.closed ? ", closed" : "");
	if (c->ws.closed)
		fprintf(stderr, " with %d \"%s\"", c->ws.close_code, c->ws.close_reason);
	fputc('\n', stderr);
	for (size_t i = c->taken > TOLD_ON_FAILURE ? c->taken - TOLD_ON_FAILURE : 0;
	     i < count && i < c->taken + TOLD_ON_FAILURE; i++) {
		char *text = json_dumps(json_array_get(c->seen, i), JSON_COMPACT);

		fprintf(stderr, "   %s %.400s\n", i < c->taken ? " " : ">", text);
		free(text);
	}
}

static struct chat *chat_new(struct server *s, const char *name)
{
	struct chat *c = calloc(1, sizeof(*c));

	must(c != NULL, "out of memory");
	snprintf(c->name, sizeof(c->name), "%s", name);
	snprintf(c->address, sizeof(c->address), "%s", s->address);
	c->ws.fd = -1;
	c->seen = json_array();
	owned_add(c, finish, describe);
	return c;
}

static bool upgrade(struct server *s, struct chat *c, const struct ws_request *request)
{
	struct ws_request with_port = request != NULL ? *request : (struct ws_request){0};

	with_port.port = s->port;
	return ws_open(&c->ws, &with_port);
}

struct chat *chat_open_raw(struct server *s, const char *name, const struct ws_request *request)
{
	struct chat *c = chat_new(s, name);

	must(upgrade(s, c, request), "%s: no upgrade, status %d", name, c->ws.status);
	return c;
}

struct chat *chat_try_open(struct server *s, const char *name, const struct ws_request *request)
{
	struct chat *c = chat_new(s, name);

	if (upgrade(s, c, request))
		return c;
	chat_forget(c);
	return NULL;
}

void chat_forget(struct chat *c)
{
	owned_finish(c);
}

struct chat *chat_open(struct server *s, const char *name)
{
	struct chat *c = chat_open_raw(s, name, NULL);

	chat_expect(c, "{'type':'challenge'}");
	return c;
}

void chat_drop(struct chat *c)
{
	ws_drop(&c->ws);
}

__attribute__((format(printf, 1, 0))) static char *quoted_v(const char *fmt, va_list args)
{
	char *text = NULL;

	must(vasprintf(&text, fmt, args) >= 0, "out of memory");
	for (char *at = text; *at != '\0'; at++) {
		if (*at == '\'')
			*at = '"';
	}
	return text;
}

char *quoted(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	char *text = quoted_v(fmt, args);
	va_end(args);
	owned_add(text, free, NULL);
	return text;
}

void chat_send_bytes(struct chat *c, const char *bytes, size_t len)
{
	/* A refused send shows later, as a line or a close that does not come. */
	ws_send(&c->ws, WS_TEXT, bytes, len);
}

void chat_send(struct chat *c, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	char *text = quoted_v(fmt, args);
	va_end(args);
	chat_send_bytes(c, text, strlen(text));
	free(text);
}

static bool json_matches(json_t *value, json_t *pattern)
{
	const char *key;
	json_t *part;
	size_t i;

	if (json_is_string(pattern) && strcmp(json_string_value(pattern), "*") == 0)
		return value != NULL;
	if (json_is_null(pattern))
		return value == NULL;
	if (json_is_object(pattern)) {
		json_object_foreach(pattern, key, part)
		{
			if (!json_matches(json_object_get(value, key), part))
				return false;
		}
		return json_is_object(value);
	}
	if (json_is_array(pattern)) {
		if (!json_is_array(value) || json_array_size(value) != json_array_size(pattern))
			return false;
		json_array_foreach(pattern, i, part)
		{
			if (!json_matches(json_array_get(value, i), part))
				return false;
		}
		return true;
	}
	return value != NULL && json_equal(value, pattern);
}

static bool type_is(json_t *line, const char *type)
{
	const char *got = json_string_value(json_object_get(line, "type"));

	return got != NULL && strcmp(got, type) == 0;
}

/* Takes a frame apart; what the server sends must be objects with a type, one a line. */
static void take_frame(struct chat *c)
{
	c->frames++;
	for (char *line = c->frame.data, *end; line != NULL && *line != '\0';
	     line = end != NULL ? end + 1 : NULL) {
		json_error_t why;

		end = strchr(line, '\n');
		size_t len = end != NULL ? (size_t)(end - line) : strlen(line);
		if (len == 0)
			continue;
		json_t *parsed = json_loadb(line, len, JSON_REJECT_DUPLICATES, &why);
		must(parsed != NULL, "%s: not JSON (%s): %.*s", c->name, why.text, (int)len, line);
		must(json_is_string(json_object_get(parsed, "type")), "%s: no type: %.*s", c->name,
		     (int)len, line);
		if (type_is(parsed, "challenge"))
			c->challenge = parsed;
		if (type_is(parsed, "welcome"))
			c->welcome = parsed;
		json_array_append_new(c->seen, parsed);
	}
}

json_t *chat_next(struct chat *c, unsigned patience_ms)
{
	uint64_t deadline = clock_mono_ms() + patience_ms;

	while (c->taken == json_array_size(c->seen)) {
		uint64_t now = clock_mono_ms();
		enum ws_event event = ws_receive(
			&c->ws, now < deadline ? (unsigned)(deadline - now) : 0, &c->frame);

		if (event == WS_EVENT_CLOSED || event == WS_EVENT_TIMEOUT)
			return NULL;
		must(event != WS_EVENT_BINARY, "%s: a binary frame", c->name);
		if (event == WS_EVENT_TEXT)
			take_frame(c);
	}
	return json_array_get(c->seen, c->taken++);
}

__attribute__((format(printf, 1, 0))) static json_t *pattern_v(const char *fmt, va_list args)
{
	json_error_t why;
	char *text = quoted_v(fmt, args);
	json_t *pattern = json_loads(text, 0, &why);

	must(pattern != NULL, "the pattern %s: %s", text, why.text);
	free(text);
	return pattern;
}

bool json_has(json_t *value, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	json_t *pattern = pattern_v(fmt, args);
	va_end(args);
	bool matches = json_matches(value, pattern);
	json_decref(pattern);
	return matches;
}

static void mismatch(struct chat *c, const char *what, json_t *pattern, json_t *line)
{
	char *wanted = json_dumps(pattern, JSON_COMPACT);
	char *got = line != NULL ? json_dumps(line, JSON_COMPACT) : strdup("nothing");
	char *text = scratch_text("%s: %s\n  wanted %s\n  got    %s", c->name, what, wanted, got);

	free(wanted);
	free(got);
	must(false, "%s", text);
}

json_t *chat_expect(struct chat *c, const char *fmt, ...)
{
	va_list args;
	json_t *line;

	va_start(args, fmt);
	json_t *pattern = pattern_v(fmt, args);
	va_end(args);
	bool presence = type_is(pattern, "presence");
	do {
		line = chat_next(c, PATIENCE_MS);
	} while (line != NULL && !presence && type_is(line, "presence"));
	if (line == NULL || !json_matches(line, pattern))
		mismatch(c, "the next line", pattern, line);
	json_decref(pattern);
	return line;
}

json_t *chat_await(struct chat *c, const char *fmt, ...)
{
	uint64_t deadline = clock_mono_ms() + PATIENCE_MS;
	va_list args;
	json_t *line;

	va_start(args, fmt);
	json_t *pattern = pattern_v(fmt, args);
	va_end(args);
	do {
		uint64_t now = clock_mono_ms();

		line = chat_next(c, now < deadline ? (unsigned)(deadline - now) : 0);
	} while (line != NULL && !json_matches(line, pattern));
	if (line == NULL)
		mismatch(c, "never came", pattern, NULL);
	json_decref(pattern);
	return line;
}

char *json_text(json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

	must(text != NULL, "no JSON");
	owned_add(text, free, NULL);
	return text;
}

bool json_lists(json_t *array, const char *text)
{
	json_t *entry;
	size_t i;

	json_array_foreach(array, i, entry)
	{
		if (json_is_string(entry) && strcmp(json_string_value(entry), text) == 0)
			return true;
	}
	return false;
}

json_t *chat_await_presence(struct chat *c, const char *room, const char *field, const char *user)
{
	json_t *line;

	do {
		line = chat_await(c,
				  "{'type':'presence','room':'%s','joined':'*','left':'*',"
				  "'members':'*'}",
				  room);
	} while (!json_lists(json_object_get(line, field), user));
	return line;
}

bool chat_saw(struct chat *c, const char *fmt, ...)
{
	va_list args;
	bool saw = false;

	va_start(args, fmt);
	json_t *pattern = pattern_v(fmt, args);
	va_end(args);
	for (size_t i = 0; !saw && i < json_array_size(c->seen); i++)
		saw = json_matches(json_array_get(c->seen, i), pattern);
	json_decref(pattern);
	return saw;
}

json_t *chat_refused(struct chat *c, const char *code)
{
	json_t *line = chat_expect(c, "{'type':'error','code':'%s','message':'*'}", code);

	must(strlen(text_of(line, "message")) > 0, "%s says nothing to people", code);
	return line;
}

void chat_quiet(struct chat *c)
{
	static unsigned number;

	chat_send(c, "{'type':'ping','id':'quiet-%u'}", ++number);
	chat_expect(c, "{'type':'pong','id':'quiet-%u','timestamp':'*'}", number);
}

void chat_closed(struct chat *c, int close_code)
{
	uint64_t deadline = clock_mono_ms() + PATIENCE_MS;

	while (clock_mono_ms() < deadline && chat_next(c, PATIENCE_MS) != NULL)
		continue;
	must(c->ws.closed, "%s: still open", c->name);
	must(c->ws.close_code == close_code, "%s: closed with %d, not %d", c->name,
	     c->ws.close_code, close_code);
}

const char *text_of(json_t *line, const char *field)
{
	const char *text = json_string_value(json_object_get(line, field));

	must(text != NULL, "no string \"%s\"", field);
	return text;
}

long long number_of(json_t *line, const char *field)
{
	json_t *value = json_object_get(line, field);

	must(json_is_integer(value), "no integer \"%s\"", field);
	return json_integer_value(value);
}
