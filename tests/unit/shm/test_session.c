#include "shm/janitor.h"
#include "shm/member.h"
#include "shm/session.h"
#include "shm/user.h"
#include "tests/shm_segment.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct segment_fixture f;
static uint32_t alice;

static void begin(void)
{
	segment_fixture_start(&f, &segment_fixture_small);
	alice = make_user(&f.shm, "alice");
}

static void end(void)
{
	segment_fixture_finish(&f);
}

/* The end of each test: what fails in .fini doesn't count with Criterion. */
static void expect_all_sound(void)
{
	struct buf why = BUF_INIT;

	cr_expect_eq(segment_is_consistent(&f.shm, &why), 0, "%s", why.data);
	buf_finish(&why);
}

TestSuite(user_session, .init = begin, .fini = end);

Test(user_session, attached_makes_present_and_ended_absent_at_once)
{
	uint32_t session;

	cr_assert_not(user_present(&f.shm, alice));
	cr_assert_eq(session_attach(&f.shm, alice, "phone", 0, &session), SESSION_OK);
	cr_assert(user_present(&f.shm, alice));
	cr_assert_eq(user_connections(&f.shm, alice), 1);
	cr_assert_eq(session_count(&f.shm), 1);
	session_end(&f.shm, session);
	cr_assert_not(user_present(&f.shm, alice));
	cr_assert_eq(user_connections(&f.shm, alice), 0);
	cr_assert_eq(session_count(&f.shm), 0);
	expect_all_sound();
}

Test(user_session, lost_stays_present_for_the_grace_only)
{
	uint32_t session;
	uint64_t now = clock_mono_ms();

	session_attach(&f.shm, alice, "phone", 0, &session);
	session_lose(&f.shm, session, 5000);
	cr_assert(user_present(&f.shm, alice));
	cr_assert_eq(user_connections(&f.shm, alice), 0);
	cr_assert_eq(session_count(&f.shm), 0);
	cr_assert_eq(session_sweep(&f.shm, now + 4000, 10000), 0);
	cr_assert(user_present(&f.shm, alice));
	cr_assert_eq(session_sweep(&f.shm, now + 60000, 10000), 1);
	cr_assert_not(user_present(&f.shm, alice));
	expect_all_sound();
}

Test(user_session, lost_is_resumed_by_the_same_device)
{
	uint32_t first, again, other;

	session_attach(&f.shm, alice, "phone", 0, &first);
	session_lose(&f.shm, first, 5000);
	session_attach(&f.shm, alice, "laptop", 0, &other);
	cr_assert_neq(other, first);
	session_attach(&f.shm, alice, "phone", 0, &again);
	cr_assert_eq(again, first);
	cr_assert_eq(user_connections(&f.shm, alice), 2);
	cr_assert_eq(segment_user(&f.shm, alice)->sessions, 2);
	expect_all_sound();
}

Test(user_session, limit_a_user_counts_those_attached)
{
	uint32_t one, two, three;

	cr_assert_eq(session_attach(&f.shm, alice, "a", 2, &one), SESSION_OK);
	cr_assert_eq(session_attach(&f.shm, alice, "b", 2, &two), SESSION_OK);
	cr_assert_eq(session_attach(&f.shm, alice, "c", 2, &three), SESSION_TOO_MANY);
	session_lose(&f.shm, one, 5000);
	cr_assert_eq(session_attach(&f.shm, alice, "c", 2, &three), SESSION_OK);
	expect_all_sound();
}

Test(user_session, table_is_full_at_max_connections_of_all_workers)
{
	struct shm other = as_worker(&f, 1);
	uint32_t session = SHM_NONE, last = SHM_NONE;

	for (unsigned i = 0; i < f.shm.sizes->max_connections; i++) {
		cr_assert_eq(session_attach(i % 2 ? &f.shm : &other, alice, "", 0, &session),
			     SESSION_OK);
		if (i % 2)
			last = session;
	}
	cr_assert_eq(session_attach(&f.shm, alice, "", 0, &session), SESSION_FULL_TABLE);
	cr_assert_eq(session_count(&f.shm), f.shm.sizes->max_connections);
	session_end(&f.shm, last);
	cr_assert_eq(session_attach(&other, alice, "", 0, &session), SESSION_OK);
	expect_all_sound();
}

Test(user_session, coming_and_going_under_new_devices_fills_nothing)
{
	uint32_t session;
	char device[32];

	for (unsigned i = 0; i < 3 * f.shm.header->session_slots; i++) {
		snprintf(device, sizeof(device), "d%u", i);
		cr_assert_eq(session_attach(&f.shm, alice, device, 0, &session), SESSION_OK);
		session_lose(&f.shm, session, 10000);
	}
	cr_assert_eq(segment_user(&f.shm, alice)->sessions, 1);
	expect_all_sound();
}

Test(user_session, of_a_dead_worker_is_lost_then_freed)
{
	struct shm other = as_worker(&f, 1);
	uint32_t bob = make_user(&f.shm, "bob"), session, mine;
	uint64_t now = clock_mono_ms();

	session_attach(&other, bob, "", 0, &session);
	session_attach(&f.shm, alice, "", 0, &mine);
	janitor_worker_died(&f.shm, 1, false);
	cr_assert_eq(user_connections(&f.shm, bob), 0);
	cr_assert_eq(session_count(&f.shm), 1);
	cr_assert_eq(session_sweep(&f.shm, now, 10000), 1);
	cr_assert(user_present(&f.shm, bob));
	cr_assert_eq(session_sweep(&f.shm, now, 10000), 0);
	cr_assert_eq(session_sweep(&f.shm, now + 10001, 10000), 1);
	cr_assert_not(user_present(&f.shm, bob));
	cr_assert_eq(user_connections(&f.shm, alice), 1);
	expect_all_sound();
}

Test(user_session, of_a_dead_worker_is_resumed_before_anyone_swept)
{
	struct shm other = as_worker(&f, 1);
	uint32_t before, after;

	session_attach(&other, alice, "phone", 0, &before);
	janitor_worker_died(&f.shm, 1, false);
	cr_assert_eq(session_attach(&f.shm, alice, "phone", 1, &after), SESSION_OK);
	cr_assert_eq(after, before);
	cr_assert_eq(segment_user(&f.shm, alice)->sessions, 1);
	/* The successor of the dead one has nothing to do with it. */
	janitor_worker_born(&f.shm, 1);
	other = as_worker(&f, 1);
	session_lose(&other, after, 10);
	cr_assert_eq(user_connections(&f.shm, alice), 1);
	expect_all_sound();
}

Test(user_session, that_is_not_ours_any_more_is_left_alone)
{
	uint32_t session;

	session_attach(&f.shm, alice, "", 0, &session);
	session_end(&f.shm, session);
	session_end(&f.shm, session);
	session_lose(&f.shm, session, 10);
	cr_assert_eq(session_count(&f.shm), 0);
	cr_assert_eq(segment_user(&f.shm, alice)->sessions, 0);
	expect_all_sound();
}
