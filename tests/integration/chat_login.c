/* Logging in, and what tests do on a connection all the time. */
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <openssl/ssl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define SPREAD_TRIES 64

void chat_send_signature(struct chat *c, const char *user, const char *signature, const char *extra)
{
	json_t *line = json_pack("{ss,ss,ss,ss,ss}", "type", "login", "user", user, "server",
				 c->address, "binding", "none", "signature", signature);

	if (extra != NULL) {
		json_t *fields = json_loads(quoted("{%s}", extra), 0, NULL);

		must(fields != NULL, "extra fields: %s", extra);
		json_object_update(line, fields);
		json_decref(fields);
	}
	char *dumped = json_dumps(line, JSON_COMPACT);
	chat_send_bytes(c, dumped, strlen(dumped));
	free(dumped);
	json_decref(line);
}

void chat_send_login(struct chat *c, const char *user, const struct key *key, const char *extra)
{
	char *text = login_text(c->address, user, key->fingerprint, text_of(c->challenge, "nonce"),
				number_of(c->challenge, "expires"), "none");

	chat_send_signature(c, user, key_sign(key, LOGIN_NAMESPACE, text), extra);
}

void chat_send_bound_login(struct chat *c, const char *user, const struct key *key,
			   struct chat *other)
{
	unsigned char exporter[32];
	char encoded[64];

	must(SSL_export_keying_material((other != NULL ? other : c)->ws.ssl, exporter,
					sizeof(exporter), "EXPORTER-Channel-Binding", 24,
					(const unsigned char *)"", 0, 1) == 1,
	     "no exporter");
	sodium_bin2base64(encoded, sizeof(encoded), exporter, sizeof(exporter),
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	char *text = login_text(c->address, user, key->fingerprint, text_of(c->challenge, "nonce"),
				number_of(c->challenge, "expires"),
				scratch_text("tls-exporter:%s", encoded));

	chat_send_signature(c, user, key_sign(key, LOGIN_NAMESPACE, text),
			    "'binding':'tls-exporter'");
}

struct chat *chat_try_login(struct server *s, const char *user, const char *extra)
{
	struct chat *c = chat_try_open(s, user, NULL);
	struct key key = key_of(user);
	json_t *line = c != NULL ? chat_next(c, PATIENCE_MS) : NULL;

	if (line != NULL) {
		chat_send_login(c, user, &key, extra);
		line = chat_next(c, PATIENCE_MS);
		must(line == NULL || c->welcome != NULL || json_has(line, "{'code':'unavailable'}"),
		     "%s is not welcome", user);
	}
	if (c != NULL && c->welcome == NULL) {
		chat_forget(c);
		c = NULL;
	}
	return c;
}

struct chat *chat_welcome(struct server *s, const char *user, const char *extra)
{
	struct chat *c = chat_open(s, user);
	struct key key = key_of(user);

	chat_send_login(c, user, &key, extra);
	chat_expect(c, "{'type':'welcome','user':'%s'}", user);
	return c;
}

json_t *chat_room_of(struct chat *c, const char *room)
{
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(c->welcome, "rooms"), i, entry)
	{
		if (strcmp(text_of(entry, "room"), room) == 0)
			return entry;
	}
	return NULL;
}

void chat_take_lines(struct chat *c, const char *room, long long after, long long count)
{
	while (count-- > 0) {
		json_t *line = chat_expect(c, "{'room':'%s','seq':'*','timestamp':'*'}", room);
		long long seq = number_of(line, "seq");
		json_t *prev = json_object_get(line, "prev");

		must((prev != NULL ? json_integer_value(prev) : seq - 1) == after,
		     "%s: line %lld does not follow %lld", room, seq, after);
		after = seq;
	}
}

/* Only a cursor below `first` announces no lines, and its gap stands in for them. */
static void take_announced(struct chat *c, json_t *room_line)
{
	chat_take_lines(c, text_of(room_line, "room"), number_of(room_line, "after"),
			number_of(room_line, "count"));
}

static bool only_leaves_out(json_t *only, const char *room)
{
	json_t *name;
	size_t i;

	if (only == NULL || *room == '@')
		return false;
	json_array_foreach(only, i, name)
	{
		if (strcmp(json_string_value(name), room) == 0)
			return false;
	}
	return true;
}

struct chat *chat_login_with(struct server *s, const char *user, const char *extra)
{
	struct chat *c = chat_welcome(s, user, extra);
	json_t *fields = json_loads(quoted("{%s}", extra != NULL ? extra : ""), 0, NULL);
	json_t *only = json_object_get(fields, "only");
	json_t *room;
	bool inbox = false;
	size_t i, wanted = 0;

	json_array_foreach(json_object_get(c->welcome, "rooms"), i, room)
	{
		if (!only_leaves_out(only, text_of(room, "room")))
			wanted++;
		inbox = inbox || *text_of(room, "room") == '@';
	}
	for (wanted += inbox ? 0 : 1; wanted > 0; wanted--)
		take_announced(c, chat_await(c, "{'type':'room','room':'*'}"));
	json_decref(fields);
	return c;
}

struct chat *chat_login(struct server *s, const char *user)
{
	return chat_login_with(s, user, NULL);
}

unsigned chat_worker(struct server *s, struct chat *c)
{
	return server_worker_of(s, text_of(c->welcome, "user"));
}

struct chat *chat_login_on(struct server *s, const char *user, const char *extra, unsigned n)
{
	for (unsigned tries = 0; tries < SPREAD_TRIES; tries++) {
		struct chat *c = chat_login_with(s, user, extra);

		if (chat_worker(s, c) == n)
			return c;
		chat_send(c, "{'type':'bye'}");
		chat_closed(c, 1000);
	}
	must(false, "%u connections of %s, and none on worker %u", SPREAD_TRIES, user, n);
	return NULL;
}

json_t *chat_join(struct chat *c, const char *room, const char *extra)
{
	static unsigned number;
	const char *comma = extra != NULL ? "," : "";

	number++;
	chat_send(c, "{'type':'join','id':'join-%u','room':'%s'%s%s}", number, room, comma,
		  extra != NULL ? extra : "");
	json_t *line = chat_expect(c, "{'type':'room','id':'join-%u','room':'%s'}", number, room);
	take_announced(c, line);
	return line;
}

long long chat_say(struct chat *c, const char *room, const char *id, const char *content)
{
	json_t *line = json_pack("{ss,ss,ss}", "room", room, "id", id, "content", content);
	char *dumped = json_dumps(line, JSON_COMPACT);

	chat_send_bytes(c, dumped, strlen(dumped));
	free(dumped);
	json_decref(line);
	line = chat_await(c, "{'type':'message','room':'%s','id':'%s'}", room, id);
	must(strcmp(text_of(line, "content"), content) == 0, "%s came as other content", id);
	chat_await(c, "{'type':'ok','id':'%s','room':'%s','seq':%lld}", id, room,
		   number_of(line, "seq"));
	return number_of(line, "seq");
}

json_t *chat_tell(struct chat *c, const char *recipient, const char *id, const char *content)
{
	chat_send(c, "{'id':'%s','recipient':'%s','content':'%s'}", id, recipient, content);
	return chat_await(c, "{'type':'ok','id':'%s','room':'@%s'}", id,
			  text_of(c->welcome, "user"));
}
