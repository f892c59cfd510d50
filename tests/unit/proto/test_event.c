#include "proto/event.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

/* 2026-11-20T17:00:00.123Z */
#define WHEN INT64_C(1795194000123)
#define EPOCH UINT64_C(0x9f2c000000000001)

static struct buf out;

static void finish(void)
{
	buf_finish(&out);
}

TestSuite(event, .fini = finish);

/* The line is exactly this, and is JSON without doubled keys. */
static void expect(const char *line)
{
	json_t *root;

	cr_assert_str_eq(out.data, line);
	root = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, NULL);
	cr_assert_not_null(root, "%s", out.data);
	json_decref(root);
	buf_reset(&out);
}

static void put_sequenced(struct text head, const char *room, uint64_t seq)
{
	buf_append(&out, head.str, head.len);
	buf_printf(&out, "%s\",\"seq\":%llu", room, (unsigned long long)seq);
}

Test(event, a_message_is_a_head_the_logs_part_and_a_tail)
{
	struct event_message message = {
		.wall_ms = WHEN, .sender = "alice", .content = TEXT("deployed"), .id = "k3v9-17"};

	put_sequenced(event_message_head(), "ops", 42);
	event_message_tail(&out, &message);
	expect("{\"type\":\"message\",\"room\":\"ops\",\"seq\":42,"
	       "\"timestamp\":\"2026-11-20T17:00:00.123Z\",\"sender\":\"alice\","
	       "\"content\":\"deployed\",\"id\":\"k3v9-17\"}\n");
}

Test(event, a_message_has_what_its_sender_gave_it_and_no_more)
{
	struct event_message message = {.wall_ms = WHEN,
					.sender = "alice",
					.content = TEXT("a\n\"b\""),
					.format = "code",
					.kind = "alert",
					.reply_to = 7};

	put_sequenced(event_message_head(), "ops", 1);
	event_message_tail(&out, &message);
	expect("{\"type\":\"message\",\"room\":\"ops\",\"seq\":1,"
	       "\"timestamp\":\"2026-11-20T17:00:00.123Z\",\"sender\":\"alice\","
	       "\"content\":\"a\\n\\\"b\\\"\",\"format\":\"code\",\"kind\":\"alert\",\"reply_to\":"
	       "7}\n");
}

Test(event, a_direct_message_has_a_recipient_and_a_ref)
{
	struct event_message message = {.wall_ms = WHEN,
					.sender = "alice",
					.recipient = "bob",
					.ref = "00112233445566aa",
					.content = TEXT("hi"),
					.format = "",
					.kind = "",
					.reply_ref = "ffeeddccbbaa9988",
					.id = ""};

	put_sequenced(event_message_head(), "@bob", 3);
	event_message_tail(&out, &message);
	expect("{\"type\":\"message\",\"room\":\"@bob\",\"seq\":3,"
	       "\"timestamp\":\"2026-11-20T17:00:00.123Z\",\"sender\":\"alice\","
	       "\"recipient\":\"bob\",\"ref\":\"00112233445566aa\",\"content\":\"hi\","
	       "\"reply_to\":\"ffeeddccbbaa9988\"}\n");
}

Test(event, a_topic_is_a_sequenced_line_too)
{
	put_sequenced(event_topic_head(), "ops", 5);
	event_topic_tail(&out, WHEN, "alice", TEXT(""), "t1");
	expect("{\"type\":\"topic\",\"room\":\"ops\",\"seq\":5,"
	       "\"timestamp\":\"2026-11-20T17:00:00.123Z\",\"sender\":\"alice\",\"content\":\"\","
	       "\"id\":\"t1\"}\n");
}

Test(event, challenge_names_nonce_expiry_and_namespace)
{
	static const char *const bindings[] = {"none", NULL};

	event_challenge(&out, &(struct event_challenge){.nonce = "gkvz",
							.expires_s = 1795197660,
							.bindings = bindings});
	expect("{\"type\":\"challenge\",\"version\":1,\"nonce\":\"gkvz\",\"expires\":1795197660,"
	       "\"namespace\":\"login@chat-master\",\"bindings\":[\"none\"]}\n");
}

