#include "shm/counters.h"
#include "shm/segment_memory.h"
#include "tests/unit/worker/worker_fixture.h"
#include "worker/health.h"
#include "worker/watch.h"

#include <criterion/criterion.h>
#include <string.h>

static void setup(void)
{
	fixture_defaults();
	fixture.config.metrics_listen = (char[]){""};
	fixture_start();
}

TestSuite(watch, .init = setup, .fini = fixture_finish);

static uint64_t full(void)
{
	return counter_sum(&fixture.shm, COUNTER_worker_memory_full);
}

Test(watch, memory_is_full_at_nine_tenths_until_below_seventeen_twentieths)
{
	struct worker *worker = &fixture.worker[0];
	struct config config = fixture.config;
	uint64_t used;

	watch_look(&worker->watch, &worker->shm, &config);
	used = counter_of(&worker->shm, 0, COUNTER_worker_memory_bytes);
	cr_assert_gt(used, 100000);
	cr_assert_eq(full(), 0);
	/* This process may grow or shrink a little between the looks. */
	config.max_worker_memory = (uint32_t)(used * 100 / 97);
	watch_look(&worker->watch, &worker->shm, &config);
	cr_assert_eq(full(), 1);
	cr_assert(watch_is_full(&worker->watch));
	config.max_worker_memory = (uint32_t)(used * 1000 / 875);
	watch_look(&worker->watch, &worker->shm, &config);
	cr_assert_eq(full(), 1, "between the two it stays as it was");
	config.max_worker_memory = (uint32_t)(used * 2);
	watch_look(&worker->watch, &worker->shm, &config);
	cr_assert_eq(full(), 0);
	config.max_worker_memory = (uint32_t)(used * 1000 / 875);
	watch_look(&worker->watch, &worker->shm, &config);
	cr_assert_eq(full(), 0, "between the two it stays as it was");
}

Test(watch, the_number_of_an_accepted_socket_tells_at_once)
{
	struct worker *worker = &fixture.worker[0];

	worker->watch.files_max = 100;
	watch_file(&worker->watch, &worker->shm, 89);
	cr_assert_not(watch_is_full(&worker->watch));
	watch_file(&worker->watch, &worker->shm, 90);
	cr_assert(watch_is_full(&worker->watch));
	cr_assert_not_null(strstr(watch_full_text(&worker->watch), "file descriptors"));
}

Test(watch, a_full_worker_lets_nobody_in_and_loses_nobody)
{
	struct ws *alice = fixture_enter(0, "alice"), *bob;

	fixture.worker[0].watch.memory_full = true;
	bob = fixture_connect(0);
	fixture_turn();
	fixture_send(bob, fixture_login_line(bob, "bob", ""));
	fixture_turn();
	fixture_expect(bob, "\"code\":\"server_full\"");
	fixture_send(alice, "{\"type\":\"ping\",\"id\":\"p\"}");
	fixture_turn();
	fixture_expect(alice, "\"type\":\"pong\"");
	cr_assert_eq(counter_sum(&fixture.shm, COUNTER_full_refused_total), 1);
}

/* The tables say "ok" and "FAIL" elsewhere: what is looked at here is shared memory. */
Test(watch, rooms_end_before_shared_memory_does)
{
	struct worker *worker = &fixture.worker[0];
	struct ws *alice = fixture_enter(0, "alice");
	struct segment_header *header = fixture.shm.header;
	struct buf said = BUF_INIT;

	health_write(worker, &said);
	cr_assert_not_null(strstr(said.data, "shared memory ok: "), "%s", said.data);
	atomic_store(&header->room_memory, atomic_load(&header->room_memory_used) + 4096);
	cr_assert(segment_rooms_full(&fixture.shm));
	buf_reset(&said);
	cr_assert_not(health_write(worker, &said));
	cr_assert_not_null(strstr(said.data, "shared memory FAIL: "), "%s", said.data);
	cr_assert_eq(strncmp(said.data, "not ready\n", 10), 0);
	fixture_send(alice, "{\"type\":\"join\",\"id\":\"j\",\"room\":\"new\"}");
	fixture_turn();
	fixture_expect(alice, "\"code\":\"server_full\"");
	cr_assert_eq(counter_sum(&fixture.shm, COUNTER_full_refused_total), 1);
	buf_finish(&said);
}
