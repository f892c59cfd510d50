/* chat-keys: the vectors by its command line, and what it says to people. */
#include "tool_runner.h"

#include "auth/base64.h"
#include "base/fd.h"
#include "keys/commands.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOLDER "tests/data/vectors/"
#define KEYS FOLDER "keys/"
#define NOW "2026-11-20T18:00:30Z"

static char path[64];
static struct tool_run run;

static void set_up(void)
{
	int fd;

	strcpy(path, "/tmp/chat-keys-XXXXXX");
	fd = mkstemp(path);
	cr_assert_geq(fd, 0);
	(void)close(fd);
}

static void tear_down(void)
{
	tool_run_finish(&run);
	(void)unlink(path);
}

TestSuite(chat_keys, .init = set_up, .fini = tear_down);

static void check(const char *arguments)
{
	char line[512];

	tool_run_finish(&run);
	(void)snprintf(line, sizeof(line), "%s %s", path, arguments);
	tool_run(&run, command_check, line);
}

static void verify(const char *arguments)
{
	tool_run_finish(&run);
	tool_run(&run, command_verify, arguments);
}

static bool out_has(const char *text)
{
	return strstr(run.out.data, text) != NULL;
}

static void write_file(const void *bytes, size_t len)
{
	cr_assert_eq(fd_replace_file(path, bytes, len, 0600), 0);
}

/* The file becomes one line: options and the key of tests/data. */
static void write_line(const char *options, const char *key)
{
	struct buf text = BUF_INIT;
	char name[128];

	buf_append_str(&text, options);
	buf_append_char(&text, ' ');
	(void)snprintf(name, sizeof(name), KEYS "%s.pub", key);
	cr_assert_eq(buf_read_file(&text, name, 1 << 16), 0);
	write_file(text.data, text.len);
	buf_finish(&text);
}

static void key_path(const char *name, char out[160])
{
	(void)snprintf(out, 160, KEYS "%s.pub", name);
	if (access(out, R_OK) < 0)
		(void)snprintf(out, 160, KEYS "%s-cert.pub", name);
}

static json_t *load(const char *name)
{
	json_error_t error;
	json_t *root = json_load_file(name, 0, &error);

	cr_assert_not_null(root, "%s: %s", name, error.text);
	return root;
}

