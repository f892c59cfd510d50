/* The options as people read them: --help and --print-config. */
#include "base/config_file.h"
#include "base/options.h"

#include <stdbool.h>
#include <string.h>

static void print_names(const struct option *option, const struct config_names *names,
			struct buf *out)
{
	for (unsigned i = 0; i < names->count; i++)
		buf_printf(out, "%s = %s\n", option->name, names->name[i]);
	if (names->count == 0)
		buf_printf(out, "# %s = (%s)\n", option->name, option->shown);
}

static void print_option(const struct option *option, const struct config *config, struct buf *out)
{
	struct buf value = BUF_INIT;

	if (option_is_list(option)) {
		const void *field = (const char *)config + option->offset;

		print_names(option, field, out);
		return;
	}
	option_format(option, config, &value);
	if (value.len == 0) {
		buf_printf(out, "# %s = (%s)\n", option->name, option->shown);
	} else {
		buf_printf(out, "%s = ", option->name);
		config_file_quote(value.data, out);
		buf_append_char(out, '\n');
	}
	out->failed = out->failed || value.failed;
	buf_finish(&value);
}

void config_print(const struct config *config, struct buf *out)
{
	const struct option *heading = NULL;

	for (unsigned i = 0; i < option_count; i++) {
		const struct option *option = &options[i];

		if (option->name == NULL) {
			heading = option;
			continue;
		}
		if (option->change == OPTION_CALL)
			continue;
		if (heading != NULL) {
			buf_printf(out, "%s# %s\n[%s]\n", out->len > 0 ? "\n" : "", heading->title,
				   heading->section);
			heading = NULL;
		}
		print_option(option, config, out);
	}
	for (unsigned i = 0; i < config->agents.count; i++)
		config_agent_print(&config->agents.agent[i], out);
}

#define HELP_COLUMN 36
#define HELP_WIDTH 100

static void help_option(const struct option *option, struct buf *out)
{
	size_t start = out->len;
	const char *value = option->value[0] != '\0' ? option->value : option->shown;
	bool has_default = option->kind != OPTION_FLAG && strcmp(value, "none") != 0;

	buf_printf(out, "  --%s%s%s", option->name, option->metavar[0] != '\0' ? " " : "",
		   option->metavar);
	buf_printf(out, "%*s%s", (int)(HELP_COLUMN - (out->len - start)), "", option->help);
	if (has_default && out->len - start + strlen(value) + strlen(" (default: )") > HELP_WIDTH)
		buf_printf(out, "\n%*s(default: %s)", HELP_COLUMN, "", value);
	else if (has_default)
		buf_printf(out, " (default: %s)", value);
	buf_append_char(out, '\n');
}

void config_help(struct buf *out)
{
	buf_append_str(out, "Usage: chat-master [OPTION]...\n"
			    "The chat server that people enter with their SSH keys.\n");
	for (unsigned i = 0; i < option_count; i++) {
		if (options[i].name == NULL)
			buf_printf(out, "\n%s\n", options[i].title);
		else
			help_option(&options[i], out);
	}
	buf_append_str(out,
		       "\nEach option may also stand in the environment (CHAT_MAX_ROOMS for\n"
		       "--max-rooms) and in the file (max-rooms = 1024). Flags win over the\n"
		       "environment, the environment over the file, the file over the defaults.\n"
		       "SIGHUP reads them again.\n");
}
