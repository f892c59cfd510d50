/* auth/names, auth/name_rule, auth/names_socket: who owns which name, also after a crash. */
#include "signer_fixture.h"

#include "auth/names.h"
#include "auth/names_socket.h"
#include "base/fd.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static char folder[64], path[96];
static struct test_key alice, bob, ca;
static struct names *names;
static struct buf file, image;
static struct keyring_view view;

static void set_up(void)
{
	unsigned line;

	strcpy(folder, "/tmp/chat-names-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/names", folder);
	test_key_make(&alice, 1);
	test_key_make(&bob, 2);
	test_key_make(&ca, 3);
	test_view("", NULL, &image, &view);
	cr_assert_eq(names_open(path, &names, &line), 0);
}

static void tear_down(void)
{
	names_close(names);
	buf_finish(&file);
	buf_finish(&image);
	(void)unlink(path);
	cr_expect_eq(rmdir(folder), 0);
}

TestSuite(names, .init = set_up, .fini = tear_down);

static void pin(const char *options, const struct test_key *key)
{
	test_keys_file_add(&file, options, key);
	test_view(file.data, NULL, &image, &view);
}

static struct name_claim claim_of(const char *name, enum name_kind kind, const struct test_key *key)
{
	struct name_claim claim = {.kind = (uint8_t)kind};

	strcpy(claim.name, name);
	memcpy(claim.key_hash, key->hash, KEY_HASH_BYTES);
	if (kind == NAME_CA)
		memcpy(claim.ca_hash, ca.hash, KEY_HASH_BYTES);
	return claim;
}

static bool passed;

static enum name_answer claim(const char *name, enum name_kind kind, const struct test_key *key)
{
	struct name_claim wanted = claim_of(name, kind, key);
	enum name_answer answer;

	cr_assert_eq(names_claim(names, &view, &wanted, &answer, &passed), 0);
	return answer;
}

static void reopen(void)
{
	unsigned line;

	names_close(names);
	names = NULL;
	cr_assert_eq(names_open(path, &names, &line), 0);
}

static void read_log(struct buf *text)
{
	buf_reset(text);
	cr_assert_eq(buf_read_file(text, path, 1 << 20), 0);
}

Test(names, the_first_claim_wins_and_survives_a_restart)
{
	cr_expect_eq(claim("alice", NAME_KEY, &alice), NAME_GRANTED);
	cr_expect_not(passed);
	cr_expect_eq(claim("alice", NAME_KEY, &bob), NAME_TAKEN);
	reopen();
	cr_expect_eq(claim("alice", NAME_KEY, &bob), NAME_TAKEN);
	cr_expect_eq(claim("alice", NAME_KEY, &alice), NAME_GRANTED);
	cr_expect_arr_eq(names_find(names, "alice")->hash, alice.hash, KEY_HASH_BYTES);
}

Test(names, a_claim_of_ones_own_name_writes_nothing)
{
	struct buf before = BUF_INIT, after = BUF_INIT;

	cr_assert_eq(claim("alice", NAME_KEY, &alice), NAME_GRANTED);
	read_log(&before);
	cr_assert_eq(claim("alice", NAME_KEY, &alice), NAME_GRANTED);
	read_log(&after);
	cr_expect_str_eq(before.data, after.data);
	buf_finish(&before);
	buf_finish(&after);
}

Test(names, a_key_has_so_many_names_and_no_more)
{
	cr_expect_eq(claim("one", NAME_KEY, &alice), NAME_GRANTED);
	cr_expect_eq(claim("two", NAME_KEY, &alice), NAME_LIMIT);
	view.names_per_key = 2;
	cr_expect_eq(claim("two", NAME_KEY, &alice), NAME_GRANTED);
	view.names_per_key = 0;
	cr_expect_eq(claim("three", NAME_KEY, &alice), NAME_GRANTED);
}

