#include "client/login.h"

#include "auth/challenge.h"
#include "client/clean.h"
#include "client/passphrase.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int login_begin(struct login *login, const char *key_path, const char *remembered,
		struct buf *problem)
{
	struct sign_source source = {
		.key_path = key_path,
		.home = getenv("HOME"),
		.agent_socket = getenv("SSH_AUTH_SOCK"),
		.remembered = remembered,
	};
	int rc;

	*login = (struct login){0};
	rc = sign_keys_load(&source, problem, &login->keys);
	if (rc < 0) {
		if (problem->len == 0)
			buf_append_str(problem, strerror(-rc));
		return rc;
	}
	if (login->keys.count > 0)
		return 0;
	buf_append_str(
		problem,
		"you have no SSH key: none in ~/.ssh (id_ed25519, id_ecdsa, id_rsa), none in "
		"an ssh-agent. Make one with: ssh-keygen -t ed25519");
	return -ENOKEY;
}

void login_finish(struct login *login)
{
	sign_keys_finish(&login->keys);
	buf_finish(&login->tried);
	*login = (struct login){0};
}

/* ---- candidates */

static struct sign_key *candidate(struct login *login)
{
	return login->at < login->keys.count ? &login->keys.list[login->at] : NULL;
}

static void pass_over(struct login *login, const char *why)
{
	const struct sign_key *key = candidate(login);

	if (!key)
		return;
	buf_append_str(&login->tried, "\n  ");
	clean_append_str(&login->tried, key->name, CLEAN_LINE);
	if (key->certified)
		buf_append_str(&login->tried, " with its certificate");
	if (key->fingerprint[0])
		buf_printf(&login->tried, " (%s)", key->fingerprint);
	buf_printf(&login->tried, ": %s", why);
	login->at++;
}

static const char *unlock_problem(int rc)
{
	switch (rc) {
	case -EACCES:
		return "wrong passphrase";
	case -ECANCELED:
		return "no passphrase given";
	case -EBADMSG:
		return "the file is damaged";
	case -ENOTSUP:
		return "a key of a kind that no server takes";
	default:
		return strerror(-rc);
	}
}

static int unlock(struct sign_key *key, const struct login_terminal *terminal)
{
	int rc;

	if (!sign_key_is_locked(key))
		return sign_key_unlock(key, passphrase_ask, NULL);
	terminal->pause(terminal->owner);
	rc = sign_key_unlock(key, passphrase_ask, NULL);
	terminal->resume(terminal->owner);
	return rc;
}

int login_unlock(struct login *login, const struct login_terminal *terminal)
{
	for (struct sign_key *key = candidate(login); key; key = candidate(login)) {
		int rc = unlock(key, terminal);

		if (rc == 0)
			return 0;
		pass_over(login, unlock_problem(rc));
	}
	return -ENOKEY;
}

/* ---- a connection */

void login_connected(struct login *login)
{
	login->attempts = 0;
	if (candidate(login))
		return;
	/* the keys of a session that once stood: try them all again */
	login->at = 0;
	buf_reset(&login->tried);
	login->refusal[0] = '\0';
	login->told_more = false;
}

static const char *sign_problem(int rc)
{
	switch (rc) {
	case -EACCES:
		return "the ssh-agent, or you, refused to sign";
	case -ENOENT:
		return "there is no ssh-keygen, which would have to sign with it";
	case -ETIMEDOUT:
		return "the ssh-agent did not answer";
	default:
		return strerror(-rc);
	}
}

static int sign(struct login *login, struct sign_key *key, const struct login_fields *fields,
		const struct login_terminal *terminal, struct buf *base64)
{
	struct challenge challenge = {
		.server = fields->server,
		.user = fields->user,
		.fingerprint = key->fingerprint,
		.nonce = fields->nonce,
		.expires_s = fields->expires,
		.binding = fields->binding,
	};
	char text[CHALLENGE_TEXT_SIZE];
	size_t len = 0;
	/* agent and ssh-keygen may want to ask something on the terminal */
	bool asks = !key->secret || !key->secret->key;
	int rc = challenge_text(&challenge, text, &len);

	if (rc < 0)
		return rc;
	if (asks)
		terminal->pause(terminal->owner);
	rc = sign_key_sign(&login->keys, key, CHALLENGE_NAMESPACE, text, len, base64);
	if (asks)
		terminal->resume(terminal->owner);
	return rc;
}

int login_sign(struct login *login, const struct login_fields *fields,
	       const struct login_terminal *terminal, struct buf *base64)
{
	if (login->attempts >= LOGIN_ATTEMPTS_MAX)
		return -ENOKEY;
	for (struct sign_key *key = candidate(login); key; key = candidate(login)) {
		int rc = unlock(key, terminal);

		if (rc < 0) {
			pass_over(login, unlock_problem(rc));
			continue;
		}
		buf_reset(base64);
		rc = sign(login, key, fields, terminal, base64);
		if (rc == 0) {
			login->attempts++;
			return 0;
		}
		pass_over(login, sign_problem(rc));
	}
	return -ENOKEY;
}

int login_refused(struct login *login, const char *message, bool telling)
{
	login->told_more = login->told_more || telling;
	if (telling || !login->refusal[0])
		snprintf(login->refusal, sizeof(login->refusal), "%s", message ? message : "");
	pass_over(login, telling ? "not for this name" : "refused");
	return candidate(login) && login->attempts < LOGIN_ATTEMPTS_MAX ? 0 : -ENOKEY;
}

const char *login_accepted(struct login *login)
{
	const struct sign_key *key = candidate(login);

	login->attempts = 0;
	buf_reset(&login->tried);
	login->refusal[0] = '\0';
	login->told_more = false;
	return key ? key->fingerprint : "";
}

void login_explain(const struct login *login, const char *user, const char *server, struct buf *out)
{
	buf_printf(out, "cannot log in to %s as %s", server, user);
	if (login->refusal[0]) {
		buf_append_str(out, ": ");
		clean_append_str(out, login->refusal, CLEAN_LINE);
	}
	if (login->tried.len > 0)
		buf_printf(out, "\nTried:%s", login->tried.data);
	if (login->refusal[0] && !login->told_more)
		buf_append_str(out,
			       "\nWhoever runs the server lets a key in: its public half must be "
			       "a line of the server's authorized_keys file.");
	if (login->at < login->keys.count)
		buf_append_str(out, "\nThere are more keys; --key FILE says which to use.");
}
