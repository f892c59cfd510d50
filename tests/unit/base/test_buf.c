#include "base/buf.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Test(buf, what_is_appended_stands_there_and_is_terminated)
{
	struct buf buf = BUF_INIT;

	buf_append_str(&buf, "one ");
	buf_append_char(&buf, '2');
	buf_append(&buf, " three", 6);
	buf_append_char(&buf, ' ');
	buf_append_u64(&buf, 0);
	buf_append_u64(&buf, UINT64_MAX);
	buf_printf(&buf, " %s-%d", "x", -1);
	cr_assert_str_eq(buf.data, "one 2 three 018446744073709551615 x--1");
	cr_assert_eq(buf.len, strlen(buf.data));
	buf_finish(&buf);
	cr_assert_null(buf.data);
}

Test(buf, grows_as_far_as_it_must)
{
	struct buf buf = BUF_INIT;

	for (unsigned i = 0; i < 100000; i++)
		buf_append_char(&buf, (char)('a' + i % 26));
	cr_assert_eq(buf.len, 100000);
	for (unsigned i = 0; i < 100000; i += 997)
		cr_assert_eq(buf.data[i], (char)('a' + i % 26));
	buf_finish(&buf);
}

Test(buf, a_size_that_cannot_be_is_a_failure_that_stays)
{
	struct buf buf = BUF_INIT;

	buf_append_str(&buf, "kept");
	cr_assert_null(buf_reserve(&buf, SIZE_MAX / 2));
	cr_assert(buf.failed);
	buf_append_str(&buf, " not");
	buf_printf(&buf, "%d", 1);
	cr_assert_str_eq(buf.data, "kept");
	buf_reset(&buf);
	cr_assert_not(buf.failed);
	buf_append_str(&buf, "again");
	cr_assert_str_eq(buf.data, "again");
	buf_finish(&buf);
}

Test(buf, consume_takes_from_the_front)
{
	struct buf buf = BUF_INIT;

	buf_append_str(&buf, "abcdef");
	buf_consume(&buf, 0);
	buf_consume(&buf, 2);
	cr_assert_str_eq(buf.data, "cdef");
	buf_consume(&buf, 100);
	cr_assert_eq(buf.len, 0);
	cr_assert_str_eq(buf.data, "");
	buf_finish(&buf);
}

Test(buf, finish_wipe_and_reset_accept_an_empty_one)
{
	struct buf buf = BUF_INIT;

	buf_reset(&buf);
	buf_wipe(&buf);
	buf_finish(&buf);
	cr_assert_null(buf.data);
	buf_append_str(&buf, "secret");
	buf_wipe(&buf);
	cr_assert_null(buf.data);
	cr_assert_eq(buf.len, 0);
}

Test(buf, reads_a_file_up_to_a_bound)
{
	char path[] = "/tmp/roomkey-buf-XXXXXX";
	int fd = mkstemp(path);
	struct buf buf = BUF_INIT;
	char block[5000];

	cr_assert_geq(fd, 0);
	memset(block, 'x', sizeof(block));
	cr_assert_eq(write(fd, block, sizeof(block)), (ssize_t)sizeof(block));
	cr_assert_eq(buf_read_file(&buf, path, 5000), 0);
	cr_assert_eq(buf.len, 5000);
	cr_assert_eq(buf.data[5000], '\0');
	buf_reset(&buf);
	cr_assert_eq(buf_read_file(&buf, path, 4999), -EFBIG);
	unlink(path);
	cr_assert_eq(buf_read_file(&buf, path, 5000), -ENOENT);
	cr_assert_eq(buf_read_file(&buf, "/", 5000), -EISDIR);
	close(fd);
	buf_finish(&buf);
}
