/* Several workers are one server: who sits where is nobody's business. */
#include "base/clock.h"
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <stdio.h>
#include <string.h>

TestSuite(workers, .fini = owned_finish_all, .timeout = 90);

OwnedTest(workers, two_people_on_different_workers_talk)
{
	struct server *s = server_with(.users = "alice bob", .workers = 2);
	struct chat *alice = chat_login_on(s, "alice", NULL, 0),
		    *bob = chat_login_on(s, "bob", NULL, 1);

	chat_join(alice, "ops", NULL);
	chat_join(bob, "ops", NULL);
	chat_say(alice, "ops", "a1", "hello");
	chat_expect(bob, "{'type':'message','room':'ops','sender':'alice','content':'hello'}");
	chat_say(bob, "ops", "b1", "hello yourself");
	chat_expect(alice, "{'type':'message','room':'ops','sender':'bob'}");
	chat_tell(alice, "bob", "a2", "in private");
	chat_expect(bob, "{'type':'message','room':'@bob','sender':'alice'}");
	chat_send(bob, "{'type':'who','id':'w','user':'alice'}");
	chat_expect(bob, "{'type':'who','id':'w','user':'alice','connections':1}");
}

OwnedTest(workers, everyone_sees_the_same_lines_in_the_same_order)
{
	static const char *const names[] = {"alice", "bob", "carol", "dave"};
	struct server *s = server_with(.workers = 4, .args = "--rate 0");
	struct chat *chats[4];
	const unsigned each = 100;

	for (unsigned i = 0; i < 4; i++) {
		chats[i] = chat_login_on(s, names[i], NULL, i);
		chat_join(chats[i], "ops", NULL);
	}
	for (unsigned n = 0; n < each; n++) {
		for (unsigned i = 0; i < 4; i++)
			chat_send(chats[i], "{'id':'%s-%u','room':'ops','content':'%u'}", names[i],
				  n, n);
	}
	for (unsigned seq = 1; seq <= 4 * each; seq++) {
		json_t *line =
			chat_await(chats[0], "{'type':'message','room':'ops','seq':%u}", seq);

		for (unsigned i = 1; i < 4; i++)
			must(json_equal(line, chat_await(chats[i],
							 "{'type':'message','room':'ops','seq':%u}",
							 seq)),
			     "%s got another line %u", names[i], seq);
	}
	for (unsigned i = 0; i < 4; i++) {
		json_t *line;
		size_t at;
		long long head = 0, own = 0;

		json_array_foreach(chats[i]->seen, at, line)
		{
			if (!json_has(line, "{'type':'message','room':'ops'}"))
				continue;
			must(number_of(line, "seq") == ++head, "%s: out of order", names[i]);
			if (json_has(line, "{'sender':'%s'}", names[i]))
				must(json_has(line, "{'content':'%lld'}", own++),
				     "not as it was sent");
		}
	}
}

OwnedTest(workers, new_connections_reach_every_worker)
{
	struct server *s =
		server_with(.users = "alice", .workers = 4, .args = "--max-connections-per-user 0");

	for (unsigned n = 0; n < 4; n++)
		chat_login_on(s, "alice", "'only':[]", n);
}

OwnedTest(workers, a_dead_worker_is_replaced_at_once)
{
	struct server *s = server_with(.users = "alice bob", .workers = 2);
	struct chat *bob = chat_login_on(s, "bob", NULL, 1);

	chat_login_on(s, "alice", NULL, 0);
	uint64_t start = clock_mono_ms();
	server_kill_worker(s, 0);
	uint64_t took = clock_mono_ms() - start;
	must(took < 1000, "after %llu ms", (unsigned long long)took);
	chat_quiet(bob);
	for (unsigned i = 0; i < 8; i++)
		chat_drop(chat_login(s, "alice"));
}

OwnedTest(workers, connections_of_a_dead_worker_count_no_more)
{
	struct server *s = server_with(.users = "alice bob", .workers = 2,
				       .args = "--max-connections-per-user 1");
	struct chat *alice = chat_login_on(s, "alice", NULL, 0);
	struct chat *bob = chat_login_on(s, "bob", NULL, 1);

	server_kill_worker(s, 0);
	chat_closed(alice, 1006);
	chat_login(s, "alice");
	chat_send(bob, "{'type':'who','id':'w','user':'alice'}");
	chat_await(bob, "{'type':'who','id':'w','connections':1}");
}

/* A sender that survives its worker: resends what was not answered, in order. */
struct sender {
	struct server *server;
	struct chat *chat;
	const char *user;
	unsigned answered; /* ids 1 .. answered have their ok */
};

static void sender_connect(struct sender *sender)
{
	for (unsigned tries = 0;; tries++) {
		struct ws_request request = {.port = sender->server->port};
		struct ws probe;
		bool there = ws_open(&probe, &request);

		ws_drop(&probe);
		must(there || tries < 50, "%s cannot connect", sender->user);
		if (there)
			break;
	}
	sender->chat = chat_login_with(sender->server, sender->user, "'only':[],'device':'storm'");
}

