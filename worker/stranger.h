/*
 * Those who have not logged in, and what their failures cost the address they come from
 * (shm/penalty.h): for a while it is told `rate_limited` with the time to wait, at the connect and
 * at each login line, and nothing of it is looked at.
 */
#ifndef WORKER_STRANGER_H
#define WORKER_STRANGER_H

#include "worker/conn.h"

/* Its address in 16 bytes, IPv4 mapped, as shm/limit.h and shm/penalty.h take it. */
void stranger_ip(const struct conn *conn, uint8_t ret_ip[16]);
/* True: its address has to wait; told in answer to the line `id` (NULL: none), and closed. */
bool stranger_must_wait(struct conn *conn, const char *id);
/* Its login was refused for what the key or the name is (auth_failed). */
void stranger_refused(struct conn *conn);
/*
 * It has logged in. From this machine itself (not through a proxy) that takes back what failed
 * before: whoever is here already can do more than guess keys, and scripts and tests that are
 * meant to fail now and then come from here. Elsewhere one good key doesn't excuse a flood.
 */
void stranger_entered(struct conn *conn);
/* It did not log in in time. */
void stranger_timed_out(struct conn *conn);
/* What strangers do is logged at a bounded rate: true, or it is counted as not logged. */
bool stranger_may_log(struct worker *worker);
/* The same for the lines about connections that are not logged in. */
bool stranger_may_log_connect(struct worker *worker);
/* Once a second: says what was left out. */
void stranger_look(struct worker *worker);

#endif
