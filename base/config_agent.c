#include "base/config_agent.h"

#include "base/config_file.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { TEXT, PATH, LIST, LINES, NUMBER, BYTES, WORD };

static const struct row {
	const char *name;
	size_t offset, size;
	enum kind kind;
	const char *value;
	uint32_t low, high;
	const char *words;
} rows[] = {
#define AGENT_OPTION(option, field, of_kind, initial, lowest, highest, of_words, help)             \
	{.name = (option),                                                                         \
	 .offset = offsetof(struct config_agent, field),                                           \
	 .size = sizeof(((struct config_agent *)0)->field),                                        \
	 .kind = of_kind,                                                                          \
	 .value = (initial),                                                                       \
	 .low = (lowest),                                                                          \
	 .high = (highest),                                                                        \
	 .words = (of_words)},
#include "base/agent_options.def"
#undef AGENT_OPTION
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))
_Static_assert(ROWS <= AGENT_OPTIONS_MAX, "a line number for each");

/* ---- lists ---- */

bool agent_list_next(const char **list, char *ret_word, unsigned size)
{
	size_t len;

	*list += strspn(*list, " ");
	len = strcspn(*list, " ");
	if (len == 0)
		return false;
	snprintf(ret_word, size, "%.*s", (int)len, *list);
	*list += len;
	return true;
}

bool agent_list_has(const char *list, const char *name, bool is_op)
{
	char word[AGENT_TEXT_SIZE];

	while (agent_list_next(&list, word, sizeof(word))) {
		if (strcmp(word, "everyone") == 0 || (strcmp(word, "ops") == 0 && is_op) ||
		    (strcmp(word, "ops") != 0 && strcmp(word, name) == 0))
			return true;
	}
	return false;
}

/* The same rule as proto's, which is a floor above. */
static bool is_name(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len <= NAME_LEN_MAX && strchr("_.-", name[0]) == NULL &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == len;
}

/* ---- one value ---- */

static int too_long(struct buf *why, const struct row *row)
{
	buf_printf(why, "at most %zu characters fit", row->size - 1);
	return -EINVAL;
}

static int set_list(const struct row *row, char *at, const char *value, struct buf *why)
{
	size_t used = 0;

	at[0] = '\0';
	for (;;) {
		size_t len;

		value += strspn(value, ", \t");
		len = strcspn(value, ", \t");
		if (len == 0)
			return 0;
		if (*value == '#')
			value++, len--;
		if (used + len + 2 > row->size)
			return too_long(why, row);
		used += (size_t)snprintf(at + used, row->size - used, "%s%.*s", used > 0 ? " " : "",
					 (int)len, value);
		value += len;
	}
}

static int set_lines(const struct row *row, char *at, const char *value, struct buf *why)
{
	size_t used = strlen(at);

	if (used + strlen(value) + 2 > row->size)
		return too_long(why, row);
	snprintf(at + used, row->size - used, "%s%s", used > 0 ? "\n" : "", value);
	return 0;
}

static int set_number(const struct row *row, uint32_t *at, const char *value, struct buf *why)
{
	char *end = NULL;
	unsigned long long number = 0;

	if (value[0] >= '0' && value[0] <= '9' && strlen(value) < 16)
		number = strtoull(value, &end, 10);
	if (end != NULL && row->kind == BYTES && end[0] != '\0' && end[1] == '\0' &&
	    strchr("kKMG", end[0]) != NULL && number <= UINT32_MAX) {
		number <<= end[0] == 'M' ? 20 : end[0] == 'G' ? 30 : 10;
		end++;
	}
	if (end == NULL || *end != '\0' || number < row->low || number > row->high) {
		buf_printf(why, "\"%s\": a whole number from %u to %u is needed%s", value, row->low,
			   row->high, row->kind == BYTES ? "; K, M and G may follow" : "");
		return -EINVAL;
	}
	*at = (uint32_t)number;
	return 0;
}

static int set_word(const struct row *row, uint32_t *at, const char *value, struct buf *why)
{
	const char *words = row->words;
	char word[32];

	for (uint32_t i = 0; agent_list_next(&words, word, sizeof(word)); i++) {
		if (strcmp(word, value) == 0) {
			*at = i;
			return 0;
		}
	}
	buf_printf(why, "\"%s\" is none of: %s", value, row->words);
	return -EINVAL;
}

static int set_value(const struct row *row, struct config_agent *agent, const char *value,
		     const char *home, struct buf *why)
{
	char *at = (char *)agent + row->offset;
	bool from_home = row->kind == PATH && value[0] == '~' && (value[1] == '/' || !value[1]);

	switch (row->kind) {
	case TEXT:
	case PATH:
		if (strlen(value) + (from_home ? strlen(home) : 0) >= row->size)
			return too_long(why, row);
		snprintf(at, row->size, "%s%s", from_home ? home : "",
			 from_home ? value + 1 : value);
		return 0;
	case LIST:
		return set_list(row, at, value, why);
	case LINES:
		return set_lines(row, at, value, why);
	case NUMBER:
	case BYTES:
		return set_number(row, (uint32_t *)(void *)at, value, why);
	case WORD:
		return set_word(row, (uint32_t *)(void *)at, value, why);
	}
	return -EINVAL;
}

/* ---- sections ---- */

int config_agent_begin(struct config_agents *agents, const char *name, unsigned line,
		       struct config_agent **ret_agent, struct buf *why)
{
	const struct config_agent *twin = config_agent_find(agents, name);
	struct config_agent *all, *agent;

