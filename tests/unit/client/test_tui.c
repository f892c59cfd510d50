#include "tests/unit/client/tui_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(tui, .init = tui_setup, .fini = tui_teardown);

#define PAGE_UP "\x1b[5~"
#define PAGE_DOWN "\x1b[6~"
#define ESC "\x1b"

static void many(const char *room, int64_t from, int64_t to)
{
	for (int64_t seq = from; seq <= to; seq++) {
		char text[32];

		snprintf(text, sizeof(text), "line %d.", (int)seq);
		tui_hear_bob(room, seq, text);
	}
}

/* ---- what is shown */

Test(tui, a_message_stands_with_time_and_name_below_its_day)
{
	tui_hear_bob("lobby", 1, "build is green");
	tui_check("Friday 20 November");
	tui_check("12:01 bob      build is green");
	tui_hear("{'type':'message','room':'lobby','seq':2,'timestamp':'2026-11-21T08:00:00.000Z',"
		 "'sender':'carol','kind':'me','content':'waves'}");
	tui_check("Saturday 21 November");
	tui_check("08:00 *        carol waves");
	tui_hear("{'type':'topic','room':'lobby','seq':3,'sender':'carol','content':'Release'}");
	tui_check("carol set the topic: Release");
}

Test(tui, the_title_tells_room_members_topic_and_the_way_to_the_server)
{
	struct room *dev = rooms_find(&tui_session_rooms, "dev");

	dev->members = 5;
	cr_assert_eq(room_set_topic(dev, "Release Friday"), 0);
	tui->latency_ms = 12;
	tui_target(tui, "alice", "dev");
	tui_check(" #dev \u00b7 5 members \u00b7 Release Friday");
	tui_check("12ms \u25cf");
	tui_connection(tui, "reconnecting in 3 s");
	tui_check("reconnecting in 3 s \u2026");
	tui_check_not("12ms");
	tui_connection(tui, "");
	tui_check_not("reconnecting");
}

Test(tui, members_stand_on_the_right_and_agents_below_them)
{
	tui_hear_answer(REQUEST_USERS,
			"{'type':'users','room':'lobby','users':[{'user':'carol','away':true},"
			"{'user':'deploy','role':'agent'},{'user':'bob','role':'op'}]}");
	tui_check("\u2502 bob       \u25cf");
	tui_check("\u2502 carol     \u25cb");
	tui_check("\u2500\u2500 agents");
	tui_check("\u2502 deploy    \u2699");
	tui_hear("{'type':'presence','room':'lobby','joined':['dave'],'left':['bob'],'members':3}");
	tui_check("\u2502 dave      \u25cf");
	tui_check_not("\u2502 bob ");
	tui_check_not("joined");
	tui_size(20, 80);
	tui_check_not("dave");
	tui_size(20, 50);
	tui_check_not("\u2502");
}

Test(tui, gaps_and_resets_are_lines)
{
	tui_hear_bob("lobby", 1, "before");
	tui_hear("{'type':'gap','room':'lobby','after':1,'next':90,'head':95}");
	tui_check("lines 2 to 89 are missing");
	tui_hear_bob("lobby", 90, "behind");
	tui_hear("{'type':'reset','room':'lobby','epoch':'f','head':0}");
	tui_check("began this room's log afresh");
	tui_hear_bob("lobby", 1, "a new life");
	tui_check("before");
	tui_check("a new life");
}

Test(tui, long_lines_are_indented_below_their_text)
{
	tui_size(20, 45);
	tui_hear_bob("lobby", 1, "one two three four five six seven eight nine ten");
	tui_check("12:01 bob: one two three four five six seven\n      eight nine ten\n");
}

Test(tui, nothing_foreign_reaches_the_screen_uncleaned)
{
	tui_hear_bob("lobby", 1, "a\\u001b[31mb\\u009bc\\u202ed");
	tui_check("a[31mbcd");
	tui_hear("{'type':'message','room':'lobby','seq':2,'sender':'e\\u001bvil','content':'x'}");
	tui_check("evil");
	cr_assert_eq(room_set_topic(rooms_find(&tui_session_rooms, "lobby"), "\x1b]0;t\x07opic"),
		     0);
	tui_check("]0;topic");
	for (size_t i = 0; i < tui_canvas.rows * tui_canvas.columns; i++)
		cr_assert(tui_canvas.cells[i].width == 0 ||
			  (tui_canvas.cells[i].characters[0] >= 0x20 &&
			   (tui_canvas.cells[i].characters[0] < 0x7f ||
			    tui_canvas.cells[i].characters[0] >= 0xa0)));
}

