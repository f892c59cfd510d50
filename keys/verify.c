/* chat-keys verify: is this a good signature, by whom, and is its certificate good? */
#include "auth/challenge.h"
#include "auth/sshsig.h"
#include "keys/arguments.h"
#include "keys/commands.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AUTHORITIES_MAX 32u
#define MESSAGE_MAX (256u << 20)
#define USER_FIELD "\nuser: "

static const char help[] =
	"chat-keys verify [--key PUB] --namespace NS --message FILE --signature FILE\n"
	"                 [--ca PUB]... [--user NAME] [--address IP] [--time RFC3339]\n"
	"\n"
	"Verifies an SSH signature (ssh-keygen -Y sign) as the chat server does, and\n"
	"prints ok or the code of what is wrong; standard error says it in words.\n"
	"\n"
	"  --key PUB         the signature must be by this key; without it, by the one inside\n"
	"  --namespace NS    what it was made for (ssh-keygen -n); logins: " CHALLENGE_NAMESPACE
	"\n"
	"  --message FILE    what was signed\n"
	"  --signature FILE  armored, or bare base64\n"
	"  --ca PUB          an authority for certificates, repeatable; without one a\n"
	"                    certificate itself is not checked\n"
	"  --user NAME       who the certificate must be for; else the user of a login text\n"
	"  --address IP      where it is used from (source-address); else 127.0.0.1\n"
	"  --time TIME       when; else now\n"
	"\n"
	"Exit codes: 0 ok, 1 refused, 2 usage or a file that can't be read.\n";

struct verify_call {
	const char *key_path, *namespace, *message_path, *signature_path;
	struct buf key;
	struct buf message, signature;
	uint8_t authority[AUTHORITIES_MAX][KEY_HASH_BYTES];
	unsigned authority_count;
	struct visit visit;
};

static int add_authority(struct verify_call *call, const char *path)
{
	struct buf blob = BUF_INIT;
	struct pubkey key;
	int ret = argument_key_file(path, &blob);

	if (ret == 0 && call->authority_count == AUTHORITIES_MAX) {
		complain("--ca: at most %u of them", AUTHORITIES_MAX);
		ret = -1;
	}
	if (ret == 0 && pubkey_parse(blob.data, blob.len, &key) != VERDICT_OK) {
		complain("%s: no key that can be an authority", path);
		ret = -1;
	}
	if (ret == 0)
		pubkey_hash(&key, call->authority[call->authority_count++]);
	buf_finish(&blob);
	return ret;
}

static bool is_authority(const struct verify_call *call, const uint8_t *hash)
{
	for (unsigned i = 0; i < call->authority_count; i++)
		if (memcmp(call->authority[i], hash, KEY_HASH_BYTES) == 0)
			return true;
	return false;
}

/* Where --user wasn't given and the message is a login's text, its user. */
static void find_user(struct verify_call *call)
{
	const char *at = call->message.data != NULL ? memmem(call->message.data, call->message.len,
							     USER_FIELD, strlen(USER_FIELD))
						    : NULL;
	char name[NAME_SIZE];
	size_t len;

	if (call->visit.user[0] != '\0' || at == NULL)
		return;
	at += strlen(USER_FIELD);
	len = strcspn(at, "\n");
	if (len > NAME_LEN_MAX)
		return;
	memcpy(name, at, len);
	name[len] = '\0';
	if (user_name_valid(name))
		memcpy(call->visit.user, name, sizeof(name));
}

/* The key that was asked for: the very blob, or the plain key of the certificate that signed. */
static bool is_wanted_key(const struct verify_call *call, const struct sshsig *sig)
{
	struct buf plain = BUF_INIT;
	bool same;

	if (call->key_path == NULL)
		return true;
	if (sig->blob.len == call->key.len &&
	    memcmp(sig->blob.data, call->key.data, call->key.len) == 0)
		return true;
	pubkey_put_blob(&sig->key, &plain);
	same = sig->certified && !plain.failed && plain.len == call->key.len &&
	       memcmp(plain.data, call->key.data, plain.len) == 0;
	buf_finish(&plain);
	return same;
}

static enum verdict judge_certificate(const struct verify_call *call, const struct sshsig *sig)
{
	struct certificate_demands demands;
	enum verdict verdict;

