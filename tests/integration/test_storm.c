/*
 * Everything at once, for a few seconds: talkers who resend what was not
 * answered, followers who resume where they were, and processes that die under
 * them. In the end each line is there once, in its talker's order, and every
 * follower has seen the same log.
 */
#include "base/clock.h"
#include "base/random.h"
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORKERS 4
#define TALKERS 4
#define FOLLOWERS 3
#define UNANSWERED_MAX 20
#define LINES_MAX 32768

TestSuite(storm, .fini = owned_finish_all, .timeout = 120);

struct talker {
	const char *user;
	struct chat *chat;       /* NULL: not connected */
	unsigned sent, answered; /* ids 1 .. n */
};

/* What one follower knows of a log; `lines` are "talker-number", by seq. */
struct follower {
	const char *user;
	const char *room;
	struct chat *chat;
	char *epoch;
	unsigned cursor;
	char **lines;
};

struct storm {
	struct server *server;
	struct talker talkers[TALKERS];
	struct follower followers[FOLLOWERS];
	unsigned lines_each;
	bool direct; /* all talk to one person instead of to a room */
};

static const char *const talker_names[TALKERS] = {"alice", "bob", "carol", "dave"};
static const char *const follower_names[FOLLOWERS] = {"erin", "frank", "grace"};

static void talker_send(struct storm *storm, struct talker *talker, unsigned number)
{
	chat_send(talker->chat, "{'id':'%s-%u',%s,'content':'%s-%u'}", talker->user, number,
		  storm->direct ? "'recipient':'erin'" : "'room':'ops'", talker->user, number);
}

static void talker_lost(struct talker *talker)
{
	chat_forget(talker->chat);
	talker->chat = NULL;
}

/* `busy` and the like refuse this line and perhaps not the next: so all are sent again. */
static void talker_take(struct talker *talker, json_t *line)
{
	unsigned number = 0;
	const char *id = json_string_value(json_object_get(line, "id"));

	if (id == NULL || strchr(id, '-') == NULL)
		return;
	number = (unsigned)atoi(strchr(id, '-') + 1);
	if (json_has(line, "{'type':'ok'}") && number == talker->answered + 1)
		talker->answered++;
	if (json_has(line, "{'type':'error'}")) {
		must(json_has(line, "{'code':'busy'}"), "%s: refused", talker->user);
		talker_lost(talker);
	}
}

static void talker_step(struct storm *storm, struct talker *talker)
{
	if (talker->chat == NULL) {
		talker->chat =
			chat_try_login(storm->server, talker->user, "'only':[],'device':'storm'");
		talker->sent = talker->answered;
	}
	if (talker->chat == NULL)
		return;
	while (talker->sent < storm->lines_each && talker->sent < talker->answered + UNANSWERED_MAX)
		talker_send(storm, talker, ++talker->sent);
	for (json_t *line; talker->chat != NULL && (line = chat_next(talker->chat, 1)) != NULL;)
		talker_take(talker, line);
	if (talker->chat != NULL && talker->chat->ws.closed)
		talker_lost(talker);
}

static void follower_take(struct follower *follower, json_t *line)
{
	if (!json_has(line, "{'room':'%s'}", follower->room))
		return;
	must(!json_has(line, "{'type':'gap'}") && !json_has(line, "{'type':'reset'}"),
	     "%s lost his place", follower->user);
	if (json_has(line, "{'type':'room'}")) {
		must(strcmp(follower->epoch, text_of(line, "epoch")) == 0,
		     "%s: another life of the log", follower->user);
		must(number_of(line, "after") == follower->cursor, "%s asked for %u and got %lld",
		     follower->user, follower->cursor, number_of(line, "after"));
	}
	if (json_object_get(line, "seq") == NULL)
		return;
	must(number_of(line, "seq") == follower->cursor + 1, "%s has %u and gets %lld",
	     follower->user, follower->cursor, number_of(line, "seq"));
	follower->cursor++;
	must(follower->cursor < LINES_MAX, "too many lines");
	follower->lines[follower->cursor] = scratch_text("%s", text_of(line, "content"));
}

static void follower_step(struct storm *storm, struct follower *follower)
{
	if (follower->chat == NULL) {
		char *resume = scratch_text("'resume':[{'room':'%s','epoch':'%s','after':%u}]",
					    follower->room, follower->epoch, follower->cursor);

		follower->chat = chat_try_login(storm->server, follower->user, resume);
	}
	if (follower->chat == NULL)
		return;
	for (json_t *line; (line = chat_next(follower->chat, 1)) != NULL;)
		follower_take(follower, line);
	if (follower->chat->ws.closed) {
		chat_forget(follower->chat);
		follower->chat = NULL;
	}
}

