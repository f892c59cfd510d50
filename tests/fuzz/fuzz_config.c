/*
 * A config file, and a command line: what is taken can be printed, and reads back as
 * the same; what isn't is told.
 */
#include "base/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ARGS_MAX 32

static char path[64]; /* of a file in memory */
static int fd = -1;

static void check(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

static void write_file(const void *bytes, size_t len)
{
	if (fd < 0) {
		fd = memfd_create("config", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	check(ftruncate(fd, 0) == 0 && pwrite(fd, bytes, len, 0) == (ssize_t)len, "a file");
}

static int load(struct config *config, int argc, char **argv, struct buf *errors)
{
	char home[] = "HOME=/home/alice";
	char *envp[] = {home, NULL};
	int err = config_load(config, argc, argv, envp, errors);

	check(err == 0 || err == -EINVAL, "a result");
	check((err == 0) == (errors->len == 0), "a complaint for a refusal");
	return err;
}

static int load_file(struct config *config, struct buf *errors)
{
	char program[] = "chat-master", flag[] = "--config";
	char *argv[] = {program, flag, path, NULL};

	return load(config, 3, argv, errors);
}

static void check_prints_the_same(const struct config *config)
{
	struct buf first = BUF_INIT, second = BUF_INIT, errors = BUF_INIT;
	struct config again;

	config_print(config, &first);
	write_file(first.data, first.len);
	check(load_file(&again, &errors) == 0, "what is printed reads back");
	config_print(&again, &second);
	check(strcmp(first.data, second.data) == 0, "as the same");
	config_finish(&again);
	buf_finish(&first);
	buf_finish(&second);
	buf_finish(&errors);
}

static void try_file(const uint8_t *data, size_t size)
{
	struct buf errors = BUF_INIT;
	struct config config;

	write_file(data, size);
	if (load_file(&config, &errors) == 0) {
		check_prints_the_same(&config);
		config_finish(&config);
	}
	buf_finish(&errors);
}

/* Each line is an argument. No file is read: its name could be anything's. */
static void try_arguments(const uint8_t *data, size_t size)
{
	struct buf text = BUF_INIT, errors = BUF_INIT;
	char *argv[ARGS_MAX + 1];
	struct config config;
	int argc = 1;

	buf_append_str(&text, "chat-master\n");
	buf_append(&text, data, size);
	argv[0] = text.data;
	for (char *at = text.data; argc < ARGS_MAX && (at = strchr(at, '\n')) != NULL;) {
		*at++ = '\0';
		argv[argc++] = at;
	}
	argv[argc] = NULL;
	for (int i = 1; i < argc; i++) {
		if (strstr(argv[i], "config") != NULL)
			goto out;
	}
	if (load(&config, argc, argv, &errors) == 0) {
		if (!config.help && !config.version)
			check_prints_the_same(&config);
		config_finish(&config);
	}
out:
	buf_finish(&text);
	buf_finish(&errors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 4096)
		return 0;
	try_file(data, size);
	try_arguments(data, size);
	return 0;
}
