/*
 * The option tables as the texts that are made of them (tools/generate.sh puts them in their
 *places):
 *
 *	options configuration     docs/configuration.md
 *	options conf-page         docs/man/chat.conf.5
 *	options flags             the list of flags in docs/man/chat-master.8
 *	options bash|zsh|fish PROGRAM
 */
#include "base/options.h"
#include "base/buf.h"
#include "base/config.h"
#include "base/fd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- an option in words ---- */

static const char *default_of(const struct option *option)
{
	return option->value[0] != '\0' ? option->value : option->shown;
}

static void put_values(const struct option *option, struct buf *out)
{
	switch (option->kind) {
	case OPTION_NUMBER:
		buf_printf(out, "%lld to %lld", (long long)option->low, (long long)option->high);
		break;
	case OPTION_BYTES:
		buf_printf(out, "%lld to %lld bytes; k, M or G may follow", (long long)option->low,
			   (long long)option->high);
		break;
	case OPTION_PATH:
		buf_append_str(out, "a path; ~ is the home");
		break;
	case OPTION_TOKEN:
		buf_append_str(out, "1 to 32 of A-Z a-z 0-9 _ . -");
		break;
	case OPTION_ADDRESS:
		buf_append_str(out, "an IP address or a host name");
		break;
	case OPTION_LISTEN:
		buf_append_str(out, "ADDR:PORT");
		break;
	case OPTION_NAMES:
		buf_append_str(out, "HOST or HOST:PORT, separated by commas; repeatable");
		break;
	case OPTION_PROXIES:
		buf_append_str(out,
			       "NETWORK=proxy2 or NETWORK=xff, separated by commas; repeatable");
		break;
	case OPTION_LOG_FORMAT:
		buf_append_str(out, "text, json");
		break;
	case OPTION_LOG_LEVEL:
		buf_append_str(out, "error, warn, info, debug");
		break;
	case OPTION_FLAG:
		buf_append_str(out, "yes, no");
		break;
	default: /* kinds that others add: their help says it */
		buf_append_str(out, option->metavar);
		break;
	}
}

static bool in_file(const struct option *option)
{
	return option->change != OPTION_CALL;
}

/* Its heading has options that may stand in a file. */
static bool group_in_file(unsigned heading)
{
	return heading + 1 < option_count && options[heading + 1].name != NULL &&
	       in_file(&options[heading + 1]);
}

/* ---- docs/configuration.md ---- */

static void put_cell(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '|')
			buf_append_char(out, '\\');
		buf_append_char(out, *text);
	}
}

