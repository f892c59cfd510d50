/* chat-keys check: what each line of an authorized_keys file means, or whether one key gets in. */
#include "auth/authorized_keys.h"
#include "auth/keys_file.h"
#include "auth/signature.h"
#include "keys/arguments.h"
#include "keys/commands.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
	"chat-keys check FILE [--key PUB] [--user NAME] [--address IP] [--time RFC3339]\n"
	"\n"
	"Reads an authorized_keys file as the chat server does. Without --key it tells of\n"
	"each line whether it is accepted, which key it is, which names that key may use\n"
	"and why. With --key it tells whether that key or certificate gets in.\n"
	"\n"
	"  --key PUB       the public key (or -cert.pub) that comes\n"
	"  --user NAME     the name it comes with; a certificate must be made for it unless\n"
	"                  its CA's line says principals=. Which names a key may use is told\n"
	"                  beside the verdict, it doesn't change it\n"
	"  --address IP    where it comes from (from=, source-address); else 127.0.0.1\n"
	"  --time TIME     when (expiry-time=, certificates); else now\n"
	"\n"
	"Whether the server would trust the file at all (its owner and mode, and those of\n"
	"its folders) is told on standard error.\n"
	"\n"
	"Exit codes: 0 accepted (without --key: a line is), 1 refused, 2 usage or no file.\n";

struct check_call {
	const char *path, *key_path;
	struct buf key_blob;
	struct visit visit;
	bool has_address; /* --address was given: from= is judged, not only told */
};

/* The key that comes. */
struct comer {
	bool certified;
	struct certificate cert;
	struct pubkey key;
	uint8_t key_hash[KEY_HASH_BYTES];
	struct certificate_demands demands;
};

static struct key_subject subject_for(const struct check_call *call, const struct comer *comer)
{
	return (struct key_subject){
		.key_hash = comer->key_hash,
		.ca_hash = comer->certified ? comer->cert.ca_hash : NULL,
		.is_sk = key_type_is_sk(comer->key.type),
		/* its touch is the signature's business, and there is none here */
		.sk_flags = SK_USER_PRESENT | SK_USER_VERIFIED,
		.demands = comer->demands,
		.peer = call->visit.address,
		.now_s = call->visit.now_s,
	};
}

static enum verdict comer_read(const struct check_call *call, struct comer *comer)
{
	const struct buf *blob = &call->key_blob;
	enum verdict verdict;

	comer->certified = certificate_is(blob->data, blob->len);
	if (comer->certified) {
		verdict = certificate_parse(blob->data, blob->len, &comer->cert);
		comer->key = comer->cert.key;
	} else {
		verdict = pubkey_parse(blob->data, blob->len, &comer->key);
	}
	if (verdict == VERDICT_OK)
		pubkey_hash(&comer->key, comer->key_hash);
	return verdict;
}

/* sshd's question to a certificate: one of principals=, else the name that is logged in with. */
static bool principals_fit(const struct check_call *call, const struct comer *comer,
			   const struct key_rule *rule)
{
	struct wire_reader r = wire_reader(comer->cert.principals.data, comer->cert.principals.len);
	struct wire_bytes principal;

	if ((rule->flags & RULE_PRINCIPALS) == 0)
		return call->visit.user[0] == '\0' ||
		       certificate_has_principal(&comer->cert, call->visit.user);
	while (certificate_next_principal(&r, &principal))
		if (name_list_has_bytes(rule->principals, principal))
			return true;
	return false;
}

/* Does this line let the comer in? VERDICT_NO_LINE: it isn't about that key. */
static enum verdict judge_line(const struct check_call *call, const struct comer *comer,
			       const struct authorized_line *line)
{
	const struct key_subject subject = subject_for(call, comer);
	uint8_t hash[KEY_HASH_BYTES];
	enum verdict verdict;

	pubkey_hash(&line->key, hash);
	if (memcmp(hash, comer->certified ? comer->cert.ca_hash : comer->key_hash,
		   KEY_HASH_BYTES) != 0)
		return VERDICT_NO_LINE;
	verdict = key_rule_check(&line->rule, &subject);
	if (verdict == VERDICT_OK && comer->certified && !principals_fit(call, comer, &line->rule))
		verdict = VERDICT_CERT_PRINCIPAL;
	return verdict;
}

