#include "base/config.h"

#include "base/config_file.h"
#include "base/limits.h"
#include "base/options.h"

#include <assert.h>
#include <errno.h>
#include <pwd.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_BYTES_MAX (1024u * 1024u)

/* Where a value stands; "where: what is wrong". */
struct loader {
	struct config *config;
	struct buf *errors;
	const char *home;
	struct config_agent *agent; /* whose section the file's lines stand in, or NULL */
	bool skip;                  /* a section that was refused: its lines are, too */
	unsigned line[OPTIONS_MAX]; /* set in this source; a file's line number, else 1 */
	bool no_memory;
	bool failed;
};

/* Begins a complaint; the caller appends the rest. */
static struct buf *complain(struct loader *loader)
{
	loader->failed = true;
	if (loader->errors->len > 0)
		buf_append_char(loader->errors, '\n');
	return loader->errors;
}

static void begin_source(struct loader *loader)
{
	memset(loader->line, 0, sizeof(loader->line));
}

/* `where` is the text before the colon: "--port", "CHAT_PORT" or "file:3:8: port". */
static void set(struct loader *loader, const struct option *option, const char *value,
		unsigned line, const char *where)
{
	struct buf why = BUF_INIT;
	int err;

	if (loader->line[option - options] == 0)
		option_clear(option, loader->config);
	loader->line[option - options] = line;
	err = option_set(option, loader->config, value, loader->home, &why);
	if (err == -EINVAL)
		buf_printf(complain(loader), "%s: %s", where, why.failed ? "bad value" : why.data);
	else if (err < 0)
		loader->no_memory = true;
	buf_finish(&why);
}

static void suggest(struct buf *out, const char *name, const char *dashes)
{
	const struct option *nearest = option_nearest(name, strcspn(name, "="));

	if (nearest != NULL)
		buf_printf(out, " (did you mean %s%s?)", dashes, nearest->name);
}

/* ---- the environment ---- */

static const char *env_find(char **envp, const char *name)
{
	size_t len = strlen(name);

	for (; *envp != NULL; envp++) {
		if (strncmp(*envp, name, len) == 0 && (*envp)[len] == '=' &&
		    (*envp)[len + 1] != '\0')
			return *envp + len + 1;
	}
	return NULL;
}

static void load_environment(struct loader *loader, char **envp)
{
	struct buf name = BUF_INIT;

	begin_source(loader);
	for (unsigned i = 0; i < option_count; i++) {
		const char *value;

		if (options[i].name == NULL)
			continue;
		buf_reset(&name);
		option_env_name(&options[i], &name);
		if (name.failed) {
			loader->no_memory = true;
			break;
		}
		value = env_find(envp, name.data);
		if (value != NULL)
			set(loader, &options[i], value, 1, name.data);
	}
	buf_finish(&name);
}

/* ---- flags ---- */

/* Only what decides where the rest comes from: the file, and calls for help. */
static bool is_early(const struct option *option)
{
	return option->change == OPTION_CALL;
}

static void refuse_flag(struct loader *loader, const char *arg)
{
	const char *name = arg + strspn(arg, "-");
	struct buf *out = complain(loader);

	if (name == arg) {
		buf_printf(out, "%s: options begin with --, and there is nothing else", arg);
		return;
	}
	buf_printf(out, "%s: there is no such option", arg);
	suggest(out, name, "--");
	buf_append_str(out, "; --help lists them all");
}

static const struct option *flag_of(const char *arg, const char **ret_value)
{
	const char *equals = strchr(arg, '=');

	*ret_value = equals != NULL ? equals + 1 : NULL;
	if (strcmp(arg, "-h") == 0)
		arg = "--help";
	if (strcmp(arg, "-V") == 0)
		arg = "--version";
	if (strncmp(arg, "--", 2) != 0)
		return NULL;
	arg += 2;
	return option_find(arg, equals != NULL ? (size_t)(equals - arg) : strlen(arg));
}

