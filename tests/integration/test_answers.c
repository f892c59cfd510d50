/* Questions that programs ask in a room, their answers, and text that is still being written. */
#include "base/clock.h"
#include "base/random.h"
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <stdio.h>
#include <string.h>

TestSuite(answers, .fini = owned_finish_all, .timeout = 90);

#define ASK                                                                                        \
	"{'type':'message','id':'%s','room':'ops','content':'May I?','kind':'ask',"                \
	"'options':['allow','deny']%s}"

/* The derived keys of the users, each with the role that stands behind its name. */
static struct server *server_of(const char *const roles[][2], unsigned count)
{
	struct buf keys = BUF_INIT;

	for (unsigned i = 0; i < count; i++) {
		char *key = keys_of(roles[i][0]);

		if (roles[i][1] != NULL)
			buf_printf(&keys, "environment=\"CHAT_ROLE=%s\" ", roles[i][1]);
		buf_append_str(&keys, key);
	}
	must(!keys.failed, "no memory");
	return server_with(.keys = keys.data, .workers = 2);
}

static struct server *server_with_bot(void)
{
	static const char *const roles[][2] = {
		{"bot", "agent"}, {"alice", NULL}, {"bob", NULL}, {"olga", "op"}};

	return server_of(roles, 4);
}

static struct chat *in_ops(struct server *s, const char *user)
{
	struct chat *c = chat_login(s, user);

	chat_join(c, "ops", NULL);
	return c;
}

static long long ask(struct chat *bot, const char *id, const char *more)
{
	chat_send(bot, ASK, id, more);
	return number_of(chat_await(bot, "{'type':'ok','id':'%s'}", id), "seq");
}

OwnedTest(answers, a_question_is_asked_and_the_first_answer_wins)
{
	struct server *s = server_with_bot();
	struct chat *bot = in_ops(s, "bot"), *alice = in_ops(s, "alice"), *bob = in_ops(s, "bob");
	long long seq = ask(bot, "q1", ",'expires':4102444800");

	chat_await(alice,
		   "{'type':'message','kind':'ask','seq':%lld,'sender':'bot','content':'May I?',"
		   "'options':['allow','deny'],'expires':4102444800}",
		   seq);
	chat_send(alice, "{'type':'answer','id':'a1','room':'ops','target':%lld,'option':'allow'}",
		  seq);
	chat_await(alice, "{'type':'ok','id':'a1','room':'ops','seq':%lld}", seq + 1);
	chat_await(bot,
		   "{'type':'answer','room':'ops','seq':%lld,'sender':'alice','target':%lld,"
		   "'option':'allow','timestamp':'*','id':'a1'}",
		   seq + 1, seq);
	chat_send(bob, "{'type':'answer','id':'b1','room':'ops','target':%lld,'option':'deny'}",
		  seq);
	chat_await(bob, "{'type':'error','id':'b1','code':'already_answered'}");
	chat_send(alice, "{'type':'answer','id':'a2','room':'ops','target':%lld,'option':'allow'}",
		  seq);
	chat_await(alice, "{'type':'error','id':'a2','code':'already_answered'}");
	/* Another question is another story. */
	seq = ask(bot, "q2", "");
	chat_send(bob, "{'type':'answer','id':'b2','room':'ops','target':%lld,'option':'deny'}",
		  seq);
	chat_await(bob, "{'type':'ok','id':'b2'}");
}

OwnedTest(answers, the_same_answer_again_is_the_same_line)
{
	struct server *s = server_with_bot();
	struct chat *bot = in_ops(s, "bot"), *alice = in_ops(s, "alice");
	long long seq = ask(bot, "q1", "");

	for (int i = 0; i < 2; i++) {
		chat_send(alice,
			  "{'type':'answer','id':'a1','room':'ops','target':%lld,'option':'deny'}",
			  seq);
		must(json_has(chat_await(alice, "{'type':'ok','id':'a1','seq':%lld}", seq + 1),
			      i == 0 ? "{'duplicate':null}" : "{'duplicate':true}"),
		     "said twice");
	}
	chat_send(alice, "{'type':'answer','id':'a1','room':'ops','target':%lld,'option':'allow'}",
		  seq);
	chat_await(alice, "{'type':'error','id':'a1','code':'id_conflict'}");
}

