#include "auth/login.h"
#include "auth/name_rule.h"
#include "auth/sshsig.h"
#include "base/clock.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define TOLD_SERVER_MAX 120u /* characters of what was dialled that the message repeats */

static const char auth_failed_message[] =
	"login failed: this key, name and signature are not accepted here";

/* ---- the fields */

static void canonical_from_local(const struct sockaddr *local, char out[SERVER_NAME_SIZE])
{
	char text[ADDRESS_TEXT_SIZE];
	struct address address;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	unsigned port = 0;

	out[0] = '\0';
	address_from_sockaddr(local, &address);
	if (address.family == 0)
		return;
	if (local->sa_family == AF_INET) {
		memcpy(&in, local, sizeof(in));
		port = ntohs(in.sin_port);
	} else {
		memcpy(&in6, local, sizeof(in6));
		port = ntohs(in6.sin6_port);
	}
	address_format(&address, text);
	if (server_name_canonical(text, port, out) < 0)
		out[0] = '\0';
}

enum binding_kind {
	BINDING_IS_NONE,
	BINDING_IS_EXPORTER,
	BINDING_IS_OTHERS, /* an exporter's, but of another connection */
	BINDING_UNKNOWN
};

/* The field names the kind; the whole of what stands in the text is taken, too. */
static enum binding_kind binding_kind(const struct login_request *request)
{
	static const char name[] = BINDING_TLS_EXPORTER;

	if (strcmp(request->binding, BINDING_NONE) == 0)
		return BINDING_IS_NONE;
	if (request->exporter == NULL || strncmp(request->binding, name, sizeof(name) - 1) != 0)
		return BINDING_UNKNOWN;
	switch (request->binding[sizeof(name) - 1]) {
	case '\0':
		return BINDING_IS_EXPORTER;
	case ':':
		return strcmp(request->binding, request->exporter) == 0 ? BINDING_IS_EXPORTER
									: BINDING_IS_OTHERS;
	default:
		return BINDING_UNKNOWN;
	}
}

static bool is_listed(const struct keyring_view *view, const char *canonical)
{
	const char *at = view->servers;

	for (unsigned i = 0; i < view->server_count; i++) {
		if (strcmp(at, canonical) == 0)
			return true;
		at += strlen(at) + 1;
	}
	return false;
}

bool login_server_is_ours(const struct keyring_view *view, const char *server, bool peer_is_local,
			  const struct sockaddr *local, char ret_canonical[SERVER_NAME_SIZE])
{
	char canonical[SERVER_NAME_SIZE], own[SERVER_NAME_SIZE] = "";

	if (server_name_canonical(server, 0, canonical) < 0)
		return false;
	/* whoever tunnels to us could relay a login that was meant for his own "localhost" */
	if (server_name_is_loopback(canonical) && !peer_is_local)
		return false;
	if (local != NULL)
		canonical_from_local(local, own);
	if (!is_listed(view, canonical) && strcmp(canonical, own) != 0)
		return false;
	memcpy(ret_canonical, canonical, sizeof(canonical));
	return true;
}

static void wrong_server_message(const char *server, bool peer_is_local,
				 char out[LOGIN_MESSAGE_SIZE])
{
	char told[TOLD_SERVER_MAX + 1], canonical[SERVER_NAME_SIZE];
	size_t len = 0;

	for (; len < TOLD_SERVER_MAX && server[len] != '\0'; len++) {
		told[len] = server[len];
		if (server[len] <= ' ' || server[len] > '~' || server[len] == '"')
			told[len] = '?';
	}
	told[len] = '\0';
	if (!peer_is_local && server_name_canonical(server, 0, canonical) == 0 &&
	    server_name_is_loopback(canonical))
		(void)snprintf(
			out, LOGIN_MESSAGE_SIZE,
			"\"%s\" is a name of this server only for programs on the same "
			"machine; dial another name of it (--server-name HOST:PORT adds one)",
			told);
	else
		(void)snprintf(out, LOGIN_MESSAGE_SIZE,
			       "this server is not \"%s\"; if it should be, start chat-master with "
			       "--server-name %s",
			       told, told[0] != '\0' ? told : "HOST:PORT");
}

/* What depends on the fields alone. LOGIN_ACCEPT: go on. */
static enum login_verdict judge_fields(const struct keyring_view *view,
				       const struct login_request *request,
				       struct login_result *result, char server[SERVER_NAME_SIZE])
{
	const char *missing = request->user == NULL        ? "user"
			      : request->server == NULL    ? "server"
			      : request->binding == NULL   ? "binding"
			      : request->signature == NULL ? "signature"
							   : NULL;
	bool local = !request->proxied && address_is_loopback(&result->identity.peer);