static void load_flag(struct loader *loader, const struct option *option, const char *value)
{
	struct buf where = BUF_INIT;

	buf_printf(&where, "--%s", option->name);
	if (where.failed)
		loader->no_memory = true;
	else if (value == NULL)
		buf_printf(complain(loader), "%s: a value must follow: %s %s", where.data,
			   where.data, option->metavar);
	else
		set(loader, option, value, 1, where.data);
	buf_finish(&where);
}

/* early: the options of is_early alone, without a word about mistakes. */
static void load_flags(struct loader *loader, int argc, char **argv, bool early)
{
	begin_source(loader);
	for (int i = 1; i < argc; i++) {
		const char *arg = argv[i], *value;
		const struct option *option = flag_of(arg, &value);

		if (value == NULL && option != NULL && option->kind == OPTION_FLAG)
			value = "yes";
		else if (value == NULL && arg[0] == '-' && i + 1 < argc &&
			 strncmp(argv[i + 1], "--", 2) != 0)
			value = argv[++i]; /* an unknown option's too: one complaint is enough */
		if (option == NULL && !early)
			refuse_flag(loader, arg);
		else if (option != NULL && (!early || (is_early(option) && value != NULL)))
			load_flag(loader, option, value);
	}
}

/* ---- the file ---- */

static void refuse_key(struct loader *loader, const char *where, const char *name)
{
	struct buf *out = complain(loader);
	const char *comma = " ";

	buf_printf(out, "%s: there is no option \"%s\"", where, name);
	suggest(out, name, "");
	buf_append_str(out, "; the options are:");
	for (unsigned i = 0; i < option_count; i++) {
		if (options[i].name == NULL || options[i].change == OPTION_CALL)
			continue;
		buf_printf(out, "%s%s", comma, options[i].name);
		comma = ", ";
	}
}

/* `where` its name stands, and `value_at` which place its value. */
static void load_setting(struct loader *loader, const char *where, const char *value_at,
			 unsigned line, const char *name, const char *value)
{
	const struct option *option = option_find(name, strlen(name));
	struct buf full = BUF_INIT;

	if (option == NULL) {
		refuse_key(loader, where, name);
		return;
	}
	if (option->change == OPTION_CALL) {
		buf_printf(complain(loader), "%s: %s is for the command line only", where, name);
		return;
	}
	if (loader->line[option - options] != 0 && !option_is_list(option)) {
		buf_printf(complain(loader), "%s: %s stands on line %u already", where, name,
			   loader->line[option - options]);
		return;
	}
	buf_printf(&full, "%s: %s", value_at, name);
	if (full.failed)
		loader->no_memory = true;
	else
		set(loader, option, value, line, full.data);
	buf_finish(&full);
}

static void agent_result(struct loader *loader, int err, const char *where, const char *name,
			 const struct buf *why)
{
	if (err == -ENOMEM || why->failed)
		loader->no_memory = true;
	else if (err < 0)
		buf_printf(complain(loader), "%s: %s%s%s", where, name, name[0] != '\0' ? ": " : "",
			   why->data);
}

static void load_section(struct loader *loader, const char *where, unsigned line, const char *name)
{
	struct buf why = BUF_INIT;
	int err = 0;

	loader->agent = NULL;
	loader->skip = false;
	if (strncmp(name, "agent.", 6) == 0)
		err = config_agent_begin(&loader->config->agents, name + 6, line, &loader->agent,
					 &why);
	loader->skip = err < 0;
	agent_result(loader, err, where, "", &why);
	buf_finish(&why);
}

static void load_agent_setting(struct loader *loader, const char *where, unsigned line,
			       const char *name, const char *value)
{
	struct buf why = BUF_INIT;
	int err = config_agent_set(loader->agent, name, value, line, loader->home, &why);

	agent_result(loader, err, where, name, &why);
	buf_finish(&why);
}

/* What is missing shows only at the end. */
static void check_agents(struct loader *loader, const char *path)
{
	const struct config_agents *agents = &loader->config->agents;

	for (unsigned i = 0; !loader->failed && i < agents->count; i++) {
		struct buf why = BUF_INIT, where = BUF_INIT;
		int err = config_agent_check(&agents->agent[i], &why);

		buf_printf(&where, "%s:%u:1", path, agents->agent[i].line);
		if (where.failed)
			loader->no_memory = true;
		else
			agent_result(loader, err, where.data, agents->agent[i].name, &why);
		buf_finish(&where);
		buf_finish(&why);
	}
}

