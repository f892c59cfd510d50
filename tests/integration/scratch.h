/*
 * The test's private folder, its files, and the other programs it runs to
 * completion (ssh-keygen, chat-keys, a master that is to refuse its options).
 * Made at the first use, removed at the end of the test. Strings returned here
 * live as long as the test.
 */
#ifndef TESTS_INTEGRATION_SCRATCH_H
#define TESTS_INTEGRATION_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

const char *scratch_dir(void);
char *scratch_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* An absolute path below the folder. */
char *scratch_path(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Writes the file with mode 0600; returns its path. */
char *scratch_write(const char *name, const char *text);
void file_write(const char *path, const char *text);
void file_append(const char *path, const char *text);
/* The whole file; NULL if it cannot be read. */
char *file_read(const char *path);
/* Waits until the file's folder changes, at most until the deadline (clock_mono_ms). */
void file_wait_change(const char *path, unsigned long long deadline_ms);

/* The program of that name in $CHAT_BUILD (default: build). */
const char *program_path(const char *name);

/* What a program that has ended left behind. */
struct outcome {
	int status; /* the exit code, or 128 + the signal */
	char *out;
	char *err;
};

/*
 * Runs argv (NULL-terminated; argv[0] is a path or found in PATH) with `input`
 * (NULL: nothing) on standard input and env entries "NAME=value" added (NULL: none).
 */
struct outcome run_with(const char *const argv[], const char *input, const char *const env[]);
#define run(...) run_with((const char *const[]){__VA_ARGS__, NULL}, NULL, NULL)

/* In a child after fork: no outliving the test, and the environment of a stranger's home. */
void child_prepare(pid_t parent);
/* Waits for the process to end: true, and its status as in struct outcome. */
bool child_wait(pid_t pid, unsigned patience_ms, int *ret_status);

#endif
