/*
 * Which lines a pipe gathered into one message: written down before the message is sent, so that a
 * pipe that was killed gathers the same ones again. Its last message may still be on its way to the
 * server then; under the same id and with the same content it counts once.
 *
 *	journal_note    before each message: lines first to last
 *	journal_find    in the next run: which were gathered from this line on?
 *
 * A file beside the state of user and server, one "first last" a line; it survives kill -9, not a
 * power cut.
 */
#ifndef CLIENT_JOURNAL_H
#define CLIENT_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

struct journal {
	int fd; /* -1: nothing is kept */
};

/* `base` as in struct state (NULL: nothing is kept); device and prefix hold no slash. 0 or -errno.
 */
int journal_open(struct journal *journal, const char *base, const char *device, const char *prefix);
void journal_close(struct journal *journal);
/* `answered`: everything before was, so that nothing of it is needed any more. 0 or -errno. */
int journal_note(struct journal *journal, uint64_t first, uint64_t last, bool answered);
/* The last line of the message that began with `first`; 0: there was none. */
uint64_t journal_find(struct journal *journal, uint64_t first);

#endif
