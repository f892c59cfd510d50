#include "client/mention.h"

#include <criterion/criterion.h>

Test(mention, a_name_behind_an_at_sign_is_one)
{
	static const char *const texts[] = {"@alice look",     "look @alice",        "(@alice)",
					    "@Alice.",         "@alice, you?",       "x\n@alice",
					    "@bob and @alice", "\u201c@alice\u201d", "@alice..."};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_assert(mention_of("alice", texts[i]), "%s", texts[i]);
}

Test(mention, a_name_at_the_beginning_is_one_where_it_is_spoken_to)
{
	cr_assert(mention_of("alice", "alice: look"));
	cr_assert(mention_of("alice", "Alice, look"));
	cr_assert_not(mention_of("alice", "alice said so"));
	cr_assert_not(mention_of("alice", "I told alice: no"));
	cr_assert_not(mention_of("alice", "alice2: no"));
}

Test(mention, everybody_is_meant_by_some_words)
{
	cr_assert(mention_of("alice", "@here lunch"));
	cr_assert(mention_of("alice", "@all lunch"));
	cr_assert(mention_of("alice", "lunch, @everyone!"));
	cr_assert_not(mention_of("alice", "@allison lunch"));
}

Test(mention, other_names_and_addresses_are_none)
{
	static const char *const texts[] = {"",         "@",        "alice",      "@alice2",
					    "@alice-b", "@alice.b", "mail@alice", "@ali",
					    "@ alice",  "bob: @bob"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_assert_not(mention_of("alice", texts[i]), "%s", texts[i]);
	cr_assert_not(mention_of("alice", NULL));
}
