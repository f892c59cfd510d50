/* docs/protocol.md, "Log in": the challenge, the welcome, and how a login is refused. */
#include "base/clock.h"
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FAIL_DELAY_MS 500
/* What a busy machine may add to an answer that is due at once. */
#define AT_ONCE_MS 300

TestSuite(login, .fini = owned_finish_all, .timeout = 60);

static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Sends a login of the caller's making; every field may be NULL to be left out. */
static void send_fields(struct chat *c, const char *user, const char *server, const char *signature)
{
	json_t *line = json_pack("{ss,ss*,ss*,ss*,ss}", "type", "login", "user", user, "server",
				 server, "signature", signature, "binding", "none");
	char *text = json_dumps(line, JSON_COMPACT);

	chat_send_bytes(c, text, strlen(text));
	free(text);
	json_decref(line);
}

/* A good signature of the derived key for these words. */
static char *sign_words(struct chat *c, const char *user, const char *server, const char *binding)
{
	struct key key = key_of(user);

	return key_sign(&key, LOGIN_NAMESPACE,
			login_text(server, user, key.fingerprint, text_of(c->challenge, "nonce"),
				   number_of(c->challenge, "expires"), binding));
}

static void login_as(struct chat *c, const char *user, const char *server)
{
	send_fields(c, user, server, sign_words(c, user, server, "none"));
}

OwnedTest(login, the_server_speaks_first_with_a_challenge)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_open_raw(s, "stranger", NULL);
	json_t *line = chat_expect(c, "{'type':'challenge','version':1,'nonce':'*','expires':'*',"
				      "'namespace':'login@chat-master','bindings':['none']}");
	const char *nonce = text_of(line, "nonce");

	must(strlen(nonce) == 43 && strspn(nonce, base64url) == 43, "the nonce is %s", nonce);
	must(number_of(line, "expires") >= (long long)time(NULL), "it has expired already");
	must(strcmp(c->ws.protocol, "chat.v1") == 0, "the subprotocol is %s", c->ws.protocol);
}

OwnedTest(login, no_two_challenges_share_a_nonce)
{
	struct server *s = server_with(.users = "alice");
	struct chat *one = chat_open(s, "one"), *two = chat_open(s, "two");

	must(strcmp(text_of(one->challenge, "nonce"), text_of(two->challenge, "nonce")) != 0,
	     "the same nonce twice");
}

OwnedTest(login, a_good_signature_is_welcomed_with_all_a_client_needs)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_welcome(s, "alice", NULL);
	json_t *limits = json_object_get(c->welcome, "limits");
	json_t *lobby = chat_room_of(c, "lobby");

	must(json_has(c->welcome, "{'version':1,'user':'alice','session':'*','roles':[],"
				  "'timestamp':'*','capabilities':'*'}"),
	     "the welcome lacks something");
	must(strncmp(text_of(c->welcome, "server"), "chat-master/", 12) == 0, "who is it?");
	must(json_has(limits, "{'line':65536,'frame':65536,'content':4000,'rooms':64,"
			      "'rate':[10,30],'connections':16,'history':200,'presence':100,"
			      "'dedupe':64,'ping':25}"),
	     "other limits");
	must(lobby != NULL, "no lobby");
	must(json_has(lobby, "{'epoch':'*','first':1,'head':0,'members':1}"), "another lobby");
	chat_expect(c,
		    "{'type':'room','room':'lobby','epoch':'%s','first':1,'head':0,'after':0,"
		    "'count':0,'members':1}",
		    text_of(lobby, "epoch"));
	chat_expect(c, "{'type':'room','room':'@alice','epoch':'*','head':0,'count':0}");
	chat_quiet(c);
}

OwnedTest(login, timestamps_are_utc_with_milliseconds)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_welcome(s, "alice", NULL);
	const char *text = text_of(c->welcome, "timestamp");
	int64_t wall = 0;

	must(strlen(text) == 24 && text[10] == 'T' && text[19] == '.' && text[23] == 'Z',
	     "timestamp %s", text);
	must(clock_parse(text, &wall) == 0 && llabs(wall - clock_wall_ms()) < 60000, "it is %s",
	     text);
}