Test(tui, every_size_can_be_drawn)
{
	many("lobby", 1, 30);
	tui_hear_bob("dev", 1, "hello alice \u65e5\u672c\u8a9e");
	tui_keys("something typed that is longer than most screens here are wide");
	for (size_t rows = 1; rows < 15; rows++) {
		for (size_t columns = 1; columns < 120; columns++) {
			tui_size(rows, columns);
			tui_picture();
			cr_assert_lt(tui_canvas.cursor_column, columns);
		}
	}
	tui_keys(PAGE_UP);
	tui_size(10, 40);
	tui_check("#lobby");
	tui_check("line 2");
}

Test(tui, the_time_stands_as_the_settings_write_it)
{
	struct buf why = BUF_INIT;

	tui_hear_bob("lobby", 1, "build is green");
	cr_assert_eq(settings_set(&tui_settings, "timestamp", "%H:%M:%S", &why), 0);
	tui_check("12:01:00 bob      build is green");
	cr_assert_eq(settings_set(&tui_settings, "timestamp", "[%d.%m.]", &why), 0);
	tui_check("[20.11.] bob      build is green");
	buf_finish(&why);
}

/* The style of the first cell of this text, which must be on the screen. */
static unsigned style_of(char first)
{
	tui_picture();
	for (size_t i = tui_canvas.columns; i < tui_canvas.rows * tui_canvas.columns; i++) {
		if (tui_canvas.cells[i].characters[0] == (unsigned char)first)
			return tui_canvas.cells[i].style;
	}
	cr_assert_fail("no %c on the screen", first);
	return 0;
}

Test(tui, names_have_a_colour_by_theme_and_none_without)
{
	unsigned with;

	tui_hear("{'type':'message','room':'lobby','seq':1,'sender':'zoe','content':'hello'}");
	cr_assert_eq(style_of('z') & STYLE_COLOR, 0, "there are no colours here");
	tui->colors = true;
	with = style_of('z') & STYLE_COLOR;
	cr_assert_neq(with, 0);
	tui_hear("{'type':'message','room':'dev','seq':1,'sender':'zoe','content':'hello'}");
	tui_target(tui, "alice", "dev");
	cr_assert_eq(style_of('z') & STYLE_COLOR, with, "the same everywhere");
	tui_settings.theme = THEME_LIGHT;
	cr_assert_lt(style_of('z') & STYLE_COLOR, 8, "dark enough for white");
	tui_settings.theme = THEME_MONO;
	cr_assert_eq(style_of('z') & STYLE_COLOR, 0);
}

/* ---- unread */

Test(tui, what_is_said_elsewhere_is_counted_and_mentions_apart)
{
	tui_hear_bob("dev", 1, "one");
	tui_hear_bob("dev", 2, "two");
	tui_check(" dev            2");
	tui_hear_bob("dev", 3, "@alice three");
	tui_check(" dev           !1");
	tui_check(" [dev !1]");
	cr_assert(tui->news);
	cr_assert_eq(tui_read_of("dev"), 0);
}

Test(tui, the_unread_jump_goes_to_mentions_first_and_reads_what_it_shows)
{
	cr_assert_not_null(rooms_add(&tui_session_rooms, "aaa"));
	tui_hear_bob("aaa", 1, "nothing special");
	tui_hear_bob("dev", 1, "first");
	tui_hear_bob("dev", 2, "alice: second");
	tui_keys(ESC "a");
	cr_assert_str_eq(tui_told(), "go dev; users dev; ");
	tui_check("2 new");
	tui_check("alice: second");
	cr_assert_eq(tui_read_of("dev"), 2);
	tui_check_not("[dev");
	tui_keys(ESC "a");
	cr_assert_str_eq(tui_told(), "go aaa; users aaa; ");
	tui_picture();
	tui_keys(ESC "a");
	tui_check("nothing is unread");
	tui_told();
	/* the marker is gone with the second visit */
	tui_keys(ESC "3");
	cr_assert_str_eq(tui_told(), "go dev; ");
	tui_check_not("new \u2500");
}

