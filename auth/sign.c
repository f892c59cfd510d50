#include "auth/sign.h"

#include "auth/agent.h"
#include "auth/base64.h"
#include "auth/keygen.h"
#include "auth/sign_private.h"
#include "auth/wire.h"

#include <errno.h>
#include <sodium.h>

#define PASSPHRASE_TRIES 3u

/* ---- unlocking */

static bool is_ready(const struct sign_key *key)
{
	return key->in_agent.len > 0 || !key->secret || key->secret->key ||
	       key->secret->reader == PRIVATE_KEY_READ_SSH_KEYGEN;
}

bool sign_key_is_locked(const struct sign_key *key)
{
	return !is_ready(key);
}

/* The public half was unknown until now. */
static int learn_plain(struct sign_key *key)
{
	const struct buf *blob = private_key_public(key->secret->key);

	if (key->plain.len > 0)
		return sign_same_bytes(&key->plain, blob) ? 0 : -EBADMSG;
	buf_append(&key->plain, blob->data, blob->len);
	buf_append(&key->offered, blob->data, blob->len);
	if (key->plain.failed || key->offered.failed)
		return -ENOMEM;
	return sign_key_name_plain(key);
}

int sign_key_unlock(struct sign_key *key, sign_ask_fn *ask, void *owner)
{
	struct buf text = BUF_INIT, words = BUF_INIT;
	int rc = 0;

	if (key->secret && key->secret->key)
		return learn_plain(key);
	if (is_ready(key))
		return 0;
	rc = buf_read_file(&text, key->secret->path, PRIVATE_KEY_FILE_MAX);
	if (rc < 0)
		goto out;
	rc = -EACCES;
	for (unsigned attempt = 0; rc == -EACCES && attempt < PASSPHRASE_TRIES; attempt++) {
		buf_wipe(&words);
		rc = ask(owner, key->secret->path, attempt, &words);
		if (rc < 0)
			goto out;
		rc = private_key_load(text.data ? text.data : "", text.len,
				      words.data ? words.data : "", &key->secret->key);
	}
	if (rc == 0)
		rc = learn_plain(key);
out:
	buf_wipe(&words);
	buf_wipe(&text);
	return rc;
}

/* ---- signing */

#define SSHSIG_MAGIC "SSHSIG"
#define SSHSIG_VERSION 1
#define SSHSIG_HASH "sha512"

/* PROTOCOL.sshsig, section 3: what is signed in place of the text. */
static void put_signed_data(struct buf *out, const char *namespace, const void *text, size_t len)
{
	unsigned char hash[crypto_hash_sha512_BYTES];

	crypto_hash_sha512(hash, text, len);
	buf_append_str(out, SSHSIG_MAGIC);
	wire_put_text(out, namespace);
	wire_put_text(out, "");
	wire_put_text(out, SSHSIG_HASH);
	wire_put_string(out, hash, sizeof(hash));
}

static int make_signature(const struct sign_keys *keys, const struct sign_key *key,
			  const char *namespace, const void *text, size_t len,
			  struct buf *signature)
{
	struct buf data = BUF_INIT;
	int rc = -EACCES;

	put_signed_data(&data, namespace, text, len);
	if (data.failed) {
		rc = -ENOMEM;
		goto out;
	}
	if (key->in_agent.len > 0 && keys->agent_socket)
		rc = agent_sign(keys->agent_socket, &key->in_agent, data.data, data.len, signature);
	if (rc == 0 || !key->secret)
		goto out;
	buf_reset(signature);
	if (key->secret->key)
		rc = private_key_sign(key->secret->key, data.data, data.len, signature);
	else if (key->secret->reader == PRIVATE_KEY_READ_SSH_KEYGEN)
		rc = keygen_sign(key->secret->path, namespace, text, len, signature);
out:
	buf_finish(&data);
	return rc;
}

int sign_key_sign(const struct sign_keys *keys, const struct sign_key *key, const char *namespace,
		  const void *text, size_t len, struct buf *base64)
{
	struct buf signature = BUF_INIT, blob = BUF_INIT;
	int rc = make_signature(keys, key, namespace, text, len, &signature);

	if (rc < 0)
		goto out;
	buf_append_str(&blob, SSHSIG_MAGIC);
	wire_put_u32(&blob, SSHSIG_VERSION);
	wire_put_string(&blob, key->offered.data, key->offered.len);
	wire_put_text(&blob, namespace);
	wire_put_text(&blob, "");
	wire_put_text(&blob, SSHSIG_HASH);
	wire_put_string(&blob, signature.data, signature.len);
	if (!blob.failed)
		base64_encode(base64, blob.data, blob.len, 0);
	rc = blob.failed || base64->failed ? -ENOMEM : 0;
out:
	buf_finish(&signature);
	buf_finish(&blob);
	return rc;
}