static void load_line(struct loader *loader, const char *path, unsigned number, char *line)
{
	struct buf where = BUF_INIT, value_at = BUF_INIT;
	char *name = line, *value = line;
	const char *why;
	enum config_line kind = config_file_line(line, &name, &value, &why);

	buf_printf(&where, "%s:%u:%u", path, number, (unsigned)(name - line) + 1);
	buf_printf(&value_at, "%s:%u:%u", path, number, (unsigned)(value - line) + 1);
	if (where.failed || value_at.failed) {
		loader->no_memory = true;
		goto out;
	}
	switch (kind) {
	case CONFIG_LINE_EMPTY:
		break;
	case CONFIG_LINE_SETTING:
		if (loader->agent != NULL)
			load_agent_setting(loader,
					   config_agent_has(name) ? value_at.data : where.data,
					   number, name, value);
		else if (!loader->skip)
			load_setting(loader, where.data, value_at.data, number, name, value);
		break;
	case CONFIG_LINE_SECTION:
		load_section(loader, where.data, number, name);
		break;
	case CONFIG_LINE_BAD:
		buf_printf(complain(loader), "%s: %s", where.data, why);
		break;
	}
out:
	buf_finish(&where);
	buf_finish(&value_at);
}

static void load_lines(struct loader *loader, const char *path, char *text)
{
	unsigned number = 0;
	char *next;

	for (char *line = text; line != NULL; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		load_line(loader, path, ++number, line);
	}
}

static void load_file(struct loader *loader, const char *path)
{
	struct buf text = BUF_INIT;
	int err = buf_read_file(&text, path, FILE_BYTES_MAX);

	begin_source(loader);
	if (err == -ENOMEM)
		loader->no_memory = true;
	else if (err < 0)
		buf_printf(complain(loader), "%s: %s", path,
			   err == -EFBIG ? "the file is longer than 1 MiB" : strerror(-err));
	else if (text.len > 0 && memchr(text.data, '\0', text.len) != NULL)
		buf_printf(complain(loader), "%s: this is no text: it holds NUL", path);
	else
		load_lines(loader, path, text.data);
	check_agents(loader, path);
	buf_finish(&text);
}

/* ---- defaults ---- */

static unsigned core_count(void)
{
	cpu_set_t set;
	int count = 1;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		count = CPU_COUNT(&set);
	return count < 1 ? 1 : count > (int)WORKERS_MAX ? WORKERS_MAX : (unsigned)count;
}

static void load_defaults(struct loader *loader)
{
	struct config *config = loader->config;

	begin_source(loader);
	config->workers = core_count();
	config->log_format = isatty(STDERR_FILENO) ? LOG_FORMAT_TEXT : LOG_FORMAT_JSON;
	for (unsigned i = 0; i < option_count; i++) {
		const struct option *option = &options[i];

		/* The empty ones are worked out, but a text without value is "". */
		if (option->name != NULL && !option_is_list(option) &&
		    (option->value[0] != '\0' || option->kind == OPTION_PATH ||
		     option->kind == OPTION_TOKEN || option->kind == OPTION_LISTEN ||
		     option->kind == OPTION_ACCOUNT))
			set(loader, option, option->value, 1, option->name);
	}
}

static const char *find_home(char **envp)
{
	const char *home = env_find(envp, "HOME");
	const struct passwd *user;

	if (home != NULL)
		return home;
	user = getpwuid(getuid());
	return user != NULL ? user->pw_dir : "/";
}

