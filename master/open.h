/*
 * Makes all that the workers will share, in the order that tells an operator the most: who
 * runs this instance already, who holds the port, whose files are wrong.
 */
#ifndef MASTER_OPEN_H
#define MASTER_OPEN_H

#include "master/master.h"

/* What config_load can't know: 0, or -EINVAL with a sentence. */
int master_check(const struct config *config, struct buf *error);
/*
 * All but the workers. `config` has passed master_check. 0, or -errno with the reason logged;
 * master_close is due in either case.
 */
int master_open(struct master *master);
/*
 * Its steps, which an upgrade takes one by one (adopt.h). 0, or -errno with the reason logged.
 * `why` stands in the log.
 */
int master_open_account(struct master *master);
int master_open_folder(struct master *master);
int master_open_tls(struct master *master, const char *why);
int master_open_keys(struct master *master, const char *why);
/* What the configuration asks of the segment. */
struct segment_sizes master_sizes(const struct config *config);
/* A names_server_fn; data is the master. */
int master_answer_names(void *data, const char *request, struct names_reply *ret_reply);
/* Saves the registry, removes what was made. 0 or -errno, logged. */
int master_close(struct master *master);
/* The port's number for whoever waits for it. 0 or -errno. */
int master_write_port(struct master *master);
/* Whoever waits for it must not find the one of a server that is going. Once. */
void master_remove_port(struct master *master);
/* Fills the server's names from the configuration: 0, or -EINVAL with a sentence. */
int master_fill_server_names(struct master *master, struct buf *error);

#endif