Test(tui, more_than_a_screen_of_unread_lines_is_read_as_it_is_scrolled)
{
	many("dev", 1, 60);
	tui_keys(ESC "2");
	tui_check("60 new");
	tui_check("line 1.");
	tui_check("more below");
	cr_assert_gt(tui_read_of("dev"), 10);
	cr_assert_lt(tui_read_of("dev"), 20);
	tui_keys(PAGE_DOWN PAGE_DOWN PAGE_DOWN PAGE_DOWN);
	tui_check("line 60.");
	tui_check_not("more below");
	cr_assert_eq(tui_read_of("dev"), 60);
	tui_keys(ESC "u");
	tui_check("60 new");
	tui_keys(ESC);
	tui->now += 1000;
	tui_tick(tui);
	tui_check("line 60.");
	tui_check_not("60 new");
}

Test(tui, escape_marks_all_of_the_room_read)
{
	many("dev", 1, 60);
	tui_keys(ESC "2");
	tui_picture();
	tui_keys(ESC);
	cr_assert_geq(tui_deadline(tui), 0);
	tui->now += KEYBOARD_WAIT_MS;
	tui_tick(tui);
	cr_assert_eq(tui_read_of("dev"), 60);
}

Test(tui, missed_lines_are_new_and_ring_no_bell)
{
	tui_hear_bob("lobby", 1, "seen");
	tui_picture();
	tui_hear_replayed("{'type':'message','room':'lobby','seq':2,'sender':'bob','timestamp':"
			  "'2026-11-20T12:02:00.000Z','content':'alice, missed'}");
	tui_check("1 new");
	cr_assert_not(tui->news);
	/* as live, but from before the log-in */
	tui_hear("{'type':'message','room':'lobby','seq':3,'sender':'bob','timestamp':"
		 "'2026-11-20T11:59:00.000Z','content':'alice, missed too'}");
	cr_assert_not(tui->news);
	tui_check("2 new");
}

Test(tui, what_another_device_read_is_read_here)
{
	many("dev", 1, 5);
	tui_check(" dev            5");
	tui_hear("{'type':'read','room':'dev','seq':3}");
	tui_check(" dev            2");
	tui_hear("{'type':'read','room':'dev','seq':5}");
	tui_check_not(" dev            2");
}

Test(tui, who_looks_elsewhere_has_not_read_it)
{
	tui_keys(ESC "[O");
	tui_hear_bob("lobby", 1, "anyone?");
	tui_picture();
	cr_assert_eq(tui_read_of("lobby"), 0);
	tui_check("1 new");
	tui_keys(ESC "[I");
	tui_picture();
	cr_assert_eq(tui_read_of("lobby"), 1);
}

/* ---- direct */

Test(tui, people_have_rooms_of_their_own)
{
	tui_hear_bob("@alice", 1, "got a minute?");
	tui_check("\u2500\u2500 direct \u2500\u2500");
	tui_check(" @bob           1");
	cr_assert(tui->news);
	tui_keys(ESC "a");
	cr_assert_str_eq(tui_told(), "go @bob; ");
	tui_check("got a minute?");
	tui_check(" alice @bob>\n");
	cr_assert_eq(tui_read_of("@alice"), 1);
	tui_hear("{'type':'message','room':'@alice','seq':2,'sender':'alice','recipient':'carol',"
		 "'content':'hi carol'}");
	tui_check(" @carol ");
	tui_check_not("hi carol");
}

Test(tui, the_inbox_is_read_up_to_the_first_unread_line_of_anyone)
{
	tui_hear_bob("@alice", 1, "one");
	tui_hear("{'type':'message','room':'@alice','seq':2,'sender':'carol','recipient':'alice',"
		 "'content':'two'}");
	tui_hear_bob("@alice", 3, "three");
	tui_target(tui, "alice", "@bob");
	tui_picture();
	cr_assert_eq(tui_read_of("@alice"), 1);
	tui_target(tui, "alice", "@carol");
	tui_picture();
	cr_assert_eq(tui_read_of("@alice"), 3);
}

/* ---- history */

