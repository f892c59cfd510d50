/*
 * A signature from a stranger: as text, and as the bytes inside. Whatever it is,
 * reading stays inside it, and nobody signs our message without our key.
 */
#include "auth/sshsig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char message[] = "chat-auth-v1\nserver: fuzz.invalid:8080\n";

static void check(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

static bool is_inside(struct wire_bytes part, const uint8_t *blob, size_t len)
{
	return part.len == 0 || (part.data >= blob && part.data + part.len <= blob + len);
}

static void judge_certificate(const struct certificate *cert)
{
	struct wire_reader r = wire_reader(cert->principals.data, cert->principals.len);
	struct certificate_demands demands;
	struct wire_bytes principal;
	struct address here;

	check(address_parse("127.0.0.1", &here) == 0, "an address");
	(void)certificate_check(cert, 1795197630, &here, &demands);
	while (certificate_next_principal(&r, &principal))
		check(is_inside(principal, cert->principals.data, cert->principals.len),
		      "a principal inside");
	check(wire_at_end(&r), "principals that were checked");
}

static void judge_blob(const uint8_t *blob, size_t len)
{
	char fingerprint[FINGERPRINT_SIZE];
	uint8_t hash[KEY_HASH_BYTES], again[KEY_HASH_BYTES];
	struct sshsig sig;

	if (sshsig_read(blob, len, "login@chat-master", &sig) != VERDICT_OK)
		return;
	check(is_inside(sig.key.fields, blob, len) && is_inside(sig.signature.raw, blob, len),
	      "views inside");
	pubkey_hash(&sig.key, hash);
	fingerprint_format(hash, fingerprint);
	check(fingerprint_parse(fingerprint, again) == 0 && memcmp(hash, again, sizeof(hash)) == 0,
	      "a fingerprint that reads back");
	check(sshsig_verify(&sig, message, sizeof(message) - 1) != VERDICT_OK, "no forgery");
	if (sig.certified)
		judge_certificate(&sig.cert);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t blob[SSHSIG_BLOB_MAX];
	size_t len;

	if (sshsig_decode((const char *)data, size, blob, &len) == VERDICT_OK) {
		check(len <= sizeof(blob), "a length that fits");
		judge_blob(blob, len);
	}
	judge_blob(data, size);
	return 0;
}