/* What depends on who we are, where no source named it. */
static void fill_paths(struct loader *loader, char **envp)
{
	struct config *config = loader->config;
	const char *state = env_find(envp, "XDG_STATE_HOME");
	struct buf path = BUF_INIT;

	if (config->authorized_keys[0] == '\0')
		set(loader, option_find("authorized-keys", strlen("authorized-keys")),
		    "~/.ssh/authorized_keys", 1, "authorized-keys");
	if (config->state_dir[0] != '\0')
		return;
	if (geteuid() == 0)
		buf_append_str(&path, "/var/lib/chat");
	else if (state != NULL && state[0] == '/')
		buf_printf(&path, "%s/chat", state);
	else
		buf_append_str(&path, "~/.local/state/chat");
	if (path.failed)
		loader->no_memory = true;
	else
		set(loader, option_find("state-dir", strlen("state-dir")), path.data, 1,
		    "state-dir");
	buf_finish(&path);
}

/* ---- what it was called with ---- */

static char **copy_strings(char **from, size_t count)
{
	char **to = calloc(count + 1, sizeof(*to));

	for (size_t i = 0; to != NULL && i < count; i++) {
		to[i] = strdup(from[i]);
		if (to[i] != NULL)
			continue;
		while (i > 0)
			free(to[--i]);
		free(to);
		to = NULL;
	}
	return to;
}

static void free_strings(char **strings)
{
	for (char **at = strings; at != NULL && *at != NULL; at++)
		free(*at);
	free(strings);
}

static bool is_ours(const char *variable)
{
	return strncmp(variable, "CHAT_", 5) == 0 || strncmp(variable, "HOME=", 5) == 0 ||
	       strncmp(variable, "XDG_STATE_HOME=", 15) == 0;
}

static int call_init(struct config_call *call, int argc, char **argv, char **envp)
{
	size_t all = 0, ours = 0;
	char **picked;

	while (envp[all] != NULL)
		all++;
	picked = calloc(all + 1, sizeof(*picked));
	if (picked == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < all; i++) {
		if (is_ours(envp[i]))
			picked[ours++] = envp[i];
	}
	call->argc = argc;
	call->argv = copy_strings(argv, (size_t)argc);
	call->envp = copy_strings(picked, ours);
	free(picked);
	return call->argv == NULL || call->envp == NULL ? -ENOMEM : 0;
}

/* ---- all of it ---- */

static int loader_result(const struct loader *loader)
{
	if (loader->no_memory || loader->errors->failed)
		return -ENOMEM;
	return loader->failed ? -EINVAL : 0;
}

static int load(struct loader *loader, int argc, char **argv, char **envp)
{
	struct config *config = loader->config;
	const char *file = env_find(envp, "CHAT_CONFIG");
	struct buf no_errors = BUF_INIT;
	struct loader early = *loader;
	int err;

	load_defaults(loader);
	early.errors = &no_errors;
	load_flags(&early, argc, argv, true);
	buf_finish(&no_errors);
	if (loader->no_memory || early.no_memory)
		return -ENOMEM;
	if (config->help || config->version)
		return loader_result(loader);
	if (config->config_file[0] == '\0' && file != NULL)
		set(loader, option_find("config", strlen("config")), file, 1, "CHAT_CONFIG");
	err = loader_result(loader);
	if (err < 0)
		return err;
	if (config->config_file[0] != '\0')
		load_file(loader, config->config_file);
	load_environment(loader, envp);
	load_flags(loader, argc, argv, false);
	fill_paths(loader, envp);
	return loader_result(loader);
}

int config_load(struct config *ret_config, int argc, char **argv, char **envp, struct buf *errors)
{
	struct config config = {0};
	struct loader loader = {.config = &config, .errors = errors, .home = find_home(envp)};
	int err = call_init(&config.call, argc, argv, envp);

	assert(option_count <= OPTIONS_MAX);
	if (err == 0)
		err = load(&loader, argc, argv, envp);
	if (err < 0) {
		config_finish(&config);
		return err;
	}
	*ret_config = config;
	return 0;
}

void config_finish(struct config *config)
{
	for (unsigned i = 0; i < option_count; i++) {
		if (options[i].name != NULL)
			option_finish(&options[i], config);
	}
	free(config->agents.agent);
	free_strings(config->call.argv);
	free_strings(config->call.envp);
	memset(config, 0, sizeof(*config));
}