Test(tui, page_up_at_the_top_fetches_older_lines_and_goes_on)
{
	many("lobby", 101, 120);
	tui_picture();
	tui_keys(PAGE_UP);
	tui_picture();
	tui_keys(PAGE_UP);
	cr_assert_str_eq(tui_told(), "history lobby before 101; ");
	tui_check("loading older lines");
	/* once is enough */
	tui_keys(PAGE_UP);
	cr_assert_str_eq(tui_told(), "");
	tui_hear_answer(
		REQUEST_HISTORY,
		"{'type':'history','room':'lobby','first':1,'last':100,'count':100,'more':false}");
	for (int i = 1; i <= 100; i++)
		tui_hear_history("{'type':'message','room':'lobby','seq':%d,'sender':'bob',"
				 "'timestamp':'2026-11-20T11:00:00.000Z','content':'old %d.'}",
				 i, i);
	tui_check_not("loading");
	tui_check("old 100.");
	tui_check_not("line 101.");
	tui_keys(ESC "[1;3H");
	tui_check("nothing older");
	tui_check("old 1.");
	cr_assert_str_eq(tui_told(), "");
	tui_keys(ESC "[1;3F");
	tui_check("line 120.");
}

Test(tui, the_view_stays_where_it_is_while_lines_come_in)
{
	many("lobby", 101, 160);
	tui_picture();
	tui_keys(PAGE_UP);
	tui_check("line 130.");
	tui_check_not("line 160.");
	many("lobby", 161, 170);
	tui_check("line 130.");
	tui_check("-- 26 more below --");
	tui_hear_history(
		"{'type':'message','room':'lobby','seq':5,'sender':'bob','content':'old'}");
	tui_check("line 130.");
	tui_check("-- 26 more below --");
}

Test(tui, search_finds_what_was_said_and_escape_goes_back)
{
	many("lobby", 1, 60);
	tui_hear_bob("lobby", 61, "the needle is here");
	many("lobby", 62, 120);
	tui_picture();
	tui_keys("\x12");
	tui_check(" search:\n");
	tui_keys("NEED");
	tui_check("the needle is here");
	tui_keys("\x07");
	tui_check("line 120.");
	tui_check_not("needle");
	tui_picture();
	tui_keys("\x12"
		 "line 1");
	tui_check("line 119.");
	for (int i = 0; i < 40; i++)
		tui_keys("\x12");
	tui_keys("\x12");
	tui_check("line 1.");
	tui_keys("\r");
	tui_check("line 1.");
	tui_check_not("search:");
}

Test(tui, a_search_goes_on_in_older_lines)
{
	many("lobby", 101, 130);
	tui_picture();
	tui_keys("\x12needle");
	cr_assert_str_eq(tui_told(), "history lobby before 101; ");
	tui_check("looking in older lines");
	tui_hear_answer(REQUEST_HISTORY,
			"{'type':'history','room':'lobby','first':99,'count':2,'more':true}");
	tui_hear_history(
		"{'type':'message','room':'lobby','seq':99,'sender':'bob','content':'hay'}");
	tui_hear_history(
		"{'type':'message','room':'lobby','seq':100,'sender':'bob','content':'hay'}");
	cr_assert_str_eq(tui_told(), "history lobby before 99; ");
	tui_hear_answer(REQUEST_HISTORY,
			"{'type':'history','room':'lobby','first':97,'count':2,'more':false}");
	tui_hear_history(
		"{'type':'message','room':'lobby','seq':97,'sender':'bob','content':'hay'}");
	tui_hear_history(
		"{'type':'message','room':'lobby','seq':98,'sender':'bob','content':'a needle'}");
	tui_check("bob      a needle");
	tui_keys("\x12");
	tui_check("nothing further up");
	cr_assert_str_eq(tui_told(), "");
	tui_keys("\x07");
	tui_check("line 130.");
	tui_check_not("needle");
}

Test(tui, a_search_ends_where_the_server_has_no_history)
{
	many("lobby", 101, 130);
	tui_picture();
	tui_keys("\x12needle");
	tui_check("looking in older lines");
	tui_hear_answer(REQUEST_HISTORY, "{'type':'error','code':'no_history','message':'none'}");
	tui_check("nothing further up");
	tui_check_not("none");
}

/* ---- typing */

Test(tui, the_line_goes_to_the_room_it_was_typed_in)
{
	tui_keys("half a line");
	tui_check(" alice #lobby> half a line");
	cr_assert_str_eq(tui_told(), "typing lobby; ");
	tui_target(tui, "alice", "dev");
	tui_check(" alice #dev>\n");
	tui_keys("in dev\r");
	tui_target(tui, "alice", "lobby");
	tui_check(" alice #lobby> half a line");
	tui_keys("\r");
	cr_assert_str_eq(tui_told(), "users dev; typing dev; line in dev; line half a line; ");
	tui_keys(ESC "[A");
	tui_check(" alice #lobby> half a line");
	tui_keys(ESC "[A");
	tui_check(" alice #lobby> half a line");
}

