/*
 * The rooms of struct agent: agent.c (its life), turns.c (what it is told), speak.c (what is said
 * in its name), stream.c (stream-json), ask.c (permission).
 */
#ifndef AGENTS_AGENT_PRIVATE_H
#define AGENTS_AGENT_PRIVATE_H

#include "agents/agent.h"

#define AGENT_LINE_MAX (8u << 20) /* of its output; what is more is cut */

/* turns.c */
void turns_send(struct agent *agent, uint64_t now_ms);
/* The oldest turn is over. */
void turns_end(struct agent *agent, uint64_t now_ms);
/* The process is gone: what had done nothing waits again, of the others it is said. */
void turns_after_death(struct agent *agent, uint64_t now_ms);
/* None is done any more; their senders are told. */
void turns_refuse(struct agent *agent, enum proto_error code);
/* The turn under way; NULL: none. */
struct agent_turn *turns_current(const struct agent *agent);
/* It has done something about the turn. */
void turns_produced(struct agent *agent, struct agent_turn *turn);
void turns_busy(struct agent *agent, uint64_t now_ms);

/* speak.c */
void speak_notice(struct agent *agent, unsigned room, uint64_t reply_to, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* As one message, or several. */
void speak_text(struct agent *agent, unsigned room, uint64_t reply_to, struct text text,
		const char *format);
void speak_partial(struct agent *agent, uint64_t now_ms);
/* Room for so many bytes of text in this turn? Cuts, and says so once. */
size_t speak_room(struct agent *agent, unsigned room, size_t len);

/* stream.c and lines: one line of its output. */
void stream_line_said(struct agent *agent, const char *bytes, size_t len, uint64_t now_ms);
void plain_line_said(struct agent *agent, const char *bytes, size_t len, uint64_t now_ms);

/* ask.c */
void ask_permission(struct agent *agent, const struct stream_line *line, uint64_t now_ms);
void ask_cancel(struct agent *agent, const char *request_id);
void ask_forget_all(struct agent *agent);
void ask_tick(struct agent *agent, uint64_t now_ms);
uint64_t ask_due(const struct agent *agent);

/* agent.c */
void agent_stop_now(struct agent *agent, bool start_again, uint64_t now_ms);
void agent_interrupt(struct agent *agent, uint64_t now_ms);

#endif
