#include "master/upgrade_check.h"

#include "base/config.h"
#include "master/handover.h"
#include "master/heirs.h"
#include "master/open.h"
#include "master/tls_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool upgrade_check_is_asked(int argc, char **argv)
{
	return argc > 1 && strncmp(argv[1], UPGRADE_CHECK_WORD, strlen(UPGRADE_CHECK_WORD)) == 0;
}

static int check_segment(struct handover *handover, const struct config *config, struct buf *error)
{
	struct segment_sizes sizes = master_sizes(config);
	int fd = -1;

	if (handover_take_fd(handover, "segment", &fd) < 0) {
		buf_append_str(error, "the running server doesn't show its shared memory");
		return -EPROTO;
	}
	return segment_accepts(fd, &sizes, error);
}

static int check(struct handover *handover, int argc, char **argv, char **envp, struct buf *error)
{
	struct config config = {0};
	struct buf notes = BUF_INIT;
	int err = heirs_agree(handover, error);

	if (err == 0)
		err = config_load(&config, argc, argv, envp, error);
	if (err == 0)
		err = heirs_keep_options(handover, &config, &notes);
	if (err == 0)
		err = master_check(&config, error);
	if (err == 0)
		err = check_segment(handover, &config, error);
	if (err == 0)
		err = tls_files_check(&config, error);
	config_finish(&config);
	buf_finish(&notes);
	return err;
}

/* One line: whoever reads it takes the last one. */
static void print_reason(struct buf *error, int err)
{
	if (error->len == 0)
		buf_append_str(error, strerror(-err));
	for (char *at = error->data; at != NULL && (at = strchr(at, '\n')) != NULL;)
		*at = ' ';
	printf("%s\n", error->data != NULL ? error->data : "out of memory");
}

int upgrade_check_answer(int argc, char **argv, char **envp)
{
	static struct handover handover;
	struct buf error = BUF_INIT;
	char *word = argv[1];
	int fd = atoi(word + strlen(UPGRADE_CHECK_WORD));
	int err;

	/* As it will be called: without our word. It goes back, for argv owns its strings. */
	argv[1] = argv[0];
	err = handover_read(fd, &handover);
	if (err == -EBADMSG)
		buf_append_str(&error, "the running server hands over in another form");
	if (err == 0)
		err = check(&handover, argc - 1, argv + 1, envp, &error);
	if (err < 0)
		print_reason(&error, err);
	else
		printf("%s%s\n", UPGRADE_CHECK_OK, ROOMKEY_VERSION);
	argv[1] = word;
	buf_finish(&error);
	handover_finish(&handover, false);
	return err < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
