#include "master/keys_reload.h"

#include "tests/unit/master/folder.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_A "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHIe4cnwVcELdZezogKdsCal0G7ahliUn2bFlreV897p a\n"
#define KEY_B "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPdLAI+B5V8vO5nJItnWER4eu/DzCVxGw+GYad0MGoAW b\n"

static const char *const servers[] = {"localhost:8080", NULL};
static struct config config;
static struct keys keys;
static char path[512], folder[512];

static void init(void)
{
	struct buf error = BUF_INIT;

	snprintf(folder, sizeof(folder), "%s", folder_make());
	snprintf(path, sizeof(path), "%s", folder_path("authorized_keys"));
	config = (struct config){.authorized_keys = path, .names_per_key = 1, .max_keys = 100};
	cr_assert_eq(keys_open(&keys, folder, &error), 0, "%s", error.data);
}

static void finish(void)
{
	keys_close(&keys);
	folder_remove();
}

TestSuite(keys_reload, .init = init, .fini = finish);

static void load(const char *text)
{
	folder_write("authorized_keys", text);
	cr_assert_eq(keys_load(&keys, &config, servers, "start"), 0);
}

/* What a worker would see. */
static unsigned published_lines(void)
{
	struct keyring *worker = NULL;
	unsigned lines;

	cr_assert_eq(keyring_attach(keyring_fd(keys.keyring), &worker), 0);
	cr_assert_eq(keyring_refresh(worker), 0);
	lines = keyring_line_count(keyring_view(worker));
	keyring_destroy(worker);
	return lines;
}

static struct name_claim claim_of(const char *name, unsigned line)
{
	struct name_claim claim = {.kind = NAME_KEY};

	memcpy(claim.name, name, strlen(name) + 1);
	memcpy(claim.key_hash, keys.view.lines[line].key_hash, KEY_HASH_BYTES);
	return claim;
}

Test(keys_reload, keys_of_a_safe_file_are_published)
{
	load(KEY_A KEY_B);
	cr_assert_eq(published_lines(), 2u);
	cr_assert_eq(keys.report.accepted, 2u);
	cr_assert_str_eq(keys.view.servers, "localhost:8080");
}

Test(keys_reload, a_missing_file_lets_nobody_in)
{
	cr_assert_eq(keys_load(&keys, &config, servers, "start"), 0);
	cr_assert_eq(keys.view.safety, KEYS_MISSING);
	cr_assert_eq(published_lines(), 0u);
}

Test(keys_reload, a_file_without_a_usable_line_is_empty_and_says_what_to_do)
{
	load("# nothing here\nssh-ed25519 AAAA broken\n");
	cr_assert_eq(keys.view.safety, KEYS_EMPTY);
	cr_assert_eq(keys.report.refused, 1u);
	cr_assert_not_null(strstr(keys.file.mend, path));
}

Test(keys_reload, a_file_that_others_can_write_revokes_everybody)
{
	load(KEY_A);
	cr_assert_eq(published_lines(), 1u);
	cr_assert_eq(chmod(path, 0666), 0);
	cr_assert_eq(keys_load(&keys, &config, servers, "reload"), 0);
	cr_assert_eq(keys.view.safety, KEYS_UNSAFE);
	cr_assert_eq(published_lines(), 0u);
	cr_assert_not_null(strstr(keys.file.mend, "chmod"));
}

Test(keys_reload, more_lines_than_allowed_let_nobody_in)
{
	config.max_keys = 1;
	load(KEY_A KEY_B);
	cr_assert_eq(keys.view.safety, KEYS_TOO_LARGE);
	cr_assert_eq(published_lines(), 0u);
}

Test(keys_reload, a_change_is_loaded_when_it_has_looked_the_same_twice)
{
	uint64_t before;

	load(KEY_A);
	before = keyring_generation(keys.keyring);
	keys_tick(&keys);
	cr_assert_eq(keyring_generation(keys.keyring), before, "nothing has changed");
	/* An editor truncates first, and writes then. */
	folder_write("authorized_keys", "");
	keys_tick(&keys);
	folder_write("authorized_keys", KEY_A KEY_B);
	keys_tick(&keys);
	cr_assert_eq(keyring_generation(keys.keyring), before, "somebody may still be writing");
	keys_tick(&keys);
	cr_assert_eq(keyring_generation(keys.keyring), before + 1);
	cr_assert_eq(published_lines(), 2u);
	keys_tick(&keys);
	cr_assert_eq(keyring_generation(keys.keyring), before + 1);
}

