/* chat-agent: a program as a member of rooms, from any machine. */
#include "base/fd.h"
#include "base/log.h"
#include "remote/remote.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EXIT_USAGE 2

static int print(struct buf *text)
{
	int err = fd_write_all(STDOUT_FILENO, text->data, text->len);

	buf_finish(text);
	return err < 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct remote_options options;
	struct buf problem = BUF_INIT, text = BUF_INIT;
	int err = remote_options_parse(argc, argv, &problem, &options);
	int status = EXIT_USAGE;

	if (err < 0) {
		fprintf(stderr, "chat-agent: %s\n",
			problem.data != NULL ? problem.data : strerror(-err));
	} else if (options.help) {
		remote_options_help(&text);
		status = print(&text);
	} else if (options.version) {
		buf_printf(&text, "chat-agent %s\n", ROOMKEY_VERSION);
		status = print(&text);
	} else {
		log_init("chat-agent", isatty(STDERR_FILENO) ? LOG_FORMAT_TEXT : LOG_FORMAT_JSON,
			 LOG_LEVEL_INFO, STDERR_FILENO);
		status = remote_run(&options);
	}
	if (err == 0)
		remote_options_finish(&options);
	buf_finish(&problem);
	return status;
}
