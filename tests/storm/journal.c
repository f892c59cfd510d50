#include "tests/storm/journal.h"

#include "base/clock.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 48
#define KILLED 9

struct reading {
	struct journal *journal;
	const struct weather *weather;
	int64_t died_ms[SLOTS]; /* when the blow fell that its last worker died of; 0: none */
	bool hung[SLOTS];
};

static const char *text_of(const json_t *line, const char *field)
{
	const char *text = json_string_value(json_object_get(line, field));

	return text != NULL ? text : "";
}

static const struct blow *blow_at(const struct weather *weather, json_int_t pid)
{
	for (size_t i = weather->blow_count; i-- > 0;) {
		if (weather->blows[i].pid == pid)
			return &weather->blows[i];
	}
	return NULL;
}

static void note_strange(struct journal *journal, const char *text)
{
	if (journal->strange++ == 0)
		snprintf(journal->first_strange, sizeof(journal->first_strange), "%.*s",
			 (int)strcspn(text, "\n"), text);
}

static void on_death(struct reading *reading, const json_t *line, const char *text)
{
	json_int_t slot = json_integer_value(json_object_get(line, "worker"));
	const struct blow *blow =
		blow_at(reading->weather, json_integer_value(json_object_get(line, "pid")));

	if (slot < 0 || slot >= SLOTS)
		return;
	if (blow == NULL || json_integer_value(json_object_get(line, "signal")) != KILLED) {
		note_strange(reading->journal, text);
		return;
	}
	reading->died_ms[slot] = blow->wall_ms;
	reading->hung[slot] = blow->hang;
}

static void on_birth(struct reading *reading, const json_t *line)
{
	json_int_t slot = json_integer_value(json_object_get(line, "worker"));
	int64_t born_ms = 0;

	if (slot < 0 || slot >= SLOTS || reading->died_ms[slot] == 0 ||
	    clock_parse(text_of(line, "time"), &born_ms) < 0)
		return;
	if (born_ms < reading->died_ms[slot])
		born_ms = reading->died_ms[slot];
	samples_add(reading->hung[slot] ? &reading->journal->hangs : &reading->journal->respawns,
		    (uint64_t)(born_ms - reading->died_ms[slot]) * 1000);
	reading->died_ms[slot] = 0;
}

static void on_segment(struct reading *reading, const json_t *line)
{
	const char *origin = text_of(line, "origin");
	json_t *quarantined = json_object_get(line, "quarantined");

	if (strcmp(origin, "taken over") == 0)
		reading->journal->attached++;
	else if (strcmp(origin, "loaded") == 0)
		reading->journal->loaded++;
	else
		reading->journal->other++;
	reading->journal->quarantined += (unsigned)json_integer_value(quarantined);
}

static void take(struct reading *reading, const json_t *line, const char *text)
{
	const char *event = text_of(line, "event");

	if (strcmp(event, "worker died") == 0)
		on_death(reading, line, text);
	else if (strcmp(event, "worker started") == 0)
		on_birth(reading, line);
	else if (strcmp(event, "segment") == 0)
		on_segment(reading, line);
	else if (strcmp(event, "log reset") == 0)
		reading->journal->quarantined++;
	else if (strcmp(text_of(line, "level"), "error") == 0 && strcmp(event, "worker stuck") != 0)
		note_strange(reading->journal, text);
}

int journal_read(const char *path, const struct weather *weather, struct journal *ret_journal)
{
	struct reading reading = {.journal = ret_journal, .weather = weather};
	char *text = NULL;
	size_t size = 0;
	FILE *file = fopen(path, "re");

	*ret_journal = (struct journal){0};
	if (file == NULL)
		return -errno;
	while (getline(&text, &size, file) > 0) {
		json_t *line = json_loads(text, 0, NULL);

		/* A line of a killed process may end anywhere. */
		if (line != NULL)
			take(&reading, line, text);
		json_decref(line);
	}
	free(text);
	fclose(file);
	for (unsigned slot = 0; slot < SLOTS; slot++)
		ret_journal->hangs_left += reading.died_ms[slot] != 0 && reading.hung[slot];
	return 0;
}

unsigned journal_count(const char *path, const char *text, long *offset)
{
	unsigned count = 0;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	FILE *file = fopen(path, "re");

	if (file == NULL || fseek(file, *offset, SEEK_SET) < 0)
		goto out;
	while ((len = getline(&line, &size, file)) > 0 && line[len - 1] == '\n') {
		count += strstr(line, text) != NULL;
		*offset += len;
	}
out:
	free(line);
	if (file != NULL)
		fclose(file);
	return count;
}

void journal_finish(struct journal *journal)
{
	samples_finish(&journal->respawns);
	samples_finish(&journal->hangs);
}
