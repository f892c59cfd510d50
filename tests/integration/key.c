#include "tests/integration/key.h"

#include "base/buf.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ED25519 "ssh-ed25519"

static void put_string(struct buf *out, const void *bytes, size_t len)
{
	unsigned char head[4] = {(unsigned char)(len >> 24), (unsigned char)(len >> 16),
				 (unsigned char)(len >> 8), (unsigned char)len};

	buf_append(out, head, sizeof(head));
	buf_append(out, bytes, len);
}

static char *base64(const void *bytes, size_t len, int variant)
{
	size_t size = sodium_base64_encoded_len(len, variant);
	char *text = scratch_text("%*s", (int)size, "");

	sodium_bin2base64(text, size, bytes, len, variant);
	return text;
}

static void put_public(struct buf *out, const struct key *key)
{
	put_string(out, ED25519, strlen(ED25519));
	put_string(out, key->public, sizeof(key->public));
}

static char *fingerprint_of(const void *blob, size_t len)
{
	unsigned char hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, blob, len);
	return scratch_text("SHA256:%s",
			    base64(hash, sizeof(hash), sodium_base64_VARIANT_ORIGINAL_NO_PADDING));
}

struct key key_of(const char *name)
{
	unsigned char seed[crypto_sign_SEEDBYTES];
	struct buf blob = BUF_INIT;
	struct key key = {0};

	must(sodium_init() >= 0, "libsodium does not start");
	crypto_generichash(seed, sizeof(seed), (const unsigned char *)name, strlen(name), NULL, 0);
	crypto_sign_seed_keypair(key.public, key.secret, seed);
	put_public(&blob, &key);
	key.line = scratch_text(ED25519 " %s %s",
				base64(blob.data, blob.len, sodium_base64_VARIANT_ORIGINAL), name);
	key.fingerprint = fingerprint_of(blob.data, blob.len);
	buf_finish(&blob);
	return key;
}

static void drop_newline(char *text)
{
	text[strcspn(text, "\n")] = '\0';
}

static struct key key_load(char *file, const char *public_name)
{
	struct outcome listed = run("ssh-keygen", "-l", "-E", "sha256", "-f", public_name);
	char *line = file_read(public_name);
	const char *start = strstr(listed.out, "SHA256:");

	must(listed.status == 0 && line != NULL && start != NULL, "ssh-keygen -l: %s", listed.err);
	drop_newline(line);
	return (struct key){
		.file = file,
		.line = line,
		.fingerprint = scratch_text("%.*s", (int)strcspn(start, " "), start),
	};
}

struct key key_make(const char *name, const char *type, unsigned bits)
{
	char *file = scratch_path("key-%s", name);
	char *size = scratch_text("%u", bits);
	struct outcome made =
		bits != 0 ? run("ssh-keygen", "-q", "-t", type, "-b", size, "-N", "", "-C", name,
				"-f", file)
			  : run("ssh-keygen", "-q", "-t", type, "-N", "", "-C", name, "-f", file);

	must(made.status == 0, "ssh-keygen -t %s: %s", type, made.err);
	return key_load(file, scratch_text("%s.pub", file));
}

struct key key_certify(const struct key *key, const struct key *ca, const char *options)
{
	char *command =
		scratch_text("ssh-keygen -q -s %s -I test %s %s.pub", ca->file, options, key->file);
	struct outcome made = run("/bin/sh", "-c", command);

	must(made.status == 0, "%s: %s", command, made.err);
	struct key certified = *key;
	certified.file = scratch_text("%s-cert.pub", key->file);
	return certified;
}

/* PROTOCOL.sshsig: what is signed, and the blob around the signature. */
static char *derived_sign(const struct key *key, const char *namespace, const char *text)
{
	unsigned char hash[crypto_hash_sha512_BYTES], raw[crypto_sign_BYTES];
	struct buf public = BUF_INIT, data = BUF_INIT, sig = BUF_INIT, blob = BUF_INIT;

	crypto_hash_sha512(hash, (const unsigned char *)text, strlen(text));
	buf_append(&data, "SSHSIG", 6);
	put_string(&data, namespace, strlen(namespace));
	put_string(&data, "", 0);
	put_string(&data, "sha512", 6);
	put_string(&data, hash, sizeof(hash));
	crypto_sign_detached(raw, NULL, (const unsigned char *)data.data, data.len, key->secret);

	put_public(&public, key);
	put_string(&sig, ED25519, strlen(ED25519));
	put_string(&sig, raw, sizeof(raw));
	buf_append(&blob, "SSHSIG\0\0\0\1", 10);
	put_string(&blob, public.data, public.len);
	put_string(&blob, namespace, strlen(namespace));
	put_string(&blob, "", 0);
	put_string(&blob, "sha512", 6);
	put_string(&blob, sig.data, sig.len);
	char *encoded = base64(blob.data, blob.len, sodium_base64_VARIANT_ORIGINAL);
	buf_finish(&public);
	buf_finish(&data);
	buf_finish(&sig);
	buf_finish(&blob);
	return encoded;
}

char *key_sign_file(const char *key_file, const char *agent_socket, const char *namespace,
		    const char *text)
{
	const char *argv[] = {"ssh-keygen", "-q", "-Y",     "sign", "-n",
			      namespace,    "-f", key_file, NULL};
	char *agent = scratch_text("SSH_AUTH_SOCK=%s", agent_socket != NULL ? agent_socket : "");
	const char *env[] = {agent, NULL};
	struct outcome made = run_with(argv, text, agent_socket != NULL ? env : NULL);

	must(made.status == 0, "ssh-keygen -Y sign: %s", made.err);
	return made.out;
}

char *key_sign(const struct key *key, const char *namespace, const char *text)
{
	if (key->file == NULL)
		return derived_sign(key, namespace, text);
	return key_sign_file(key->file, NULL, namespace, text);
}

char *login_text(const char *server, const char *user, const char *fingerprint, const char *nonce,
		 long long expires, const char *binding)
{
	return scratch_text("chat-auth-v1\nserver: %s\nuser: %s\nkey: %s\nnonce: %s\n"
			    "expires: %lld\nbinding: %s\n",
			    server, user, fingerprint, nonce, expires, binding);
}
