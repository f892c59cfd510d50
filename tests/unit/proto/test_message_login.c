#include "proto/message.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct message_parser *parser;
static struct message message;
static struct problem why;

#define LOGIN                                                                                      \
	"\"type\":\"login\",\"user\":\"Alice\",\"server\":\"Chat.example.org:8080\","              \
	"\"binding\":\"none\",\"signature\":\"U1NIU0lH\\n\""

static void setup(void)
{
	cr_assert_eq(message_parser_create(&parser), 0);
}

static void teardown(void)
{
	message_parser_destroy(parser);
}

TestSuite(message_login, .init = setup, .fini = teardown);

static enum proto_error parse(const char *line)
{
	return message_parse(parser, line, strlen(line), &message, &why);
}

static enum proto_error parse_with(const char *fields)
{
	char line[2000];

	snprintf(line, sizeof(line), "{\"id\":\"l1\"," LOGIN "%s}", fields);
	return parse(line);
}

static void taken(const char *fields)
{
	cr_assert_eq(parse_with(fields), PROTO_OK, "%s: %s", fields, why.text);
}

/* Even a refused login is known as a login, with its id: it was an attempt. */
static void refused(const char *fields, enum proto_error error, const char *field)
{
	cr_assert_eq(parse_with(fields), error, "%s: %s", fields, why.text);
	cr_assert_str_eq(why.field, field, "%s", fields);
	cr_assert_eq(message.type, MSG_login);
	cr_assert_str_eq(message.id.str, "l1");
}

Test(message_login, folds_the_user_and_keeps_what_others_judge)
{
	taken("");
	cr_assert_str_eq(message.login.user.str, "alice");
	cr_assert_str_eq(message.login.server.str, "Chat.example.org:8080");
	cr_assert_str_eq(message.login.binding.str, "none");
	cr_assert_str_eq(message.login.signature.str, "U1NIU0lH\n");
	cr_assert_str_eq(message.login.device.str, "");
	cr_assert_eq(message.login.resume_count, 0);
	cr_assert_not(message.login.has_only);
	cr_assert_eq(message.login.only_count, 0);
}

Test(message_login, names_the_field_that_is_missing)
{
	static const char *const fields[] = {"user", "server", "binding", "signature"};

	for (size_t missing = 0; missing < 4; missing++) {
		char line[300] = "{\"type\":\"login\"";

		for (size_t i = 0; i < 4; i++) {
			if (i != missing)
				sprintf(line + strlen(line), ",\"%s\":\"x\"", fields[i]);
		}
		strcat(line, "}");
		cr_assert_eq(parse(line), ERR_missing_field);
		cr_assert_str_eq(why.field, fields[missing]);
		cr_assert_eq(message.type, MSG_login);
	}
}

Test(message_login, leaves_empty_and_foreign_strings_to_the_judge)
{
	cr_assert_eq(parse("{\"type\":\"login\",\"user\":\"a\",\"server\":\"\",\"binding\":\"tls\","
			   "\"signature\":\"\"}"),
		     PROTO_OK);
	cr_assert_str_eq(message.login.server.str, "");
	cr_assert_str_eq(message.login.signature.str, "");
	cr_assert_str_eq(message.login.binding.str, "tls");
}

Test(message_login, refuses_what_is_no_name)
{
	cr_assert_eq(parse("{\"type\":\"login\",\"user\":\"al ice\",\"server\":\"s\","
			   "\"binding\":\"none\",\"signature\":\"s\"}"),
		     ERR_bad_name);
	cr_assert_str_eq(why.field, "user");
	cr_assert_eq(parse("{\"type\":\"login\",\"user\":5,\"server\":\"s\",\"binding\":\"none\","
			   "\"signature\":\"s\"}"),
		     ERR_bad_field);
}

Test(message_login, of_another_version_is_bad_version)
{
	taken(",\"version\":1");
	refused(",\"version\":2", ERR_bad_version, "version");
	refused(",\"version\":\"1\"", ERR_bad_field, "version");
}

Test(message_login, has_a_device_of_1_to_32_characters)
{
	taken(",\"device\":\"Laptop-7f3a_.\"");
	cr_assert_str_eq(message.login.device.str, "Laptop-7f3a_.");
	refused(",\"device\":\"\"", ERR_bad_field, "device");
	refused(",\"device\":\"a b\"", ERR_bad_field, "device");
	refused(",\"device\":\"123456789012345678901234567890123\"", ERR_bad_field, "device");
	refused(",\"device\":null", ERR_bad_field, "device");
}