static void print_key(const struct pubkey *key)
{
	char fingerprint[FINGERPRINT_SIZE];

	pubkey_fingerprint(key, fingerprint);
	(void)printf("%s %u %s", key_type_label(key->type), pubkey_bits(key), fingerprint);
}

static void print_rule(const struct key_rule *rule)
{
	bool ca = (rule->flags & RULE_CA) != 0;

	if ((rule->flags & RULE_NAMES) != 0 && rule->names[0] == '\0')
		(void)printf("; no names (none of principals= can be one)");
	else if ((rule->flags & RULE_NAMES) != 0)
		(void)printf("; names %s (%s)", rule->names,
			     ca ? "those of them its certificates have"
				: "pinned: no other key may");
	else if (ca)
		(void)printf("; names: any its certificates are for, unless someone else's");
	else
		(void)printf("; names: any free one, which is then its own");
	if (ca)
		(void)printf("; cert-authority");
	if ((rule->flags & RULE_FROM) != 0) {
		(void)printf("; from ");
		print_clean(rule->from, strlen(rule->from));
	}
	if (rule->roles != 0)
		(void)printf("; role %s%s%s", (rule->roles & ROLE_OP) != 0 ? "op" : "",
			     rule->roles == (ROLE_OP | ROLE_AGENT) ? "," : "",
			     (rule->roles & ROLE_AGENT) != 0 ? "agent" : "");
	if ((rule->flags & RULE_NO_TOUCH_REQUIRED) != 0)
		(void)printf("; needs no touch");
	if ((rule->flags & RULE_VERIFY_REQUIRED) != 0)
		(void)printf("; needs its PIN");
}

/* What a line that parsed says at that place and time. */
static enum verdict judge_line_alone(const struct check_call *call,
				     const struct authorized_line *line)
{
	struct key_subject subject = {
		.ca_hash = (line->rule.flags & RULE_CA) != 0 ? (const uint8_t *)"" : NULL,
		.peer = call->visit.address,
		.now_s = call->visit.now_s,
	};
	struct key_rule rule = line->rule;

	/* without --address, from= is told and not judged */
	if (!call->has_address)
		rule.flags &= ~RULE_FROM;
	return key_rule_check(&rule, &subject);
}

static int check_lines(const struct check_call *call, const struct buf *bytes)
{
	struct authorized_reader r = authorized_reader(bytes->data, bytes->len);
	struct authorized_line line;
	unsigned accepted = 0, refused = 0;
	const char *text;
	size_t len;

	authorized_line_init(&line);
	while (authorized_reader_next(&r, &text, &len)) {
		enum verdict verdict;

		(void)authorized_line_parse(&line, text, len);
		if (line.status == AUTHORIZED_EMPTY)
			continue;
		if (line.status == AUTHORIZED_REFUSED) {
			(void)printf("line %u: refused: %s\n", r.number, line.why);
			refused++;
			continue;
		}
		verdict = judge_line_alone(call, &line);
		(void)printf("line %u: %s: ", r.number,
			     verdict == VERDICT_OK ? "accepted" : "refused");
		print_key(&line.key);
		if (verdict == VERDICT_OK)
			accepted++;
		else
			refused++;
		if (verdict != VERDICT_OK)
			(void)printf("; %s", verdict_text(verdict));
		print_rule(&line.rule);
		if (line.note[0] != '\0')
			(void)printf("; note: %s", line.note);
		(void)putchar('\n');
	}
	authorized_line_finish(&line);
	if (accepted == 0)
		(void)printf("nobody can log in with this file (%u refused)\n", refused);
	return accepted > 0 ? EXIT_ACCEPT : EXIT_REFUSE;
}