/* Sends ids answered+1 .. to; false if the connection was lost before all had their ok. */
static bool sender_push(struct sender *sender, unsigned to)
{
	for (unsigned i = sender->answered + 1; i <= to; i++)
		chat_send(sender->chat, "{'id':'%s-%u','room':'ops','content':'%s-%u'}",
			  sender->user, i, sender->user, i);
	while (sender->answered < to) {
		json_t *line = chat_next(sender->chat, PATIENCE_MS);

		if (line == NULL)
			return false;
		if (json_has(line, "{'type':'ok','id':'%s-%u'}", sender->user,
			     sender->answered + 1))
			sender->answered++;
		else
			must(!json_has(line, "{'type':'error'}") ||
				     json_has(line, "{'code':'busy'}"),
			     "%s: an error", sender->user);
		if (json_has(line, "{'code':'busy'}"))
			return false;
	}
	return true;
}

OwnedTest(workers, killing_workers_under_load_loses_doubles_and_reorders_nothing)
{
	static const char *const names[] = {"alice", "bob", "carol"};
	struct server *s = server_with(.users = "alice bob carol dave", .workers = 4,
				       .args = "--rate 0 --max-pending-logins 0");
	struct sender senders[3];
	const unsigned rounds = 24, each = 20;

	struct chat *dave = chat_login_with(s, "dave", "'only':[]");
	chat_join(dave, "ops", NULL);
	for (unsigned i = 0; i < 3; i++) {
		senders[i] = (struct sender){.server = s, .user = names[i]};
		sender_connect(&senders[i]);
		chat_join(senders[i].chat, "ops", NULL);
		chat_drop(senders[i].chat);
		sender_connect(&senders[i]);
	}
	for (unsigned round = 1; round <= rounds; round++) {
		struct sender *first = &senders[round % 3];

		/* One has lines under way when a worker dies, perhaps its own. */
		for (unsigned i = first->answered + 1; i <= round * each; i++)
			chat_send(first->chat, "{'id':'%s-%u','room':'ops','content':'%s-%u'}",
				  first->user, i, first->user, i);
		server_kill_worker(s, round % 4);
		for (unsigned i = 0; i < 3; i++) {
			while (!sender_push(&senders[i], round * each)) {
				chat_drop(senders[i].chat);
				sender_connect(&senders[i]);
			}
		}
	}
	/* Whoever was not there reads the whole log afterwards. */
	struct chat *reader = chat_login_with(s, "dave", "'only':['ops'],'device':'reader'");
	unsigned next[3] = {1, 1, 1}, total = 3 * rounds * each;
	json_t *room = chat_join(reader, "ops", "'limit':0");
	must(number_of(room, "head") == total, "%lld lines, not %u", number_of(room, "head"),
	     total);
	for (unsigned after = 0; after < total; after += 200) {
		chat_send(reader,
			  "{'type':'history','id':'h%u','room':'ops','after':%u,'limit':200}",
			  after, after);
		json_t *answer = chat_expect(reader, "{'type':'history','id':'h%u'}", after);
		for (long long i = number_of(answer, "count"); i > 0; i--) {
			json_t *line = chat_expect(reader, "{'type':'message','room':'ops'}");
			unsigned who = 0;

			while (!json_has(line, "{'sender':'%s'}", names[who]))
				must(++who < 3, "another sender");
			must(json_has(line, "{'content':'%s-%u'}", names[who], next[who]),
			     "%s's line %u is not the next", names[who], next[who]);
			next[who]++;
		}
	}
	for (unsigned i = 0; i < 3; i++)
		must(next[i] == rounds * each + 1, "%s has %u lines", names[i], next[i] - 1);
}

OwnedTest(workers, direct_messages_survive_killed_workers_in_both_inboxes)
{
	struct server *s = server_with(.users = "alice bob", .workers = 2,
				       .args = "--rate 0 --max-pending-logins 0");
	struct chat *bob = chat_login(s, "bob");
	unsigned sent = 0;

	chat_drop(bob);
	for (unsigned round = 0; round < 10; round++) {
		struct chat *alice = chat_login_with(s, "alice", "'only':[],'device':'storm'");

		/* The last one again: its ok may have been lost. */
		for (unsigned i = sent > 0 ? sent : 1; i <= sent + 5; i++)
			chat_send(alice, "{'id':'d%u','recipient':'bob','content':'%u'}", i, i);
		server_kill_worker(s, server_worker_of(s, "alice"));
		for (json_t *line; (line = chat_next(alice, PATIENCE_MS)) != NULL;) {
			unsigned id = 0;

			if (json_has(line, "{'type':'ok'}") &&
			    sscanf(text_of(line, "id"), "d%u", &id) == 1)
				sent = id;
		}
	}
	struct chat *alice = chat_login_with(s, "alice", "'device':'storm'");
	for (unsigned i = sent > 0 ? sent : 1; i <= sent + 5; i++) {
		chat_send(alice, "{'id':'d%u','recipient':'bob','content':'%u'}", i, i);
		chat_await(alice, "{'type':'ok','id':'d%u','room':'@alice'}", i);
	}
	unsigned total = sent + 5;
	bob = chat_login_with(s, "bob", "'only':[],'device':'reader'");
	struct chat *both[] = {alice, bob};
	const char *rooms[] = {"@alice", "@bob"};
	for (unsigned n = 0; n < 2; n++) {
		chat_send(both[n], "{'type':'history','id':'h','room':'%s','after':0,'limit':200}",
			  rooms[n]);
		chat_await(both[n], "{'type':'history','id':'h','count':%u}", total);
		for (unsigned i = 1; i <= total; i++)
			chat_expect(both[n],
				    "{'type':'message','room':'%s','seq':%u,'content':'%u'}",
				    rooms[n], i, i);
	}
}
