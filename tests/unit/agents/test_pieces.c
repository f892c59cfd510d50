/* The small pieces: lines, splitting, restarts, memory. */
#include "agents/lines.h"
#include "agents/memory.h"
#include "agents/restart.h"
#include "agents/split.h"
#include "base/limits.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- lines ---- */

static const char *line_of(const char *content, bool json)
{
	static struct buf out;
	const struct lines_message message = {
		.room = "ops", .sender = "alice", .content = text_from(content), .seq = 7};

	buf_reset(&out);
	if (json)
		lines_json(&out, &message);
	else
		lines_text(&out, &message);
	return out.data;
}

Test(lines, a_message_is_exactly_one_line)
{
	cr_assert_str_eq(line_of("hi", false), "alice: hi\n");
	cr_assert_str_eq(line_of("a\nbob: b\tc\r\x7f\x1b[0m", false), "alice: a bob: b c   [0m\n");
	cr_assert_str_eq(line_of("a\xe2\x80\xa8"
				 "b\xe2\x80\xa9"
				 "c\xc2\x85"
				 "d",
				 false),
			 "alice: a b c d\n");
	cr_assert_str_eq(line_of("gr\xc3\xbc\xc3\x9f dich", false),
			 "alice: gr\xc3\xbc\xc3\x9f dich\n");
	cr_assert_str_eq(line_of("bad \xff", false), "alice: bad  \n");
}

Test(lines, in_json_what_breaks_lines_is_escaped)
{
	cr_assert_str_eq(line_of("a\n\xe2\x80\xa8\"\xc2\x85\x7f", true),
			 "{\"room\":\"ops\",\"seq\":7,\"sender\":\"alice\","
			 "\"content\":\"a\\n\\u2028\\\"\\u0085\\u007f\"}\n");
}

