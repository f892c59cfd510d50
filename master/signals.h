/*
 * The master's signals as events of its loop: TERM, INT, HUP, USR2 and CHLD are blocked
 * and read from a signalfd. A child gets them back as they were.
 */
#ifndef MASTER_SIGNALS_H
#define MASTER_SIGNALS_H

/* Blocks them; SIGPIPE is ignored, also by the children. 0 or -errno. */
int signals_open(int *ret_fd);
/* The next one, or 0 when there is none now. */
int signals_next(int fd);
/* In a child, after the fork: default handlers, nothing blocked; closes `fd`. */
void signals_enter_child(int *fd);

#endif