static const struct agent_row {
	const char *name, *kind, *value, *words, *help;
	long long low, high;
} agent_rows[] = {
#define AGENT_OPTION(name, field, kind, default, low, high, words, help)                           \
	{name, #kind, default, words, help, low, high},
#include "base/agent_options.def"
#undef AGENT_OPTION
};
#define AGENT_ROWS (sizeof(agent_rows) / sizeof(agent_rows[0]))

static void put_agent_values(const struct agent_row *row, struct buf *out)
{
	if (strcmp(row->kind, "WORD") == 0)
		buf_append_str(out, row->words);
	else if (strcmp(row->kind, "NUMBER") == 0)
		buf_printf(out, "%lld to %lld", row->low, row->high);
	else if (strcmp(row->kind, "BYTES") == 0)
		buf_printf(out, "%lld to %lld bytes; k, M or G may follow", row->low, row->high);
	else if (strcmp(row->kind, "PATH") == 0)
		buf_append_str(out, "a path; ~ is the home");
	else if (strcmp(row->kind, "LIST") == 0)
		buf_append_str(out, "a list, separated by commas or blanks");
	else if (strcmp(row->kind, "LINES") == 0)
		buf_append_str(out, "text; repeatable");
	else
		buf_append_str(out, "text");
}

static void configuration(struct buf *out)
{
	buf_append_str(
		out,
		"<!-- Made from base/options.def by `make generate`: change that, not this. -->\n"
		"# Configuration of chat-master\n\n"
		"Each option is a flag (`--max-rooms 100`), an environment variable "
		"(`CHAT_MAX_ROOMS=100`) "
		"and a line of the\nconfig file (`max-rooms = 100`). The later wins: defaults, "
		"file, "
		"environment, flags. The file is named by `--config FILE`\nor `CHAT_CONFIG`.\n\n"
		"```\n"
		"# a comment\n"
		"[listen]                          # a heading, without meaning\n"
		"port = 8080\n"
		"state-dir = \"/srv/chat # 2\"       # quotes keep blanks and #; \\\" and \\\\ "
		"inside them\n"
		"```\n\n"
		"`chat-master --print-config` prints all options with their values in this form, "
		"`--check-config` only says whether they\nare right. What is wrong is named by "
		"`file:line:column`, with the values that are allowed; the exit code is 2.\n\n"
		"**Live** options change at SIGHUP, which reads file, environment and flags again. "
		"The log "
		"says what changed\n(`configuration changed`), and for the others `… needs a "
		"restart`. "
		"A configuration with a mistake is refused as a whole.\n");
	for (unsigned i = 0; i < option_count; i++) {
		const struct option *option = &options[i];

		if (option->name == NULL) {
			buf_printf(out,
				   "\n## %s\n\n| option | default | values | live | what |\n"
				   "|---|---|---|---|---|\n",
				   option->title);
			continue;
		}
		buf_printf(out, "| `%s` | ", option->name);
		put_cell(out, option->kind == OPTION_FLAG ? "" : default_of(option));
		buf_append_str(out, " | ");
		if (option->kind == OPTION_FLAG && !in_file(option))
			buf_append_str(out, "no value");
		else
			put_values(option, out);
		buf_printf(out, " | %s | ",
			   option->change == OPTION_LIVE      ? "yes"
			   : option->change == OPTION_RESTART ? "no"
							      : "flag only");
		put_cell(out, option->help);
		buf_append_str(out, " |\n");
	}
	buf_append_str(out,
		       "\n## Agents\n\nA section `[agent.NAME]` of the file is a program that is a "
		       "member of rooms ([agents.md](agents.md)). All of it is\nlive.\n\n"
		       "| option | default | values | what |\n|---|---|---|---|\n");
	for (size_t i = 0; i < AGENT_ROWS; i++) {
		buf_printf(out, "| `%s` | %s | ", agent_rows[i].name, agent_rows[i].value);
		put_agent_values(&agent_rows[i], out);
		buf_printf(out, " | %s |\n", agent_rows[i].help);
	}
}

/* ---- manual pages, mdoc(7) ---- */

/* Text of a line of its own; a word that could be a macro, or a dot, may not begin it. */
static void put_mdoc(struct buf *out, const char *text)
{
	if (*text == '.' || *text == '\'')
		buf_append_str(out, "\\&");
	for (; *text != '\0'; text++) {
		if (*text == '\\')
			buf_append_str(out, "\\e");
		else if (*text == '~')
			buf_append_str(out, "\\(ti");
		else if (*text == '`')
			buf_append_str(out, "\\(ga");
		else
			buf_append_char(out, *text);
	}
}

/* "without a line" to "Without a line". */
static void put_sentence(struct buf *out, const char *text, const char *end)
{
	struct buf upper = BUF_INIT;

	buf_append_str(&upper, text);
	if (!upper.failed && upper.len > 0 && text[0] >= 'a' && text[0] <= 'z')
		upper.data[0] = (char)(text[0] - 'a' + 'A');
	out->failed = out->failed || upper.failed;
	if (!upper.failed)
		put_mdoc(out, upper.data);
	buf_finish(&upper);
	buf_append_str(out, end);
}

static void put_facts(const struct option *option, struct buf *out)
{
	struct buf values = BUF_INIT;

	put_values(option, &values);
	if (option->kind != OPTION_FLAG && default_of(option)[0] != '\0') {
		buf_append_str(out, "Default: ");
		put_mdoc(out, default_of(option));
		buf_append_str(out, ".\n");
	}
	if (option->kind != OPTION_FLAG) {
		buf_append_str(out, "Values: ");
		put_mdoc(out, values.data != NULL ? values.data : "");
		buf_append_str(out, ".\n");
	}
	out->failed = out->failed || values.failed;
	buf_finish(&values);
}

static void flags(struct buf *out)
{
	for (unsigned i = 0; i < option_count; i++) {
		const struct option *option = &options[i];

		if (option->name == NULL) {
			if (i > 0)
				buf_append_str(out, ".El\n");
			buf_printf(out, ".Ss %s\n.Bl -tag -width Ds\n", option->title);
			continue;
		}
		buf_printf(out, ".It Fl -%s", option->name);
		if (option->metavar[0] != '\0')
			buf_printf(out, " Ar %s", option->metavar);
		buf_append_char(out, '\n');
		put_sentence(out, option->help, ".\n");
		put_facts(option, out);
		if (option->change == OPTION_RESTART)
			buf_append_str(out, "Needs a restart.\n");
	}
	buf_append_str(out, ".El\n");
}

static void conf_page(struct buf *out)
{
	buf_append_str(
		out,
		".\\\" Made from base/options.def by make generate: change that, not this.\n"
		".Dd November 28, 2026\n.Dt CHAT.CONF 5\n.Os\n.Sh NAME\n.Nm chat.conf\n"
		".Nd configuration of chat-master\n.Sh DESCRIPTION\n"
		".Xr chat-master 8\nreads its options from the file that\n.Fl -config\n"
		"names.\nA line is\n.Ql name = value ;\nthe names are the long options.\n"
		"A\n.Ql #\nat the start of a line or behind a blank begins a comment.\n"
		"A\n.Ql [section]\nis a heading without meaning, but for\n.Ql [agent.NAME] .\n"
		"Double quotes keep blanks and\n.Ql # ;\ninside them\n.Ql \\e\nstands before a "
		"quote or another "
		"one.\nAn environment variable\n.Pf ( Ev CHAT_MAX_ROOMS\nfor\n.Cm max-rooms )\n"
		"wins over the file, a flag over both.\n.Pp\n"
		"Options marked\n.Sq live\nchange at\n.Dv SIGHUP ;\nthe others need a restart.\n"
		"What is wrong is named by file, line and column, and\n.Xr chat-master 8\n"
		"exits with 2, or goes on with what it had.\n");
	for (unsigned i = 0; i < option_count; i++) {
		const struct option *option = &options[i];

		if (option->name == NULL && !group_in_file(i))
			break;
		if (option->name == NULL) {
			if (i > 0)
				buf_append_str(out, ".El\n");
			buf_printf(out, ".Ss %s\n.Bl -tag -width Ds\n", option->title);
			continue;
		}
		buf_printf(out, ".It Cm %s No = Ar %s%s\n", option->name,
			   option->metavar[0] != '\0' ? option->metavar : "yes|no",
			   option->change == OPTION_LIVE ? " Pq live" : "");
		put_sentence(out, option->help, ".\n");
		put_facts(option, out);
	}
	buf_append_str(out, ".El\n.Ss Agents: sections [agent.NAME], all of it live\n"
			    ".Bl -tag -width Ds\n");
	for (size_t i = 0; i < AGENT_ROWS; i++) {
		struct buf values = BUF_INIT;

		put_agent_values(&agent_rows[i], &values);
		buf_printf(out, ".It Cm %s\n", agent_rows[i].name);
		put_sentence(out, agent_rows[i].help, ".\n");
		if (agent_rows[i].value[0] != '\0')
			buf_printf(out, "Default: %s.\n", agent_rows[i].value);
		buf_append_str(out, "Values: ");
		put_mdoc(out, values.data != NULL ? values.data : "");
		buf_append_str(out, ".\n");
		out->failed = out->failed || values.failed;
		buf_finish(&values);
	}
	buf_append_str(
		out,
		".El\n.Sh FILES\n.Bl -tag -width Ds\n.It Pa /etc/chat/chat.conf\n"
		"What the service reads.\n.El\n.Sh EXAMPLES\n.Bd -literal\n[listen]\nport = 8080\n"
		"workers = 4\n\n[keys]\nauthorized-keys = /etc/chat/authorized_keys\n\n[limits]\n"
		"rate = 10          # messages a second for each user\n.Ed\n.Pp\n"
		".Dl chat-master --check-config --config /etc/chat/chat.conf\n"
		".Sh SEE ALSO\n.Xr chat-agent 1 ,\n.Xr chat-keys 1 ,\n.Xr chat-protocol 7 ,\n.Xr "
		"chat-master 8\n");
}

/* ---- completions ---- */

enum completes { NOTHING, ANYTHING, FILES, FOLDERS };

struct flag {
	const char *name;                   /* without dashes */
	char letter;                        /* or 0 */
	const char *metavar, *help, *words; /* words: separated by blanks; NULL: see completes */
	enum completes completes;
};

struct program {
	const char *name;
	struct flag flag[128];
	unsigned count;
};

static void add_flag(struct program *program, const char *name, char letter, const char *metavar,
		     const char *help)
{
	struct flag *flag = &program->flag[program->count++];

	*flag = (struct flag){.name = name, .letter = letter, .metavar = metavar, .help = help};
	if (metavar == NULL || metavar[0] == '\0')
		flag->completes = NOTHING;
	else if (strcmp(metavar, "FILE") == 0)
		flag->completes = FILES;
	else if (strcmp(metavar, "DIR") == 0)
		flag->completes = FOLDERS;
	else
		flag->completes = ANYTHING;
	if (metavar != NULL && strcmp(metavar, "text|json") == 0)
		flag->words = "text json";
	else if (metavar != NULL && strcmp(metavar, "LEVEL") == 0)
		flag->words = "error warn info debug";
	else if (strcmp(name, "notify") == 0)
		flag->words = "off bell osc9 osc777 command";
	else if (strcmp(name, "as") == 0)
		flag->words = "message notice alert me";
}

static bool find_program(const char *name, struct program *program)
{
	memset(program, 0, sizeof(*program));
	program->name = name;
	if (strcmp(name, "chat-master") == 0) {
		for (unsigned i = 0; i < option_count; i++) {
			if (options[i].name != NULL)
				add_flag(program, options[i].name, 0, options[i].metavar,
					 options[i].help);
		}
		return true;
	}
	if (strcmp(name, "chat-client") == 0) {
#define GROUP(title)
#define OPTION(field, long_name, letter, argument, help)                                           \
	add_flag(program, (long_name) + 2, letter, argument, help);
#include "client/options.def"
#undef GROUP
#undef OPTION
		return true;
	}
	return false;
}

/* What follows one of these flags; words NULL: all without words. */
static void put_bash_case(const struct program *program, enum completes completes,
			  const char *words, const char *compgen, struct buf *out)
{
	const char * or = "\t";

	for (unsigned i = 0; i < program->count; i++) {
		const struct flag *flag = &program->flag[i];

		if (flag->completes != completes || flag->words != words)
			continue;
		buf_printf(out, "%s--%s", or, flag->name);
		or = " | ";
		if (flag->letter != '\0')
			buf_printf(out, " | -%c", flag->letter);
	}
	if (or [0] == '\t')
		return;
	buf_append_str(out, ")\n");
	if (compgen != NULL)
		buf_printf(out, "\t\tmapfile -t COMPREPLY < <(compgen %s -- \"$word\")\n", compgen);
	buf_append_str(out, "\t\treturn\n\t\t;;\n");
}

static void put_bash_words(const struct program *program, struct buf *out)
{
	for (unsigned i = 0; i < program->count; i++) {
		const struct flag *flag = &program->flag[i];
		struct buf compgen = BUF_INIT;

		if (flag->words == NULL)
			continue;
		buf_printf(&compgen, "-W '%s'", flag->words);
		out->failed = out->failed || compgen.failed;
		if (!compgen.failed)
			put_bash_case(program, flag->completes, flag->words, compgen.data, out);
		buf_finish(&compgen);
	}
}

static void bash(const struct program *program, struct buf *out)
{
	buf_printf(out,
		   "# bash completion for %s. Made by `make generate`.\n_%s() {\n"
		   "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
		   "\tCOMPREPLY=()\n\tcase $before in\n",
		   program->name, program->name);
	put_bash_case(program, FILES, NULL, "-f", out);
	put_bash_case(program, FOLDERS, NULL, "-d", out);
	put_bash_words(program, out);
	put_bash_case(program, ANYTHING, NULL, NULL, out);
	buf_append_str(out, "\tesac\n\tmapfile -t COMPREPLY < <(compgen -W '");
	for (unsigned i = 0; i < program->count; i++)
		buf_printf(out, "%s--%s", i > 0 ? " " : "", program->flag[i].name);
	buf_printf(out, "' -- \"$word\")\n}\ncomplete -o filenames -F _%s %s\n", program->name,
		   program->name);
}

/* Inside single quotes. */
static void put_quoted(struct buf *out, const char *text, const char *escaped)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'') {
			buf_append_str(out, "'\\''");
			continue;
		}
		if (strchr(escaped, *text) != NULL)
			buf_append_char(out, '\\');
		buf_append_char(out, *text);
	}
}

