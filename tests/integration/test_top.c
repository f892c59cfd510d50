/* chat-top: a look at a running server, for programs and on a terminal. */
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/pane.h"
#include "tests/integration/scratch.h"
#include "tests/integration/server.h"

#include <signal.h>
#include <string.h>

TestSuite(top, .fini = owned_finish_all, .timeout = 90);

static json_t *look(struct server *s, const char *interval)
{
	struct outcome out = run(program_path("chat-top"), "--instance", s->instance, "--once",
				 "--json", "--interval", interval);
	json_t *top = json_loads(out.out, 0, NULL);

	must(out.status == 0 && top != NULL, "%d %s%s", out.status, out.out, out.err);
	owned_add(top, (void (*)(void *))json_decref, NULL);
	return top;
}

OwnedTest(top, programs_get_one_object)
{
	struct server *s = server_with(.users = "alice bob", .workers = 2);
	struct chat *alice = chat_login_on(s, "alice", NULL, 0);
	struct chat *bob = chat_login_on(s, "bob", NULL, 1);
	json_t *top;

	chat_join(bob, "ops", NULL);
	chat_say(bob, "ops", "m1", "one");
	chat_tell(bob, "alice", "m2", "hi");
	chat_await(alice, "{'type':'message','id':'m2'}");
	top = look(s, "0");
	must(json_has(top, "{'instance':'%s','master':%d,'sessions':2,'connections':2,'present':2}",
		      s->instance, (int)s->pid),
	     "%s", json_text(top));
	must(json_array_size(json_object_get(top, "workers")) == 2, "workers");
	must(json_has(json_array_get(json_object_get(top, "workers"), 1),
		      "{'worker':1,'pid':%d,'deaths':0,'connections':1,'draining':false}",
		      (int)server_worker(s, 1)),
	     "%s", json_text(top));
	must(json_has(top, "{'rooms':[{'room':'lobby','members':2,'head':0},"
			   "{'room':'ops','members':1,'head':1,'lines_per_s':null}]}"),
	     "%s", json_text(top));
	must(json_has(top, "{'users':[{'user':'alice','sessions':1,'rooms':1,'unread':1},"
			   "{'user':'bob','sessions':1,'rooms':2}]}"),
	     "%s", json_text(top));
	top = look(s, "0.1");
	must(json_has(json_array_get(json_object_get(top, "rooms"), 1),
		      "{'room':'ops','lines_per_s':'*'}"),
	     "no rate: %s", json_text(top));
}

OwnedTest(top, a_server_that_is_not_there_is_status_1)
{
	struct outcome out =
		run(program_path("chat-top"), "--instance", "no-such-instance", "--once");

	must(out.status == 1 && strstr(out.err, "no server of instance no-such-instance") != NULL,
	     "%d %s", out.status, out.err);
	out = run(program_path("chat-top"), "--json");
	must(out.status == 2, "%d %s", out.status, out.err);
	out = run(program_path("chat-top"), "--instance", "x", "--once", "--interval", "-1");
	must(out.status == 2 && strstr(out.err, "--interval") != NULL, "%d %s", out.status,
	     out.err);
	out = run(program_path("chat-top"), "--instance", "x");
	must(out.status == 2 && strstr(out.err, "no terminal") != NULL, "%d %s", out.status,
	     out.err);
}

OwnedTest(top, a_server_of_a_killed_master_is_none)
{
	struct server *s = server_with(.users = "alice");
	struct outcome out;

	server_kill(s);
	out = run(program_path("chat-top"), "--instance", s->instance, "--once");
	must(out.status == 1 && strstr(out.err, "its chat-master is gone") != NULL, "%d %s",
	     out.status, out.err);
	server_restart(s);
}

OwnedTest(top, on_a_terminal_it_shows_what_goes_on_until_q)
{
	struct server *s = server_with(.users = "alice bob", .workers = 2, .port_is_kept = true);
	struct chat *alice = chat_login(s, "alice");
	char *command = scratch_text("%s --instance %s --interval 0.2; echo ended with $?; cat",
				     program_path("chat-top"), s->instance);
	struct pane *p = pane_start((const char *const[]){"sh", "-c", command, NULL}, 100, 30);

	pane_expect(p, scratch_text("chat-top: %s, pid %d", s->instance, (int)s->pid));
	pane_expect(p, "1 logged in, 1 connections, 1 of 1 people");
	pane_expect(p, "alice");
	pane_expect(p, "lobby");
	chat_join(alice, "ops", NULL);
	pane_expect(p, "ops");
	chat_login(s, "bob");
	pane_expect(p, "2 logged in, 2 connections, 2 of 2 people");
	/* Small, then wide again: nothing is left of the old size. */
	pane_resize(p, 60, 12);
	pane_expect(p, "... and 2 rooms more");
	pane_resize(p, 100, 30);
	pane_expect_gone(p, "rooms more");
	server_stop(s);
	pane_expect(p, "waiting for it, q ends this");
	server_restart(s);
	pane_expect(p, scratch_text("pid %d", (int)s->pid));
	pane_type(p, "q");
	pane_expect(p, "ended with 0");
}