static void storm_begin(struct storm *storm, struct server *s, unsigned lines_each, bool direct)
{
	*storm = (struct storm){.server = s, .lines_each = lines_each, .direct = direct};
	for (unsigned i = 0; i < TALKERS; i++) {
		storm->talkers[i] = (struct talker){.user = talker_names[i]};
		struct chat *c = chat_login(s, talker_names[i]);

		chat_join(c, "ops", NULL);
		chat_forget(c);
	}
	for (unsigned i = 0; i < FOLLOWERS; i++) {
		struct follower *follower = &storm->followers[i];

		/* An inbox has one reader, who sits there three times. */
		follower->user = follower_names[direct ? 0 : i];
		follower->room = direct ? "@erin" : "ops";
		follower->lines = calloc(LINES_MAX, sizeof(char *));
		must(follower->lines != NULL, "out of memory");
		owned_add(follower->lines, free, NULL);
		struct chat *c = chat_login(s, follower->user);
		json_t *log = chat_join(c, "ops", NULL);
		if (direct)
			log = chat_room_of(c, "@erin");
		follower->epoch = scratch_text("%s", text_of(log, "epoch"));
		chat_forget(c);
	}
}

static bool storm_is_over(const struct storm *storm)
{
	unsigned done = 0;

	for (unsigned i = 0; i < TALKERS; i++)
		done += storm->talkers[i].answered == storm->lines_each;
	for (unsigned i = 0; i < FOLLOWERS; i++)
		done += storm->followers[i].cursor >= TALKERS * storm->lines_each;
	return done == TALKERS + FOLLOWERS;
}

static void storm_check(struct storm *storm)
{
	unsigned next[TALKERS] = {0}, total = TALKERS * storm->lines_each;

	for (unsigned seq = 1; seq <= total; seq++) {
		char *line = storm->followers[0].lines[seq];
		unsigned who = 0;

		for (unsigned i = 1; i < FOLLOWERS; i++)
			must(strcmp(line, storm->followers[i].lines[seq]) == 0,
			     "line %u is %s for one and %s for another", seq, line,
			     storm->followers[i].lines[seq]);
		while (strncmp(line, talker_names[who], strlen(talker_names[who])) != 0)
			must(++who < TALKERS, "line %u: %s", seq, line);
		must((unsigned)atoi(strchr(line, '-') + 1) == ++next[who],
		     "line %u is %s, the next was %u", seq, line, next[who]);
	}
	for (unsigned i = 0; i < FOLLOWERS; i++)
		must(storm->followers[i].cursor == total, "%u lines of %u",
		     storm->followers[i].cursor, total);
}

/* Kills a worker every `every_ms`, and the master at every `master_at`th time (0: never). */
static void storm_blow(struct storm *storm, unsigned every_ms, unsigned master_at)
{
	uint64_t next_ms = clock_mono_ms() + every_ms, end_ms = clock_mono_ms() + 90000;
	unsigned deaths = 0;

	while (!storm_is_over(storm)) {
		for (unsigned i = 0; i < TALKERS; i++)
			talker_step(storm, &storm->talkers[i]);
		for (unsigned i = 0; i < FOLLOWERS; i++)
			follower_step(storm, &storm->followers[i]);
		must(clock_mono_ms() < end_ms, "the storm does not end: %u %u %u %u said, %u heard",
		     storm->talkers[0].answered, storm->talkers[1].answered,
		     storm->talkers[2].answered, storm->talkers[3].answered,
		     storm->followers[0].cursor);
		if (clock_mono_ms() < next_ms)
			continue;
		deaths++;
		if (master_at > 0 && deaths % master_at == 0) {
			server_kill(storm->server);
			server_restart(storm->server);
		} else {
			kill(server_worker(storm->server, (unsigned)random_below(WORKERS)),
			     SIGKILL);
		}
		next_ms = clock_mono_ms() + every_ms;
	}
	must(deaths >= 5, "the storm was over before it began: %u deaths", deaths);
}

static struct server *storm_server(void)
{
	return server_with(.users = "alice bob carol dave erin frank grace", .workers = WORKERS,
			   .args = "--rate 0 --max-pending-logins 0 --room-lines 16384 "
				   "--room-bytes 8000000",
			   .port_is_kept = true);
}

OwnedTest(storm, dying_workers_lose_double_and_reorder_nothing)
{
	struct storm storm;

	storm_begin(&storm, storm_server(), 1500, false);
	storm_blow(&storm, 60, 0);
	storm_check(&storm);
}

OwnedTest(storm, dying_masters_lose_double_and_reorder_nothing)
{
	struct storm storm;

	storm_begin(&storm, storm_server(), 1500, false);
	storm_blow(&storm, 100, 4);
	storm_check(&storm);
}

OwnedTest(storm, direct_messages_reach_the_inbox_once_each)
{
	struct storm storm;

	/* Nobody reads in between, so all must fit: a quarter of the inbox for each talker. */
	storm_begin(&storm, storm_server(), 1000, true);
	storm_blow(&storm, 60, 0);
	storm_check(&storm);
}