	if (missing != NULL) {
		result->field = missing;
		(void)snprintf(result->message, sizeof(result->message),
			       "a login needs the field \"%s\"", missing);
		return LOGIN_MISSING_FIELD;
	}
	if (user_name_fold(request->user, result->identity.user) < 0) {
		(void)snprintf(
			result->message, sizeof(result->message),
			"a name is 1 to %u of a-z 0-9 _ . - and begins with a letter or digit",
			(unsigned)NAME_LEN_MAX);
		return LOGIN_BAD_NAME;
	}
	if (!login_server_is_ours(view, request->server, local, request->local, server)) {
		wrong_server_message(request->server, local, result->message);
		return LOGIN_WRONG_SERVER;
	}
	if (binding_kind(request) == BINDING_UNKNOWN) {
		result->field = "binding";
		(void)snprintf(result->message, sizeof(result->message),
			       request->exporter != NULL ? "the bindings here are \"%s\" and \"%s\""
							 : "the only binding here is \"%s\"",
			       BINDING_NONE, BINDING_TLS_EXPORTER);
		return LOGIN_BAD_FIELD;
	}
	return LOGIN_ACCEPT;
}

/* ---- the lines */

static struct key_subject subject_of(const struct login_identity *identity, int64_t now_s)
{
	return (struct key_subject){
		.key_hash = identity->key_hash,
		.ca_hash = identity->certified ? identity->ca_hash : NULL,
		.is_sk = key_type_is_sk(identity->key_type),
		.sk_flags = identity->sk_flags,
		.demands = identity->demands,
		.peer = identity->peer,
		.now_s = now_s,
	};
}

static unsigned lines_of(const struct keyring_view *view, const struct login_identity *identity,
			 unsigned *ret_count)
{
	return keyring_find_lines(
		view, identity->certified ? identity->ca_hash : identity->key_hash, ret_count);
}

/* Does the line give this name? One without names gives all that are the key's by other rules. */
static bool line_grants(const struct key_rule *rule, const char *name, bool by_pin)
{
	if ((rule->flags & RULE_NAMES) != 0)
		return name_list_has(rule->names, name);
	return !by_pin;
}

/*
 * Goes through the key's lines. VERDICT_OK: one accepts it; *ret_grants: one
 * of these grants the name, then roles, line and good_until_s of `identity` are set from those that
 * do. Else why the last one refused.
 */
static enum verdict judge_lines(const struct keyring_view *view, int64_t now_s,
				struct login_identity *identity, struct name_claim *claim,
				bool *ret_grants)
{
	const struct key_subject subject = subject_of(identity, now_s);
	unsigned count, first = lines_of(view, identity, &count), pins = 0;
	enum verdict refused = VERDICT_NO_LINE;
	bool accepted = false, by_pin;

	/* a name that some line pins to this key comes by that line, with that line's role */
	for (unsigned i = first; i < first + count && !identity->certified; i++) {
		struct key_rule rule = keyring_rule(view, &view->lines[i]);

		if (key_rule_check(&rule, &subject) == VERDICT_OK &&
		    line_grants(&rule, identity->user, true))
			pins++;
	}
	by_pin = pins > 0;
	*claim = (struct name_claim){
		.kind = identity->certified ? NAME_CA
			: by_pin            ? NAME_PIN
					    : NAME_KEY,
	};
	memcpy(claim->name, identity->user, sizeof(claim->name));
	memcpy(claim->key_hash, identity->key_hash, KEY_HASH_BYTES);
	if (identity->certified)
		memcpy(claim->ca_hash, identity->ca_hash, KEY_HASH_BYTES);

	*ret_grants = false;
	identity->roles = 0;
	identity->good_until_s = identity->certified ? identity->cert_valid_before_s : INT64_MAX;
	for (unsigned i = first; i < first + count; i++) {
		struct key_rule rule = keyring_rule(view, &view->lines[i]);
		enum verdict verdict = key_rule_check(&rule, &subject);

		if (verdict != VERDICT_OK) {
			refused = verdict;
			continue;
		}
		accepted = true;
		if (!line_grants(&rule, identity->user, by_pin))
			continue;
		if (!*ret_grants)
			identity->line = view->lines[i].number;
		*ret_grants = true;
		identity->roles |= rule.roles;
		/* its last good second has passed by the next one */
		if (rule.expires_s != 0 && rule.expires_s < identity->good_until_s)
			identity->good_until_s = rule.expires_s + 1;
	}
	return accepted ? VERDICT_OK : refused;
}