Test(keys_reload, a_file_that_goes_away_revokes_everybody)
{
	load(KEY_A);
	cr_assert_eq(unlink(path), 0);
	keys_tick(&keys);
	cr_assert_eq(published_lines(), 1u);
	keys_tick(&keys);
	cr_assert_eq(published_lines(), 0u);
}

Test(keys_reload, a_mended_folder_is_noticed_though_the_file_is_as_before)
{
	cr_assert_eq(chmod(folder, 0777), 0);
	load(KEY_A);
	cr_assert_eq(keys.view.safety, KEYS_UNSAFE);
	keys_tick(&keys);
	cr_assert_eq(published_lines(), 0u);
	cr_assert_eq(chmod(folder, 0700), 0);
	keys_tick(&keys);
	cr_assert_eq(published_lines(), 1u);
}

Test(keys_reload, a_granted_claim_is_in_the_keyring_before_anybody_is_told)
{
	struct keyring *worker = NULL;
	enum name_answer answer;
	bool passed = true;
	struct name_claim claim;
	const struct name_binding *binding;

	load(KEY_A KEY_B);
	claim = claim_of("alice", 0);
	cr_assert_eq(keys_claim(&keys, &claim, &answer, &passed), 0);
	cr_assert_eq(answer, NAME_GRANTED);
	cr_assert_not(passed);
	cr_assert_eq(keyring_attach(keyring_fd(keys.keyring), &worker), 0);
	cr_assert_eq(keyring_refresh(worker), 0);
	binding = keyring_find_binding(keyring_view(worker), "alice");
	cr_assert_not_null(binding);
	cr_assert_arr_eq(binding->hash, claim.key_hash, KEY_HASH_BYTES);
	keyring_destroy(worker);
	/* The other key is too late; the first may have one name only. */
	claim = claim_of("alice", 1);
	cr_assert_eq(keys_claim(&keys, &claim, &answer, &passed), 0);
	cr_assert_eq(answer, NAME_TAKEN);
	claim = claim_of("alice2", 0);
	cr_assert_eq(keys_claim(&keys, &claim, &answer, &passed), 0);
	cr_assert_eq(answer, NAME_LIMIT);
}

Test(keys_reload, names_outlive_the_master)
{
	struct buf error = BUF_INIT;
	enum name_answer answer;
	struct name_claim claim;
	bool passed;

	load(KEY_A KEY_B);
	claim = claim_of("alice", 0);
	cr_assert_eq(keys_claim(&keys, &claim, &answer, &passed), 0);
	keys_close(&keys);
	cr_assert_eq(keys_open(&keys, folder, &error), 0, "%s", error.data);
	cr_assert_eq(keys_load(&keys, &config, servers, "start"), 0);
	cr_assert_not_null(keyring_find_binding(&keys.view, "alice"));
	buf_finish(&error);
}

Test(keys_reload, a_second_master_on_the_same_names_is_refused)
{
	struct buf error = BUF_INIT;
	struct keys second = {0};

	cr_assert_eq(keys_open(&second, folder, &error), -EBUSY);
	cr_assert_not_null(strstr(error.data, folder));
	keys_close(&second);
	buf_finish(&error);
}

Test(keys_reload, a_damaged_log_of_names_is_named_with_its_line)
{
	struct buf error = BUF_INIT;

	keys_close(&keys);
	folder_write("names", "# chat names 1\nown x\nfree 2 alice\n");
	cr_assert_eq(keys_open(&keys, folder, &error), -EBADMSG);
	cr_assert_not_null(strstr(error.data, "line 2"), "%s", error.data);
	buf_finish(&error);
}

Test(keys_reload, chat_keys_changes_are_published)
{
	char request[NAMES_REQUEST_MAX], fingerprint[FINGERPRINT_SIZE];
	struct names_reply reply;

	load(KEY_A);
	fingerprint_format(keys.view.lines[0].key_hash, fingerprint);
	snprintf(request, sizeof(request), "names add bob %s", fingerprint);
	cr_assert_eq(keys_answer(&keys, request, &reply), 0);
	cr_assert_eq(strncmp(reply.text.data, "ok", 2), 0, "%s", reply.text.data);
	buf_finish(&reply.text);
	cr_assert_not_null(keyring_find_binding(&keys.view, "bob"));
	cr_assert_eq(keys_answer(&keys, "names release bob", &reply), 0);
	buf_finish(&reply.text);
	cr_assert_null(keyring_find_binding(&keys.view, "bob"));
	cr_assert_eq(keys_answer(&keys, "make coffee", &reply), 0);
	cr_assert_eq(strncmp(reply.text.data, "error", 5), 0);
	buf_finish(&reply.text);
}
