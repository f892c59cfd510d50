#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
	char process[32];
	enum log_format format;
	enum log_level level;
	int fd;
	uint64_t dropped, dropped_told;
	bool cut; /* the last line is there in part */
	bool journal; /* fd is journald's */
} logger = {.process = "-", .format = LOG_FORMAT_TEXT, .level = LOG_LEVEL_INFO, .fd = 2};

static const char *const level_names[] = {"error", "warn", "info", "debug"};
static const char level_priorities[] = {'3', '4', '6', '7'}; /* syslog(3) */

/* $JOURNAL_STREAM: device and inode of the stream (systemd.exec(5)). */
static bool is_journal(int fd)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat stat;

	return stream != NULL && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(fd, &stat) == 0 && stat.st_dev == device && stat.st_ino == inode;
}

void log_init(const char *process, enum log_format format, enum log_level level, int fd)
{
	logger.format = format;
	logger.level = level;
	logger.fd = fd;
	logger.journal = is_journal(fd);
	log_set_process(process);
}

void log_set_process(const char *process)
{
	snprintf(logger.process, sizeof(logger.process), "%s", process);
}

void log_set_level(enum log_level level)
{
	logger.level = level;
}

bool log_enabled(enum log_level level)
{
	return level <= logger.level;
}

uint64_t log_dropped(void)
{
	return logger.dropped;
}

bool log_limit_take(struct log_limit *limit, unsigned a_second, uint64_t now_mono_ms)
{
	if (limit->second != now_mono_ms / 1000) {
		limit->second = now_mono_ms / 1000;
		limit->taken = 0;
	}
	if (limit->taken < a_second) {
		limit->taken++;
		return true;
	}
	limit->left_out++;
	return false;
}

unsigned log_limit_left_out(struct log_limit *limit, uint64_t now_mono_ms)
{
	unsigned left_out = limit->left_out;

	if (limit->second == now_mono_ms / 1000)
		return 0;
	limit->left_out = 0;
	return left_out;
}

static bool text_needs_quotes(const char *str)
{
	if (*str == '\0')
		return true;
	for (const unsigned char *at = (const unsigned char *)str; *at != '\0'; at++) {
		if (*at <= ' ' || *at == '"' || *at == '\\' || *at == '=' || *at >= 0x7f)
			return true;
	}
	return false;
}

/*
 * Bytes above 0x7e are escaped as well: what is logged may come from strangers,
 * and neither invalid UTF-8 nor bidi controls belong on an operator's terminal.
 */
static void put_quoted(struct buf *out, const char *str)
{
	buf_append_char(out, '"');
	for (const unsigned char *at = (const unsigned char *)str; *at != '\0'; at++) {
		if (*at == '"' || *at == '\\')
			buf_printf(out, "\\%c", *at);
		else if (*at < ' ' || *at >= 0x7f)
			buf_printf(out, "\\u%04x", *at);
		else
			buf_append_char(out, (char)*at);
	}
	buf_append_char(out, '"');
}

static void put_key(struct buf *out, const char *key, size_t len)
{
	if (logger.format == LOG_FORMAT_JSON) {
		buf_append_str(out, ",\"");
		buf_append(out, key, len);
		buf_append_str(out, "\":");
	} else {
		buf_append_char(out, ' ');
		buf_append(out, key, len);
		buf_append_char(out, '=');
	}
}

static void put_string(struct buf *out, const char *str)
{
	if (str == NULL)
		str = "-";
	if (logger.format == LOG_FORMAT_JSON || text_needs_quotes(str))
		put_quoted(out, str);
	else
		buf_append_str(out, str);
}

static void put_hex(struct buf *out, unsigned long long value)
{
	if (logger.format == LOG_FORMAT_JSON)
		buf_printf(out, "\"%llx\"", value);
	else
		buf_printf(out, "%llx", value);
}

/*
 * One conversion, `spec` behind its %, of `len` bytes. False: one that nobody taught
 * us, so that the arguments behind it can't be told apart any more.
 */