Test(tui, the_cursor_stands_behind_what_is_seen)
{
	tui_keys("\u65e5\U0001f44d\U0001f3fd\u2764\ufe0fe\u0301x");
	tui_check("> \u65e5\U0001f44d\u2764e\u0301x\n");
	cr_assert_eq(tui_canvas.cursor_column, 15 + 2 + 2 + 1 + 1 + 1);
	tui_keys("\x02\x02");
	tui_picture();
	cr_assert_eq(tui_canvas.cursor_column, 15 + 2 + 2 + 1 + 1);
}

Test(tui, what_is_taken_in_one_room_comes_back_in_another)
{
	tui_keys("carry me\x15");
	tui_target(tui, "alice", "dev");
	tui_keys("\x19");
	tui_check("#dev> carry me\n");
}

Test(tui, a_paste_of_some_lines_is_one_message)
{
	tui_keys(ESC "[200~one\ntwo\n" ESC "[201~");
	tui_check("> one\u23cetwo\n");
	tui_keys(ESC "\r"
		     "three\r");
	cr_assert_str_eq(tui_told(), "typing lobby; line one\ntwo\nthree; ");
}

Test(tui, a_big_paste_asks_first)
{
	tui_keys("x" ESC "[200~1\n2\n3\n4\n5\n6" ESC "[201~");
	tui_check("6 lines, 11 bytes");
	tui_check("(y/n)");
	tui_keys("\r");
	tui_check("(y/n)");
	tui_keys("n");
	tui_check("> x\n");
	tui_keys(ESC "[200~1\n2\n3\n4\n5\n6" ESC "[201~y");
	tui_check("> x1\u23ce2\u23ce3\u23ce4\u23ce5\u23ce6\n");
	tui_told();
	tui_keys("\r");
	cr_assert_str_eq(tui_told(), "line x1\n2\n3\n4\n5\n6; ");
}

Test(tui, a_paste_of_four_kilobytes_asks_too)
{
	char text[5100];

	memset(text, 'a', sizeof(text));
	memcpy(text, ESC "[200~", 6);
	memcpy(text + 4200, ESC "[201~", 7);
	tui_keys(text);
	tui_check("1 lines, 4194 bytes");
}

Test(tui, tab_completes_commands_rooms_and_people)
{
	tui_keys("/jo\t");
	tui_check("> /join\n");
	tui_keys("d\t");
	tui_check("> /join dev");
	tui_keys("\x15/msg ");
	tui_hear_bob("lobby", 1, "hi");
	tui_keys("b\t");
	tui_check("> /msg bob\n");
}

Test(tui, letters_find_a_room)
{
	cr_assert_not_null(rooms_add(&tui_session_rooms, "ops-berlin"));
	cr_assert_not_null(rooms_add(&tui_session_rooms, "web"));
	tui_hear_bob("ops-berlin", 1, "x");
	tui_hear_bob("web", 1, "x");
	tui_keys(ESC "k");
	tui_check("go to:");
	tui_keys("ob\r");
	cr_assert_str_eq(tui_told(), "go ops-berlin; users ops-berlin; ");
	tui_keys(ESC "k"
		     "zzz\r");
	tui_check("no such room");
	cr_assert_str_eq(tui_told(), "");
}

Test(tui, rooms_go_round)
{
	tui_keys("\x0e");
	cr_assert_str_eq(tui_told(), "go dev; users dev; ");
	tui_keys("\x0e");
	cr_assert_str_eq(tui_told(), "go lobby; ");
	tui_keys("\x10");
	cr_assert_str_eq(tui_told(), "go dev; ");
	tui_keys(ESC "9");
	tui_check("there are 2 rooms");
}

Test(tui, control_c_clears_and_twice_quits)
{
	tui_keys("half\x03");
	tui_check(" alice #lobby>\n");
	tui_told();
	tui_keys("\x03");
	tui_check("C-c once more quits");
	tui_keys("x\x7f\x03");
	tui_told();
	tui_keys("\x03");
	cr_assert_str_eq(tui_told(), "end; ");
}

