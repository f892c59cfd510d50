/* The lines that people write: messages, and whom they go to. */
#include "proto/message.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct message_parser *parser;
static struct message message;
static struct problem why;

static void setup(void)
{
	cr_assert_eq(message_parser_create(&parser), 0);
}

static void teardown(void)
{
	message_parser_destroy(parser);
}

TestSuite(message_content, .init = setup, .fini = teardown);

/* The fields of a message behind its content. */
static enum proto_error parse_with(const char *fields)
{
	char line[1000];

	snprintf(line, sizeof(line), "{\"type\":\"message\",\"content\":\"x\"%s}", fields);
	return message_parse(parser, line, strlen(line), &message, &why);
}

static void taken(const char *fields)
{
	cr_assert_eq(parse_with(fields), PROTO_OK, "%s: %s", fields, why.text);
}

static void refused(const char *fields, enum proto_error error, const char *field)
{
	cr_assert_eq(parse_with(fields), error, "%s: %s", fields, why.text);
	cr_assert_str_eq(why.field, field, "%s", fields);
}

/* `piece` so many times as the content. */
static enum proto_error parse_content(const char *piece, unsigned times)
{
	size_t size = strlen(piece) * times;
	char *line = malloc(size + 100);
	char *at = line + sprintf(line, "{\"id\":\"k\",\"content\":\"");
	enum proto_error error;

	for (unsigned i = 0; i < times; i++)
		at = stpcpy(at, piece);
	strcpy(at, "\"}");
	error = message_parse(parser, line, strlen(line), &message, &why);
	free(line);
	cr_assert_str_eq(message.id.str, "k");
	return error;
}

Test(message_content, is_required_and_a_string)
{
	cr_assert_eq(message_parse(parser, "{}", 2, &message, &why), ERR_missing_field);
	cr_assert_str_eq(why.field, "content");
	cr_assert_eq(message_parse(parser, "{\"content\":7}", 13, &message, &why), ERR_bad_field);
	cr_assert_str_eq(why.text, "content must be a string");
}

Test(message_content, has_4000_characters_whatever_their_bytes)
{
	cr_assert_eq(parse_content("x", 4000), PROTO_OK);
	cr_assert_eq(parse_content("x", 4001), ERR_too_long);
	cr_assert_str_eq(why.text, "content has 4001 characters, at most 4000 fit");
	cr_assert_eq(parse_content("\xf0\x9f\x98\x80", 4000), PROTO_OK);
	cr_assert_eq(message.message.content.len, 16000);
	cr_assert_eq(parse_content("\xf0\x9f\x98\x80", 4001), ERR_too_long);
	cr_assert_eq(parse_content("\\ud83d\\ude00", 4000), PROTO_OK);
	cr_assert_eq(message.message.content.len, 16000);
	cr_assert_eq(parse_content("\\n", 4000), ERR_empty);
}

Test(message_content, is_not_blank)
{
	cr_assert_eq(parse_content("", 1), ERR_empty);
	cr_assert_eq(parse_content(" ", 5), ERR_empty);
	cr_assert_eq(parse_content("\\n\\t ", 2), ERR_empty);
	cr_assert_eq(parse_content("\xc2\xa0", 1), ERR_empty);
	cr_assert_eq(parse_content("\xe2\x80\x8b", 3), ERR_empty);
	cr_assert_str_eq(why.field, "content");
}

Test(message_content, has_no_control_characters_but_newline_and_tab)
{
	static const char *const bad[] = {"a\\r",     "a\\u0001",  "a\\u001b", "a\\u007f", "a\x7f",
					  "a\\u0080", "a\xc2\x9f", "a\\b",     "a\\f"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_assert_eq(parse_content(bad[i], 1), ERR_bad_field, "%zu", i);
		cr_assert_str_eq(why.field, "content");
	}
	cr_assert_eq(parse_content("a\\n\\tb", 1), PROTO_OK);
	cr_assert_str_eq(message.message.content.str, "a\n\tb");
}

Test(message_content, goes_to_the_current_room_a_room_or_a_person)
{
	taken("");
	cr_assert_eq(message.message.room.len, 0);
	cr_assert_eq(message.message.recipient.len, 0);
	taken(",\"room\":\"#Ops\"");
	cr_assert_str_eq(message.message.room.str, "ops");
	taken(",\"recipient\":\"Bob\"");
	cr_assert_str_eq(message.message.recipient.str, "bob");
	cr_assert_eq(message.message.room.len, 0);
}

Test(message_content, to_an_inbox_is_to_its_owner)
{
	taken(",\"room\":\"@Bob\"");
	cr_assert_str_eq(message.message.recipient.str, "bob");
	cr_assert_eq(message.message.recipient.len, 3);
	cr_assert_eq(message.message.room.len, 0);
	taken(",\"room\":\"@bob\",\"recipient\":\"bob\"");
	cr_assert_str_eq(message.message.recipient.str, "bob");
}

Test(message_content, goes_to_one_place_only)
{
	refused(",\"room\":\"ops\",\"recipient\":\"bob\"", ERR_bad_field, "recipient");
	refused(",\"room\":\"@carol\",\"recipient\":\"bob\"", ERR_bad_field, "recipient");
	refused(",\"room\":\"a b\"", ERR_bad_name, "room");
	refused(",\"recipient\":\"\"", ERR_bad_name, "recipient");
	refused(",\"recipient\":\"@bob\"", ERR_bad_name, "recipient");
	refused(",\"recipient\":null", ERR_bad_field, "recipient");
}

