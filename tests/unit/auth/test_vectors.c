/* Every vector of tests/data/vectors, at its level: signature, certificate, login text, keys file.
 */
#include "auth/authorized_keys.h"
#include "auth/base64.h"
#include "auth/login.h"
#include "auth/sshsig.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <jansson.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define FOLDER "tests/data/vectors/"
#define NOBODY_ADDRESS "127.0.0.1"

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

static void read_into(const char *relative, struct buf *bytes)
{
	char path[256];

	(void)snprintf(path, sizeof(path), FOLDER "%s", relative);
	cr_assert_eq(buf_read_file(bytes, path, 1 << 20), 0, "%s", path);
}

static void read_key(const char *name, struct buf *blob)
{
	struct buf text = BUF_INIT;
	char path[256];

	(void)snprintf(path, sizeof(path), FOLDER "keys/%s.pub", name);
	if (buf_read_file(&text, path, 1 << 20) < 0) {
		(void)snprintf(path, sizeof(path), "keys/%s-cert.pub", name);
		read_into(path, &text);
	}
	cr_assert_eq(pubkey_text_decode(text.data, text.len, blob, NULL), 0, "%s", name);
	buf_finish(&text);
}

static enum verdict judge_ca(json_t *vector, const struct sshsig *sig, json_t *context)
{
	struct certificate_demands demands;
	struct address peer;
	enum verdict verdict;
	bool trusted = false;
	json_t *name;
	size_t i;

	json_array_foreach(json_object_get(vector, "ca"), i, name)
	{
		struct buf blob = BUF_INIT;
		struct pubkey ca;
		uint8_t hash[KEY_HASH_BYTES];

		read_key(json_string_value(name), &blob);
		cr_assert_eq(pubkey_parse(blob.data, blob.len, &ca), VERDICT_OK);
		pubkey_hash(&ca, hash);
		trusted = trusted || memcmp(hash, sig->cert.ca_hash, sizeof(hash)) == 0;
		buf_finish(&blob);
	}
	if (!trusted)
		return VERDICT_CERT_UNTRUSTED_CA;
	cr_assert_eq(address_parse(text_of(context, "peer"), &peer), 0);
	verdict = certificate_check(&sig->cert, json_integer_value(json_object_get(context, "now")),
				    &peer, &demands);
	if (verdict == VERDICT_OK &&
	    !certificate_has_principal(&sig->cert, text_of(context, "user")))
		verdict = VERDICT_CERT_PRINCIPAL;
	return verdict;
}

static enum verdict judge_signature(json_t *vector, json_t *context)
{
	struct buf text = BUF_INIT, message = BUF_INIT, key = BUF_INIT;
	uint8_t blob[SSHSIG_BLOB_MAX];
	struct sshsig sig;
	enum verdict verdict;
	size_t len;

	read_into(text_of(vector, "sig"), &text);
	read_into(text_of(vector, "message"), &message);
	verdict = sshsig_decode(text.data != NULL ? text.data : "", text.len, blob, &len);
	if (verdict == VERDICT_OK)
		verdict = sshsig_read(blob, len, text_of(vector, "namespace"), &sig);
	if (verdict == VERDICT_OK && text_of(vector, "key") != NULL) {
		read_key(text_of(vector, "key"), &key);
		if (key.len != sig.blob.len || memcmp(key.data, sig.blob.data, key.len) != 0)
			verdict = VERDICT_KEY_MISMATCH;
	}
	if (verdict == VERDICT_OK)
		verdict = sshsig_verify(&sig, message.data, message.len);
	if (verdict == VERDICT_OK)
		verdict = sshsig_check_sk(&sig, false, false);
	if (verdict == VERDICT_OK && json_object_get(vector, "ca") != NULL)
		verdict = judge_ca(vector, &sig, context);
	buf_finish(&text);
	buf_finish(&message);
	buf_finish(&key);
	return verdict;
}

Test(vectors, every_signature_and_certificate_gets_its_verdict)
{
	json_t *root = load(FOLDER "manifest.json"), *vector;
	size_t i, seen = 0;

	json_array_foreach(json_object_get(root, "vectors"), i, vector)
	{
		const char *level = text_of(vector, "level");
		bool is_text = level != NULL && strcmp(level, "text") == 0;
		enum verdict verdict = judge_signature(vector, json_object_get(root, "context"));

		cr_expect_str_eq(verdict_code(verdict), is_text ? "ok" : text_of(vector, "expect"),
				 "%s", text_of(vector, "name"));
		seen++;
	}
	cr_expect_geq(seen, 90);
	json_decref(root);
}

