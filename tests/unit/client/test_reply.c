#include "client/reply.h"

#include <criterion/criterion.h>
#include <string.h>

static const char *const rooms[] = {"ops", "@bob"};
static struct reply reply;

static void setup(void)
{
	reply_init(&reply, "alice", "p", rooms, 2, true);
}

static void teardown(void)
{
	reply_finish(&reply);
}

TestSuite(reply, .init = setup, .fini = teardown);

/* A stored line in a room; `id` and `recipient` may be NULL. Its text is its content. */
static void hear(const char *room, const char *sender, const char *recipient, const char *id,
		 const char *content)
{
	struct server_line line = {.type = SERVER_LINE_MESSAGE,
				   .room = room,
				   .sender = sender,
				   .recipient = recipient,
				   .id = id,
				   .content = content,
				   .seq = 7};
	struct session_event event = {.type = SESSION_EVENT_LINE,
				      .line = &line,
				      .text = content,
				      .text_len = strlen(content)};

	reply_event(&reply, &event);
}

static void check(int place, const char *text)
{
	cr_assert_eq(reply_place(&reply), place);
	if (place >= 0)
		cr_assert_str_eq(reply.places[place].text.data, text);
}

Test(reply, is_the_first_message_behind_our_own)
{
	hear("ops", "bob", NULL, "x", "before");
	check(-1, NULL);
	hear("ops", "alice", NULL, "p-1", "question");
	check(-1, NULL);
	hear("dev", "bob", NULL, "x", "elsewhere");
	hear("ops", "alice", NULL, "q-1", "another program of ours");
	check(-1, NULL);
	hear("ops", "bob", NULL, "x", "answer");
	hear("ops", "carol", NULL, "x", "another one");
	check(0, "answer\n");
	cr_assert_str_eq(reply.places[0].room, "ops");
	cr_assert_eq(reply.places[0].seq, 7);
}

Test(reply, counts_behind_the_last_one_of_ours)
{
	hear("ops", "alice", NULL, "p-1", "one");
	hear("ops", "bob", NULL, "x", "hm?");
	check(0, "hm?\n");
	hear("ops", "alice", NULL, "p-2", "two");
	check(-1, NULL);
	hear("ops", "bob", NULL, "x", "ah");
	check(0, "ah\n");
}

Test(reply, to_a_direct_message_comes_from_that_person)
{
	hear("@alice", "bob", "alice", "x", "before");
	hear("@alice", "alice", "bob", "p-1", "question");
	hear("@alice", "carol", "alice", "x", "no");
	hear("ops", "bob", NULL, "x", "no");
	hear("@alice", "alice", "bob", "q-7", "no");
	check(-1, NULL);
	hear("@alice", "bob", "alice", "x", "yes");
	check(1, "yes\n");
	cr_assert_str_eq(reply.places[1].room, "@alice");
}