static void print_user(const struct check_call *call, const struct comer *comer,
		       const struct key_rule *rule)
{
	const char *user = call->visit.user;

	if (user[0] == '\0')
		return;
	if (((rule->flags & RULE_NAMES) != 0 && !name_list_has(rule->names, user)) ||
	    (comer->certified && !certificate_has_principal(&comer->cert, user)))
		(void)printf("; but not under the name %s", user);
}

static int check_key(const struct check_call *call, const struct buf *bytes)
{
	struct authorized_reader r = authorized_reader(bytes->data, bytes->len);
	enum verdict verdict, refused = VERDICT_NO_LINE;
	struct authorized_line line;
	struct comer comer = {0};
	unsigned refused_line = 0;
	bool accepted = false;
	const char *text;
	size_t len;

	authorized_line_init(&line);
	verdict = comer_read(call, &comer);
	if (verdict == VERDICT_OK && comer.certified)
		verdict = certificate_check(&comer.cert, call->visit.now_s, &call->visit.address,
					    &comer.demands);
	if (verdict != VERDICT_OK) {
		(void)printf("refuse: %s\n", verdict_text(verdict));
		goto out;
	}
	while (!accepted && authorized_reader_next(&r, &text, &len)) {
		(void)authorized_line_parse(&line, text, len);
		if (line.status != AUTHORIZED_ACCEPTED)
			continue;
		verdict = judge_line(call, &comer, &line);
		accepted = verdict == VERDICT_OK;
		if (verdict != VERDICT_OK && verdict != VERDICT_NO_LINE) {
			refused = verdict;
			refused_line = r.number;
		}
	}
	if (accepted) {
		(void)printf("accept by line %u: ", r.number);
		print_key(&comer.key);
		print_rule(&line.rule);
		print_user(call, &comer, &line.rule);
		(void)putchar('\n');
	} else if (refused_line > 0) {
		(void)printf("refuse by line %u: %s\n", refused_line, verdict_text(refused));
	} else {
		(void)printf("refuse: %s\n",
			     verdict_text(comer.certified ? VERDICT_CERT_UNTRUSTED_CA : refused));
	}
out:
	authorized_line_finish(&line);
	return accepted ? EXIT_ACCEPT : EXIT_REFUSE;
}

/* Would the server look into the file at all? */
static void tell_safety(const char *path)
{
	struct keys_file file;

	keys_file_init(&file);
	if (keys_file_load(&file, path, NULL) == 0 && file.safety == KEYS_UNSAFE) {
		complain("note: the server would let nobody in: %s", file.reason);
		if (file.mend[0] != '\0')
			complain("note: this mends it: %s", file.mend);
	}
	keys_file_finish(&file);
}

/* 0, or -1 after a complaint; 1: help was printed. */
static int parse(int argc, char **argv, struct check_call *call)
{
	static const struct option options[] = {
		{"key", required_argument, NULL, 'k'},     {"user", required_argument, NULL, 'u'},
		{"address", required_argument, NULL, 'a'}, {"time", required_argument, NULL, 't'},
		{"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
	};
	int c, ret = 0;

	while (ret == 0 && (c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'k':
			call->key_path = optarg;
			buf_reset(&call->key_blob);
			ret = argument_key_file(optarg, &call->key_blob);
			break;
		case 'u':
			ret = argument_user(optarg, call->visit.user);
			break;
		case 'a':
			call->has_address = true;
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
	if (optind + 1 != argc) {
		complain("check needs one FILE");
		return -1;
	}
	call->path = argv[optind];
	return 0;
}

int command_check(int argc, char **argv)
{
	struct check_call call = {0};
	struct buf bytes = BUF_INIT;
	int result = EXIT_USAGE, ret;

	visit_init(&call.visit);
	ret = parse(argc, argv, &call);
	if (ret == 1)
		result = EXIT_ACCEPT;
	if (ret != 0 || argument_file(call.path, KEYS_FILE_MAX, &bytes) < 0)
		goto out;
	tell_safety(call.path);
	result = call.key_path != NULL ? check_key(&call, &bytes) : check_lines(&call, &bytes);
out:
	buf_finish(&bytes);
	buf_finish(&call.key_blob);
	return result;
}
