/* chat-master: reads the options, answers those that only ask, and becomes the master. */
#include "master/adopt.h"
#include "master/heirs.h"
#include "master/master.h"
#include "master/open.h"
#include "master/title.h"
#include "master/tls_files.h"
#include "master/upgrade_check.h"

#include "base/config.h"
#include "base/fd.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A descriptor 0, 1 or 2 that isn't open would become a socket that somebody logs to. */
static int open_standard_fds(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? -errno : 0;
}

static int print(struct buf *text)
{
	int err = text->failed ? -ENOMEM : fd_write_all(STDOUT_FILENO, text->data, text->len);

	buf_finish(text);
	return err < 0 ? MASTER_EXIT_FAILED : MASTER_EXIT_OK;
}

static int refuse(struct buf *errors)
{
	char *rest = NULL;

	for (char *line = errors->data != NULL ? strtok_r(errors->data, "\n", &rest) : NULL;
	     line != NULL; line = strtok_r(NULL, "\n", &rest))
		dprintf(STDERR_FILENO, "chat-master: %s\n", line);
	dprintf(STDERR_FILENO, "chat-master: --help lists the options\n");
	buf_finish(errors);
	return MASTER_EXIT_USAGE;
}

static bool answer_fingerprint(const struct config *config, int *ret_exit_code)
{
	struct buf text = BUF_INIT, error = BUF_INIT;

	if (tls_files_fingerprint(config, &text, &error) == 0) {
		*ret_exit_code = print(&text);
	} else {
		dprintf(STDERR_FILENO, "chat-master: %s\n",
			error.data != NULL ? error.data : strerror(ENOMEM));
		*ret_exit_code = MASTER_EXIT_FAILED;
	}
	buf_finish(&text);
	buf_finish(&error);
	return true;
}

/* Options that only ask: true, and the answer is the exit code. */
static bool answer(const struct config *config, int *ret_exit_code)
{
	struct buf text = BUF_INIT;

	if (config->help)
		config_help(&text);
	else if (config->version)
		buf_printf(&text, "chat-master %s\n", ROOMKEY_VERSION);
	else if (config->print_config)
		config_print(config, &text);
	else if (config->fingerprint)
		return answer_fingerprint(config, ret_exit_code);
	else if (config->check_config)
		buf_append_str(&text, "configuration ok\n");
	else
		return false;
	*ret_exit_code = print(&text);
	return true;
}

/* What stays as it was in the server before the upgrade. */
static void log_notes(struct buf *notes)
{
	char *rest = NULL;

	for (char *line = notes->data != NULL ? strtok_r(notes->data, "\n", &rest) : NULL;
	     line != NULL; line = strtok_r(NULL, "\n", &rest))
		log_warn("configuration", "text=%s", line);
}

int main(int argc, char **argv)
{
	struct config config = {0};
	static struct handover handover;
	struct buf errors = BUF_INIT, notes = BUF_INIT;
	int exit_code = MASTER_EXIT_FAILED;
	int err, inherited;

	if (open_standard_fds() < 0)
		return MASTER_EXIT_FAILED;
	/* First: what it takes out of the environment isn't copied then. */
	inherited = adopt_find(&handover);
	argv = title_init(argc, argv);
	title_set_short("chat-master");
	if (upgrade_check_is_asked(argc, argv))
		return upgrade_check_answer(argc, argv, environ);
	err = inherited < 0 ? inherited : config_load(&config, argc, argv, environ, &errors);
	if (err == 0 && inherited > 0)
		err = heirs_keep_options(&handover, &config, &notes);
	if (err == 0 && !config.help && !config.version)
		err = master_check(&config, &errors);
	if (err == -EINVAL) {
		exit_code = refuse(&errors);
		/* It was asked before; whatever changed since, a supervisor should start it anew.
		 */
		if (inherited > 0)
			exit_code = MASTER_EXIT_FAILED;
	} else if (err < 0) {
		dprintf(STDERR_FILENO, "chat-master: %s\n", strerror(-err));
	} else if (!answer(&config, &exit_code)) {
		log_init("chat-master", config.log_format, config.log_level, STDERR_FILENO);
		log_notes(&notes);
		exit_code = master_run(&config, inherited > 0 ? &handover : NULL);
		config = (struct config){0};
	}
	config_finish(&config);
	buf_finish(&errors);
	buf_finish(&notes);
	return exit_code;
}