static void zsh(const struct program *program, struct buf *out)
{
	buf_printf(out, "#compdef %s\n# Made by `make generate`.\n_arguments \\\n", program->name);
	for (unsigned i = 0; i < program->count; i++) {
		const struct flag *flag = &program->flag[i];

		buf_printf(out, "\t'--%s%s[", flag->name, flag->completes != NOTHING ? "=" : "");
		put_quoted(out, flag->help, "[]:\\");
		buf_append_char(out, ']');
		if (flag->completes != NOTHING) {
			buf_append_char(out, ':');
			put_quoted(out, flag->metavar, ":\\");
			buf_append_char(out, ':');
		}
		if (flag->words != NULL)
			buf_printf(out, "(%s)", flag->words);
		else if (flag->completes == FILES)
			buf_append_str(out, "_files");
		else if (flag->completes == FOLDERS)
			buf_append_str(out, "_directories");
		buf_append_str(out, "' \\\n");
	}
	buf_append_str(out, strcmp(program->name, "chat-client") == 0
				    ? "\t'1:where, [USER@]HOST[\\:PORT]:_hosts'\n"
				    : "\t'*::'\n");
}

static void fish(const struct program *program, struct buf *out)
{
	buf_printf(out, "# fish completion for %s. Made by `make generate`.\ncomplete -c %s -f\n",
		   program->name, program->name);
	for (unsigned i = 0; i < program->count; i++) {
		const struct flag *flag = &program->flag[i];

		buf_printf(out, "complete -c %s -l %s", program->name, flag->name);
		if (flag->letter != '\0')
			buf_printf(out, " -s %c", flag->letter);
		if (flag->words != NULL)
			buf_printf(out, " -x -a '%s'", flag->words);
		else if (flag->completes == FOLDERS)
			buf_append_str(out, " -x -a '(__fish_complete_directories)'");
		else if (flag->completes != NOTHING)
			buf_append_str(out, flag->completes == FILES ? " -r -F" : " -x");
		buf_append_str(out, " -d '");
		put_quoted(out, flag->help, "");
		buf_append_str(out, "'\n");
	}
	if (strcmp(program->name, "chat-client") == 0)
		buf_append_str(out, "complete -c chat-client -a '(__fish_print_hostnames)'\n");
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	struct buf out = BUF_INIT;
	struct program program;
	bool known = true;

	if (strcmp(what, "configuration") == 0)
		configuration(&out);
	else if (strcmp(what, "conf-page") == 0)
		conf_page(&out);
	else if (strcmp(what, "flags") == 0)
		flags(&out);
	else if (argc < 3 || !find_program(argv[2], &program))
		known = false;
	else if (strcmp(what, "bash") == 0)
		bash(&program, &out);
	else if (strcmp(what, "zsh") == 0)
		zsh(&program, &out);
	else if (strcmp(what, "fish") == 0)
		fish(&program, &out);
	else
		known = false;
	if (!known || out.failed || fd_write_all(STDOUT_FILENO, out.data, out.len) < 0) {
		(void)fputs(known ? "out of memory\n" : "see the beginning of tools/options.c\n",
			    stderr);
		return EXIT_FAILURE;
	}
	buf_finish(&out);
	return EXIT_SUCCESS;
}