Test(message_login, resumes_rooms_and_the_inbox)
{
	taken(",\"resume\":[{\"room\":\"#Lobby\",\"epoch\":\"9f2c000000000001\",\"after\":41},"
	      "{\"room\":\"@alice\",\"epoch\":\"other\",\"after\":0},"
	      "{\"room\":\"ops\",\"after\":7,\"unknown\":true}]");
	cr_assert_eq(message.login.resume_count, 3);
	cr_assert_str_eq(message.login.resume[0].room.str, "lobby");
	cr_assert_eq(message.login.resume[0].cursor.epoch, UINT64_C(0x9f2c000000000001));
	cr_assert_eq(message.login.resume[0].cursor.after, 41);
	cr_assert_str_eq(message.login.resume[1].room.str, "@alice");
	cr_assert(message.login.resume[1].cursor.has_epoch);
	cr_assert_eq(message.login.resume[1].cursor.epoch, 0);
	cr_assert_not(message.login.resume[2].cursor.has_epoch);
	cr_assert(message.login.resume[2].cursor.has_after);
}

Test(message_login, passes_over_rooms_that_cannot_be)
{
	taken(",\"resume\":[{\"room\":\"a b\",\"after\":1},{\"room\":\"ops\",\"after\":2}],"
	      "\"only\":[\"\",\"#Ops\",\"@alice\",\"c d\"]");
	cr_assert_eq(message.login.resume_count, 1);
	cr_assert_str_eq(message.login.resume[0].room.str, "ops");
	cr_assert(message.login.has_only);
	cr_assert_eq(message.login.only_count, 2);
	cr_assert_str_eq(message.login.only[0].str, "ops");
	cr_assert_str_eq(message.login.only[1].str, "@alice");
	cr_assert_str_eq(why.text, "");
}

Test(message_login, an_empty_only_is_not_no_only)
{
	taken(",\"only\":[]");
	cr_assert(message.login.has_only);
	cr_assert_eq(message.login.only_count, 0);
}

Test(message_login, refuses_lists_of_the_wrong_shape)
{
	refused(",\"resume\":{}", ERR_bad_field, "resume");
	refused(",\"resume\":null", ERR_bad_field, "resume");
	refused(",\"resume\":[\"ops\"]", ERR_bad_field, "resume");
	refused(",\"resume\":[{\"after\":1}]", ERR_missing_field, "room");
	refused(",\"resume\":[{\"room\":\"ops\"}]", ERR_missing_field, "resume");
	refused(",\"resume\":[{\"room\":7,\"after\":1}]", ERR_bad_field, "room");
	refused(",\"resume\":[{\"room\":\"ops\",\"after\":-1}]", ERR_bad_field, "after");
	refused(",\"resume\":[{\"room\":\"ops\",\"after\":1,\"epoch\":1}]", ERR_bad_field, "epoch");
	refused(",\"only\":\"ops\"", ERR_bad_field, "only");
	refused(",\"only\":[7]", ERR_bad_field, "only");
}

static enum proto_error parse_list(const char *key, const char *entry, unsigned count)
{
	char *line = malloc(200 + count * (strlen(entry) + 1));
	char *at = line + sprintf(line, "{" LOGIN ",\"%s\":[", key);
	enum proto_error error;

	for (unsigned i = 0; i < count; i++)
		at += sprintf(at, "%s%s", i > 0 ? "," : "", entry);
	strcpy(at, "]}");
	error = parse(line);
	free(line);
	return error;
}

Test(message_login, takes_1024_rooms_and_no_more)
{
	cr_assert_eq(parse_list("resume", "{\"room\":\"o\",\"after\":1}", RESUME_MAX), PROTO_OK);
	cr_assert_eq(message.login.resume_count, RESUME_MAX);
	cr_assert_eq(parse_list("resume", "{\"room\":\"o\",\"after\":1}", RESUME_MAX + 1),
		     ERR_bad_field);
	cr_assert_eq(parse_list("only", "\"o\"", RESUME_MAX), PROTO_OK);
	cr_assert_eq(message.login.only_count, RESUME_MAX);
	cr_assert_eq(parse_list("only", "\"o\"", RESUME_MAX + 1), ERR_bad_field);
}