OwnedTest(login, a_client_that_names_no_subprotocol_is_accepted)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_open_raw(s, "plain", &(struct ws_request){.protocol = ""});

	chat_expect(c, "{'type':'challenge'}");
	login_as(c, "alice", s->address);
	chat_expect(c, "{'type':'welcome'}");
}

OwnedTest(login, only_the_endpoint_upgrades)
{
	struct server *s = server_with(.users = "alice");
	struct ws ws;

	must(!ws_open(&ws, &(struct ws_request){.port = s->port, .path = "/other"}), "upgraded");
	must(ws.status == 404, "status %d", ws.status);
	ws_drop(&ws);
}

OwnedTest(login, a_page_of_another_origin_is_refused)
{
	struct server *s = server_with(.users = "alice");
	struct ws ws;

	must(!ws_open(&ws, &(struct ws_request){.port = s->port,
						.headers = "Origin: http://evil.example\r\n"}),
	     "upgraded");
	must(ws.status == 403, "status %d", ws.status);
	ws_drop(&ws);
	char *own = scratch_text("Origin: http://localhost:%u\r\n", s->port);
	must(ws_open(&ws, &(struct ws_request){.port = s->port, .headers = own}),
	     "its own page: status %d", ws.status);
	ws_drop(&ws);
}

OwnedTest(login, nothing_but_login_and_ping_is_accepted_before)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_open(s, "alice");

	chat_send(c, "{'id':'m1','content':'hi'}");
	must(json_has(chat_refused(c, "auth_required"), "{'id':'m1'}"),
	     "the error does not carry the id");
	chat_send(c, "{'type':'rooms','id':'r1'}");
	chat_refused(c, "auth_required");
	chat_quiet(c);
	login_as(c, "alice", s->address);
	chat_expect(c, "{'type':'welcome'}");
}

OwnedTest(login, every_loopback_name_of_the_server_may_be_dialled)
{
	struct server *s = server_with(.users = "alice");
	const char *hosts[] = {"localhost", "127.0.0.1", "[::1]"};

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		struct chat *c = chat_open(s, hosts[i]);

		login_as(c, "alice", scratch_text("%s:%u", hosts[i], s->port));
		chat_expect(c, "{'type':'welcome'}");
	}
}

OwnedTest(login, another_server_name_is_named_at_once)
{
	struct server *s = server_with(.users = "alice");
	const char *others[] = {"chat.example.org:8080", "localhost", "127.0.0.1:1", "not a name"};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct chat *c = chat_open(s, others[i]);
		uint64_t start = clock_mono_ms();

		login_as(c, "alice", others[i]);
		const char *message = text_of(chat_refused(c, "wrong_server"), "message");
		must(clock_mono_ms() - start < AT_ONCE_MS, "it was delayed");
		must(strstr(message, "--server-name") != NULL &&
			     (strchr(others[i], ' ') != NULL || strstr(message, others[i]) != NULL),
		     "the message is no help: %s", message);
		chat_expect(c, "{'type':'challenge'}");
		login_as(c, "alice", s->address);
		chat_expect(c, "{'type':'welcome'}");
	}
}

OwnedTest(login, a_server_name_given_to_the_master_is_accepted)
{
	struct server *s = server_with(
			.users = "alice",
			.args = "--server-name chat.example.org:443 --server-name other.example");
	struct chat *c = chat_open(s, "with a port");

	login_as(c, "alice", "chat.example.org:443");
	chat_expect(c, "{'type':'welcome'}");
	c = chat_open(s, "with the server's port");
	login_as(c, "alice", scratch_text("other.example:%u", s->port));
	chat_expect(c, "{'type':'welcome'}");
}

OwnedTest(login, the_host_header_lets_nobody_choose_the_name)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_open_raw(
		s, "header",
		&(struct ws_request){.headers = "X-Forwarded-Host: evil.example:8080\r\n"});

	chat_expect(c, "{'type':'challenge'}");
	login_as(c, "alice", "evil.example:8080");
	chat_refused(c, "wrong_server");
}