Test(tui, help_shows_the_keys)
{
	tui_size(60, 100);
	tui_picture();
	tui_keys("/help\r");
	cr_assert_str_eq(tui_told(), "line /help; ");
	tui_check("M-a ");
	tui_check("the next room with something unread");
	tui_check("M-1 ... M-9, M-0");
	tui_check("C-r ");
}

Test(tui, typing_is_told_now_and_then_and_never_of_commands)
{
	tui_keys("/join x");
	cr_assert_str_eq(tui_told(), "");
	tui_keys("\x15hello there");
	cr_assert_str_eq(tui_told(), "typing lobby; ");
	tui->now += 2000;
	tui_keys("!");
	cr_assert_str_eq(tui_told(), "");
	tui->now += 1500;
	tui_keys("!");
	cr_assert_str_eq(tui_told(), "typing lobby; ");
}

Test(tui, who_types_is_shown_until_they_say_it_or_stop)
{
	tui_hear("{'type':'typing','room':'lobby','sender':'bob'}");
	tui_check("bob is typing");
	tui_hear_bob("lobby", 1, "said");
	tui_check_not("typing");
	tui_hear("{'type':'typing','room':'lobby','sender':'bob'}");
	tui_check("bob is typing");
	tui->now += 10000;
	tui_tick(tui);
	tui_check_not("typing");
}

Test(tui, the_way_is_measured_while_someone_is_there)
{
	cr_assert_eq(tui_deadline(tui), tui->now);
	tui_tick(tui);
	cr_assert_str_eq(tui_told(), "measure; ");
	tui_keys("x");
	cr_assert_gt(tui_deadline(tui), tui->now);
	tui->now = tui_deadline(tui);
	tui_told();
	tui_tick(tui);
	cr_assert_str_eq(tui_told(), "measure; ");
	tui->now += 3600000;
	cr_assert_eq(tui_deadline(tui), -1);
}

Test(tui, a_room_that_is_left_goes_from_the_list)
{
	tui_check(" dev ");
	rooms_remove(&tui_session_rooms, "dev");
	tui_target(tui, "alice", "lobby");
	tui_check_not(" dev ");
}

Test(tui, why_a_room_cannot_be_entered_is_told_where_we_stay)
{
	struct request request = {.kind = REQUEST_JOIN, .target = (char[]){"secret"}};

	tui_target(tui, "alice", "secret");
	tui_check(" alice #secret>");
	tui_hear_answer_to(&request,
			   "{'type':'error','code':'invite_only','message':'by invitation'}");
	tui_target(tui, "alice", "lobby");
	tui_check("cannot join #secret: by invitation");
	tui_check_not(" secret ");
}

Test(tui, that_a_room_was_left_is_told_in_the_next_one)
{
	struct request request = {.kind = REQUEST_LEAVE, .target = (char[]){"dev"}};

	tui_target(tui, "alice", "dev");
	rooms_remove(&tui_session_rooms, "dev");
	tui_hear_answer_to(&request, "{'type':'ok','id':'q-1'}");
	tui_target(tui, "alice", "lobby");
	tui_check("You left #dev.");
	tui_check_not(" dev ");
}

Test(tui, what_an_agent_writes_is_seen_until_it_is_said)
{
	tui_hear_bob("lobby", 1, "@deploy what is up?");
	tui_hear(
		"{'type':'partial','room':'lobby','sender':'deploy','content':'I have\\u001b[2J'}");
	tui_check("deploy   I have[2J");
	tui_hear("{'type':'partial','room':'lobby','sender':'deploy','content':'I have looked'}");
	tui_check("deploy   I have looked");
	tui_check("@deploy what is up?");
	tui_hear("{'type':'message','room':'lobby','seq':2,'sender':'deploy','content':'All is "
		 "well.'}");
	tui_check("deploy   All is well.");
	tui_check_not("I have looked");
	tui_hear("{'type':'partial','room':'lobby','sender':'deploy','content':'and now'}");
	tui_hear("{'type':'agent','room':'lobby','agent':'deploy','state':'down'}");
	tui_check_not("and now");
	tui_hear("{'type':'partial','room':'lobby','sender':'deploy','content':'and so'}");
	tui->now += 3600000;
	tui_tick(tui);
	tui_check_not("and so");
}