/* A keyring with the vector's key and the context's server names. */
static void make_view(const char *key_name, json_t *context, struct buf *image,
		      struct keyring_view *ret_view)
{
	json_t *list = json_object_get(context, "server_names"), *entry;
	struct buf keys = BUF_INIT;
	const char *servers[8] = {NULL};
	struct keyring_source source = {.safety = KEYS_SAFE, .servers = servers};
	struct keyring_report report;
	char path[256];
	size_t i;

	json_array_foreach(list, i, entry) servers[i] = json_string_value(entry);
	(void)snprintf(path, sizeof(path), "keys/%s.pub", key_name);
	read_into(path, &keys);
	source.keys = keys.data;
	source.keys_len = keys.len;
	cr_assert_eq(keyring_image_build(&source, NULL, NULL, image, &report), 0);
	cr_assert_eq(report.accepted, 1);
	cr_assert_eq(keyring_view_open(image->data, image->len, ret_view), 0);
	buf_finish(&keys);
}

static enum login_verdict log_in(json_t *vector, json_t *context, struct login_result *ret_result)
{
	struct sockaddr_in peer = {.sin_family = AF_INET};
	struct buf image = BUF_INIT, text = BUF_INIT;
	struct keyring_view view;
	struct login_request request = {
		.user = text_of(context, "user"),
		.server = json_string_value(
			json_array_get(json_object_get(context, "server_names"), 0)),
		.binding = text_of(context, "binding"),
		.nonce = text_of(context, "nonce"),
		.expires_s = json_integer_value(json_object_get(context, "expires")),
		.now_s = json_integer_value(json_object_get(context, "now")),
		.peer = (const struct sockaddr *)&peer,
	};
	enum login_verdict verdict;

	cr_assert_eq(inet_pton(AF_INET, text_of(context, "peer"), &peer.sin_addr), 1);
	make_view(text_of(vector, "key"), context, &image, &view);
	read_into(text_of(vector, "sig"), &text);
	request.signature = text.data;
	request.signature_len = text.len;
	verdict = login_judge(&view, &request, ret_result);
	buf_finish(&text);
	buf_finish(&image);
	return verdict;
}

Test(vectors, a_good_signature_over_another_text_is_no_login)
{
	json_t *root = load(FOLDER "manifest.json"), *vector;
	struct login_result result;
	size_t i, seen = 0;

	json_array_foreach(json_object_get(root, "vectors"), i, vector)
	{
		const char *level = text_of(vector, "level");

		if (level == NULL || strcmp(level, "text") != 0)
			continue;
		cr_expect_eq(log_in(vector, json_object_get(root, "context"), &result),
			     LOGIN_AUTH_FAILED, "%s", text_of(vector, "name"));
		cr_expect_eq(result.why, VERDICT_BAD_SIGNATURE, "%s", text_of(vector, "name"));
		seen++;
	}
	cr_expect_geq(seen, 8);
	json_decref(root);
}

Test(vectors, the_good_signature_over_the_right_text_is_a_login)
{
	json_t *root = load(FOLDER "manifest.json"), *vector;
	struct login_result result;
	size_t i, seen = 0;

	json_array_foreach(json_object_get(root, "vectors"), i, vector)
	{
		const char *name = text_of(vector, "name");

		if (strcmp(name, "good-ed25519") != 0 && strcmp(name, "good-rsa4096") != 0 &&
		    strcmp(name, "good-ecdsa384-sha256") != 0 &&
		    strcmp(name, "good-sk_ed25519") != 0)
			continue;
		cr_expect_eq(log_in(vector, json_object_get(root, "context"), &result),
			     LOGIN_ACCEPT, "%s: %s", name, verdict_code(result.why));
		seen++;
	}
	cr_expect_eq(seen, 4);
	json_decref(root);
}

/* ---- authorized_keys */

struct comer {
	struct buf blob;
	struct certificate cert;
	uint8_t key_hash[KEY_HASH_BYTES];
	struct key_subject subject;
};

