#include "master/tls_files.h"

#include "base/clock.h"
#include "base/log.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define HOURS_MS (UINT64_C(3600) * 1000)

static char folder[] = "/tmp/rk-tls-XXXXXX";
static char own[64], cert[64], key[64];
static const char *const names[] = {"box", NULL};
static struct config config;
static struct tls_files files;
static struct buf error;
static char nothing[1];

static void setup(void)
{
	cr_assert_not_null(mkdtemp(folder));
	snprintf(own, sizeof(own), "%s/tls.pem", folder);
	snprintf(cert, sizeof(cert), "%s/cert.pem", folder);
	snprintf(key, sizeof(key), "%s/key.pem", folder);
	config = (struct config){.tls_cert = nothing, .tls_key = nothing};
	log_init("test", LOG_FORMAT_TEXT, LOG_LEVEL_ERROR, STDERR_FILENO);
}

static void teardown(void)
{
	tls_files_close(&files);
	unlink(own);
	unlink(cert);
	unlink(key);
	rmdir(folder);
	buf_finish(&error);
}

TestSuite(tls_files, .init = setup, .fini = teardown);

static int open_files(void)
{
	return tls_files_open(&files, &config, folder, names, "start", &error);
}

static void write_file(const char *path, const struct buf *text)
{
	FILE *file = fopen(path, "we");

	cr_assert_not_null(file);
	cr_assert_eq(fwrite(text->data, 1, text->len, file), text->len);
	fclose(file);
}

/* A pair of one's own in two files. */
static void write_pair(bool with_key)
{
	struct buf made = BUF_INIT, made_key = BUF_INIT;

	cr_assert_eq(tls_identity_make(names, clock_wall_ms() / 1000, &made, &made_key), 0);
	write_file(cert, &made);
	if (with_key)
		write_file(key, &made_key);
	buf_finish(&made);
	buf_finish(&made_key);
	config.tls_cert = cert;
	config.tls_key = key;
}

Test(tls_files, a_pair_is_made_once_and_is_ours_alone)
{
	char first[FINGERPRINT_SIZE];
	struct stat st;

	cr_assert_eq(open_files(), 0, "%s", error.data);
	cr_assert_eq(stat(own, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600u);
	strcpy(first, files.info.fingerprint);
	tls_files_close(&files);
	cr_assert_eq(open_files(), 0);
	cr_assert_str_eq(files.info.fingerprint, first);
}

Test(tls_files, a_damaged_pair_is_an_error_and_is_not_made_anew)
{
	struct buf text = BUF_INIT;

	buf_append_str(&text, "damaged\n");
	write_file(own, &text);
	cr_assert_eq(open_files(), -EBADMSG);
	cr_assert_not_null(strstr(error.data, own), "%s", error.data);
	buf_finish(&text);
}

Test(tls_files, a_change_counts_once_it_has_looked_the_same_twice)
{
	char first[FINGERPRINT_SIZE];
	uint64_t now = clock_mono_ms();

	write_pair(true);
	cr_assert_eq(open_files(), 0, "%s", error.data);
	strcpy(first, files.info.fingerprint);
	cr_assert_not(tls_files_tick(&files, now));
	write_pair(true);
	cr_assert_not(tls_files_tick(&files, now));
	cr_assert(tls_files_tick(&files, now));
	cr_assert_str_neq(files.info.fingerprint, first);
	cr_assert_not(tls_files_tick(&files, now));
}

Test(tls_files, half_a_pair_is_none_and_the_old_one_stays)
{
	char first[FINGERPRINT_SIZE];
	uint64_t now = clock_mono_ms();

	write_pair(true);
	cr_assert_eq(open_files(), 0);
	strcpy(first, files.info.fingerprint);
	write_pair(false);
	for (int i = 0; i < 3; i++)
		cr_assert_not(tls_files_tick(&files, now));
	cr_assert_str_eq(files.info.fingerprint, first);
	cr_assert_not(tls_files_load(&files, &config, "reload"));
	cr_assert_str_eq(files.info.fingerprint, first);
}

Test(tls_files, ticket_keys_are_turned_and_each_is_known_before_and_after_its_time)
{
	static uint8_t before[TLS_TICKETS][TLS_TICKET_KEY_BYTES];
	uint64_t now = clock_mono_ms();
	const uint8_t(*after)[TLS_TICKET_KEY_BYTES];

	cr_assert_eq(open_files(), 0);
	after = (const uint8_t(*)[TLS_TICKET_KEY_BYTES])files.secret->ticket_key;
	memcpy(before, files.secret->ticket_key, sizeof(before));
	cr_assert_arr_neq(before[TLS_TICKET_NOW], before[TLS_TICKET_NEXT], TLS_TICKET_KEY_BYTES);
	tls_files_tick(&files, now + 11 * HOURS_MS);
	cr_assert_arr_eq(after[TLS_TICKET_NOW], before[TLS_TICKET_NOW], TLS_TICKET_KEY_BYTES);
	tls_files_tick(&files, now + 13 * HOURS_MS);
	cr_assert_arr_eq(after[TLS_TICKET_NOW], before[TLS_TICKET_NEXT], TLS_TICKET_KEY_BYTES);
	cr_assert_arr_eq(after[TLS_TICKET_BEFORE], before[TLS_TICKET_NOW], TLS_TICKET_KEY_BYTES);
	cr_assert_arr_neq(after[TLS_TICKET_NEXT], before[TLS_TICKET_BEFORE], TLS_TICKET_KEY_BYTES);
}

static bool has_descriptor(const char *word)
{
	DIR *fds = opendir("/proc/self/fd");
	const struct dirent *item;
	bool found = false;

	while (fds != NULL && (item = readdir(fds)) != NULL) {
		char target[256] = "";

		if (readlinkat(dirfd(fds), item->d_name, target, sizeof(target) - 1) > 0)
			found = found || strstr(target, word) != NULL;
	}
	if (fds != NULL)
		closedir(fds);
	return found;
}

static bool is_wiped(const struct tls_secret *secret)
{
	const unsigned char *bytes = (const unsigned char *)secret;

	for (size_t i = 0; i < sizeof(*secret); i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

Test(tls_files, a_child_that_speaks_no_tls_has_no_key)
{
	int status;
	pid_t pid;

	cr_assert_eq(open_files(), 0);
	cr_assert(has_descriptor("chat-tls"));
	pid = fork();
	if (pid == 0) {
		tls_files_enter_other(&files);
		_exit(!is_wiped(files.secret) ? 2 : has_descriptor("chat-tls"));
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0, "%s", WEXITSTATUS(status) == 2 ? "in memory" : "descriptor");
	/* The master's own is as it was. */
	cr_assert_not(is_wiped(files.secret));
}
