/* master/handover: what is given is taken, once, and nothing else is believed. */
#include "master/handover.h"

#include "base/fd.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct handover given, taken;

static int seal(void)
{
	int fd = -1;

	cr_assert_eq(handover_seal(&given, &fd), 0);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static bool is_cloexec(int fd)
{
	return (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

Test(handover, what_is_given_is_taken)
{
	int file = open("/dev/null", O_RDONLY | O_CLOEXEC), got = -1;
	struct buf text = BUF_INIT;
	uint64_t number = 0;

	handover_begin(&given);
	handover_give_text(&given, "name", "two words, 100% of them\nand a line");
	handover_give_text(&given, "empty", "");
	handover_give_number(&given, "big", UINT64_MAX);
	handover_give_fd(&given, "none", -1);
	handover_give_fd(&given, "file", file);
	cr_assert_eq(handover_read(seal(), &taken), 0);
	cr_assert_eq(handover_take_text(&taken, "name", &text), 0);
	cr_expect_str_eq(text.data, "two words, 100% of them\nand a line");
	cr_assert_eq(handover_take_text(&taken, "empty", &text), 0);
	cr_expect_str_eq(text.data, "");
	cr_assert_eq(handover_take_number(&taken, "big", &number), 0);
	cr_expect_eq(number, UINT64_MAX);
	cr_assert_eq(handover_take_fd(&taken, "file", &got), 0);
	cr_expect_eq(got, file);
	cr_expect_eq(handover_take_text(&taken, "nam", &text), -ENOENT);
	cr_expect_eq(handover_take_number(&taken, "name", &number), -ENOENT, "another kind");
	cr_expect_eq(handover_take_fd(&taken, "none", &got), -ENOENT);
	buf_finish(&text);
	handover_finish(&given, false);
	handover_finish(&taken, true);
	cr_expect(is_open(file), "it was taken");
}

Test(handover, descriptors_stay_open_for_the_exec_alone)
{
	int file = open("/dev/null", O_RDONLY | O_CLOEXEC), got;

	handover_begin(&given);
	handover_give_fd(&given, "file", file);
	cr_assert_eq(handover_keep_open(&given, true), 0);
	cr_expect_not(is_cloexec(file));
	cr_assert_eq(handover_read(seal(), &taken), 0);
	cr_assert_eq(handover_take_fd(&taken, "file", &got), 0);
	cr_expect(is_cloexec(file), "the new one has it as its own");
	cr_assert_eq(handover_keep_open(&given, true), 0);
	cr_assert_eq(handover_keep_open(&given, false), 0);
	cr_expect(is_cloexec(file), "the exec failed");
}

Test(handover, each_descriptor_is_taken_once_and_the_rest_is_closed)
{
	int one = dup(STDIN_FILENO), two = dup(STDIN_FILENO), got = -1;

	handover_begin(&given);
	handover_give_fd(&given, "one", one);
	handover_give_fd(&given, "two", two);
	cr_assert_eq(handover_read(seal(), &taken), 0);
	cr_assert_eq(handover_take_fd(&taken, "one", &got), 0);
	cr_expect_eq(handover_take_fd(&taken, "one", &got), -ENOENT);
	handover_finish(&taken, true);
	cr_expect(is_open(one));
	cr_expect_not(is_open(two), "nobody knows it");
}

Test(handover, a_descriptor_that_is_not_there_is_an_error)
{
	int gone = fcntl(STDIN_FILENO, F_DUPFD, 900), got = -1;

	handover_begin(&given);
	handover_give_fd(&given, "gone", gone);
	close(gone);
	cr_assert_eq(handover_read(seal(), &taken), 0);
	cr_expect_eq(handover_take_fd(&taken, "gone", &got), -EBADMSG);
	cr_expect_eq(got, -1);
}

/* A memfd with this text, sealed or not. */
static int memfd_of(const char *text, size_t len, int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	cr_assert_eq(fd_write_all(fd, text, len), 0);
	cr_assert_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

Test(handover, what_is_no_whole_one_is_not_believed)
{
	static const char *const texts[] = {
		"",
		"roomkey handover 2\nend\n",
		"roomkey handover 1\n",
		"roomkey handover 1\ntext a b\nen",
		"roomkey handover 1\ntext a bend\n",
		"roomkey handover 1\nfd a 1\nend\n",
		"roomkey handover 1\nfd a -1\nend\n",
		"roomkey handover 1\nfd a 12x\nend\n",
		"roomkey handover 1\nfd a 99999999999999999999999\nend\n",
	};
	static const char nul[] = "roomkey handover 1\ntext a b\0c\nend\n";
	static const char good[] = "roomkey handover 1\nend\n";

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect_eq(
			handover_read(memfd_of(texts[i], strlen(texts[i]), F_SEAL_WRITE), &taken),
			-EBADMSG, "%zu", i);
	cr_expect_eq(handover_read(memfd_of(nul, sizeof(nul) - 1, F_SEAL_WRITE), &taken), -EBADMSG);
	cr_expect_eq(handover_read(memfd_of(good, sizeof(good) - 1, F_SEAL_GROW), &taken), -EBADMSG,
		     "somebody could still write to it");
	cr_expect_eq(handover_read(memfd_of(good, sizeof(good) - 1, F_SEAL_WRITE), &taken), 0);
	cr_expect_eq(handover_read(STDERR_FILENO, &taken), -EBADMSG, "no memfd at all");
}

Test(handover, more_descriptors_than_fit_are_an_error_and_not_less)
{
	int fd = -1;

	handover_begin(&given);
	for (unsigned i = 0; i <= HANDOVER_FDS_MAX; i++)
		handover_give_fd(&given, "same", STDERR_FILENO);
	cr_expect_eq(handover_seal(&given, &fd), -E2BIG);
	cr_expect_eq(fd, -1);
}

static void collect(void *data, const char *name, const char *text)
{
	buf_printf(data, "%s=%s;", name, text);
}

Test(handover, names_below_a_prefix_come_in_order)
{
	struct buf seen = BUF_INIT;

	handover_begin(&given);
	handover_give_text(&given, "option.port", "80");
	handover_give_number(&given, "option.number", 3);
	handover_give_text(&given, "option.", "no name");
	handover_give_text(&given, "optional", "other");
	handover_give_text(&given, "option.host", "");
	cr_assert_eq(handover_read(seal(), &taken), 0);
	handover_each(&taken, "option.", collect, &seen);
	cr_expect_str_eq(seen.data, "port=80;host=;");
	buf_finish(&seen);
}
