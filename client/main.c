#include "base/fd.h"
#include "client/client.h"
#include "client/ping.h"

#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *login_name(void)
{
	const struct passwd *entry = getpwuid(getuid());

	return entry ? entry->pw_name : getenv("USER");
}

/* The wire speaks UTF-8; a terminal in the C locale does so as well, as far as anyone knows. */
static void set_locale(void)
{
	if (!setlocale(LC_ALL, "") || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		setlocale(LC_CTYPE, "C.UTF-8");
}

/* What the command line says for this run, and no file keeps. */
static int override(struct settings *settings, const struct options *options)
{
	struct buf why = BUF_INIT;
	int rc = 0;

	if (options->notify_command) {
		rc = settings_set(settings, "notify-command", options->notify_command, &why);
		settings->notify = NOTIFY_COMMAND;
	}
	if (rc == 0 && options->notify)
		rc = settings_set(settings, "notify", options->notify, &why);
	if (rc < 0)
		fprintf(stderr, "chat-client: --notify-command: %s\n",
			why.data ? why.data : strerror(-rc));
	buf_finish(&why);
	return rc;
}

static int run(const struct options *options, struct settings *settings)
{
	struct buf text = BUF_INIT;
	int status;

	if (options->help) {
		options_help(&text);
		status = fd_write_all(STDOUT_FILENO, text.data, text.len) < 0 ? 1 : 0;
	} else if (options->version) {
		status = printf("chat-client %s\n", ROOMKEY_VERSION) < 0 ? 1 : 0;
	} else if (options->ping) {
		status = ping_run(options);
	} else if (override(settings, options) < 0) {
		status = EXIT_STATUS_USAGE;
	} else {
		status = client_run(options, settings);
	}
	buf_finish(&text);
	return status;
}

/* Standard input and outputs that were closed would be our sockets and files else. */
static void keep_standard_files(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			abort(); /* the lowest free number is what open() gives */
	}
}

static void complain(const struct buf *problem)
{
	fprintf(stderr, "chat-client: %s\n", problem->data ? problem->data : "out of memory");
}

int main(int argc, char **argv)
{
	struct options options;
	struct settings settings = {0};
	struct buf problem = BUF_INIT, wrong_file = BUF_INIT;
	char *path = settings_path();
	int status = EXIT_STATUS_USAGE;
	int loaded;

	keep_standard_files();
	set_locale();
	loaded = settings_load(path, &settings, &wrong_file);
	if (options_parse(argc, argv, login_name(), &settings, &problem, &options) < 0)
		complain(&problem);
	else if (loaded < 0 && !options.help && !options.version)
		complain(&wrong_file);
	else
		status = run(&options, &settings);
	settings_finish(&settings);
	buf_finish(&problem);
	buf_finish(&wrong_file);
	free(path);
	return status;
}