Test(names, reserved_words_are_claimed_by_nobody)
{
	static const char *const words[] = {"server", "system", "admin",    "root",
					    "all",    "here",   "everyone", "lobby"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		cr_expect_eq(claim(words[i], NAME_KEY, &alice), NAME_TAKEN, "%s", words[i]);
		cr_expect_eq(names_add(names, words[i], alice.hash, &passed), -EPERM);
	}
	pin("environment=\"CHAT_USER=root\"", &alice);
	cr_expect_eq(claim("root", NAME_PIN, &alice), NAME_GRANTED);
}

Test(names, the_file_pins_a_name_over_its_first_owner)
{
	cr_assert_eq(claim("alice", NAME_KEY, &bob), NAME_GRANTED);
	pin("environment=\"CHAT_USER=alice\"", &alice);
	cr_expect_eq(claim("alice", NAME_KEY, &bob), NAME_TAKEN);
	cr_expect_eq(claim("alice", NAME_PIN, &bob), NAME_TAKEN, "it isn't pinned to him");
	cr_expect_eq(claim("alice", NAME_PIN, &alice), NAME_GRANTED);
	cr_expect(passed, "her inbox must not be his");
	cr_expect_eq(claim("alice", NAME_PIN, &alice), NAME_GRANTED);
	cr_expect_not(passed);
}

Test(names, pinning_a_name_to_its_owner_changes_nothing)
{
	cr_assert_eq(claim("alice", NAME_KEY, &alice), NAME_GRANTED);
	pin("environment=\"CHAT_USER=alice\"", &alice);
	cr_expect_eq(claim("alice", NAME_PIN, &alice), NAME_GRANTED);
	cr_expect_not(passed);
	cr_expect_eq(names_find(names, "alice")->kind, NAME_KEY);
}

static bool follow(void)
{
	bool changed;

	cr_assert_eq(names_follow(names, &view, &changed), 0);
	return changed;
}

Test(names, a_pinned_name_passes_when_the_file_names_other_keys_only)
{
	uint64_t serial;

	pin("environment=\"CHAT_USER=alice\"", &alice);
	cr_assert_eq(claim("alice", NAME_PIN, &alice), NAME_GRANTED);
	serial = names_find(names, "alice")->serial;
	buf_reset(&file);
	pin("environment=\"CHAT_USER=alice\"", &bob);
	cr_expect_not(follow());
	cr_expect_eq(claim("alice", NAME_PIN, &bob), NAME_GRANTED);
	cr_expect(passed);
	cr_expect_neq(names_find(names, "alice")->serial, serial);
}

Test(names, a_key_is_replaced_by_pinning_both_for_a_while)
{
	uint64_t serial;

	pin("environment=\"CHAT_USER=alice\"", &alice);
	cr_assert_eq(claim("alice", NAME_PIN, &alice), NAME_GRANTED);
	serial = names_find(names, "alice")->serial;
	pin("environment=\"CHAT_USER=alice\"", &bob);
	cr_expect_not(follow(), "both are hers, nothing moves");
	cr_expect_not(follow(), "and that is noted once");
	reopen();
	buf_reset(&file);
	pin("environment=\"CHAT_USER=alice\"", &bob);
	cr_expect(follow());
	cr_expect_eq(claim("alice", NAME_PIN, &bob), NAME_GRANTED);
	cr_expect_not(passed);
	cr_expect_eq(names_find(names, "alice")->serial, serial, "the same person");
	reopen();
	cr_expect_eq(names_find(names, "alice")->serial, serial);
	cr_expect_arr_eq(names_find(names, "alice")->hash, bob.hash, KEY_HASH_BYTES);
	/* and back to the first key alone */
	buf_reset(&file);
	pin("environment=\"CHAT_USER=alice\"", &alice);
	cr_expect(follow());
	cr_expect_eq(names_find(names, "alice")->serial, serial);
}

Test(names, keys_that_are_pinned_together_from_the_start_are_one_persons)
{
	pin("environment=\"CHAT_USER=alice\"", &alice);
	pin("environment=\"CHAT_USER=alice\"", &bob);
	cr_expect_not(follow());
	cr_assert_eq(claim("alice", NAME_PIN, &alice), NAME_GRANTED);
	buf_reset(&file);
	pin("environment=\"CHAT_USER=alice\"", &bob);
	cr_expect(follow());
	cr_expect_eq(claim("alice", NAME_PIN, &bob), NAME_GRANTED);
	cr_expect_not(passed);
}

