#include "shm/counters.h"
#include "shm/segment_look.h"
#include "tests/shm_segment.h"
#include "top/report.h"
#include "top/sample.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct segment_fixture f;
static struct shm seen;
static struct buf text;

static void setup(void)
{
	segment_fixture_start(&f, &segment_fixture_small);
	buf_reset(&text);
	cr_assert_eq(segment_look(f.instance, &seen, &text), 0, "%s", text.data);
}

static void teardown(void)
{
	segment_look_close(&seen);
	segment_fixture_finish(&f);
	buf_finish(&text);
}

TestSuite(top, .init = setup, .fini = teardown);

Test(top, a_look_finds_the_same_segment_and_cannot_write)
{
	cr_assert_eq(seen.header->rooms_used, f.shm.header->rooms_used);
	cr_assert_neq(seen.base, f.shm.base);
	cr_assert(segment_look_is_current(&seen));
	atomic_store(&f.shm.header->master_pid, 0);
	cr_assert_not(segment_look_is_current(&seen), "its master is gone");
}

Test(top, nobody_can_write_through_a_look)
{
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	cr_assert_eq(write(ends[1], "x", 1), 1);
	/* The kernel's word for what would be a fault. */
	cr_assert_eq(read(ends[0], seen.base, 1), -1);
	cr_assert_eq(errno, EFAULT);
	cr_assert_eq(mprotect(seen.base, seen.size, PROT_READ | PROT_WRITE), -1);
	cr_assert_eq(errno, EACCES);
	close(ends[0]);
	close(ends[1]);
}

Test(top, what_is_no_server_is_told)
{
	struct shm other;

	buf_reset(&text);
	cr_assert_eq(segment_look("no-such-instance", &other, &text), -ENOENT);
	cr_assert_str_eq(text.data, "no server of instance no-such-instance runs on this machine");
	buf_reset(&text);
	cr_assert_eq(segment_look("../x", &other, &text), -EINVAL);
	buf_reset(&text);
	f.shm.header->layout_version++;
	cr_assert_eq(segment_look(f.instance, &other, &text), -EPROTO);
	cr_assert_not_null(strstr(text.data, "another version"));
	f.shm.header->layout_version--;
	f.shm.header->crc ^= 1;
	buf_reset(&text);
	cr_assert_eq(segment_look(f.instance, &other, &text), -EPROTO);
	cr_assert_not_null(strstr(text.data, "no server's shared memory"));
}

Test(top, a_list_has_those_whose_master_lives)
{
	static char all[SEGMENT_LOOK_MAX][64];
	unsigned count = segment_look_list(all), found = 0;

	for (unsigned i = 0; i < count; i++)
		found += strcmp(all[i], f.instance) == 0;
	cr_assert_eq(found, 1);
	atomic_store(&f.shm.header->master_pid, 0);
	count = segment_look_list(all);
	for (unsigned i = 0; i < count; i++)
		cr_assert_str_neq(all[i], f.instance);
}

Test(top, two_samples_tell_rates)
{
	struct sample before, now;
	uint32_t ops = make_room(&f.shm, "ops"), alice = make_user(&f.shm, "alice");

	make_room(&f.shm, "quiet");
	make_line(&f.shm, ops, alice, "one");
	counter_add_at(&f.shm, 0, COUNTER_worker_starts_total, 1);
	counter_add(&f.shm, COUNTER_lines_in_total, 5);
	cr_assert_eq(sample_take(&before, &seen), 0);
	cr_assert_eq(before.room_count, 2);
	cr_assert_eq(before.user_count, 1);
	cr_assert_str_eq(before.user[0].name, "alice");
	cr_assert_eq(before.worker_count, 1);
	make_line(&f.shm, ops, alice, "two");
	make_line(&f.shm, ops, alice, "three");
	counter_add(&f.shm, COUNTER_lines_in_total, 20);
	counter_add(&f.shm, COUNTER_latency + 2, 99);
	counter_add(&f.shm, COUNTER_latency + 6, 2);
	cr_assert_eq(sample_take(&now, &seen), 0);
	now.mono_ms = before.mono_ms + 2000;
	sample_rates(&now, &before);
	cr_assert_float_eq(now.lines_in_rate, 10, 1e-9);
	cr_assert_float_eq(now.worker[0].lines_in_rate, 10, 1e-9);
	cr_assert_str_eq(now.room[0].name, "ops");
	cr_assert_float_eq(now.room[0].rate, 1, 1e-9);
	cr_assert_float_eq(now.room[1].rate, 0, 1e-9);
	cr_assert_float_eq(now.latency_50, 100e-6, 1e-9);
	cr_assert_float_eq(now.latency_99, 2500e-6, 1e-9);
	sample_finish(&before);
	sample_finish(&now);
}

Test(top, a_room_that_began_a_new_life_has_no_rate_yet)
{
	struct sample before, now;
	uint32_t ops = make_room(&f.shm, "ops"), alice = make_user(&f.shm, "alice");

	make_line(&f.shm, ops, alice, "one");
	cr_assert_eq(sample_take(&before, &seen), 0);
	atomic_store(&f.shm.rooms[ops].log.epoch, 77);
	cr_assert_eq(sample_take(&now, &seen), 0);
	now.mono_ms = before.mono_ms + 1000;
	sample_rates(&now, &before);
	cr_assert_lt(now.room[0].rate, 0);
	report_json(&now, "x", &text);
	cr_assert_null(strstr(text.data, "lines_per_s"), "%s", text.data);
	cr_assert_not_null(strstr(text.data, "{\"room\":\"ops\",\"members\":0,\"head\":1,"));
	sample_finish(&before);
	sample_finish(&now);
}

static unsigned lines_in(const char *page, unsigned columns)
{
	unsigned count = 0;

	for (const char *end; (end = strchr(page, '\n')) != NULL; page = end + 1) {
		cr_assert_leq((unsigned)(end - page), columns, "%s", page);
		count++;
	}
	return count;
}

Test(top, a_page_fits_its_screen_whatever_there_is)
{
	struct sample now;

	make_room(&f.shm, "a-room-with-quite-a-long-name-ok");
	make_room(&f.shm, "b");
	make_user(&f.shm, "alice");
	make_user(&f.shm, "bob");
	counter_add_at(&f.shm, 0, COUNTER_worker_starts_total, 1);
	for (unsigned rows = 1; rows < 30; rows++) {
		cr_assert_eq(sample_take(&now, &seen), 0);
		buf_reset(&text);
		report_page(&now, "x", rows, 40, false, &text);
		cr_assert_leq(lines_in(text.data, 40), rows);
		sample_finish(&now);
	}
	cr_assert_not_null(strstr(text.data, "\nalice"));
	cr_assert_not_null(strstr(text.data, "\nb "));
}