static bool put_value(struct buf *out, const char *spec, size_t len, va_list *ap)
{
	char conversion = len > 0 ? spec[len - 1] : '\0';
	bool is_long = len == 2 && spec[0] == 'l';
	bool is_long_long = len == 3 && spec[0] == 'l' && spec[1] == 'l';
	bool is_size = len == 2 && spec[0] == 'z';

	if ((len != 1 && !is_long && !is_long_long && !is_size) ||
	    (conversion == 's' && len != 1) || (conversion != 'u' && is_size))
		conversion = '\0';
	switch (conversion) {
	case 's':
		put_string(out, va_arg(*ap, const char *));
		break;
	case 'd':
		if (is_long_long)
			buf_printf(out, "%lld", va_arg(*ap, long long));
		else if (is_long)
			buf_printf(out, "%ld", va_arg(*ap, long));
		else
			buf_printf(out, "%d", va_arg(*ap, int));
		break;
	case 'u':
		if (is_long_long)
			buf_printf(out, "%llu", va_arg(*ap, unsigned long long));
		else if (is_long)
			buf_printf(out, "%lu", va_arg(*ap, unsigned long));
		else if (is_size)
			buf_printf(out, "%zu", va_arg(*ap, size_t));
		else
			buf_printf(out, "%u", va_arg(*ap, unsigned));
		break;
	case 'x':
		if (is_long_long)
			put_hex(out, va_arg(*ap, unsigned long long));
		else if (is_long)
			put_hex(out, va_arg(*ap, unsigned long));
		else
			put_hex(out, va_arg(*ap, unsigned));
		break;
	default:
		buf_append_str(out, "\"?\"");
		return false;
	}
	return true;
}

static bool put_literal(struct buf *out, const char *text, size_t len)
{
	struct buf value = BUF_INIT;

	buf_append(&value, text, len);
	out->failed = out->failed || value.failed;
	if (!value.failed)
		put_string(out, value.data);
	buf_finish(&value);
	return true;
}

static void put_fields(struct buf *out, const char *fmt, va_list *ap)
{
	bool go_on = true;

	while (go_on && *fmt != '\0') {
		size_t key_len = strcspn(fmt, "= ");
		const char *value = fmt + key_len + (fmt[key_len] == '=');
		size_t value_len = strcspn(value, " ");

		put_key(out, fmt, key_len);
		if (value[0] == '%')
			go_on = put_value(out, value + 1, value_len - 1, ap);
		else
			go_on = put_literal(out, value, value_len);
		fmt = value + value_len;
		fmt += strspn(fmt, " ");
	}
}

/* What follows half a line (a full disk) begins a line of its own all the same. */
static bool write_line(const struct buf *line)
{
	const char *from = line->data + (logger.cut ? 0 : 1);
	size_t len = line->len - (logger.cut ? 0 : 1);
	ssize_t put;

	do
		put = write(logger.fd, from, len);
	while (put < 0 && errno == EINTR);
	if (put > 0)
		logger.cut = put < (ssize_t)len;
	return put == (ssize_t)len;
}

static void emit(enum log_level level, const char *event, const char *fmt, va_list *ap);

static void emit_fields(enum log_level level, const char *event, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(level, event, fmt, &ap);
	va_end(ap);
}

/* There is room again. */
static void tell_dropped(void)
{
	uint64_t count = logger.dropped - logger.dropped_told;

	logger.dropped_told = logger.dropped;
	if (count > 0)
		emit_fields(LOG_LEVEL_WARN, "log lines lost", "count=%llu",
			    (unsigned long long)count);
}

static void emit(enum log_level level, const char *event, const char *fmt, va_list *ap)
{
	struct buf line = BUF_INIT;
	char now[TIMESTAMP_SIZE];

	if (!log_enabled(level))
		return;
	clock_format(now, clock_wall_ms());
	buf_append_char(&line, '\n'); /* for write_line */
	if (logger.journal)
		buf_printf(&line, "<%c>", level_priorities[level]);
	if (logger.format == LOG_FORMAT_JSON) {
		buf_printf(&line,
			   "{\"time\":\"%s\",\"process\":\"%s\",\"level\":\"%s\",\"event\":", now,
			   logger.process, level_names[level]);
		put_quoted(&line, event);
	} else {
		buf_printf(&line, "%s %s %s %s", now, logger.process, level_names[level], event);
	}
	put_fields(&line, fmt, ap);
	buf_append_str(&line, logger.format == LOG_FORMAT_JSON ? "}\n" : "\n");
	if (line.failed || !write_line(&line))
		logger.dropped++;
	else
		tell_dropped();
	buf_finish(&line);
}

#define LOG_FUNCTION(name, level)                                                                  \
	void name(const char *event, const char *fmt, ...)                                         \
	{                                                                                          \
		int saved = errno;                                                                 \
		va_list ap;                                                                        \
                                                                                                   \
		va_start(ap, fmt);                                                                 \
		emit(level, event, fmt, &ap);                                                      \
		va_end(ap);                                                                        \
		errno = saved;                                                                     \
	}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warn, LOG_LEVEL_WARN)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