Test(tui, the_list_tells_whether_an_agent_is_there)
{
	tui_hear_answer(REQUEST_USERS, "{'type':'users','room':'lobby','users':"
				       "[{'user':'deploy','role':'agent','state':'down'}]}");
	tui_check("\u2502 deploy    \u25cb");
	tui_hear("{'type':'agent','room':'lobby','agent':'deploy','state':'busy'}");
	tui_check("\u2502 deploy    \u2699");
}

/* ---- whatever comes */

static uint32_t dice(uint32_t *state, uint32_t sides)
{
	*state = *state * 1664525u + 1013904223u;
	return (*state >> 8) % sides;
}

static void throw_line(uint32_t *state, int64_t *seq)
{
	static const char *const rooms[] = {"lobby", "dev", "@alice", "ops"};
	static const char *const texts[] = {
		"short",
		"@alice look",
		"\u65e5\u672c\u8a9e \U0001f469\u200d\U0001f4bb",
		"a long line that has to be broken, perhaps more than once, on a narrow screen",
		"",
		"two\\nlines\\n",
		"e\u0301\u0301\u0301\u0301\u0301\u0301"};
	const char *room = rooms[dice(state, 4)];

	switch (dice(state, 12)) {
	case 0:
		tui_hear("{'type':'gap','room':'%s','after':1,'next':9}", room);
		break;
	case 1:
		tui_hear("{'type':'reset','room':'%s','epoch':'f','head':0}", room);
		break;
	case 2:
		tui_hear("{'type':'read','room':'%s','seq':%d}", room, (int)dice(state, 500));
		break;
	case 3:
		tui_hear_answer(REQUEST_HISTORY,
				"{'type':'history','room':'%s','first':%d,'count':%d,'more':%s}",
				room, (int)dice(state, 50), (int)dice(state, 4),
				dice(state, 2) ? "true" : "false");
		break;
	case 4:
		tui_hear_history("{'type':'message','room':'%s','seq':%d,'sender':'bob',"
				 "'recipient':'alice','content':'old'}",
				 room, (int)dice(state, 500) + 1);
		break;
	case 5:
		tui_hear("{'type':'presence','room':'%s','joined':['eve','x'],'left':['bob']}",
			 room);
		break;
	case 6:
		tui_hear("{'type':'partial','room':'%s','sender':'bob','content':'%s'}", room,
			 texts[dice(state, 7)]);
		break;
	case 7:
		tui_hear_answer(
			REQUEST_USERS,
			"{'type':'users','room':'%s','users':[{'user':'bob','role':'agent'},"
			"{'user':'carol','away':true}]}",
			room);
		break;
	default:
		tui_hear_bob(room, ++*seq, texts[dice(state, 7)]);
		break;
	}
}

Test(tui, nothing_that_is_typed_or_said_breaks_it)
{
	static const char *const keys[] = {
		ESC "a",   ESC "k",     ESC "u",       PAGE_UP,
		PAGE_DOWN, ESC "[1;3H", ESC "[1;3F",   "\x12",
		"\x13",    "\x0e",      "\x10",        "\r",
		"\t",      "\x07",      ESC "[A",      ESC "[B",
		ESC "1",   ESC "3",     "\x0c",        "x",
		"\u65e5",  "y",         "/room dev\r", ESC "[O",
		"\x19",    "\x15",      ESC "y",       "\x1f",
		ESC "\r",  "line",      "\x14",        ESC "[200~1\n2\n3\n4\n5\n6\n7" ESC "[201~",
		ESC};
	uint32_t state = 42;
	int64_t seq = 0;

	for (unsigned round = 0; round < 20000; round++) {
		tui->now += dice(&state, 40);
		if (dice(&state, 3) > 0)
			throw_line(&state, &seq);
		else
			tui_keys(keys[dice(&state, sizeof(keys) / sizeof(keys[0]))]);
		if (tui_deadline(tui) >= 0 && tui_deadline(tui) <= tui->now)
			tui_tick(tui);
		if (dice(&state, 10) == 0)
			tui_size(1 + dice(&state, 40), 1 + dice(&state, 130));
		if (dice(&state, 4) == 0) {
			tui_draw(tui, &tui_canvas);
			cr_assert_lt(tui_canvas.cursor_column, tui_canvas.columns);
		}
		if (round % 100 == 0)
			tui_told();
	}
}
