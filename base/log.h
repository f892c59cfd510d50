/*
 * The log of a process: what happened and to what, for people on a terminal
 * (text) and for programs (one JSON object a line).
 *
 *	log_info("login", "user=%s fingerprint=%s conn=%" PRIu64, user, fp, id);
 *
 *	2026-11-20T17:00:00.123Z chat-worker-1 info login user=alice fingerprint=SHA256:... conn=7
 *	{"time":"2026-11-20T17:00:00.123Z","process":"chat-worker-1","level":"info","event":"login","user":"alice",...}
 *
 * The format is a list of key=conversion or key=word pairs, separated by single
 * spaces; conversions are %s (quoted where needed, cleaned of control characters;
 * NULL prints "-"), and the integers %d %u %ld %lu %zu %lld %llu %x %lx %llx (by PRIu64
 * and friends). Any other ends the line, as the arguments behind it can't be read. A
 * line is written with one write(2); one that can't be written is counted and dropped,
 * never waited for: a full log disk must not stop a chat.
 *
 * The only global state of a process. Libraries (base, proto, auth, shm) return
 * errors and do not log. Never log signatures, tokens, nor message text above debug.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

/*
 * Before this: text to standard error at level info, process "-". fd is borrowed. Where fd is
 * the journal's ($JOURNAL_STREAM names it), each line begins with its priority, "<4>", which
 * journald takes off again (sd-daemon(3)).
 */
void log_init(const char *process, enum log_format format, enum log_level level, int fd);
/* After a fork: the child's own name. */
void log_set_process(const char *process);
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);
/*
 * For lines that strangers cause: at most so many a second, the rest is counted.
 *
 *	if (log_limit_take(&limit, 20, now))
 *		log_info(...);
 *	left_out = log_limit_left_out(&limit, now);        once a second; not 0: say so
 */
struct log_limit {
	uint64_t second; /* that is counted */
	unsigned taken, left_out;
};
bool log_limit_take(struct log_limit *limit, unsigned a_second, uint64_t now_mono_ms);
/* How many were left out until the second that is under way; they are forgotten by that. */
unsigned log_limit_left_out(struct log_limit *limit, uint64_t now_mono_ms);

/* Lines that could not be written since the start of the process. */
uint64_t log_dropped(void);

void log_error(const char *event, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_warn(const char *event, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_info(const char *event, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_debug(const char *event, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