	if (!is_name(name)) {
		buf_printf(why,
			   "[agent.%s]: a name is 1 to 32 of a-z 0-9 _ . - and begins with a "
			   "letter or a digit",
			   name);
		return -EINVAL;
	}
	if (twin != NULL) {
		buf_printf(why, "[agent.%s] stands on line %u already", name, twin->line);
		return -EINVAL;
	}
	if (agents->count == AGENTS_MAX) {
		buf_printf(why, "[agent.%s]: there are %u agents already, no more fit", name,
			   AGENTS_MAX);
		return -EINVAL;
	}
	all = realloc(agents->agent, (agents->count + 1) * sizeof(*all));
	if (all == NULL)
		return -ENOMEM;
	agents->agent = all;
	agent = &all[agents->count++];
	memset(agent, 0, sizeof(*agent));
	snprintf(agent->name, sizeof(agent->name), "%s", name);
	agent->line = line;
	for (size_t i = 0; i < ROWS; i++)
		set_value(&rows[i], agent, rows[i].value, "", why);
	*ret_agent = agent;
	return 0;
}

bool config_agent_has(const char *name)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (strcmp(rows[i].name, name) == 0)
			return true;
	}
	return false;
}

int config_agent_set(struct config_agent *agent, const char *name, const char *value, unsigned line,
		     const char *home, struct buf *why)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (strcmp(rows[i].name, name) != 0)
			continue;
		if (agent->set[i] != 0 && rows[i].kind != LINES) {
			buf_printf(why, "%s stands on line %u already", name, agent->set[i]);
			return -EINVAL;
		}
		agent->set[i] = line;
		return set_value(&rows[i], agent, value, home, why);
	}
	buf_printf(why, "an agent has no option \"%s\"; the options are:", name);
	for (size_t i = 0; i < ROWS; i++)
		buf_printf(why, "%s %s", i > 0 ? "," : "", rows[i].name);
	return -EINVAL;
}

/* Names, one for each, and the words that stand for several people. */
static int check_people(const char *option, const char *list, bool everyone, struct buf *why)
{
	char word[AGENT_TEXT_SIZE];
	unsigned count = 0;

	while (agent_list_next(&list, word, sizeof(word))) {
		if (!everyone && ++count > AGENT_APPROVE_MAX) {
			buf_printf(why, "%s: at most %u names fit", option, AGENT_APPROVE_MAX);
			return -EINVAL;
		}
		if (is_name(word) && (everyone || strcmp(word, "everyone") != 0))
			continue;
		buf_printf(why, "%s: \"%s\" is no name%s", option, word,
			   everyone ? "" : " (there is no \"everyone\" here, but \"ops\")");
		return -EINVAL;
	}
	return 0;
}

int config_agent_check(const struct config_agent *agent, struct buf *why)
{
	const char *list = agent->rooms;
	char word[AGENT_TEXT_SIZE];
	unsigned rooms = 0;

	if (agent->command[0] == '\0') {
		buf_append_str(why, "command is missing");
		return -EINVAL;
	}
	for (; agent_list_next(&list, word, sizeof(word)); rooms++) {
		if (!is_name(word)) {
			buf_printf(why, "rooms: \"%s\" is no name of a room", word);
			return -EINVAL;
		}
	}
	if (rooms == 0 || rooms > AGENT_ROOMS_MAX) {
		buf_printf(why, rooms == 0 ? "rooms is missing" : "rooms: at most %u fit",
			   AGENT_ROOMS_MAX);
		return -EINVAL;
	}
	if (agent->format == AGENT_STREAM_JSON && agent->input == AGENT_INPUT_JSON) {
		buf_append_str(why, "input is for programs that read lines");
		return -EINVAL;
	}
	if (check_people("talk", agent->talk, true, why) < 0)
		return -EINVAL;
	return check_people("approve", agent->approve, false, why);
}

void config_agent_print(const struct config_agent *agent, struct buf *out)
{
	buf_printf(out, "\n[agent.%s]\n", agent->name);
	for (size_t i = 0; i < ROWS; i++) {
		const char *at = (const char *)agent + rows[i].offset;
		const char *words = rows[i].words, *line = at;
		char word[32] = "";

		switch (rows[i].kind) {
		case TEXT:
		case PATH:
		case LIST:
			if (at[0] == '\0')
				break;
			buf_printf(out, "%s = ", rows[i].name);
			config_file_quote(at, out);
			buf_append_char(out, '\n');
			break;
		case LINES:
			for (size_t len; *line != '\0'; line += len + (line[len] == '\n')) {
				char one[AGENT_ENV_SIZE];

				len = strcspn(line, "\n");
				snprintf(one, sizeof(one), "%.*s", (int)len, line);
				buf_printf(out, "%s = ", rows[i].name);
				config_file_quote(one, out);
				buf_append_char(out, '\n');
			}
			break;
		case NUMBER:
		case BYTES:
			buf_printf(out, "%s = %u\n", rows[i].name,
				   *(const uint32_t *)(const void *)at);
			break;
		case WORD:
			for (uint32_t n = 0; n <= *(const uint32_t *)(const void *)at; n++)
				agent_list_next(&words, word, sizeof(word));
			buf_printf(out, "%s = %s\n", rows[i].name, word);
			break;
		}
	}
}

const struct config_agent *config_agent_find(const struct config_agents *agents, const char *name)
{
	for (unsigned i = 0; i < agents->count; i++) {
		if (strcmp(agents->agent[i].name, name) == 0)
			return &agents->agent[i];
	}
	return NULL;
}

bool config_agents_equal(const struct config_agents *a, const struct config_agents *b)
{
	bool equal = a->count == b->count;

	/* Each was zeroed before it was filled. Where a line stands makes no difference. */
	for (unsigned i = 0; equal && i < a->count; i++)
		equal = memcmp(&a->agent[i], &b->agent[i], offsetof(struct config_agent, line)) ==
			0;
	return equal;
}