static enum name_right judge_name(const struct keyring_view *view, const struct name_claim *claim,
				  struct login_identity *identity)
{
	const struct name_binding *binding = keyring_find_binding(view, claim->name);
	unsigned owned = 0;
	enum name_right right;

	if (binding == NULL && claim->kind == NAME_KEY)
		owned = name_count_owned(view->bindings, view->binding_count, claim->key_hash);
	right = name_rule(view, binding, owned, claim);
	identity->name_serial = right == NAME_RIGHT_OWNED && binding != NULL ? binding->serial : 0;
	return right;
}

/* ---- the signature */

static int64_t clamp_time(uint64_t seconds)
{
	return seconds > INT64_MAX ? INT64_MAX : (int64_t)seconds;
}

static void identity_set_key(struct login_identity *identity, const struct sshsig *sig)
{
	pubkey_hash(&sig->key, identity->key_hash);
	identity->has_key = true;
	identity->key_type = sig->key.type;
	identity->sk_flags = sig->signature.sk_flags;
	identity->certified = sig->certified;
	if (sig->certified) {
		memcpy(identity->ca_hash, sig->cert.ca_hash, KEY_HASH_BYTES);
		identity->cert_valid_before_s = clamp_time(sig->cert.valid_before);
	}
}

static enum verdict verify_text(const struct login_request *request, const char *server,
				const struct login_identity *identity, const struct sshsig *sig)
{
	char fingerprint[FINGERPRINT_SIZE];
	const struct challenge challenge = {
		.server = server,
		.user = identity->user,
		.fingerprint = fingerprint,
		.nonce = request->nonce,
		.expires_s = request->expires_s,
		.binding =
			binding_kind(request) == BINDING_IS_NONE ? BINDING_NONE : request->exporter,
	};
	char text[CHALLENGE_TEXT_SIZE];
	size_t len;

	fingerprint_format(identity->key_hash, fingerprint);
	if (challenge_text(&challenge, text, &len) < 0)
		return VERDICT_MALFORMED;
	return sshsig_verify(sig, text, len);
}

/*
 * Who signed, and is the signature good for the text we expect? The costly
 * part comes last, and only for keys that some line knows.
 */
static enum verdict judge_signature(const struct keyring_view *view,
				    const struct login_request *request, const char *server,
				    struct login_identity *identity)
{
	uint8_t blob[SSHSIG_BLOB_MAX];
	struct sshsig sig;
	enum verdict verdict;
	unsigned count;
	size_t len;

	if (request->now_s > request->expires_s)
		return VERDICT_EXPIRED;
	if (binding_kind(request) == BINDING_IS_OTHERS)
		return VERDICT_BINDING_MISMATCH;
	verdict = sshsig_decode(request->signature, request->signature_len, blob, &len);
	if (verdict == VERDICT_OK)
		verdict = sshsig_read(blob, len, CHALLENGE_NAMESPACE, &sig);
	if (verdict != VERDICT_OK)
		return verdict;
	identity_set_key(identity, &sig);
	(void)lines_of(view, identity, &count);
	if (count == 0)
		return sig.certified ? VERDICT_CERT_UNTRUSTED_CA : VERDICT_NO_LINE;
	verdict = verify_text(request, server, identity, &sig);
	if (verdict != VERDICT_OK || !sig.certified)
		return verdict;
	verdict = certificate_check(&sig.cert, request->now_s, &identity->peer, &identity->demands);
	if (verdict == VERDICT_OK && !certificate_has_principal(&sig.cert, identity->user))
		verdict = VERDICT_CERT_PRINCIPAL;
	return verdict;
}

/* ---- the names a key may use, in words */

static void tell_name(struct buf *told, unsigned *count, const char *name)
{
	if ((*count)++ >= LOGIN_NAMES_TOLD)
		return;
	if (told->len > 0)
		buf_append_str(told, ", ");
	buf_append_str(told, name);
}