Test(names, a_released_name_takes_no_old_keys_with_it)
{
	pin("environment=\"CHAT_USER=alice\"", &alice);
	pin("environment=\"CHAT_USER=alice\"", &bob);
	cr_assert_eq(claim("alice", NAME_PIN, &alice), NAME_GRANTED);
	(void)follow();
	cr_assert_eq(names_release(names, "alice"), 0);
	buf_reset(&file);
	pin("environment=\"CHAT_USER=alice\"", &bob);
	cr_expect_not(follow());
	cr_expect_eq(claim("alice", NAME_PIN, &bob), NAME_GRANTED);
	cr_expect(passed);
	reopen();
	buf_reset(&file);
	pin("environment=\"CHAT_USER=alice\"", &alice);
	cr_expect_not(follow());
	cr_expect_eq(claim("alice", NAME_PIN, &alice), NAME_GRANTED);
	cr_expect(passed);
}

Test(names, a_name_that_was_pinned_stays_reserved_when_the_line_goes)
{
	pin("environment=\"CHAT_USER=alice\"", &alice);
	cr_assert_eq(claim("alice", NAME_PIN, &alice), NAME_GRANTED);
	buf_reset(&file);
	pin("", &bob);
	cr_expect_eq(claim("alice", NAME_KEY, &bob), NAME_TAKEN);
}

Test(names, certificates_share_what_belongs_to_their_ca)
{
	pin("cert-authority", &ca);
	cr_expect_eq(claim("alice", NAME_CA, &alice), NAME_GRANTED);
	cr_expect_eq(claim("alice", NAME_CA, &bob), NAME_GRANTED);
	cr_expect_eq(claim("alice", NAME_KEY, &alice), NAME_TAKEN);
	cr_expect_eq(claim("bob", NAME_KEY, &bob), NAME_GRANTED);
	cr_expect_eq(claim("bob", NAME_CA, &bob), NAME_TAKEN);
}

Test(names, a_ca_with_principals_has_those_names_only)
{
	pin("cert-authority,principals=\"alice\"", &ca);
	cr_expect_eq(claim("alice", NAME_CA, &alice), NAME_GRANTED);
	cr_expect_eq(claim("carol", NAME_CA, &alice), NAME_TAKEN);
	cr_expect_eq(claim("alice", NAME_KEY, &bob), NAME_TAKEN);
}

Test(names, a_released_name_passes_to_another_with_a_fresh_inbox)
{
	uint64_t serial;

	cr_assert_eq(claim("alice", NAME_KEY, &alice), NAME_GRANTED);
	serial = names_find(names, "alice")->serial;
	cr_expect_eq(names_release(names, "alice"), 0);
	cr_expect_eq(names_release(names, "alice"), -ENOENT);
	reopen();
	cr_expect_eq(claim("alice", NAME_KEY, &bob), NAME_GRANTED);
	cr_expect(passed);
	cr_expect_gt(names_find(names, "alice")->serial, serial);
}

Test(names, a_released_name_starts_afresh_even_for_its_owner)
{
	cr_assert_eq(claim("alice", NAME_KEY, &alice), NAME_GRANTED);
	cr_assert_eq(names_release(names, "alice"), 0);
	cr_expect_eq(claim("alice", NAME_KEY, &alice), NAME_GRANTED);
	cr_expect(passed);
}

Test(names, the_operator_gives_free_names_away)
{
	cr_expect_eq(names_add(names, "zoe", bob.hash, &passed), 0);
	cr_expect_eq(names_add(names, "zoe", bob.hash, &passed), 0);
	cr_expect_eq(names_add(names, "zoe", alice.hash, &passed), -EEXIST);
	cr_expect_eq(names_add(names, "Zoe", alice.hash, &passed), -EINVAL);
	cr_expect_eq(names_release(names, "nobody"), -ENOENT);
}