OwnedTest(login, a_missing_or_wrong_field_is_named)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_open(s, "fields");
	char *good = sign_words(c, "alice", s->address, "none");

	send_fields(c, NULL, s->address, good);
	chat_refused(c, "missing_field");
	c = chat_open(s, "no signature");
	send_fields(c, "alice", s->address, NULL);
	chat_refused(c, "missing_field");
	c = chat_open(s, "no server");
	send_fields(c, "alice", NULL, good);
	chat_refused(c, "missing_field");
	c = chat_open(s, "a number");
	chat_send(c, "{'type':'login','user':7,'server':'%s','signature':'x'}", s->address);
	chat_refused(c, "bad_field");
	c = chat_open(s, "a bad device");
	struct key key = key_of("alice");
	chat_send_login(c, "alice", &key, "'device':'no spaces'");
	chat_refused(c, "bad_field");
}

OwnedTest(login, a_bad_name_is_named_at_once)
{
	struct server *s = server_with(.users = "alice");
	const char *names[] = {"has space", ".dot", "@alice", "",
			       "abcdefghijklmnopqrstuvwxyz0123456"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct chat *c = chat_open(s, names[i]);

		send_fields(c, names[i], s->address, sign_words(c, "alice", s->address, "none"));
		chat_refused(c, "bad_name");
	}
}

OwnedTest(login, capitals_in_the_user_name_are_folded)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_open(s, "Alice");

	send_fields(c, "Alice", s->address, sign_words(c, "alice", s->address, "none"));
	chat_expect(c, "{'type':'welcome','user':'alice'}");
}

/* The failure of one attempt on a fresh connection: the error, and how long it took. */
static json_t *failure(struct server *s, const char *user, const char *signature, uint64_t *ret_ms)
{
	struct chat *c = chat_open(s, "failing");
	uint64_t start = clock_mono_ms();

	if (signature == NULL) {
		struct key key = key_of("nobody's");

		chat_send_login(c, user, &key, NULL);
	} else {
		send_fields(c, user, s->address, signature);
	}
	json_t *line = chat_refused(c, "auth_failed");
	*ret_ms = clock_mono_ms() - start;
	chat_expect(c, "{'type':'challenge'}");
	return line;
}

OwnedTest(login, every_failure_of_a_key_or_user_looks_the_same)
{
	struct server *s = server_with(.users = "alice bob");
	struct chat *known = chat_login(s, "alice");
	struct chat *other = chat_open(s, "another nonce");
	const char *cases[][2] = {
		{"alice", NULL},                            /* an unknown key */
		{"nobody", NULL},                           /* and a user nobody heard of */
		{"alice", ""},                              /* an empty signature */
		{"alice", "bm90IGEgc2lnbmF0dXJl"},          /* base64 of nothing */
		{"alice", "-----BEGIN SSH SIGNATURE-----"}, /* can't be decoded */
		{"alice", sign_words(other, "alice", s->address, "none")}, /* another's nonce */
	};
	json_t *first = NULL;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t took = 0;
		json_t *line = failure(s, cases[i][0], cases[i][1], &took);

		must(took >= FAIL_DELAY_MS - 20 && took < FAIL_DELAY_MS + AT_ONCE_MS,
		     "case %zu took %llu ms", i, (unsigned long long)took);
		first = first != NULL ? first : line;
		must(json_equal(first, line), "case %zu looks different", i);
	}
	chat_quiet(known);
}

OwnedTest(login, the_delay_of_one_failure_holds_up_nobody_else)
{
	struct server *s = server_with(.users = "alice", .workers = 1);
	struct chat *bad = chat_open(s, "bad"), *good = chat_open(s, "good");
	struct key unknown = key_of("nobody's");
	uint64_t start = clock_mono_ms();

	chat_send_login(bad, "alice", &unknown, NULL);
	login_as(good, "alice", s->address);
	chat_expect(good, "{'type':'welcome'}");
	must(clock_mono_ms() - start < AT_ONCE_MS, "the good login waited");
	chat_refused(bad, "auth_failed");
}

