#include "auth/sign_private.h"

#include "auth/agent.h"
#include "auth/certificate.h"
#include "auth/pubkey.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The order in which ssh itself looks, without DSA. */
static const char *const usual_files[] = {
	"id_ed25519", "id_ecdsa", "id_rsa", "id_ed25519_sk", "id_ecdsa_sk",
};

bool sign_same_bytes(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && a->len > 0 && memcmp(a->data, b->data, a->len) == 0;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len > end_len && strcmp(text + len - end_len, end) == 0;
}

static void sign_key_finish(struct sign_key *key)
{
	free(key->name);
	buf_finish(&key->plain);
	buf_finish(&key->offered);
	buf_finish(&key->in_agent);
	*key = (struct sign_key){0};
}

static void secret_destroy(struct sign_secret *secret)
{
	if (!secret)
		return;
	free(secret->path);
	private_key_destroy(secret->key);
	free(secret);
}

void sign_keys_finish(struct sign_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++)
		sign_key_finish(&keys->list[i]);
	for (size_t i = 0; i < keys->secret_count; i++)
		secret_destroy(keys->secrets[i]);
	free(keys->list);
	free(keys->secrets);
	free(keys->agent_socket);
	*keys = (struct sign_keys){0};
}

/* ---- one key to try */

int sign_key_name_plain(struct sign_key *key)
{
	struct pubkey pubkey;

	if (pubkey_parse(key->plain.data, key->plain.len, &pubkey) != VERDICT_OK)
		return -ENOTSUP;
	pubkey_fingerprint(&pubkey, key->fingerprint);
	return 0;
}

/* The plain key of a certificate, appended; -EBADMSG where it is none. */
static int plain_of_certificate(const struct buf *blob, struct buf *plain)
{
	struct certificate certificate;

	if (!certificate_is(blob->data, blob->len) ||
	    certificate_parse(blob->data, blob->len, &certificate) != VERDICT_OK)
		return -EBADMSG;
	pubkey_put_blob(&certificate.key, plain);
	return plain->failed ? -ENOMEM : 0;
}

/* Appends an empty key to the list. */
static struct sign_key *list_grow(struct sign_keys *keys)
{
	struct sign_key *list = reallocarray(keys->list, keys->count + 1, sizeof(struct sign_key));

	if (!list)
		return NULL;
	keys->list = list;
	list[keys->count] = (struct sign_key){0};
	return &list[keys->count++];
}

static const struct agent_key *find_in_agent(const struct agent_keys *agent, const struct buf *blob)
{
	for (size_t i = 0; i < agent->count; i++) {
		if (sign_same_bytes(&agent->keys[i].blob, blob))
			return &agent->keys[i];
	}
	return NULL;
}

/*
 * Adds a key: `offered` is its plain blob or a certificate, empty where it is not known yet.
 * Nothing is added, and 0 returned, where it is listed already or nobody could sign with it.
 */
static int add_key(struct sign_keys *keys, const char *name, const struct buf *offered,
		   struct sign_secret *secret, const struct agent_keys *agent)
{
	bool certified = offered->len > 0 && certificate_is(offered->data, offered->len);
	const struct agent_key *held;
	struct sign_key *key;
	int rc = 0;

	for (size_t i = 0; i < keys->count; i++) {
		if (sign_same_bytes(&keys->list[i].offered, offered))
			return 0;
	}
	key = list_grow(keys);
	if (!key)
		return -ENOMEM;
	key->certified = certified;
	key->secret = secret;
	key->name = strdup(name);
	buf_append(&key->offered, offered->data, offered->len);
	if (certified)
		rc = plain_of_certificate(offered, &key->plain);
	else
		buf_append(&key->plain, offered->data, offered->len);
	if (!key->name || key->offered.failed || key->plain.failed)
		rc = -ENOMEM;
	if (rc == 0 && key->plain.len > 0)
		rc = sign_key_name_plain(key);
	if (rc == 0) {
		held = find_in_agent(agent, &key->plain);
		if (!held)
			held = find_in_agent(agent, &key->offered);
		if (held)
			buf_append(&key->in_agent, held->blob.data, held->blob.len);
		if (key->in_agent.failed)
			rc = -ENOMEM;
	}
	if (rc < 0 || (key->in_agent.len == 0 && !secret)) {
		sign_key_finish(key);
		keys->count--;
	}
	return rc;
}