Test(lines, what_a_program_writes_is_cleaned)
{
	static const char *const cases[][2] = {
		{"plain", "plain"},
		{"\x1b[1;31mred\x1b[0m", "red"},
		{"\x1b]0;title\atext", "text"},
		{"\x1b]0;title\x1b\\text", "text"},
		{"a\rb\x07\x08", "ab"},
		{"tab\tand\nline  \n", "tab\tand\nline"},
		{"bad \xff\xc0 utf", "bad \xef\xbf\xbd\xef\xbf\xbd utf"},
		{"\x1b", ""},
		{"\x1b[12", ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out = BUF_INIT;

		lines_clean(&out, cases[i][0], strlen(cases[i][0]));
		cr_assert_str_eq(out.data != NULL ? out.data : "", cases[i][1], "%zu", i);
		buf_finish(&out);
	}
}

/* ---- splitting ---- */

static unsigned parts_of(const char *text, char parts[][CONTENT_MAX_CHARS * 4 + 1], unsigned max)
{
	struct buf part = BUF_INIT;
	struct split split;
	unsigned count = 0;

	split_begin(&split, text_from(text));
	while (split_next(&split, &part)) {
		cr_assert_leq(text_characters((struct text){part.data, part.len}),
			      CONTENT_MAX_CHARS);
		cr_assert_lt(count, max);
		snprintf(parts[count++], CONTENT_MAX_CHARS * 4 + 1, "%s", part.data);
	}
	buf_finish(&part);
	return count;
}

static char parts[40][CONTENT_MAX_CHARS * 4 + 1];

Test(split, what_fits_is_one_message)
{
	cr_assert_eq(parts_of("hello\n\nworld\n", parts, 40), 1);
	cr_assert_str_eq(parts[0], "hello\n\nworld");
	cr_assert_eq(parts_of("", parts, 40), 0);
	cr_assert_eq(parts_of(" \n\n", parts, 40), 0);
}

Test(split, cuts_at_a_paragraph)
{
	char text[9000] = "";

	for (int i = 0; i < 3; i++) {
		memset(text + strlen(text), 'a' + i, 2500);
		strcat(text, i < 2 ? "\n\n" : "");
	}
	cr_assert_eq(parts_of(text, parts, 40), 3);
	cr_assert_eq(strlen(parts[0]), 2500);
	cr_assert_eq(parts[1][0], 'b');
	cr_assert_eq(strlen(parts[2]), 2500);
}

Test(split, closes_a_fence_and_opens_it_again)
{
	static char text[20000];
	unsigned count;

	strcpy(text, "see:\n\n```c\n");
	for (int i = 0; i < 1000; i++)
		sprintf(text + strlen(text), "line %d;\n", i);
	strcat(text, "```\n\nthe end");
	count = parts_of(text, parts, 40);
	cr_assert_geq(count, 3);
	for (unsigned i = 0; i < count; i++) {
		unsigned fences = 0;

		for (const char *at = parts[i]; (at = strstr(at, "```")) != NULL; at += 3)
			fences++;
		cr_assert_eq(fences % 2, 0, "%s", parts[i]);
		if (i > 0 && i + 1 < count)
			cr_assert_eq(strncmp(parts[i], "```c\nline", 9), 0, "%s", parts[i]);
	}
	cr_assert_not_null(strstr(parts[count - 1], "the end"));
}

Test(split, a_word_without_end_is_cut_and_nothing_is_lost)
{
	static char text[13001];
	size_t total = 0;
	unsigned count;

	memset(text, 'x', sizeof(text) - 1);
	count = parts_of(text, parts, 40);
	for (unsigned i = 0; i < count; i++)
		total += strlen(parts[i]);
	cr_assert_eq(total, sizeof(text) - 1);
}

Test(split, never_cuts_a_character)
{
	static char text[30001];

	for (size_t i = 0; i + 3 < sizeof(text); i += 3)
		memcpy(text + i, "\xe2\x82\xac", 4);
	for (unsigned i = 0, count = parts_of(text, parts, 40); i < count; i++)
		cr_assert(text_is_utf8(parts[i], strlen(parts[i])));
}

/* ---- restarts ---- */

Test(restart, waits_longer_each_time_with_jitter)
{
	static const uint32_t delays[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
	struct restart restart = {0};
	uint64_t now = 1000000;
	uint32_t wait;

	for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
		/* Far apart, so that the circuit stays closed. */
		now += RESTART_WINDOW_MS;
		cr_assert(restart_after_death(&restart, now - 1000, now, 0, &wait));
		cr_assert_eq(wait, delays[i] * 3 / 4);
		cr_assert_eq(restart.delay_ms, delays[i]);
	}
	now += RESTART_WINDOW_MS;
	cr_assert(restart_after_death(&restart, now - 1000, now, UINT64_MAX, &wait));
	cr_assert_leq(wait, 75000);
}

Test(restart, health_makes_it_begin_anew)
{
	struct restart restart = {0};
	uint32_t wait;

	restart_after_death(&restart, 1000000, 1000100, 0, &wait);
	restart_after_death(&restart, 1002000, 1002100, 0, &wait);
	cr_assert_eq(restart.delay_ms, 2000);
	restart_after_death(&restart, 1010000, 1010000 + RESTART_HEALTHY_MS, 0, &wait);
	cr_assert_eq(restart.delay_ms, 1000);
}

Test(restart, five_deaths_in_two_minutes_open_the_circuit)
{
	struct restart restart = {0};
	uint64_t now = 1000000;
	uint32_t wait;

	for (int i = 0; i < 4; i++)
		cr_assert(restart_after_death(&restart, now, now + (uint64_t)i * 29000, 0, &wait));
	cr_assert_not(restart_after_death(&restart, now, now + RESTART_WINDOW_MS, 0, &wait));
	cr_assert(restart.open);
	restart_forgive(&restart);
	cr_assert(restart_after_death(&restart, now, now + RESTART_WINDOW_MS, 0, &wait));
	/* A little slower, and it stays closed. */
	restart = (struct restart){0};
	for (uint64_t i = 0; i < 20; i++)
		cr_assert(restart_after_death(&restart, now, now + i * 30001, 0, &wait), "%lu",
			  (unsigned long)i);
}

/* ---- memory ---- */

Test(memory, reads_back_what_was_written)
{
	char path[] = "/tmp/roomkey-memory-XXXXXX";
	struct memory memory = {.session = "3f2c-1", .room_count = 2}, read;
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	close(fd);
	memory.rooms[0] = (struct memory_room){"ops", UINT64_C(0x9f2c41d20000000b), 41, 42};
	memory.rooms[1] = (struct memory_room){"dev", 1, 0, 0};
	for (int sync = 0; sync < 2; sync++) {
		cr_assert_eq(memory_save(path, &memory, sync), 0);
		cr_assert_eq(memory_load(path, &read), 0);
		cr_assert_str_eq(read.session, "3f2c-1");
		cr_assert_eq(read.room_count, 2);
		cr_assert_eq(memory_find(&read, "ops")->epoch, UINT64_C(0x9f2c41d20000000b));
		cr_assert_eq(memory_find(&read, "ops")->done, 41);
		cr_assert_eq(memory_find(&read, "ops")->produced, 42);
		cr_assert_null(memory_find(&read, "lobby"));
	}
	unlink(path);
	cr_assert_eq(memory_load(path, &read), 0, "none is an empty one");
	cr_assert_eq(read.room_count, 0);
}

Test(memory, a_session_that_could_be_a_command_is_none)
{
	char path[] = "/tmp/roomkey-memory-XXXXXX";
	static const char text[] =
		"session x;reboot\nsession $(id)\nsession -rf\nroom ops zz\nnonsense\n";
	struct memory read;
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, sizeof(text) - 1), (ssize_t)sizeof(text) - 1);
	close(fd);
	cr_assert_eq(memory_load(path, &read), 0);
	cr_assert_str_eq(read.session, "");
	cr_assert_eq(read.room_count, 0);
	unlink(path);
}
