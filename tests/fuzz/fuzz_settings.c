/*
 * client.conf: what is taken can be changed and reads back as the same but for the change; what
 * isn't is told, each line of it with its number.
 */
#include "client/settings.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {"notify", "notify-command", "bell",
				    "ignore", "theme",          "timestamp"};
static const char *const values[][2] = {{"osc9", "off"},   {"cat >f # x", ""},
					{"off", "on"},     {"bob, eve", ""},
					{"light", "mono"}, {"%H # \"%M\"", "%d.%m. \\ %H"}};

#define NAMES (sizeof(names) / sizeof(names[0]))

static char path[64];

static void check(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

static void write_file(const uint8_t *bytes, size_t len)
{
	FILE *file;

	if (!path[0])
		snprintf(path, sizeof(path), "/dev/shm/fuzz-settings-%d", (int)getpid());
	file = fopen(path, "we");
	check(file && fwrite(bytes, 1, len, file) == len && fclose(file) == 0, "a file");
}

/* All that it says, as one text. */
static void describe(const struct settings *settings, size_t but, struct buf *out)
{
	for (size_t i = 0; i < NAMES; i++) {
		if (i == but)
			continue;
		buf_printf(out, "%s=", names[i]);
		settings_get(settings, names[i], out);
		buf_append_char(out, '\n');
	}
	for (size_t i = 0; i < settings->host_count; i++)
		buf_printf(out, "[%s] %s %u %s %s\n", settings->hosts[i].name,
			   settings->hosts[i].address ? settings->hosts[i].address : "",
			   settings->hosts[i].port,
			   settings->hosts[i].user ? settings->hosts[i].user : "",
			   settings->hosts[i].key ? settings->hosts[i].key : "");
}

static void try_change(struct settings *settings, size_t which, const char *value)
{
	struct buf before = BUF_INIT, after = BUF_INIT, problem = BUF_INIT;
	struct settings again;

	describe(settings, which, &before);
	check(settings_change(settings, names[which], value, &problem) == 0,
	      "a good value is taken");
	check(settings_load(path, &again, &problem) == 0, "what was changed reads back");
	describe(&again, which, &after);
	check(strcmp(before.data, after.data) == 0, "the rest as the same");
	buf_reset(&before);
	buf_reset(&after);
	settings_get(settings, names[which], &before);
	settings_get(&again, names[which], &after);
	check(before.len == after.len && (before.len == 0 || strcmp(before.data, after.data) == 0),
	      "and it as it was set");
	settings_finish(&again);
	buf_finish(&before);
	buf_finish(&after);
	buf_finish(&problem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf problem = BUF_INIT;
	struct settings settings;
	int rc;

	if (size == 0 || size > 4096)
		return 0;
	setenv("HOME", "/home/alice", 1);
	write_file(data + 1, size - 1);
	rc = settings_load(path, &settings, &problem);
	check(rc == 0 || rc == -EINVAL, "a result");
	check((rc == 0) == (problem.len == 0), "a complaint for a refusal");
	if (rc == 0) {
		size_t which = data[0] % NAMES;

		try_change(&settings, which, values[which][data[0] / NAMES % 2]);
		settings_finish(&settings);
	}
	buf_finish(&problem);
	unlink(path);
	return 0;
}
