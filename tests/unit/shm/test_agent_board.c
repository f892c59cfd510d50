#include "shm/agent_board.h"
#include "shm/news.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static struct agent_board *board;
static struct config_agents agents;

static void start(void)
{
	board = agent_board_create();
	cr_assert_not_null(board);
}

static void finish(void)
{
	munmap(board, sizeof(*board));
	free(agents.agent);
}

TestSuite(agent_board, .init = start, .fini = finish);

static void add(const char *name, const char *rooms, const char *approve)
{
	struct config_agent *agent;
	struct buf why = BUF_INIT;

	cr_assert_eq(config_agent_begin(&agents, name, 1, &agent, &why), 0);
	cr_assert_eq(config_agent_set(agent, "rooms", rooms, 1, "", &why), 0);
	cr_assert_eq(config_agent_set(agent, "approve", approve, 1, "", &why), 0);
	buf_finish(&why);
}

Test(agent_board, an_empty_one_and_none_know_nobody)
{
	struct agent_entry entry;

	cr_assert_eq(agent_board_count(board), 0);
	cr_assert_not(agent_board_has(board, "echo"));
	cr_assert_eq(agent_board_count(NULL), 0);
	cr_assert_not(agent_board_has(NULL, "echo"));
	cr_assert_not(agent_board_read(NULL, 0, &entry));
	cr_assert(agent_board_is(board, &agents));
}

Test(agent_board, says_what_the_configuration_says)
{
	struct agent_entry entry;

	add("echo", "ops dev", "");
	add("claude", "ops", "ops alice");
	cr_assert_not(agent_board_is(board, &agents));
	agent_board_write(board, &agents);
	cr_assert(agent_board_is(board, &agents));
	cr_assert(agent_board_find(board, "claude", &entry));
	cr_assert_str_eq(entry.rooms, "ops");
	cr_assert_str_eq(entry.approve, "ops alice");
	cr_assert_str_eq(entry.talk, "everyone");
	cr_assert_eq(atomic_load(&entry.state), AGENT_RESTARTING);
	cr_assert(agent_board_has(board, "echo"));
	cr_assert_not(agent_board_has(board, "ech"));
	cr_assert_not(agent_board_has(board, "echoo"));
}

Test(agent_board, sums_go_on_for_a_name_that_stays)
{
	struct agent_entry entry;

	add("echo", "ops", "");
	add("claude", "ops", "");
	agent_board_write(board, &agents);
	atomic_store(&board->entry[1].turns, 7);
	atomic_store(&board->entry[1].state, AGENT_BUSY);
	/* The first one goes. */
	agents.agent[0] = agents.agent[1];
	agents.count = 1;
	agent_board_write(board, &agents);
	cr_assert_eq(agent_board_count(board), 1);
	cr_assert(agent_board_find(board, "claude", &entry));
	cr_assert_eq(atomic_load(&entry.turns), 7);
	cr_assert_eq(atomic_load(&entry.state), AGENT_RESTARTING);
	cr_assert_not(agent_board_has(board, "echo"));
}

Test(agent_board, while_it_is_written_nobody_reads_half_of_it)
{
	struct agent_entry entry;

	add("echo", "ops", "");
	agent_board_write(board, &agents);
	atomic_fetch_add(&board->version, 1);
	cr_assert_not(agent_board_read(board, 0, &entry));
	atomic_fetch_add(&board->version, 1);
	cr_assert(agent_board_read(board, 0, &entry));
}

Test(news, a_datagram_is_what_was_filled_in_or_nothing)
{
	struct news news, read;
	size_t head = offsetof(struct news, line);

	cr_assert(news_fill(&news, NEWS_ROOM, 3, 9, "line\n", 5));
	cr_assert(news_read(&news, head + 5, &read));
	cr_assert_eq(read.kind, NEWS_ROOM);
	cr_assert_eq(read.index, 3);
	cr_assert_eq(read.epoch, 9);
	cr_assert_eq(read.except, SHM_NONE);
	cr_assert_eq(memcmp(read.line, "line\n", 5), 0);
	cr_assert_not(news_read(&news, head + 4, &read), "cut");
	cr_assert_not(news_read(&news, head + 6, &read), "too long");
	cr_assert_not(news_read(&news, head - 1, &read), "no head");
	cr_assert_not(news_fill(&news, NEWS_ROOM, 3, 9, &news, sizeof(news.line) + 1));
}
