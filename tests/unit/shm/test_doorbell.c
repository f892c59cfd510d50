#include "tests/unit/shm/log_fixture.h"

#include "base/fd.h"
#include "shm/doorbell.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>

static struct log_fixture fixture;
static struct shm *shm;  /* worker 0 */
static struct shm other; /* worker 5, on the same segment */

static void start(void)
{
	log_fixture_start(&fixture, &log_fixture_small);
	shm = &fixture.shm;
	other = fixture.shm;
	other.slot = 5;
}

static void finish(void)
{
	log_fixture_finish(&fixture);
}

TestSuite(doorbell, .init = start, .fini = finish);

static unsigned datagrams_at(const struct shm *at)
{
	char bytes[64];
	unsigned count = 0;

	while (recv(doorbell_fd(at, at->slot), bytes, sizeof(bytes), MSG_DONTWAIT) >= 0)
		count++;
	return count;
}

static void nothing_expected(void *data, const void *bytes, size_t len)
{
	(void)data, (void)bytes;
	cr_assert_fail("a datagram of %zu bytes", len);
}

Test(doorbell, rings_the_workers_with_members_and_marks_the_log)
{
	uint32_t cursor = 0;

	room_log_subscribe(&other, 2);
	cr_assert_not(doorbell_ring_log(shm, 2));
	cr_assert_not(doorbell_ring_log(shm, 1));
	doorbell_drain(&other, nothing_expected, NULL);
	cr_assert_eq(doorbell_take(&other, &cursor), 2);
	cr_assert_eq(doorbell_take(&other, &cursor), SHM_NONE);
	cursor = 0;
	cr_assert_eq(doorbell_take(&other, &cursor), SHM_NONE, "taken once");
}

Test(doorbell, many_rings_are_one_datagram_until_they_are_heard)
{
	room_log_subscribe(&other, 2);
	for (int i = 0; i < 1000; i++)
		doorbell_ring_log(shm, 2);
	cr_assert_eq(datagrams_at(&other), 1);
	doorbell_drain(&other, nothing_expected, NULL);
	doorbell_ring_log(shm, 2);
	cr_assert_eq(datagrams_at(&other), 1);
}

Test(doorbell, a_plain_ring_is_sent_even_where_one_seems_to_be_under_way)
{
	atomic_store(&shm->workers[5].pending, 1); /* a ringer died before he sent */
	room_log_subscribe(&other, 2);
	doorbell_ring_log(shm, 2);
	cr_assert_eq(datagrams_at(&other), 0);
	doorbell_ring(shm, 5);
	cr_assert_eq(datagrams_at(&other), 1);
}

Test(doorbell, our_own_members_are_marked_but_we_do_not_ring_ourselves)
{
	uint32_t cursor = 0;

	room_log_subscribe(shm, 3);
	cr_assert(doorbell_ring_log(shm, 3));
	cr_assert_eq(datagrams_at(shm), 0);
	cr_assert_eq(doorbell_take(shm, &cursor), 3);
}

Test(doorbell, nobody_is_rung_after_his_last_member_has_gone)
{
	uint32_t cursor = 0;

	room_log_subscribe(&other, 3);
	room_log_unsubscribe(&other, 3);
	doorbell_ring_log(shm, 3);
	cr_assert_eq(datagrams_at(&other), 0);
	cr_assert_eq(doorbell_take(&other, &cursor), SHM_NONE);
}

Test(doorbell, every_dirty_log_is_taken_once_wherever_its_bit_lies)
{
	struct segment_sizes sizes = log_fixture_small;
	uint32_t logs, cursor = 0, step = 37, expected = 0;

	sizes.max_rooms = 5000; /* two summary words */
	sizes.max_users = 200;
	log_fixture_finish(&fixture);
	log_fixture_start(&fixture, &sizes);
	other = fixture.shm;
	other.slot = 5;
	logs = sizes.max_rooms + sizes.max_users;
	for (uint32_t log = 0; log < logs; log += step) {
		room_log_subscribe(&other, log);
		doorbell_ring_log(shm, log);
	}
	for (uint32_t log; (log = doorbell_take(&other, &cursor)) != SHM_NONE; expected += step)
		cr_assert_eq(log, expected);
	cr_assert_geq(expected, logs);
	cr_assert_lt(expected, logs + step);
	cr_assert_eq(doorbell_take(&other, &cursor), SHM_NONE);
}