static bool line_accepts(const struct authorized_line *line, const struct comer *comer,
			 const char *user)
{
	const uint8_t *wanted =
		comer->subject.ca_hash != NULL ? comer->subject.ca_hash : comer->key_hash;
	uint8_t hash[KEY_HASH_BYTES];
	struct wire_bytes principal;
	struct wire_reader r;

	pubkey_hash(&line->key, hash);
	if (memcmp(hash, wanted, sizeof(hash)) != 0 ||
	    key_rule_check(&line->rule, &comer->subject) != VERDICT_OK)
		return false;
	if (comer->subject.ca_hash == NULL)
		return true;
	if ((line->rule.flags & RULE_PRINCIPALS) == 0)
		return certificate_has_principal(&comer->cert, user);
	r = wire_reader(comer->cert.principals.data, comer->cert.principals.len);
	while (certificate_next_principal(&r, &principal))
		if (name_list_has_bytes(line->rule.principals, principal))
			return true;
	return false;
}

static bool file_accepts(const struct buf *file, const struct comer *comer, const char *user)
{
	struct authorized_reader r = authorized_reader(file->data, file->len);
	struct authorized_line line;
	bool accepted = false;
	const char *text;
	size_t len;

	authorized_line_init(&line);
	while (authorized_reader_next(&r, &text, &len)) {
		cr_assert_eq(authorized_line_parse(&line, text, len), 0);
		if (line.status == AUTHORIZED_ACCEPTED && line_accepts(&line, comer, user))
			accepted = true;
	}
	authorized_line_finish(&line);
	return accepted;
}

/* False: the key itself can't log in (DSA). */
static bool comer_read(const char *name, int64_t now_s, struct comer *comer)
{
	struct pubkey key;

	*comer = (struct comer){.subject = {.sk_flags = 1, .now_s = now_s}};
	read_key(name, &comer->blob);
	cr_assert_eq(address_parse(NOBODY_ADDRESS, &comer->subject.peer), 0);
	comer->subject.key_hash = comer->key_hash;
	if (certificate_parse(comer->blob.data, comer->blob.len, &comer->cert) == VERDICT_OK) {
		cr_assert_eq(certificate_check(&comer->cert, now_s, &comer->subject.peer,
					       &comer->subject.demands),
			     VERDICT_OK);
		comer->subject.ca_hash = comer->cert.ca_hash;
		key = comer->cert.key;
	} else if (pubkey_parse(comer->blob.data, comer->blob.len, &key) != VERDICT_OK) {
		return false;
	}
	pubkey_hash(&key, comer->key_hash);
	return true;
}

Test(vectors, every_keys_file_accepts_and_refuses_as_it_should)
{
	json_t *root = load(FOLDER "authorized_keys.json"), *vector;
	size_t i, seen = 0;

	json_array_foreach(json_object_get(root, "cases"), i, vector)
	{
		const char *base64 = text_of(vector, "file_base64");
		struct buf file = BUF_INIT;
		struct comer comer;
		bool accepted;

		cr_assert_not_null(buf_reserve(&file, strlen(base64)));
		cr_assert_eq(base64_decode(base64, strlen(base64), "", (uint8_t *)file.data,
					   strlen(base64), &file.len),
			     0);
		accepted = comer_read(text_of(vector, "key"), 1795197630, &comer) &&
			   file_accepts(&file, &comer, text_of(root, "login"));
		cr_expect_eq(accepted, strcmp(text_of(vector, "expect"), "accept") == 0, "%s",
			     text_of(vector, "name"));
		buf_finish(&comer.blob);
		buf_finish(&file);
		seen++;
	}
	cr_expect_geq(seen, 60);
	json_decref(root);
}

Test(vectors, fingerprints_are_opensshs)
{
	json_t *root = load(FOLDER "manifest.json"), *entry;
	const char *name;

	json_object_foreach(json_object_get(root, "keys"), name, entry)
	{
		struct buf blob = BUF_INIT;
		char fingerprint[FINGERPRINT_SIZE];
		struct pubkey key;

		read_key(name, &blob);
		if (pubkey_parse(blob.data, blob.len, &key) == VERDICT_OK) {
			pubkey_fingerprint(&key, fingerprint);
			cr_expect_str_eq(fingerprint, text_of(entry, "fingerprint"), "%s", name);
			cr_expect_str_eq(key_type_name(key.type), text_of(entry, "type"));
		} else {
			cr_expect(strcmp(name, "dsa") == 0 || strcmp(name, "rsa1024") == 0, "%s",
				  name);
		}
		buf_finish(&blob);
	}
	json_decref(root);
}