/* Collects names that lines pin and names in the books; true: a free one may be taken too. */
static bool tell_names(const struct keyring_view *view, const struct login_identity *identity,
		       int64_t now_s, struct buf *told, unsigned *count)
{
	const struct key_subject subject = subject_of(identity, now_s);
	const uint8_t *owner = identity->certified ? identity->ca_hash : identity->key_hash;
	unsigned line_count, first = lines_of(view, identity, &line_count), owned = 0;
	const char *last = "";
	bool open = false;

	for (unsigned i = 0; i < view->pin_count; i++) {
		unsigned line = view->pins[i].line;
		struct key_rule rule = keyring_rule(view, &view->lines[line]);

		if (line < first || line >= first + line_count ||
		    strcmp(view->pins[i].name, last) == 0 ||
		    key_rule_check(&rule, &subject) != VERDICT_OK)
			continue;
		last = view->pins[i].name;
		tell_name(told, count, last);
	}
	for (unsigned i = first; i < first + line_count; i++) {
		struct key_rule rule = keyring_rule(view, &view->lines[i]);

		if ((rule.flags & RULE_NAMES) == 0 && key_rule_check(&rule, &subject) == VERDICT_OK)
			open = true;
	}
	for (unsigned i = 0; i < view->binding_count && open && !identity->certified; i++) {
		const struct name_binding *binding = &view->bindings[i];
		unsigned pinned;

		if (binding->kind == NAME_CA || memcmp(binding->hash, owner, KEY_HASH_BYTES) != 0)
			continue;
		if (binding->kind == NAME_KEY)
			owned++;
		(void)keyring_find_pins(view, binding->name, &pinned);
		if (pinned == 0)
			tell_name(told, count, binding->name);
	}
	/* which principals a certificate has isn't kept: its owner knows */
	return open && !identity->certified &&
	       (view->names_per_key == 0 || owned < view->names_per_key);
}

static void name_taken_message(const struct keyring_view *view,
			       const struct login_identity *identity, int64_t now_s,
			       char out[LOGIN_MESSAGE_SIZE])
{
	struct buf told = BUF_INIT;
	unsigned count = 0;
	bool free_too = tell_names(view, identity, now_s, &told, &count);
	char more[32] = "";

	if (count > LOGIN_NAMES_TOLD)
		(void)snprintf(more, sizeof(more), " and %u more", count - LOGIN_NAMES_TOLD);
	if (count > 0 && !told.failed)
		(void)snprintf(out, LOGIN_MESSAGE_SIZE,
			       "the name %s is not yours; this key may use: %s%s%s", identity->user,
			       told.data, more, free_too ? ", or any free name" : "");
	else if (free_too)
		(void)snprintf(out, LOGIN_MESSAGE_SIZE,
			       "the name %s is not yours; this key may use any free name",
			       identity->user);
	else if (identity->certified)
		(void)snprintf(out, LOGIN_MESSAGE_SIZE,
			       "the name %s is not yours; this certificate may use those of its "
			       "principals that its CA's line allows and nobody else has",
			       identity->user);
	else
		(void)snprintf(out, LOGIN_MESSAGE_SIZE,
			       "the name %s is not yours; this key may use no name",
			       identity->user);
	buf_finish(&told);
}

void login_name_taken_message(const struct keyring_view *view,
			      const struct login_identity *identity, char out[LOGIN_MESSAGE_SIZE])
{
	name_taken_message(view, identity, clock_wall_ms() / 1000, out);
}

/* ---- the decisions */

enum login_verdict login_judge(const struct keyring_view *view, const struct login_request *request,
			       struct login_result *ret_result)
{
	struct login_result *result = ret_result;
	struct login_identity *identity = &result->identity;
	char server[SERVER_NAME_SIZE];
	enum login_verdict fields;
	enum name_right right = NAME_RIGHT_NONE;
	bool grants = false;

	*result = (struct login_result){.why = VERDICT_OK};
	address_from_sockaddr(request->peer, &identity->peer);
	fields = judge_fields(view, request, result, server);
	if (fields != LOGIN_ACCEPT)
		return fields;
	result->why = judge_signature(view, request, server, identity);
	if (result->why == VERDICT_OK)
		result->why = judge_lines(view, request->now_s, identity, &result->claim, &grants);
	if (result->why != VERDICT_OK) {
		memcpy(result->message, auth_failed_message, sizeof(auth_failed_message));
		return LOGIN_AUTH_FAILED;
	}
	if (grants)
		right = judge_name(view, &result->claim, identity);
	if (right == NAME_RIGHT_NONE || right == NAME_RIGHT_LIMIT) {
		name_taken_message(view, identity, request->now_s, result->message);
		return LOGIN_NAME_TAKEN;
	}
	result->needs_claim = right != NAME_RIGHT_OWNED;
	return LOGIN_ACCEPT;
}

enum verdict login_rejudge(const struct keyring_view *view, int64_t now_s,
			   struct login_identity *identity)
{
	struct login_identity now = *identity;
	struct name_claim claim;
	enum verdict verdict;
	bool grants;

	if (now.certified && now_s >= now.cert_valid_before_s)
		return VERDICT_CERT_EXPIRED;
	verdict = judge_lines(view, now_s, &now, &claim, &grants);
	if (verdict != VERDICT_OK)
		return verdict;
	if (!grants || judge_name(view, &claim, &now) != NAME_RIGHT_OWNED)
		return VERDICT_KEY_MISMATCH;
	*identity = now;
	return VERDICT_OK;
}