OwnedTest(answers, only_programs_ask_and_write_partial_text)
{
	struct server *s = server_with_bot();
	struct chat *bot = in_ops(s, "bot"), *alice = in_ops(s, "alice");

	chat_send(alice, ASK, "q1", "");
	must(json_has(chat_await(alice, "{'type':'error'}"), "{'id':'q1','code':'forbidden'}"),
	     "a person asked");
	chat_send(alice, "{'type':'partial','id':'p1','room':'ops','content':'Hm'}");
	chat_await(alice, "{'type':'error','id':'p1','code':'forbidden'}");
	chat_send(bot, "{'type':'partial','room':'ops','content':'I think'}");
	must(json_has(chat_await(alice, "{'type':'partial'}"),
		      "{'room':'ops','sender':'bot','content':'I think','seq':null}"),
	     "not as it was sent");
	chat_send(bot, "{'type':'partial','id':'p2','room':'lobby','content':' '}");
	chat_await(bot, "{'type':'error','id':'p2','code':'empty'}");
	/* Nothing of it is kept. */
	chat_send(alice, "{'type':'history','id':'h','room':'ops','after':0}");
	chat_await(alice, "{'type':'history','id':'h','count':0}");
}

OwnedTest(answers, only_those_it_names_may_answer)
{
	struct server *s = server_with_bot();
	struct chat *bot = in_ops(s, "bot"), *alice = in_ops(s, "alice"), *bob = in_ops(s, "bob"),
		    *olga = in_ops(s, "olga");
	long long first = ask(bot, "q1", ",'approve':['ops']"),
		  second = ask(bot, "q2", ",'approve':['bob']"),
		  third = ask(bot, "q3", ",'approve':[]");

	chat_send(alice, "{'type':'answer','id':'a1','room':'ops','target':%lld,'option':'allow'}",
		  first);
	chat_await(alice, "{'type':'error','id':'a1','code':'forbidden'}");
	chat_send(olga, "{'type':'answer','id':'o1','room':'ops','target':%lld,'option':'allow'}",
		  first);
	chat_await(olga, "{'type':'ok','id':'o1'}");
	chat_send(olga, "{'type':'answer','id':'o2','room':'ops','target':%lld,'option':'allow'}",
		  second);
	chat_await(olga, "{'type':'error','id':'o2','code':'forbidden'}");
	chat_send(bob, "{'type':'answer','id':'b1','room':'ops','target':%lld,'option':'allow'}",
		  second);
	chat_await(bob, "{'type':'ok','id':'b1'}");
	chat_send(olga, "{'type':'answer','id':'o3','room':'ops','target':%lld,'option':'allow'}",
		  third);
	chat_await(olga, "{'type':'error','id':'o3','code':'forbidden'}");
}

OwnedTest(answers, what_is_no_question_or_no_option_is_refused)
{
	struct server *s = server_with_bot();
	struct chat *bot = in_ops(s, "bot"), *alice = in_ops(s, "alice"),
		    *bob = chat_login(s, "bob");
	long long said = chat_say(alice, "ops", "m1", "hello"), seq = ask(bot, "q1", ""),
		  late = ask(bot, "q2", ",'expires':1000");

	chat_send(alice, "{'type':'answer','id':'a1','room':'ops','target':%lld,'option':'allow'}",
		  said);
	chat_await(alice, "{'type':'error','id':'a1','code':'no_such_message'}");
	chat_send(alice, "{'type':'answer','id':'a2','room':'ops','target':999,'option':'allow'}");
	chat_await(alice, "{'type':'error','id':'a2','code':'no_such_message'}");
	chat_send(alice, "{'type':'answer','id':'a3','room':'ops','target':%lld,'option':'maybe'}",
		  seq);
	chat_await(alice, "{'type':'error','id':'a3','code':'bad_field'}");
	chat_send(alice, "{'type':'answer','id':'a4','room':'ops','target':%lld,'option':'allow'}",
		  late);
	chat_await(alice, "{'type':'error','id':'a4','code':'already_answered'}");
	chat_send(bob, "{'type':'answer','id':'b1','room':'ops','target':%lld,'option':'allow'}",
		  seq);
	chat_await(bob, "{'type':'error','id':'b1','code':'not_member'}");
}

OwnedTest(answers, of_answers_at_the_same_moment_one_is_stored)
{
	struct server *s = server_with_bot();
	struct chat *bot = in_ops(s, "bot");
	struct chat *people[2] = {chat_login_on(s, "alice", NULL, 0),
				  chat_login_on(s, "bob", NULL, 1)};

	chat_join(people[0], "ops", NULL);
	chat_join(people[1], "ops", NULL);
	for (int round = 0; round < 20; round++) {
		char id[16];
		long long seq;
		unsigned ok = 0;

		snprintf(id, sizeof(id), "q%d", round);
		seq = ask(bot, id, "");
		for (int i = 0; i < 2; i++)
			chat_send(people[i],
				  "{'type':'answer','id':'r%d','room':'ops','target':%lld,"
				  "'option':'allow'}",
				  round, seq);
		for (int i = 0; i < 2; i++) {
			json_t *line = chat_await(people[i], "{'id':'r%d','sender':null}", round);

			if (json_has(line, "{'type':'ok'}"))
				ok++;
			else
				must(json_has(line, "{'code':'already_answered'}"), "%s",
				     json_text(line));
		}
		must(ok == 1, "%u answers were taken", ok);
	}
}