/* ---- files */

static char *path_with(const char *path, const char *ending)
{
	size_t size = strlen(path) + strlen(ending) + 1;
	char *whole = malloc(size);

	if (whole)
		snprintf(whole, size, "%s%s", path, ending);
	return whole;
}

/* PATH and ENDING, a public key or certificate: appends the blob. */
static int read_public_file(const char *path, const char *ending, struct buf *blob)
{
	struct buf text = BUF_INIT;
	char *whole = path_with(path, ending);
	int rc;

	if (!whole)
		return -ENOMEM;
	rc = buf_read_file(&text, whole, PRIVATE_KEY_FILE_MAX);
	if (rc == 0)
		rc = pubkey_text_decode(text.data ? text.data : "", text.len, blob, NULL);
	buf_finish(&text);
	free(whole);
	return rc;
}

static int add_secret(struct sign_keys *keys, struct sign_secret **ret_secret)
{
	struct sign_secret **secrets =
		reallocarray(keys->secrets, keys->secret_count + 1, sizeof(struct sign_secret *));

	if (!secrets)
		return -ENOMEM;
	keys->secrets = secrets;
	*ret_secret = calloc(1, sizeof(struct sign_secret));
	if (!*ret_secret)
		return -ENOMEM;
	secrets[keys->secret_count++] = *ret_secret;
	return 0;
}

/* Reads the private-key file: what it is, its public key if told, the open key if it is open. */
static int read_secret(const char *path, struct sign_secret *secret, struct buf *plain)
{
	struct buf text = BUF_INIT;
	struct private_key_info info = {0};
	int rc = buf_read_file(&text, path, PRIVATE_KEY_FILE_MAX);

	if (rc == 0)
		rc = private_key_inspect(text.data ? text.data : "", text.len, &info);
	if (rc < 0)
		goto out;
	secret->path = strdup(path);
	secret->reader = info.reader;
	secret->encrypted = info.encrypted;
	buf_append(plain, info.public_blob.data, info.public_blob.len);
	if (!secret->path || plain->failed) {
		rc = -ENOMEM;
		goto out;
	}
	if (info.encrypted || info.reader == PRIVATE_KEY_READ_SSH_KEYGEN)
		goto out;
	rc = private_key_load(text.data, text.len, NULL, &secret->key);
	if (rc == 0 && plain->len == 0)
		buf_append(plain, private_key_public(secret->key)->data,
			   private_key_public(secret->key)->len);
out:
	private_key_info_finish(&info);
	buf_wipe(&text);
	return rc;
}

/* A key by the path of its private half, which need not be there if the agent has it. */
static int add_file(struct sign_keys *keys, const char *path, const struct agent_keys *agent)
{
	struct sign_secret *secret = NULL;
	struct buf plain = BUF_INIT, certificate = BUF_INIT;
	bool have_certificate;
	int rc = add_secret(keys, &secret);

	if (rc < 0)
		return rc;
	rc = read_secret(path, secret, &plain);
	if (rc == -ENOENT || (rc < 0 && rc != -ENOMEM && access(path, R_OK) != 0))
		secret = NULL;
	else if (rc < 0)
		goto out;
	if (plain.len == 0 && read_public_file(path, ".pub", &plain) < 0 && !secret) {
		rc = rc < 0 ? rc : -ENOENT;
		goto out;
	}
	have_certificate = read_public_file(path, "-cert.pub", &certificate) == 0 &&
			   certificate_is(certificate.data, certificate.len);
	rc = 0;
	if (have_certificate) {
		/* a certificate that is damaged, or of a kind unknown here, is passed over */
		rc = add_key(keys, path, &certificate, secret, agent);
		if (rc == -EBADMSG || rc == -ENOTSUP)
			rc = 0;
	}
	if (rc == 0)
		rc = add_key(keys, path, &plain, secret, agent);
out:
	buf_finish(&plain);
	buf_finish(&certificate);
	return rc;
}