Test(event, welcome_has_rooms_limits_and_capabilities)
{
	static const char *const roles[] = {"op", NULL};
	static const char *const capabilities[] = {"history", "direct", NULL};
	const struct event_welcome welcome = {.user = "alice",
					      .session = "5e55",
					      .roles = roles,
					      .last_id = "k3v9-17",
					      .limits = {.line = 65536,
							 .frame = 65536,
							 .content = 4000,
							 .server = 16384,
							 .rooms = 64,
							 .rate = 10,
							 .burst = 30,
							 .connections = 16,
							 .presence = 100,
							 .ping = 25},
					      .capabilities = capabilities,
					      .wall_ms = WHEN};
	const struct event_welcome_room rooms[] = {
		{.room = "lobby",
		 .epoch = EPOCH,
		 .first = 1,
		 .head = 44,
		 .members = 5,
		 .topic = "hello",
		 .read = 41},
		{.room = "@alice", .epoch = 2, .first = 1, .head = 0, .members = 1}};

	event_welcome(&out, &welcome, rooms, 2);
	expect("{\"type\":\"welcome\",\"version\":1,\"user\":\"alice\",\"session\":\"5e55\","
	       "\"server\":\"chat-master/" ROOMKEY_VERSION "\",\"roles\":[\"op\"],"
	       "\"last_id\":\"k3v9-17\",\"rooms\":["
	       "{\"room\":\"lobby\",\"epoch\":\"9f2c000000000001\",\"first\":1,\"head\":44,"
	       "\"members\":5,\"topic\":\"hello\",\"read\":41},"
	       "{\"room\":\"@alice\",\"epoch\":\"0000000000000002\",\"first\":1,\"head\":0,"
	       "\"members\":1,\"topic\":\"\",\"read\":0}],"
	       "\"limits\":{\"line\":65536,\"frame\":65536,\"content\":4000,\"topic\":300,"
	       "\"reason\":300,\"away\":300,\"option\":100,\"emoji\":32,\"rooms\":64,"
	       "\"rate\":[10,30],\"connections\":16,\"address_connections\":0,"
	       "\"server_connections\":16384,\"capacity\":0,\"history\":200,\"presence\":100,"
	       "\"dedupe\":64,\"ping\":25,\"idle\":0},\"capabilities\":[\"history\",\"direct\"],"
	       "\"timestamp\":\"2026-11-20T17:00:00.123Z\"}\n");
}

Test(event, welcome_answers_the_logins_id_and_may_be_bare)
{
	static const char *const none[] = {NULL};
	const struct event_welcome welcome = {
		.id = "l1", .user = "a", .session = "s", .roles = none, .capabilities = none};

	event_welcome(&out, &welcome, NULL, 0);
	cr_assert_eq(strncmp(out.data, "{\"type\":\"welcome\",\"id\":\"l1\",\"version\":1,", 40),
		     0);
	cr_assert_not_null(strstr(out.data, "\"roles\":[],\"rooms\":[],"));
	cr_assert_null(strstr(out.data, "last_id"));
}

Test(event, ok_has_what_there_is_to_say)
{
	event_ok(&out, "k3v9-17", "ops", 42, 0);
	expect("{\"type\":\"ok\",\"id\":\"k3v9-17\",\"room\":\"ops\",\"seq\":42}\n");
	event_ok(&out, "k", "ops", 42, OK_DUPLICATE | OK_DURABLE);
	expect("{\"type\":\"ok\",\"id\":\"k\",\"room\":\"ops\",\"seq\":42,\"duplicate\":true,"
	       "\"durable\":true}\n");
	event_ok(&out, "k", NULL, 0, 0);
	expect("{\"type\":\"ok\",\"id\":\"k\"}\n");
}

Test(event, error_has_its_own_text_unless_there_is_a_better_one)
{
	event_error(&out, NULL, ERR_empty, NULL, -1, false);
	expect("{\"type\":\"error\",\"code\":\"empty\","
	       "\"message\":\"say something: the content is empty\"}\n");
	event_error(&out, "k", ERR_rate_limited, "", 0, false);
	expect("{\"type\":\"error\",\"id\":\"k\",\"code\":\"rate_limited\","
	       "\"message\":\"too fast: wait, then send it again\",\"retry_after_ms\":0}\n");
	event_error(&out, "", ERR_banned, "until \"tomorrow\"", 5000, false);
	expect("{\"type\":\"error\",\"code\":\"banned\",\"message\":\"until \\\"tomorrow\\\"\","
	       "\"retry_after_ms\":5000,\"fatal\":true}\n");
	event_error(&out, NULL, ERR_server_full, "full", -1, true);
	expect("{\"type\":\"error\",\"code\":\"server_full\",\"message\":\"full\",\"fatal\":true}\n");
}

Test(event, pong_tells_the_time)
{
	event_pong(&out, "p1", WHEN);
	expect("{\"type\":\"pong\",\"id\":\"p1\",\"timestamp\":\"2026-11-20T17:00:00.123Z\"}\n");
	event_pong(&out, NULL, WHEN);
	expect("{\"type\":\"pong\",\"timestamp\":\"2026-11-20T17:00:00.123Z\"}\n");
}

Test(event, room_announces_its_lines)
{
	struct event_room room = {.id = "j1",
				  .room = "ops",
				  .epoch = EPOCH,
				  .first = 3,
				  .head = 9,
				  .after = 4,
				  .count = 5,
				  .members = 2,
				  .topic = "t"};

	event_room(&out, &room);
	expect("{\"type\":\"room\",\"id\":\"j1\",\"room\":\"ops\",\"epoch\":\"9f2c000000000001\","
	       "\"first\":3,\"head\":9,\"after\":4,\"count\":5,\"members\":2,\"topic\":\"t\"}\n");
	room.id = NULL;
	room.topic = NULL;
	room.created = true;
	event_room(&out, &room);
	expect("{\"type\":\"room\",\"room\":\"ops\",\"epoch\":\"9f2c000000000001\",\"first\":3,"
	       "\"head\":9,\"after\":4,\"count\":5,\"members\":2,\"topic\":\"\",\"created\":true}"
	       "\n");
}

