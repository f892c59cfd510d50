#include "tests/integration/agents.h"

#include "base/buf.h"
#include "base/clock.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char *with_commands(const char *sections)
{
	struct buf text = BUF_INIT;
	char *echo = realpath("tests/agents/echo.sh", NULL);
	char *stream = realpath("tests/agents/fake_stream.py", NULL);

	must(echo != NULL && stream != NULL, "run it from the root of the project");
	for (const char *at = sections; *at != '\0'; at++) {
		if (strncmp(at, "[agent.", 7) == 0 && geteuid() == 0) {
			/* The folders of the test are its user's. */
			buf_append(&text, at, strcspn(at, "\n"));
			buf_append_str(&text, "\nuser = root");
			at += strcspn(at, "\n") - 1;
		} else if (at[0] == '%' && at[1] == 'E')
			buf_append_str(&text, echo), at++;
		else if (at[0] == '%' && at[1] == 'S')
			buf_printf(&text, "python3 %s", stream), at++;
		else
			buf_append_char(&text, *at);
	}
	free(echo);
	free(stream);
	must(!text.failed, "no memory");
	owned_add(text.data, free, NULL);
	return text.data;
}

void agents_write_config(const char *sections)
{
	scratch_write("agents.conf", with_commands(sections));
}

static char *keys_with_roles(const char *more)
{
	static const char *const people[][2] = {
		{"alice", ""}, {"bob", ""}, {"olga", "op"}, {"bot", "agent"}};
	struct buf keys = BUF_INIT;

	for (unsigned i = 0; i < sizeof(people) / sizeof(people[0]); i++) {
		if (people[i][1][0] != '\0')
			buf_printf(&keys, "environment=\"CHAT_ROLE=%s\" ", people[i][1]);
		buf_append_str(&keys, keys_of(people[i][0]));
	}
	buf_append_str(&keys, more);
	must(!keys.failed, "no memory");
	owned_add(keys.data, free, NULL);
	return keys.data;
}

static struct server *server_of(const char *sections, const char *key_line)
{
	struct server *s;

	agents_write_config(sections);
	s = server_with(.keys = keys_with_roles(key_line), .workers = 2,
			/* The longest answer fits, so that a slow reader misses nothing of it. */
			.args = scratch_text("--config %s --room-bytes 1048576",
					     scratch_path("agents.conf")));
	server_log_await(s, NULL, "\"agents started\"", NULL);
	return s;
}

struct server *agents_server(const char *sections)
{
	return server_of(sections, "");
}

struct server *agents_server_echo(const char *lines)
{
	return agents_server(
		scratch_text("[agent.echo]\ncommand = %%E\nrooms = ops\nstop-wait = 1\n%s", lines));
}

struct server *agents_server_for(const char *key_line, const char *lines)
{
	return server_of(scratch_text("[agent.claude]\ncommand = %%S\nrooms = ops\n"
				      "format = stream-json\nstop-wait = 1\n"
				      "env = FAKE_DIR=%s\n%s",
				      scratch_dir(), lines),
			 key_line);
}

struct server *agents_server_claude(const char *lines)
{
	return agents_server_for("", lines);
}

struct chat *agents_member(struct server *s, const char *user)
{
	struct chat *c = chat_login(s, user);

	chat_join(c, "ops", NULL);
	return c;
}

long long agents_say(struct chat *c, const char *content)
{
	static unsigned number;
	char id[32];

	snprintf(id, sizeof(id), "say-%u", ++number);
	chat_send(c, "{'id':'%s','room':'ops','content':'%s'}", id, content);
	return number_of(chat_await(c, "{'type':'ok','id':'%s'}", id), "seq");
}

static json_t *hears(struct chat *c, const char *agent, const char *kind, const char *text)
{
	json_t *line;

	do {
		line = chat_await(c, "{'type':'message','sender':'%s','kind':%s}", agent, kind);
	} while (strstr(text_of(line, "content"), text) == NULL);
	return line;
}

json_t *agents_hears(struct chat *c, const char *agent, const char *text)
{
	return hears(c, agent, "null", text);
}

json_t *agents_notice(struct chat *c, const char *agent, const char *text)
{
	return hears(c, agent, "'notice'", text);
}

void agents_await_status(struct chat *c, const char *pattern)
{
	const struct timespec moment = {.tv_nsec = 10000000};
	uint64_t deadline = clock_mono_ms() + PATIENCE_MS;
	json_t *line;

	for (;;) {
		chat_send(c, "{'type':'agent','id':'status'}");
		line = chat_await(c, "{'type':'agent','id':'status'}");
		if (json_has(json_array_get(json_object_get(line, "agents"), 0), "%s", pattern))
			return;
		must(clock_mono_ms() < deadline, "%s", json_text(line));
		nanosleep(&moment, NULL);
	}
}

pid_t agents_pid(struct server *s, const char *agent, size_t *offset)
{
	json_t *line = server_log_await(s, offset, "\"agent started\"",
					scratch_text("\"agent\":\"%s\"", agent));

	return (pid_t)number_of(line, "pid");
}

pid_t agents_supervisor(struct server *s, size_t *offset)
{
	return (pid_t)number_of(server_log_await(s, offset, "\"supervisor started\"", NULL), "pid");
}

void agents_go(void)
{
	scratch_write("go", "");
}

/* Somebody else's child: a zombie counts as gone. */
static bool is_there(pid_t pid)
{
	char *stat = file_read(scratch_text("/proc/%d/stat", (int)pid));
	const char *state = stat != NULL ? strrchr(stat, ')') : NULL;

	return state != NULL && state[1] == ' ' && strchr("ZX", state[2]) == NULL;
}

void agents_gone(pid_t pid)
{
	const struct timespec moment = {.tv_nsec = 10000000};
	uint64_t deadline = clock_mono_ms() + PATIENCE_MS;

	must(pid > 1, "no pid");
	while (is_there(pid)) {
		must(clock_mono_ms() < deadline, "process %d is still there", (int)pid);
		nanosleep(&moment, NULL);
	}
}