static int add_usual_files(struct sign_keys *keys, const char *home, const struct agent_keys *agent)
{
	struct buf path = BUF_INIT;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(usual_files) / sizeof(usual_files[0]); i++) {
		buf_reset(&path);
		buf_printf(&path, "%s/.ssh/%s", home, usual_files[i]);
		/* a missing or broken file is no reason to stop */
		if (path.failed || add_file(keys, path.data, agent) == -ENOMEM)
			rc = -ENOMEM;
	}
	buf_finish(&path);
	return rc;
}

static int add_agent_keys(struct sign_keys *keys, const struct agent_keys *agent)
{
	for (size_t i = 0; i < agent->count; i++) {
		const char *comment = agent->keys[i].comment;

		if (add_key(keys, comment[0] ? comment : "a key of the agent", &agent->keys[i].blob,
			    NULL, agent) == -ENOMEM)
			return -ENOMEM;
	}
	return 0;
}

/* --key: KEY, KEY.pub and KEY-cert.pub all mean KEY. */
static int add_named(struct sign_keys *keys, const char *named, const struct agent_keys *agent,
		     struct buf *problem)
{
	char *path = strdup(named);
	int rc;

	if (!path)
		return -ENOMEM;
	if (ends_with(path, "-cert.pub"))
		path[strlen(path) - strlen("-cert.pub")] = '\0';
	else if (ends_with(path, ".pub"))
		path[strlen(path) - strlen(".pub")] = '\0';
	rc = add_file(keys, path, agent);
	if (rc == -EBADMSG)
		buf_printf(problem, "%s is not a private key that OpenSSH would read", path);
	else if (rc == -ENOTSUP)
		buf_printf(problem,
			   "%s is a key of a kind that no server takes (RSA below 2048 bits, DSA)",
			   path);
	else if (rc < 0 && rc != -ENOMEM)
		buf_printf(problem, "cannot read the key %s: %s", named, strerror(-rc));
	else if (rc == 0 && keys->count == 0) {
		buf_printf(problem,
			   "the private half of %s is neither beside it nor in the ssh-agent",
			   named);
		rc = -ENOENT;
	}
	free(path);
	return rc;
}

/* What worked last time comes first; the rest keeps its order. */
static void put_first(struct sign_keys *keys, const char *fingerprint)
{
	size_t front = 0;

	for (size_t i = 0; i < keys->count; i++) {
		struct sign_key key = keys->list[i];

		if (strcmp(key.fingerprint, fingerprint) != 0)
			continue;
		memmove(&keys->list[front + 1], &keys->list[front],
			(i - front) * sizeof(struct sign_key));
		keys->list[front++] = key;
	}
}

int sign_keys_load(const struct sign_source *source, struct buf *problem,
		   struct sign_keys *ret_keys)
{
	struct sign_keys keys = {0};
	struct agent_keys agent = {0};
	int rc = 0;

	if (sodium_init() < 0)
		return -EIO;
	if (source->agent_socket && source->agent_socket[0]) {
		keys.agent_socket = strdup(source->agent_socket);
		if (!keys.agent_socket)
			return -ENOMEM;
		/* an agent that is gone, or hangs, is like none */
		if (agent_list(keys.agent_socket, &agent) < 0)
			agent = (struct agent_keys){0};
	}
	if (source->key_path) {
		rc = add_named(&keys, source->key_path, &agent, problem);
		goto out;
	}
	if (source->home)
		rc = add_usual_files(&keys, source->home, &agent);
	if (rc == 0)
		rc = add_agent_keys(&keys, &agent);
	if (rc == 0 && source->remembered && source->remembered[0])
		put_first(&keys, source->remembered);
out:
	agent_keys_finish(&agent);
	if (rc < 0) {
		sign_keys_finish(&keys);
		return rc;
	}
	*ret_keys = keys;
	return 0;
}