Test(names, a_torn_last_line_is_dropped)
{
	struct buf text = BUF_INIT;
	unsigned line;

	cr_assert_eq(claim("alice", NAME_KEY, &alice), NAME_GRANTED);
	cr_assert_eq(claim("bob", NAME_KEY, &bob), NAME_GRANTED);
	read_log(&text);
	for (size_t cut = text.len - 1; text.data[cut - 1] != '\n'; cut--) {
		names_close(names);
		names = NULL;
		cr_assert_eq(fd_replace_file(path, text.data, cut, 0600), 0);
		cr_assert_eq(names_open(path, &names, &line), 0);
		cr_expect_not_null(names_find(names, "alice"));
		cr_expect_null(names_find(names, "bob"));
	}
	cr_expect_eq(claim("bob", NAME_KEY, &bob), NAME_GRANTED);
	reopen();
	cr_expect_not_null(names_find(names, "bob"));
	buf_finish(&text);
}

Test(names, damage_in_the_middle_is_named_and_not_passed_over)
{
	struct buf text = BUF_INIT;
	struct names *none = NULL;
	unsigned line = 0;

	cr_assert_eq(claim("alice", NAME_KEY, &alice), NAME_GRANTED);
	cr_assert_eq(claim("bob", NAME_KEY, &bob), NAME_GRANTED);
	read_log(&text);
	*strstr(text.data, "alice") = '?';
	names_close(names);
	names = NULL;
	cr_assert_eq(fd_replace_file(path, text.data, text.len, 0600), 0);
	cr_expect_eq(names_open(path, &none, &line), -EBADMSG);
	cr_expect_eq(line, 2);
	cr_assert_eq(fd_replace_file(path, "not a log of names\n", 19, 0600), 0);
	cr_expect_eq(names_open(path, &none, &line), -EBADMSG);
	cr_expect_eq(line, 1);
	buf_finish(&text);
}

Test(names, the_log_is_compacted_when_it_is_loaded)
{
	struct buf text = BUF_INIT;
	unsigned lines = 0;

	for (unsigned i = 0; i < 50; i++) {
		cr_assert_eq(claim("alice", NAME_KEY, &alice), NAME_GRANTED);
		cr_assert_eq(names_release(names, "alice"), 0);
	}
	cr_assert_eq(claim("alice", NAME_KEY, &alice), NAME_GRANTED);
	reopen();
	read_log(&text);
	for (const char *at = text.data; *at != '\0'; at++)
		lines += *at == '\n';
	cr_expect_eq(lines, 2);
	cr_expect_eq(names_serial(names), 101, "serials are never used twice");
	buf_finish(&text);
}

Test(names, a_second_master_is_kept_out)
{
	struct names *second = NULL;
	unsigned line;

	cr_expect_eq(names_open(path, &second, &line), -EBUSY);
}

Test(names, a_write_that_fails_is_taken_back)
{
	struct rlimit full = {.rlim_cur = 0, .rlim_max = RLIM_INFINITY}, before;
	struct name_claim wanted = claim_of("bob", NAME_KEY, &bob);
	struct buf text = BUF_INIT;
	enum name_answer answer;

	cr_assert_eq(claim("alice", NAME_KEY, &alice), NAME_GRANTED);
	read_log(&text);
	/* room for half a line more: what a full disk does */
	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	full.rlim_cur = text.len + 20;
	full.rlim_max = before.rlim_max;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &full), 0);
	cr_expect_eq(names_claim(names, &view, &wanted, &answer, &passed), -EFBIG);
	cr_expect_null(names_find(names, "bob"));
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	cr_expect_eq(claim("bob", NAME_KEY, &bob), NAME_GRANTED);
	reopen();
	cr_expect_not_null(names_find(names, "alice"));
	cr_expect_not_null(names_find(names, "bob"));
	buf_finish(&text);
}

Test(names, a_claim_that_is_no_claim_is_refused)
{
	struct name_claim wanted = claim_of("alice", NAME_KEY, &alice);
	enum name_answer answer;

	memset(wanted.name, 'a', sizeof(wanted.name));
	cr_expect_eq(names_claim(names, &view, &wanted, &answer, &passed), -EINVAL);
	wanted = claim_of("Alice", NAME_KEY, &alice);
	cr_expect_eq(names_claim(names, &view, &wanted, &answer, &passed), -EINVAL);
	wanted = claim_of("alice", NAME_RELEASED, &alice);
	cr_expect_eq(names_claim(names, &view, &wanted, &answer, &passed), -EINVAL);
}