Test(message_content, has_a_sender_only_for_comparison)
{
	taken("");
	cr_assert_eq(message.message.sender.len, 0);
	taken(",\"sender\":\"Alice\"");
	cr_assert_str_eq(message.message.sender.str, "alice");
	taken(",\"sender\":\"No Name\"");
	cr_assert_str_eq(message.message.sender.str, "No Name");
	cr_assert_str_eq(why.text, "");
	refused(",\"sender\":7", ERR_bad_field, "sender");
}

/* An empty sender must not pass for one that was left out. */
Test(message_content, an_empty_sender_is_nobody)
{
	refused(",\"sender\":\"\"", ERR_wrong_sender, "sender");
}

Test(message_content, has_a_format_and_a_kind)
{
	static const char *const formats[] = {"text", "markdown", "code"};
	static const char *const kinds[] = {"message", "me", "notice", "alert"};
	char fields[100];

	taken("");
	cr_assert_eq(message.message.format, FORMAT_TEXT);
	cr_assert_eq(message.message.kind, KIND_MESSAGE);
	cr_assert_eq(message.message.format_text.len, 0);
	cr_assert_eq(message.message.kind_text.len, 0);
	for (unsigned i = 0; i < 3; i++) {
		snprintf(fields, sizeof(fields), ",\"format\":\"%s\"", formats[i]);
		taken(fields);
		cr_assert_eq(message.message.format, i);
		cr_assert_str_eq(message.message.format_text.str, formats[i]);
	}
	for (unsigned i = 0; i < 4; i++) {
		snprintf(fields, sizeof(fields), ",\"kind\":\"%s\"", kinds[i]);
		taken(fields);
		cr_assert_eq(message.message.kind, i);
		cr_assert_str_eq(message.message.kind_text.str, kinds[i]);
	}
	refused(",\"format\":\"html\"", ERR_bad_field, "format");
	cr_assert_str_eq(why.text, "format must be one of: text, markdown, code");
	refused(",\"kind\":\"ME\"", ERR_bad_field, "kind");
	cr_assert_str_eq(why.text, "kind must be one of: message, me, notice, alert, ask");
	refused(",\"kind\":1", ERR_bad_field, "kind");
}

Test(message_content, replies_to_a_seq_in_a_room)
{
	taken(",\"room\":\"ops\",\"reply_to\":42");
	cr_assert_eq(message.message.reply_to, 42);
	taken(",\"reply_to\":9007199254740991");
	refused(",\"reply_to\":0", ERR_bad_field, "reply_to");
	refused(",\"reply_to\":1.5", ERR_bad_field, "reply_to");
	refused(",\"reply_to\":\"00112233445566aa\"", ERR_bad_field, "reply_to");
}

Test(message_content, replies_to_a_ref_in_a_direct_message)
{
	taken(",\"recipient\":\"bob\",\"reply_to\":\"00112233445566AA\"");
	cr_assert_str_eq(message.message.reply_ref.str, "00112233445566aa");
	cr_assert_eq(message.message.reply_to, 0);
	taken(",\"room\":\"@bob\",\"reply_to\":\"00112233445566aa\"");
	refused(",\"recipient\":\"bob\",\"reply_to\":42", ERR_bad_field, "reply_to");
	refused(",\"recipient\":\"bob\",\"reply_to\":\"0011\"", ERR_bad_field, "reply_to");
	refused(",\"recipient\":\"bob\",\"reply_to\":\"00112233445566ax\"", ERR_bad_field,
		"reply_to");
	refused(",\"recipient\":\"bob\",\"reply_to\":\"00112233445566aa7\"", ERR_bad_field,
		"reply_to");
}

Test(message_content, a_question_has_options)
{
	taken(",\"room\":\"ops\",\"kind\":\"ask\",\"options\":[\"allow\",\"deny\"],\"expires\":"
	      "1795197660,"
	      "\"approve\":[\"ops\",\"bob\"]");
	cr_assert_eq(message.message.kind, KIND_ASK);
	cr_assert_eq(message.message.option_count, 2);
	cr_assert_str_eq(message.message.options[1].str, "deny");
	cr_assert_eq(message.message.expires_s, 1795197660);
	cr_assert(message.message.has_approve);
	cr_assert_str_eq(message.message.approve[0].str, "ops");
	taken(",\"kind\":\"ask\",\"options\":[\"yes\"],\"approve\":[]");
	cr_assert(message.message.has_approve);
	cr_assert_eq(message.message.approve_count, 0);
	cr_assert_eq(message.message.expires_s, 0);
	taken(",\"options\":7");
	cr_assert_eq(message.message.option_count, 0, "only a question has options");
	refused(",\"kind\":\"ask\"", ERR_missing_field, "options");
	refused(",\"kind\":\"ask\",\"options\":[]", ERR_bad_field, "options");
	refused(",\"kind\":\"ask\",\"options\":[\"a\",\"a\"]", ERR_bad_field, "options");
	refused(",\"kind\":\"ask\",\"options\":[\"a\\nb\"]", ERR_bad_field, "options");
	refused(",\"kind\":\"ask\",\"options\":[\" \"]", ERR_bad_field, "options");
	refused(",\"kind\":\"ask\",\"options\":[1]", ERR_bad_field, "options");
	refused(",\"kind\":\"ask\",\"options\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\","
		"\"9\"]",
		ERR_bad_field, "options");
	refused(",\"kind\":\"ask\",\"options\":[\"a\"],\"expires\":\"soon\"", ERR_bad_field,
		"expires");
	refused(",\"recipient\":\"bob\",\"kind\":\"ask\",\"options\":[\"a\"]", ERR_bad_field,
		"kind");
}