Test(event, history_announces_its_lines)
{
	event_history(
		&out,
		&(struct event_history){
			.id = "h", .room = "ops", .first = 3, .last = 9, .count = 7, .more = true});
	expect("{\"type\":\"history\",\"id\":\"h\",\"room\":\"ops\",\"first\":3,\"last\":9,"
	       "\"count\":7,"
	       "\"more\":true}\n");
}

Test(event, rooms_and_users_come_in_pages)
{
	const struct event_rooms_row rooms[] = {
		{.room = "a", .members = 1, .head = 5},
		{.room = "b", .members = 2, .topic = "t", .head = 6}};
	const struct event_users_row users[] = {
		{.user = "alice", .connections = 2, .away = NULL, .role = "op"},
		{.user = "bob", .connections = 0, .away = "lunch", .role = "member"}};

	event_rooms(&out, "r", rooms, 2, "b");
	expect("{\"type\":\"rooms\",\"id\":\"r\",\"rooms\":["
	       "{\"room\":\"a\",\"members\":1,\"topic\":\"\",\"head\":5},"
	       "{\"room\":\"b\",\"members\":2,\"topic\":\"t\",\"head\":6}],\"cursor\":\"b\"}\n");
	event_rooms(&out, NULL, NULL, 0, NULL);
	expect("{\"type\":\"rooms\",\"rooms\":[]}\n");
	event_users(&out, "u", "ops", users, 2, NULL);
	expect("{\"type\":\"users\",\"id\":\"u\",\"room\":\"ops\",\"users\":["
	       "{\"user\":\"alice\",\"connections\":2,\"away\":null,\"role\":\"op\"},"
	       "{\"user\":\"bob\",\"connections\":0,\"away\":\"lunch\",\"role\":\"member\"}]}\n");
}

Test(event, who_tells_keys_and_idleness)
{
	static const char *const keys[] = {"SHA256:a", "SHA256:b", NULL};
	static const char *const none[] = {NULL};

	event_who(&out, &(struct event_who){.id = "w",
					    .user = "alice",
					    .keys = keys,
					    .connections = 1,
					    .idle_s = 0,
					    .away = "lunch"});
	expect("{\"type\":\"who\",\"id\":\"w\",\"user\":\"alice\",\"keys\":[\"SHA256:a\",\"SHA256:"
	       "b\"],"
	       "\"connections\":1,\"idle_s\":0,\"away\":\"lunch\"}\n");
	event_who(&out, &(struct event_who){.user = "bob", .keys = none, .idle_s = -1});
	expect("{\"type\":\"who\",\"user\":\"bob\",\"keys\":[],\"connections\":0,\"idle_s\":null,"
	       "\"away\":null}\n");
}

Test(event, gap_and_reset_are_as_in_the_contract)
{
	event_gap(&out, "ops", 120, 4097, 8190);
	expect("{\"type\":\"gap\",\"room\":\"ops\",\"after\":120,\"next\":4097,\"head\":8190}\n");
	event_reset(&out, "ops", EPOCH, 0);
	expect("{\"type\":\"reset\",\"room\":\"ops\",\"epoch\":\"9f2c000000000001\",\"head\":0}\n");
}

Test(event, presence_of_a_big_room_is_a_number)
{
	static const char *const joined[] = {"alice", "bob"};

	event_presence(&out,
		       &(struct event_presence){
			       .room = "ops", .joined = joined, .joined_count = 2, .members = 2});
	expect("{\"type\":\"presence\",\"room\":\"ops\",\"joined\":[\"alice\",\"bob\"],\"left\":[],"
	       "\"members\":2}\n");
	event_presence(&out,
		       &(struct event_presence){.room = "ops", .members = 200, .count_only = true});
	expect("{\"type\":\"presence\",\"room\":\"ops\",\"members\":200}\n");
}

Test(event, the_small_ones)
{
	event_left(&out, "ops");
	expect("{\"type\":\"left\",\"room\":\"ops\"}\n");
	event_typing(&out, "ops", "alice");
	expect("{\"type\":\"typing\",\"room\":\"ops\",\"sender\":\"alice\"}\n");
	event_read(&out, "@alice", 41);
	expect("{\"type\":\"read\",\"room\":\"@alice\",\"seq\":41}\n");
	event_notice(&out, "motd", "hello");
	expect("{\"type\":\"notice\",\"code\":\"motd\",\"message\":\"hello\"}\n");
	event_bye(&out, "shutting_down", "the server is stopping", 1500);
	expect("{\"type\":\"bye\",\"code\":\"shutting_down\",\"message\":\"the server is "
	       "stopping\","
	       "\"retry_after_ms\":1500}\n");
	event_bye(&out, "bye", "see you", -1);
	expect("{\"type\":\"bye\",\"code\":\"bye\",\"message\":\"see you\"}\n");
}