	if (!is_authority(call, sig->cert.ca_hash))
		return VERDICT_CERT_UNTRUSTED_CA;
	verdict = certificate_check(&sig->cert, call->visit.now_s, &call->visit.address, &demands);
	if (verdict != VERDICT_OK)
		return verdict;
	if (call->visit.user[0] != '\0' && !certificate_has_principal(&sig->cert, call->visit.user))
		return VERDICT_CERT_PRINCIPAL;
	return sshsig_check_sk(sig, false, demands.verify_required);
}

static enum verdict judge(const struct verify_call *call)
{
	uint8_t blob[SSHSIG_BLOB_MAX];
	struct sshsig sig;
	enum verdict verdict;
	size_t len;

	verdict = sshsig_decode(call->signature.data != NULL ? call->signature.data : "",
				call->signature.len, blob, &len);
	if (verdict == VERDICT_OK)
		verdict = sshsig_read(blob, len, call->namespace, &sig);
	if (verdict == VERDICT_OK && !is_wanted_key(call, &sig))
		verdict = VERDICT_KEY_MISMATCH;
	if (verdict == VERDICT_OK)
		verdict = sshsig_verify(&sig, call->message.data, call->message.len);
	if (verdict == VERDICT_OK)
		verdict = sshsig_check_sk(&sig, false, false);
	if (verdict == VERDICT_OK && sig.certified && call->authority_count > 0)
		verdict = judge_certificate(call, &sig);
	else if (verdict == VERDICT_OK && sig.certified)
		complain("note: the certificate itself was not checked (no --ca)");
	return verdict;
}

/* 0, or -1 after a complaint; 1: help was printed. */
static int parse(int argc, char **argv, struct verify_call *call)
{
	static const struct option options[] = {
		{"key", required_argument, NULL, 'k'},
		{"namespace", required_argument, NULL, 'n'},
		{"message", required_argument, NULL, 'm'},
		{"signature", required_argument, NULL, 's'},
		{"ca", required_argument, NULL, 'c'},
		{"user", required_argument, NULL, 'u'},
		{"address", required_argument, NULL, 'a'},
		{"time", required_argument, NULL, 't'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c, ret = 0;

	while (ret == 0 && (c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'k':
			call->key_path = optarg;
			buf_reset(&call->key);
			ret = argument_key_file(optarg, &call->key);
			break;
		case 'n':
			call->namespace = optarg;
			break;
		case 'm':
			call->message_path = optarg;
			break;
		case 's':
			call->signature_path = optarg;
			break;
		case 'c':
			ret = add_authority(call, optarg);
			break;
		case 'u':
			ret = argument_user(optarg, call->visit.user);
			break;
		case 'a':
			ret = argument_address(optarg, &call->visit.address);
			break;
		case 't':
			ret = argument_time(optarg, &call->visit.now_s);
			break;
		case 'h':
			(void)fputs(help, stdout);
			return 1;
		default:
			return -1;
		}
	}
	if (ret < 0)
		return -1;
	if (optind < argc) {
		complain("verify takes no \"%s\"", argv[optind]);
		return -1;
	}
	if (call->namespace == NULL || call->message_path == NULL || call->signature_path == NULL) {
		complain("verify needs --namespace, --message and --signature");
		return -1;
	}
	return 0;
}

int command_verify(int argc, char **argv)
{
	struct verify_call call = {0};
	int result = EXIT_USAGE, ret;
	enum verdict verdict;

	visit_init(&call.visit);
	ret = parse(argc, argv, &call);
	if (ret == 1)
		result = EXIT_ACCEPT;
	if (ret != 0 || argument_file(call.message_path, MESSAGE_MAX, &call.message) < 0 ||
	    argument_file(call.signature_path, MESSAGE_MAX, &call.signature) < 0)
		goto out;
	find_user(&call);
	verdict = judge(&call);
	(void)puts(verdict_code(verdict));
	if (verdict != VERDICT_OK)
		complain("%s", verdict_text(verdict));
	result = verdict == VERDICT_OK ? EXIT_ACCEPT : EXIT_REFUSE;
out:
	buf_finish(&call.key);
	buf_finish(&call.message);
	buf_finish(&call.signature);
	return result;
}
