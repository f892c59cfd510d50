#include "proto/request.h"

#include <criterion/criterion.h>
#include <string.h>

static struct buf out;

static void teardown(void)
{
	buf_finish(&out);
}

TestSuite(request, .fini = teardown);

static void check(const char *expected)
{
	cr_assert_str_eq(out.data, expected);
	buf_reset(&out);
}

Test(request, login_with_all_and_with_little)
{
	struct request_cursor resume[] = {{"lobby", "e1", 41}, {"@alice", "e2", 0}};
	const char *const only[] = {"ops", "dev"};
	struct request_login login = {.user = "alice", .server = "h:1", .signature = "c2ln"};

	request_login(&out, &login);
	check("{\"type\":\"login\",\"user\":\"alice\",\"server\":\"h:1\",\"binding\":\"none\","
	      "\"signature\":\"c2ln\"}\n");
	login.device = "d";
	login.resume = resume;
	login.resume_count = 2;
	login.only = only;
	login.only_count = 2;
	login.has_only = true;
	request_login(&out, &login);
	check("{\"type\":\"login\",\"user\":\"alice\",\"server\":\"h:1\",\"binding\":\"none\","
	      "\"signature\":\"c2ln\",\"device\":\"d\",\"resume\":[{\"room\":\"lobby\","
	      "\"epoch\":\"e1\",\"after\":41},{\"room\":\"@alice\",\"epoch\":\"e2\",\"after\":0}],"
	      "\"only\":[\"ops\",\"dev\"]}\n");
	login.resume_count = 0;
	login.only_count = 0;
	request_login(&out, &login);
	check("{\"type\":\"login\",\"user\":\"alice\",\"server\":\"h:1\",\"binding\":\"none\","
	      "\"signature\":\"c2ln\",\"device\":\"d\",\"only\":[]}\n");
}

Test(request, message_to_a_room_and_to_a_person)
{
	struct request_message message = {
		.id = "k-1", .room = "ops", .content = "a \"b\"\n\\", .reply_to = -1};

	request_message(&out, &message);
	check("{\"type\":\"message\",\"id\":\"k-1\",\"room\":\"ops\","
	      "\"content\":\"a \\\"b\\\"\\n\\\\\"}\n");
	message = (struct request_message){
		.recipient = "bob", .content = "", .kind = "me", .format = "code", .reply_to = 7};
	request_message(&out, &message);
	check("{\"type\":\"message\",\"recipient\":\"bob\",\"content\":\"\",\"kind\":\"me\","
	      "\"format\":\"code\",\"reply_to\":7}\n");
}

Test(request, join_with_and_without_a_cursor)
{
	request_join(&out, "q", "ops", NULL, -1, -1);
	check("{\"type\":\"join\",\"id\":\"q\",\"room\":\"ops\"}\n");
	request_join(&out, NULL, "ops", "e", 0, 0);
	check("{\"type\":\"join\",\"room\":\"ops\",\"epoch\":\"e\",\"after\":0,\"limit\":0}\n");
}

Test(request, questions)
{
	request_leave(&out, "q", "ops");
	check("{\"type\":\"leave\",\"id\":\"q\",\"room\":\"ops\"}\n");
	request_rooms(&out, "q", NULL, NULL);
	check("{\"type\":\"rooms\",\"id\":\"q\"}\n");
	request_rooms(&out, "q", "de", "c");
	check("{\"type\":\"rooms\",\"id\":\"q\",\"match\":\"de\",\"cursor\":\"c\"}\n");
	request_users(&out, "q", "ops", "c");
	check("{\"type\":\"users\",\"id\":\"q\",\"room\":\"ops\",\"cursor\":\"c\"}\n");
	request_who(&out, "q", "bob");
	check("{\"type\":\"who\",\"id\":\"q\",\"user\":\"bob\"}\n");
	request_history(&out, &(struct request_history){
				      .id = "q", .room = "ops", .before = 5, .after = -1, .limit = 20});
	check("{\"type\":\"history\",\"id\":\"q\",\"room\":\"ops\",\"before\":5,\"limit\":20}\n");
}

Test(request, doings)
{
	request_topic(&out, "q", "ops", "");
	check("{\"type\":\"topic\",\"id\":\"q\",\"room\":\"ops\",\"content\":\"\"}\n");
	request_away(&out, "q", "lunch");
	check("{\"type\":\"away\",\"id\":\"q\",\"content\":\"lunch\"}\n");
	request_away(&out, "q", NULL);
	check("{\"type\":\"away\",\"id\":\"q\"}\n");
	request_read(&out, "@alice", 3);
	check("{\"type\":\"read\",\"room\":\"@alice\",\"seq\":3}\n");
	request_ping(&out, NULL);
	check("{\"type\":\"ping\"}\n");
	request_bye(&out, NULL);
	check("{\"type\":\"bye\"}\n");
	request_bye(&out, "done");
	check("{\"type\":\"bye\",\"reason\":\"done\"}\n");
}