OwnedTest(login, a_signature_for_another_purpose_is_refused)
{
	struct server *s = server_with(.users = "alice");
	struct key key = key_of("alice");
	struct chat *c = chat_open(s, "namespace");
	char *text =
		login_text(s->address, "alice", key.fingerprint, text_of(c->challenge, "nonce"),
			   number_of(c->challenge, "expires"), "none");

	send_fields(c, "alice", s->address, key_sign(&key, "file", text));
	chat_refused(c, "auth_failed");
	c = chat_open(s, "expires");
	text = login_text(s->address, "alice", key.fingerprint, text_of(c->challenge, "nonce"),
			  number_of(c->challenge, "expires") + 1, "none");
	send_fields(c, "alice", s->address, key_sign(&key, LOGIN_NAMESPACE, text));
	chat_refused(c, "auth_failed");
	c = chat_open(s, "user");
	text = login_text(s->address, "bob", key.fingerprint, text_of(c->challenge, "nonce"),
			  number_of(c->challenge, "expires"), "none");
	send_fields(c, "alice", s->address, key_sign(&key, LOGIN_NAMESPACE, text));
	chat_refused(c, "auth_failed");
	c = chat_open(s, "server");
	text = login_text("chat.example.org:8080", "alice", key.fingerprint,
			  text_of(c->challenge, "nonce"), number_of(c->challenge, "expires"),
			  "none");
	send_fields(c, "alice", s->address, key_sign(&key, LOGIN_NAMESPACE, text));
	chat_refused(c, "auth_failed");
}

OwnedTest(login, each_attempt_gets_a_new_nonce_and_the_third_failure_is_the_last)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_open(s, "alice");
	char *first = sign_words(c, "alice", s->address, "none");
	const char *nonce = text_of(c->challenge, "nonce");

	send_fields(c, "alice", s->address, "AAAA");
	chat_refused(c, "auth_failed");
	chat_expect(c, "{'type':'challenge','nonce':'*'}");
	must(strcmp(text_of(c->challenge, "nonce"), nonce) != 0, "the same nonce again");
	send_fields(c, "alice", s->address, first);
	chat_refused(c, "auth_failed");
	chat_expect(c, "{'type':'challenge','nonce':'*'}");
	send_fields(c, "alice", s->address, "AAAA");
	chat_expect(c, "{'type':'error','code':'too_many_attempts','fatal':true}");
	chat_closed(c, 4001);
}

OwnedTest(login, a_connection_that_does_not_log_in_is_closed)
{
	struct server *s = server_with(.users = "alice", .args = "--login-timeout 1");
	struct chat *c = chat_open(s, "silent");
	uint64_t start = clock_mono_ms();

	chat_expect(c, "{'type':'error','code':'auth_timeout','fatal':true}");
	chat_closed(c, 4001);
	uint64_t took = clock_mono_ms() - start;
	must(took >= 900 && took < 4000, "after %llu ms", (unsigned long long)took);
}

OwnedTest(login, a_binding_that_was_not_offered_is_refused)
{
	struct server *s = server_with(.users = "alice");
	struct chat *c = chat_open(s, "alice");

	chat_send(c,
		  "{'type':'login','user':'alice','server':'%s','binding':'tls-exporter',"
		  "'signature':'%s'}",
		  s->address, sign_words(c, "alice", s->address, "tls-exporter"));
	chat_refused(c, "bad_field");
}

OwnedTest(login, a_role_on_the_keys_line_is_told)
{
	struct key key = key_of("alice");
	struct server *s =
		server_with(.keys = scratch_text("environment=\"CHAT_ROLE=op\" %s\n", key.line));
	struct chat *c = chat_welcome(s, "alice", NULL);

	must(json_has(c->welcome, "{'roles':['op']}"), "no op");
}
