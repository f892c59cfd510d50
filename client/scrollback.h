/*
 * What was said in one room, as the screen keeps it: a list of entries in the order of the log.
 * Older lines come in at the front (history), new ones at the end; entries of our own (notes, a
 * gap) stand where they happened. Pure; texts are clean when they come in.
 *
 *	[hole] e0 e1 e2 … eN [hole]      a ring with room at both ends
 *
 * An entry is one block of 18 bytes, the name and the text: 100,000 ordinary lines are 13 MB.
 */
#ifndef CLIENT_SCROLLBACK_H
#define CLIENT_SCROLLBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum entry_kind {
	ENTRY_MESSAGE,
	ENTRY_ME,     /* "* carol waves" */
	ENTRY_NOTICE, /* a message that wants no answer */
	ENTRY_ALERT,
	ENTRY_DEED,    /* "carol set the topic: ..." */
	ENTRY_NOTE,    /* ours */
	ENTRY_BREAK,   /* a gap, a reset: nobody may miss that lines are missing */
	ENTRY_ANSWER,  /* what was asked for */
	ENTRY_TROUBLE, /* an error */
};

#define ENTRY_MENTION 0x01u /* of us */
#define ENTRY_OWN 0x02u     /* we said it */
#define ENTRY_EDITED 0x04u
#define ENTRY_DELETED 0x08u

struct entry {
	int64_t seq; /* 0: not a stored line */
	uint32_t at; /* seconds since 1970; 0: nobody knows */
	uint16_t text_len;
	uint8_t kind, flags;
	uint8_t sender_len;
	char bytes[]; /* sender NUL text NUL */
};

struct scrollback {
	struct entry **ring; /* owned, and its entries */
	size_t size;         /* a power of two, or 0 */
	size_t start, count;
};

/* What an entry is made of; strings are copied. */
struct entry_parts {
	int64_t seq;
	uint32_t at;
	enum entry_kind kind;
	unsigned flags;
	const char *sender; /* NULL: nobody */
	const char *text;   /* cut at 65535 bytes */
};

void scrollback_finish(struct scrollback *scrollback);
const struct entry *scrollback_get(const struct scrollback *scrollback, size_t index);
const char *entry_sender(const struct entry *entry);
const char *entry_text(const struct entry *entry);
/* Did a person say or do it? (Not a note of our own.) */
bool entry_is_said(const struct entry *entry);

/*
 * Puts a line in its place: by its seq, or at the end without one. 0 and where it stands now;
 * -EEXIST: that seq is there already; -ENOMEM.
 */
int scrollback_add(struct scrollback *scrollback, const struct entry_parts *parts,
		   size_t *ret_index);
/* Where the first entry with a seq above this one stands; count where there is none. */
size_t scrollback_above(const struct scrollback *scrollback, int64_t seq);
/* The entry of this seq: its index, or false. */
bool scrollback_find(const struct scrollback *scrollback, int64_t seq, size_t *ret_index);
/* Other words for an entry, and more flags. 0 or -ENOMEM. */
int scrollback_change(struct scrollback *scrollback, size_t index, const char *text,
		      unsigned flags);
/* Numbers begin afresh (a reset): what is there keeps its place and has no seq any more. */
void scrollback_forget_seqs(struct scrollback *scrollback);
/* Forgets the oldest entry. */
void scrollback_drop_first(struct scrollback *scrollback);
/* The seq of the oldest stored line; 0: none. */
int64_t scrollback_first_seq(const struct scrollback *scrollback);

#endif