Test(names, a_thousand_names_are_found_in_any_order)
{
	char name[NAME_SIZE];
	unsigned count;

	view.names_per_key = 0;
	names_close(names);
	cr_assert_eq(names_open_memory(&names), 0);
	for (unsigned i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "n%u", i * 7919 % 1000);
		cr_assert_eq(claim(name, NAME_KEY, &alice), NAME_GRANTED);
	}
	(void)names_list(names, &count);
	cr_expect_eq(count, 1000);
	for (unsigned i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "n%u", i);
		cr_expect_not_null(names_find(names, name));
	}
}

/* ---- what chat-keys asks */

static struct names_reply reply;

static const char *ask(const char *fmt, const char *name, const char *fingerprint)
{
	static char answer[4096];
	char request[300];

	(void)snprintf(request, sizeof(request), "%s%s%s%s%s", fmt, *name != '\0' ? " " : "", name,
		       *fingerprint != '\0' ? " " : "", fingerprint);
	cr_assert_eq(names_answer(names, &view, request, &reply), 0);
	(void)snprintf(answer, sizeof(answer), "%s", reply.text.data);
	buf_finish(&reply.text);
	return answer;
}

Test(names, requests_are_answered_in_lines)
{
	char expected[256];

	cr_expect_str_eq(ask("names list", "", ""), "ok 0 names\n");
	pin("", &alice);
	(void)snprintf(expected, sizeof(expected), "ok alice belongs to %s\n", alice.fingerprint);
	cr_expect_str_eq(ask("names add", "alice", alice.fingerprint), expected);
	cr_expect(reply.changed);
	cr_expect_not(reply.passed);
	cr_expect_str_eq(reply.name, "alice");
	cr_expect_str_eq(ask("names add", "alice", alice.fingerprint), expected);
	cr_expect_not(reply.changed);
	cr_assert_eq(claim("zoe", NAME_KEY, &bob), NAME_GRANTED);
	(void)snprintf(expected, sizeof(expected), "alice %s key\nzoe %s reserved\nok 2 names\n",
		       alice.fingerprint, bob.fingerprint);
	cr_expect_str_eq(ask("names list", "", ""), expected);
	cr_expect_str_eq(ask("names release", "zoe", ""), "ok zoe is free\n");
	cr_expect(reply.changed && reply.passed);
	cr_expect_str_eq(reply.name, "zoe");
}

Test(names, wrong_requests_are_told_what_is_wrong)
{
	static const char *const wrong[] = {"",
					    "names",
					    "names list all",
					    "help",
					    "names release",
					    "names add alice",
					    "names add a b c"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		cr_expect_eq(strncmp(ask(wrong[i], "", ""), "error unknown request", 21), 0, "%s",
			     wrong[i]);
		cr_expect_not(reply.changed);
	}
	cr_expect_eq(strncmp(ask("names add", "alice", "SHA256:x"), "error ", 6), 0);
	cr_expect_eq(strncmp(ask("names add", "root", alice.fingerprint), "error ", 6), 0);
	cr_expect_eq(strncmp(ask("names add", "A!", alice.fingerprint), "error ", 6), 0);
	cr_expect_str_eq(ask("names release", "nobody", ""), "error nobody owns that name\n");
	cr_assert_eq(claim("alice", NAME_KEY, &alice), NAME_GRANTED);
	cr_expect_eq(strncmp(ask("names add", "alice", bob.fingerprint), "error ", 6), 0);
	cr_expect_not(reply.changed);
}

Test(names, a_request_that_is_too_long_is_refused)
{
	char request[NAMES_REQUEST_MAX + 50];

	memset(request, 'a', sizeof(request));
	request[sizeof(request) - 1] = '\0';
	cr_assert_eq(names_answer(names, &view, request, &reply), 0);
	cr_expect_eq(strncmp(reply.text.data, "error ", 6), 0);
	buf_finish(&reply.text);
}
