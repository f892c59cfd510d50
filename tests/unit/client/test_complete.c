#include "client/complete.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct rooms rooms;
static struct people people;

static void setup(void)
{
	cr_assert_not_null(rooms_add(&rooms, "dev"));
	cr_assert_not_null(rooms_add(&rooms, "deploy"));
	cr_assert_not_null(rooms_add(&rooms, "lobby"));
	cr_assert_not_null(rooms_add(&rooms, "@alice"));
	people_saw(&people, "bob");
	people_saw(&people, "carol");
	people_saw(&people, "bert");
}

static void teardown(void)
{
	rooms_finish(&rooms);
}

TestSuite(complete, .init = setup, .fini = teardown);

/* What the line becomes, and what is offered. */
static void check(const char *text, const char *expected, const char *choices)
{
	struct complete_result result;
	char line[256];

	complete(text, strlen(text), &rooms, &people, &result);
	snprintf(line, sizeof(line), "%.*s%s", (int)(result.text[0] ? result.from : strlen(text)),
		 text, result.text);
	cr_assert_str_eq(line, expected);
	cr_assert_str_eq(result.choices.data ? result.choices.data : "", choices);
	buf_finish(&result.choices);
}

Test(complete, commands)
{
	check("/jo", "/join ", "");
	check("/QUI", "/quit ", "");
	check("/h", "/h", "help  history");
	check("/zz", "/zz", "");
	check("/help hi", "/help history ", "");
}

Test(complete, rooms_where_a_room_is_wanted)
{
	check("/join l", "/join lobby ", "");
	check("/join d", "/join de", "dev  deploy");
	check("/join #dev", "/join #dev ", "");
	check("see #lo", "see #lobby ", "");
	check("/join @a", "/join @a", "");
}

Test(complete, rooms_that_one_could_enter)
{
	people_heard_room(&people, "design");
	people_heard_room(&people, "design");
	people_heard_room(&people, "lobby");
	people_heard_room(&people, "@bob");
	check("/join des", "/join design ", "");
	check("/join d", "/join de", "dev  deploy  design");
	check("/join l", "/join lobby ", "");
	check("/leave d", "/leave de", "dev  deploy");
	check("in #des", "in #design ", "");
}

Test(complete, people_everywhere_else)
{
	check("/msg ca", "/msg carol ", "");
	check("/msg ", "/msg ", "bert  carol  bob");
	check("ca", "carol: ", "");
	check("hi ca", "hi carol ", "");
	check("hi @Bo", "hi @bob ", "");
	check("b", "b", "bert  bob");
	check("/msg bob ca", "/msg bob carol ", "");
}

Test(complete, the_words_that_an_argument_may_be)
{
	check("/notify o", "/notify o", "off  osc9  osc777");
	check("/notify b", "/notify bell ", "");
	check("/bell ", "/bell o", "on  off");
	check("/agent bob res", "/agent bob restart ", "");
	check("/agent ca", "/agent carol ", "");
	check("/agent bob stop ca", "/agent bob stop carol ", "");
	check("/theme   l", "/theme   light ", "");
	check("//theme l", "//theme l", "");
}

Test(complete, nothing_where_nothing_fits)
{
	check("", "", "");
	check("hi ", "hi ", "");
	check("/away ca", "/away ca", "");
	check("/quit ", "/quit ", "");
}

Test(complete, the_latest_speaker_comes_first)
{
	people_saw(&people, "bob");
	check("/msg b", "/msg b", "bob  bert");
	people_saw(&people, "Not A Name");
	people_saw(&people, NULL);
	cr_assert_eq(people.count, 3);
}

Test(complete, the_oldest_is_forgotten)
{
	for (unsigned i = 0; i < PEOPLE_MAX + 5; i++) {
		char name[16];

		snprintf(name, sizeof(name), "u%u", i);
		people_saw(&people, name);
	}
	cr_assert_eq(people.count, PEOPLE_MAX);
	cr_assert_str_eq(people.names[0], "u516");
	cr_assert_str_eq(people.names[PEOPLE_MAX - 1], "u5");
}
