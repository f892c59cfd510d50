/*
 * One connection that speaks chat.v1. Lines are written and expected as JSON with
 * single quotes for double ones:
 *
 *	struct chat *alice = chat_login(s, "alice");
 *	chat_send(alice, "{'type':'join','id':'j1','room':'%s'}", room);
 *	chat_expect(alice, "{'type':'room','id':'j1','count':0,'created':true}");
 *
 * A pattern names the fields that matter: an object matches one that has at least
 * its fields, null means "absent", '*' anything, an array all its elements in
 * order. JSON handed out here lives as long as the test.
 */
#ifndef TESTS_INTEGRATION_CHAT_H
#define TESTS_INTEGRATION_CHAT_H

#include "tests/integration/key.h"
#include "tests/integration/server.h"
#include "tests/integration/ws.h"

#include <jansson.h>
#include <stdbool.h>

struct chat {
	struct ws ws;
	char name[48];     /* for failures: the user, or what the test calls it */
	char address[64];  /* what the login says it dialled */
	json_t *seen;      /* array: every line received */
	size_t taken;      /* how many of them were expected or skipped */
	json_t *challenge; /* the last one */
	json_t *welcome;   /* NULL before */
	struct buf frame;  /* the last text frame */
	unsigned frames;   /* text frames received */
};

/* ---- connections */

/* Upgrades and takes the challenge. */
struct chat *chat_open(struct server *s, const char *name);
/* Upgrades only; request may be NULL, its port is filled in. */
struct chat *chat_open_raw(struct server *s, const char *name, const struct ws_request *request);
/* Upgrades only; NULL if that fails. */
struct chat *chat_try_open(struct server *s, const char *name, const struct ws_request *request);
/* Closes the socket and forgets the connection and its lines. */
void chat_forget(struct chat *c);
/* Closes the socket without a word, as a lost connection does. */
void chat_drop(struct chat *c);

/* ---- logging in */

/*
 * Sends a login for the user with the key: its signature over the last challenge.
 * `extra`: further fields, "'device':'d1','only':[]", or NULL.
 */
void chat_send_login(struct chat *c, const char *user, const struct key *key, const char *extra);
/*
 * The same bound to the connection's TLS (binding "tls-exporter"): by its own exporter, or by
 * that of `other` where it isn't NULL.
 */
void chat_send_bound_login(struct chat *c, const char *user, const struct key *key,
			   struct chat *other);
/* The same with a signature made elsewhere. */
void chat_send_signature(struct chat *c, const char *user, const char *signature,
			 const char *extra);
/* chat_open, the derived key of that name, and the welcome; the announcements are still to come. */
struct chat *chat_welcome(struct server *s, const char *user, const char *extra);
/* The same, and all the announcements with their lines are taken. */
struct chat *chat_login_with(struct server *s, const char *user, const char *extra);
struct chat *chat_login(struct server *s, const char *user);
/* The same up to the welcome, for storms: NULL if the connection is lost on the way. */
struct chat *chat_try_login(struct server *s, const char *user, const char *extra);
/* Logs in until the connection sits on worker `n`: other ones are closed by `bye`. */
struct chat *chat_login_on(struct server *s, const char *user, const char *extra, unsigned n);
/* Which worker serves it, by the log line of its login; only for the user's latest login. */
unsigned chat_worker(struct server *s, struct chat *c);

/* ---- lines */

/* 'text' to "text". */
char *quoted(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Whether the value matches the pattern. */
bool json_has(json_t *value, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The value as compact JSON. */
char *json_text(json_t *value);
/* Whether the array of strings holds the text. */
bool json_lists(json_t *array, const char *text);

void chat_send(struct chat *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* As it stands: no quotes changed, any bytes. */
void chat_send_bytes(struct chat *c, const char *bytes, size_t len);

/* The next line, or NULL when the connection is closed or the time is over. */
json_t *chat_next(struct chat *c, unsigned patience_ms);
/* The next line, but for `presence`, which may come at any time; it must match. */
json_t *chat_expect(struct chat *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Skips lines until one matches. */
json_t *chat_await(struct chat *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Skips lines until a presence of the room names the user in `field`: "joined" or "left". */
json_t *chat_await_presence(struct chat *c, const char *room, const char *field, const char *user);
/* Whether a line like that has come already, taken or not. */
bool chat_saw(struct chat *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The next line is an error of that code; its message must not be empty. */
json_t *chat_refused(struct chat *c, const char *code);
/* A `ping` is answered at once: nothing (but presence) stood between. */
void chat_quiet(struct chat *c);
/* Everything up to the close frame is taken; the close code must be this one. */
void chat_closed(struct chat *c, int close_code);

/* ---- what tests do all the time */

/* Sends {'type':'join'} with the extra fields, takes the announcement and its lines; the room line.
 */
json_t *chat_join(struct chat *c, const char *room, const char *extra);
/* A message to the room with the id: takes the line and then its ok; the seq. */
long long chat_say(struct chat *c, const char *room, const char *id, const char *content);
/* A direct message; the ok line. */
json_t *chat_tell(struct chat *c, const char *recipient, const char *id, const char *content);
/* Takes `count` lines that must be the sequenced lines after `after` in that room, prev honoured.
 */
void chat_take_lines(struct chat *c, const char *room, long long after, long long count);

const char *text_of(json_t *line, const char *field);
/* Must be an integer. */
long long number_of(json_t *line, const char *field);
/* The element of welcome.rooms for that room, or NULL. */
json_t *chat_room_of(struct chat *c, const char *room);

#endif