Test(doorbell, a_bit_set_behind_the_cursor_waits_for_the_next_look)
{
	uint32_t cursor = 0;

	room_log_subscribe(&other, 1);
	room_log_subscribe(&other, 3);
	doorbell_ring_log(shm, 3);
	cr_assert_eq(doorbell_take(&other, &cursor), 3);
	doorbell_ring_log(shm, 1);
	cr_assert_eq(doorbell_take(&other, &cursor), SHM_NONE);
	cursor = 0;
	cr_assert_eq(doorbell_take(&other, &cursor), 1);
}

struct heard {
	unsigned count;
	char last[32];
};

static void hear(void *data, const void *bytes, size_t len)
{
	struct heard *heard = data;

	cr_assert_lt(len, sizeof(heard->last));
	memcpy(heard->last, bytes, len);
	heard->last[len] = '\0';
	heard->count++;
}

Test(doorbell, datagrams_of_the_workers_own_are_handed_over_and_rings_are_not)
{
	struct heard heard = {0};

	cr_assert(doorbell_send(shm, 5, "typing", 6));
	doorbell_ring(shm, 5);
	cr_assert(doorbell_send(shm, 5, "away", 4));
	doorbell_drain(&other, hear, &heard);
	cr_assert_eq(heard.count, 2);
	cr_assert_str_eq(heard.last, "away");
	cr_assert_eq(atomic_load(&shm->workers[5].pending), 0);
}

Test(doorbell, a_full_socket_says_so_and_a_ring_to_it_is_not_lost)
{
	struct heard heard = {0};
	char big[DOORBELL_DATAGRAM_MAX];
	unsigned sent = 0;

	memset(big, 'x', sizeof(big));
	while (doorbell_send(shm, 5, "x", 1))
		sent++;
	cr_assert_gt(sent, 0);
	doorbell_ring(shm, 5);
	doorbell_drain(&other, hear, &heard);
	cr_assert_eq(heard.count, sent, "the receiver had something to wake up for");
	cr_assert_eq(atomic_load(&shm->workers[5].pending), 0);
	cr_assert_not(doorbell_send(shm, 5, big, sizeof(big) + 1));
}

Test(doorbell, without_sockets_the_bits_are_set_all_the_same)
{
	uint32_t cursor = 0;

	fixture.shm.bells = NULL;
	room_log_subscribe(&other, 2);
	cr_assert_not(doorbell_ring_log(shm, 2));
	cr_assert_not(doorbell_send(shm, 5, "x", 1));
	cr_assert_eq(doorbell_take(&other, &cursor), 2);
}

Test(doorbell, slots_without_a_bell_are_simply_not_rung)
{
	int bells[SLOTS_MAX][2];
	struct shm here = fixture.shm;

	cr_assert_eq(doorbell_create_for(bells, 5), 0);
	for (unsigned i = 0; i < SLOTS_MAX; i++) {
		cr_assert_eq(bells[i][0] >= 0, i == 0 || i == 2);
		cr_assert_eq(bells[i][1] >= 0, i == 0 || i == 2);
	}
	here.bells = (const int(*)[2])bells;
	cr_assert(doorbell_send(&here, 2, "x", 1));
	cr_assert_not(doorbell_send(&here, 1, "x", 1));
	doorbell_ring(&here, 1);
	/* A child keeps its own end and all that ring. */
	doorbell_enter(bells, 2);
	cr_assert_lt(bells[0][0], 0);
	cr_assert_geq(bells[2][0], 0);
	cr_assert(doorbell_send(&here, 2, "y", 1));
	for (unsigned i = 0; i < SLOTS_MAX; i++) {
		fd_close(&bells[i][0]);
		fd_close(&bells[i][1]);
	}
}