static const char *text_of(json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static void verify_vector(json_t *vector)
{
	struct buf line = BUF_INIT;
	char file[160];
	json_t *ca;
	size_t i;

	buf_printf(&line, "--namespace %s --message " FOLDER "%s --signature " FOLDER "%s",
		   text_of(vector, "namespace"), text_of(vector, "message"),
		   text_of(vector, "sig"));
	if (text_of(vector, "key") != NULL) {
		key_path(text_of(vector, "key"), file);
		buf_printf(&line, " --key %s", file);
	}
	json_array_foreach(json_object_get(vector, "ca"), i, ca)
	{
		key_path(json_string_value(ca), file);
		buf_printf(&line, " --ca %s", file);
	}
	buf_append_str(&line, " --user alice --address 127.0.0.1 --time " NOW);
	verify(line.data);
	buf_finish(&line);
}

Test(chat_keys, verify_gives_every_vector_its_code)
{
	json_t *root = load(FOLDER "manifest.json"), *vector;
	size_t i;

	json_array_foreach(json_object_get(root, "vectors"), i, vector)
	{
		const char *level = text_of(vector, "level"), *expect = text_of(vector, "expect");
		char printed[64];

		/* the text is what was signed, whatever it says: only a server judges that */
		if (level != NULL && strcmp(level, "text") == 0)
			expect = "ok";
		(void)snprintf(printed, sizeof(printed), "%s\n", expect);
		verify_vector(vector);
		cr_expect_str_eq(run.out.data, printed, "%s", text_of(vector, "name"));
		cr_expect_eq(run.exit_code, strcmp(expect, "ok") == 0 ? 0 : 1, "%s",
			     text_of(vector, "name"));
	}
	json_decref(root);
}

Test(chat_keys, check_gives_every_keys_file_its_verdict)
{
	json_t *root = load(FOLDER "authorized_keys.json"), *vector;
	size_t i;

	json_array_foreach(json_object_get(root, "cases"), i, vector)
	{
		const char *base64 = text_of(vector, "file_base64");
		bool accept = strcmp(text_of(vector, "expect"), "accept") == 0;
		char key[160], line[400];
		uint8_t *bytes = malloc(strlen(base64) + 1);
		size_t len;

		cr_assert_eq(base64_decode(base64, strlen(base64), "", bytes, strlen(base64), &len),
			     0);
		write_file(bytes, len);
		free(bytes);
		key_path(text_of(vector, "key"), key);
		(void)snprintf(line, sizeof(line), "--key %s --user %s --address %s", key,
			       text_of(root, "login"), text_of(root, "peer"));
		check(line);
		cr_expect_eq(run.exit_code, accept ? 0 : 1, "%s: %s", text_of(vector, "name"),
			     run.out.data);
		cr_expect_eq(strncmp(run.out.data, accept ? "accept" : "refuse", 6), 0, "%s: %s",
			     text_of(vector, "name"), run.out.data);
	}
	json_decref(root);
}

Test(chat_keys, check_tells_of_each_line_what_it_means)
{
	write_line("environment=\"CHAT_USER=alice,bob\",environment=\"CHAT_ROLE=op\",from=\"10.*\"",
		   "ed25519");
	check("");
	cr_expect_eq(run.exit_code, 0);
	cr_expect(out_has("line 1: accepted: ED25519 256 "
			  "SHA256:6VQrGMZHhLVN3IVEXSRMzgWJXCh8+DPPPCkLCwtHMyI"));
	cr_expect(out_has("names alice,bob"));
	cr_expect(out_has("role op"));
	cr_expect(out_has("from 10.*"));
	check("--address 192.0.2.1");
	cr_expect_eq(run.exit_code, 1);
	cr_expect(out_has("line 1: refused"));
	write_line("no-such-option", "ed25519");
	check("");
	cr_expect_eq(run.exit_code, 1);
	cr_expect(out_has("line 1: refused: unknown option"));
	write_line("expiry-time=\"20260101Z\"", "rsa2048");
	check("--time 2025-12-31T23:59:59Z");
	cr_expect(out_has("accepted: RSA 2048"));
	check("--time 2026-01-01T00:00:01Z");
	cr_expect(out_has("refused: RSA 2048"));
}

Test(chat_keys, check_with_a_key_tells_which_line_and_which_names)
{
	write_line("environment=\"CHAT_USER=alice\"", "ed25519");
	check("--key " KEYS "ed25519.pub --user alice");
	cr_expect_eq(run.exit_code, 0);
	cr_expect(out_has("accept by line 1"));
	cr_expect_not(out_has("but not under"));
	check("--key " KEYS "ed25519.pub --user carol");
	cr_expect(out_has("but not under the name carol"));
	check("--key " KEYS "ed25519_other.pub");
	cr_expect_eq(run.exit_code, 1);
	check("--key " KEYS "rsa1024.pub");
	cr_expect_eq(run.exit_code, 1);
	cr_expect_str_eq(run.out.data, "refuse: the key itself is weak or invalid\n");
}

Test(chat_keys, check_judges_certificates_by_the_ca_line)
{
	write_line("cert-authority", "user_ca");
	check("--key " KEYS "cert_ok-cert.pub --user alice --time " NOW);
	cr_expect_eq(run.exit_code, 0);
	check("--key " KEYS "cert_other_principal-cert.pub --user alice --time " NOW);
	cr_expect_eq(run.exit_code, 1);
	check("--key " KEYS "cert_expired-cert.pub --user alice --time " NOW);
	cr_expect_eq(run.exit_code, 1);
	check("--key " KEYS "cert_rogue-cert.pub --user alice --time " NOW);
	cr_expect_eq(run.exit_code, 1);
	check("--key " KEYS "cert_host-cert.pub --user alice --time " NOW);
	cr_expect_eq(run.exit_code, 1);
	check("--key " KEYS "cert_force_command-cert.pub --user alice --time " NOW);
	cr_expect_eq(run.exit_code, 1);
	check("--key " KEYS "cert_source_addr-cert.pub --user alice --time " NOW);
	cr_expect_eq(run.exit_code, 1);
	check("--key " KEYS
	      "cert_source_addr-cert.pub --user alice --address 192.0.2.9 --time " NOW);
	cr_expect_eq(run.exit_code, 0);
	check("--key " KEYS "ed25519.pub");
	cr_expect_eq(run.exit_code, 1);
}

Test(chat_keys, nothing_of_a_file_is_printed_raw)
{
	write_line("from=\"\x1b[31m*\"", "ed25519");
	check("");
	for (const char *at = run.out.data; *at != '\0'; at++)
		cr_expect((*at >= ' ' && *at <= '~') || *at == '\n');
	cr_expect_eq(run.exit_code, 0);
}

Test(chat_keys, a_file_the_server_would_not_trust_is_named_on_the_side)
{
	char command[128];

	write_line("", "ed25519");
	(void)snprintf(command, sizeof(command), "chmod 666 %s", path);
	cr_assert_eq(system(command), 0);
	check("");
	cr_expect_eq(run.exit_code, 0);
	cr_expect(strstr(run.err.data, "chmod go-w") != NULL, "%s", run.err.data);
}

Test(chat_keys, verify_takes_the_user_from_a_login_text)
{
	const char *common = "--namespace login@chat-master --message " FOLDER "msgs/ed25519.txt "
			     "--ca " KEYS "user_ca.pub --time " NOW " --signature " FOLDER "sigs/";
	char line[512];

	(void)snprintf(line, sizeof(line), "%scert-ok.sig", common);
	verify(line);
	cr_expect_str_eq(run.out.data, "ok\n");
	(void)snprintf(line, sizeof(line), "%scert-other_principal.sig", common);
	verify(line);
	cr_expect_str_eq(run.out.data, "cert_principal\n");
	(void)snprintf(line, sizeof(line), "%scert-rsa_ca.sig", common);
	verify(line);
	cr_expect_str_eq(run.out.data, "cert_untrusted_ca\n");
}

Test(chat_keys, wrong_calls_are_usage)
{
	static const char *const verify_lines[] = {
		"",
		"--namespace n",
		"--namespace n --message /nonexistent --signature /nonexistent",
		"--frobnicate",
		"--key /nonexistent",
		"--time yesterday --namespace n --message x --signature x",
		"--address here --namespace n --message x --signature x",
		"--user @x --namespace n --message x --signature x",
		"--namespace n --message x --signature x surplus",
	};

	for (size_t i = 0; i < sizeof(verify_lines) / sizeof(verify_lines[0]); i++) {
		verify(verify_lines[i]);
		cr_expect_eq(run.exit_code, 2, "%s", verify_lines[i]);
		cr_expect_gt(run.err.len, 0);
		cr_expect_eq(run.out.len, 0);
	}
	check("another");
	cr_expect_eq(run.exit_code, 2);
	check("--key /nonexistent");
	cr_expect_eq(run.exit_code, 2);
	(void)unlink(path);
	check("");
	cr_expect_eq(run.exit_code, 2);
}

Test(chat_keys, help_is_printed_and_is_no_error)
{
	verify("--help");
	cr_expect_eq(run.exit_code, 0);
	cr_expect(out_has("--signature"));
	check("--help");
	cr_expect_eq(run.exit_code, 0);
	cr_expect(out_has("--address"));
}
