#include "proto/error.h"

#include <criterion/criterion.h>
#include <string.h>

Test(error, every_code_is_found_by_its_word)
{
	for (unsigned i = PROTO_OK + 1; i < PROTO_ERRORS; i++) {
		enum proto_error error = (enum proto_error)i;

		cr_assert_eq(error_find(error_code(error)), error, "%s", error_code(error));
	}
	cr_assert_eq(error_find("bad_jsom"), PROTO_OK);
}

Test(error, every_code_has_a_text_for_people_of_one_line)
{
	for (unsigned i = PROTO_OK + 1; i < PROTO_ERRORS; i++) {
		const char *text = error_message((enum proto_error)i);

		cr_assert_gt(strlen(text), 8);
		cr_assert_lt(strlen(text), 150);
		cr_assert_null(strchr(text, '\n'));
	}
}

/* docs/protocol.md, "Errors". */
Test(error, fatal_are_those_of_the_contract_with_their_close_codes)
{
	static const struct {
		enum proto_error error;
		unsigned close;
	} fatal[] = {{ERR_too_large, CLOSE_TOO_BIG},
		     {ERR_binary, CLOSE_UNSUPPORTED},
		     {ERR_bad_version, CLOSE_PROTOCOL},
		     {ERR_auth_timeout, CLOSE_AUTH},
		     {ERR_too_many_attempts, CLOSE_AUTH},
		     {ERR_key_revoked, CLOSE_KICKED},
		     {ERR_banned, CLOSE_KICKED},
		     {ERR_too_many_connections, CLOSE_LIMITS},
		     {ERR_idle, CLOSE_LIMITS},
		     {ERR_too_slow, CLOSE_LIMITS},
		     {ERR_shutting_down, CLOSE_GOING_AWAY}};
	unsigned count = 0;

	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
		cr_assert(error_is_fatal(fatal[i].error));
		cr_assert_eq(error_close(fatal[i].error), fatal[i].close, "%s",
			     error_code(fatal[i].error));
	}
	for (unsigned i = PROTO_OK + 1; i < PROTO_ERRORS; i++)
		count += error_is_fatal((enum proto_error)i);
	cr_assert_eq(count, sizeof(fatal) / sizeof(fatal[0]));
}
