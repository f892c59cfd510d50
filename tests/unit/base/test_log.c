#include "base/log.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static int log_fd = -1;

static void begin(enum log_format format, enum log_level level)
{
	log_fd = memfd_create("log", MFD_CLOEXEC);
	cr_assert_geq(log_fd, 0);
	log_init("test", format, level, log_fd);
}

/* All that was logged, with each line's time cut off. */
static const char *logged(void)
{
	static char text[4096];
	ssize_t len = pread(log_fd, text, sizeof(text) - 1, 0);

	cr_assert_geq(len, 0);
	text[len] = '\0';
	return text;
}

static const char *logged_text(void)
{
	const char *text = logged();

	cr_assert_gt(strlen(text), 25, "nothing was logged");
	return text + 25;
}

static const char *logged_json(void)
{
	const char *text = logged();
	const char *behind_time = strstr(text, "\"process\"");

	cr_assert_eq(strncmp(text, "{\"time\":\"20", 11), 0, "%s", text);
	cr_assert_not_null(behind_time);
	return behind_time;
}

Test(log, text_has_process_level_event_and_fields)
{
	begin(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	log_info("login", "user=%s conn=%" PRIu64 " worker=%d", "alice", UINT64_C(7), -1);
	cr_assert_str_eq(logged_text(), "test info login user=alice conn=7 worker=-1\n");
}

Test(log, json_has_the_same_as_one_object)
{
	begin(LOG_FORMAT_JSON, LOG_LEVEL_INFO);
	log_warn("login", "user=%s conn=%lu mask=%x", "alice", 7ul, 255u);
	cr_assert_str_eq(logged_json(),
			 "\"process\":\"test\",\"level\":\"warn\",\"event\":\"login\","
			 "\"user\":\"alice\",\"conn\":7,\"mask\":\"ff\"}\n");
}

Test(log, a_line_may_have_no_fields)
{
	char none[] = "";

	begin(LOG_FORMAT_JSON, LOG_LEVEL_INFO);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
	log_info("started", none);
#pragma GCC diagnostic pop
	cr_assert_str_eq(logged_json(),
			 "\"process\":\"test\",\"level\":\"info\",\"event\":\"started\"}\n");
}

Test(log, every_integer_conversion_is_read_at_its_size)
{
	begin(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	log_info("n", "a=%d b=%u c=%ld d=%lu e=%zu f=%lld g=%llu h=%x i=%lx j=%llx", -2, 3u, -4l,
		 5ul, (size_t)6, -7ll, 8ull, 0x9u, 0xaul, 0xbull);
	cr_assert_str_eq(logged_text(), "test info n a=-2 b=3 c=-4 d=5 e=6 f=-7 g=8 h=9 i=a j=b\n");
}

Test(log, text_quotes_what_would_blur_the_fields)
{
	const char *volatile nothing = NULL;

	begin(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	log_info("x", "a=%s b=%s c=%s d=%s e=%s", "two words", "", "k=v", "q\"\\", nothing);
	cr_assert_str_eq(logged_text(),
			 "test info x a=\"two words\" b=\"\" c=\"k=v\" d=\"q\\\"\\\\\" e=-\n");
}

Test(log, strangers_bytes_are_escaped)
{
	begin(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	log_info("x", "a=%s b=%s", "line\nfeed\x1b[31m", "\x7f\xff");
	cr_assert_str_eq(logged_text(),
			 "test info x a=\"line\\u000afeed\\u001b[31m\" b=\"\\u007f\\u00ff\"\n");
}

Test(log, json_stays_json_whatever_the_value_is)
{
	begin(LOG_FORMAT_JSON, LOG_LEVEL_INFO);
	log_info("x", "a=%s", "\"}\n\\\x80");
	cr_assert_not_null(strstr(logged(), "\"a\":\"\\\"}\\u000a\\\\\\u0080\"}\n"), "%s",
			   logged());
}

Test(log, a_word_may_stand_for_a_conversion)
{
	begin(LOG_FORMAT_JSON, LOG_LEVEL_INFO);
	log_info("drain", "reason=restart left=%u", 3u);
	cr_assert_not_null(strstr(logged(), "\"reason\":\"restart\",\"left\":3}\n"), "%s",
			   logged());
}

Test(log, an_unknown_conversion_ends_the_line_before_it_misreads_the_rest)
{
	/* Built at run time, or the compiler would rightly complain. */
	char fmt[] = "a=%d b=%! c=%s";

	fmt[8] = 'c';
	begin(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	log_info("x", fmt, 1, 'y', "z");
#pragma GCC diagnostic pop
	cr_assert_str_eq(logged_text(), "test info x a=1 b=\"?\"\n");
}

Test(log, lines_below_the_level_are_not_written)
{
	begin(LOG_FORMAT_TEXT, LOG_LEVEL_WARN);
	log_info("hidden", "a=%d", 1);
	log_debug("hidden", "a=%d", 1);
	cr_assert_str_eq(logged(), "");
	cr_assert(log_enabled(LOG_LEVEL_ERROR));
	cr_assert_not(log_enabled(LOG_LEVEL_INFO));
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("shown", "a=%d", 1);
	log_error("shown", "a=%d", 2);
	cr_assert_not_null(strstr(logged(), " debug shown a=1\n"));
	cr_assert_not_null(strstr(logged(), " error shown a=2\n"));
}

Test(log, a_child_has_its_own_name)
{
	begin(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	log_set_process("chat-worker-1");
	log_info("x", "a=%d", 1);
	cr_assert_str_eq(logged_text(), "chat-worker-1 info x a=1\n");
}

Test(log, a_line_that_cannot_be_written_is_counted_and_errno_is_kept)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	cr_assert_geq(full, 0);
	log_init("test", LOG_FORMAT_TEXT, LOG_LEVEL_INFO, full);
	errno = ENOENT;
	log_info("x", "a=%d", 1);
	cr_assert_eq(errno, ENOENT);
	cr_assert_eq(log_dropped(), 1);
	close(full);
	log_info("x", "a=%d", 1);
	cr_assert_eq(log_dropped(), 2);
}

Test(log, a_full_pipe_does_not_block)
{
	int ends[2];

	cr_assert_eq(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
	log_init("test", LOG_FORMAT_TEXT, LOG_LEVEL_INFO, ends[1]);
	while (log_dropped() == 0)
		log_info("x", "a=%s", "a line that fills the pipe sooner or later");
	cr_assert_eq(log_dropped(), 1);
	close(ends[0]);
	close(ends[1]);
}

/* As on a disk that is full: the end of a line doesn't fit, then nothing does, then there is room.
 */
Test(log, half_a_line_spoils_no_other_one_and_what_was_lost_is_told)
{
	struct rlimit size = {.rlim_cur = 60, .rlim_max = RLIM_INFINITY};
	const char *text;

	begin(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &size), 0);
	log_info("one", "is=%s", "half written, for it is longer than that");
	log_info("two", "is=%s", "lost");
	size.rlim_cur = RLIM_INFINITY;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &size), 0);
	log_info("three", "is=%s", "there");
	log_info("four", "is=%s", "there, too");
	text = logged();
	cr_assert_eq(text[60], '\n', "%s", text);
	text += 61;
	cr_assert_eq(strncmp(text + 25, "test info three is=there\n", 25), 0, "%s", text);
	text = strchr(text, '\n') + 1;
	cr_assert_eq(strncmp(text + 25, "test warn log lines lost count=2\n", 33), 0, "%s", text);
	text = strchr(text, '\n') + 1;
	cr_assert_str_eq(text + 25, "test info four is=\"there, too\"\n");
}

Test(log, lines_for_the_journal_begin_with_their_priority)
{
	struct stat stat;
	char stream[64];

	begin(LOG_FORMAT_TEXT, LOG_LEVEL_DEBUG);
	cr_assert_eq(fstat(log_fd, &stat), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)stat.st_dev,
		 (unsigned long long)stat.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_init("test", LOG_FORMAT_TEXT, LOG_LEVEL_DEBUG, log_fd);
	log_error("one", "n=%d", 1);
	log_warn("two", "n=%d", 2);
	log_info("three", "n=%d", 3);
	log_debug("four", "n=%d", 4);
	cr_assert_eq(strncmp(logged(), "<3>2", 4), 0, "%s", logged());
	cr_assert_not_null(strstr(logged(), "\n<4>2"));
	cr_assert_not_null(strstr(logged(), "\n<6>2"));
	cr_assert_not_null(strstr(logged(), "\n<7>2"));
	log_init("test", LOG_FORMAT_JSON, LOG_LEVEL_DEBUG, log_fd);
	log_warn("five", "n=%d", 5);
	cr_assert_not_null(strstr(logged(), "\n<4>{\"time\""));
}

Test(log, another_stream_than_the_journals_has_no_priorities)
{
	setenv("JOURNAL_STREAM", "1:2", 1);
	begin(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	log_info("event", "n=%d", 1);
	setenv("JOURNAL_STREAM", "nonsense", 1);
	log_init("test", LOG_FORMAT_TEXT, LOG_LEVEL_INFO, log_fd);
	log_info("event", "n=%d", 1);
	cr_assert_null(strchr(logged(), '<'));
}

Test(log, a_limit_counts_what_it_leaves_out)
{
	struct log_limit limit = {0};

	for (int i = 0; i < 3; i++)
		cr_assert(log_limit_take(&limit, 3, 5000));
	cr_assert_not(log_limit_take(&limit, 3, 5999));
	cr_assert_not(log_limit_take(&limit, 3, 5999));
	cr_assert_eq(log_limit_left_out(&limit, 5999), 0, "the second isn't over");
	cr_assert_eq(log_limit_left_out(&limit, 6000), 2);
	cr_assert_eq(log_limit_left_out(&limit, 7000), 0);
	cr_assert(log_limit_take(&limit, 3, 7000));
}
