/*
 * The process between the supervisor and an agent's program: it sees to it that nothing of the
 * program outlives it, or the supervisor, whoever is killed how.
 *
 *	supervisor ──fork──> guard ──fork, exec──> /bin/sh -c COMMAND ──> whatever that starts
 *
 *	the program ends     the guard kills what came of it, then says how it ended
 *	the supervisor dies  the socket between them ends: the guard kills all, and goes
 *	the guard dies       the program gets SIGKILL, the rest comes to the supervisor (family.h)
 *
 * The program has a session and a group of its own, no descriptor but the three standard ones, no
 * new privileges, and an environment of what is named.
 */
#ifndef AGENTS_GUARD_H
#define AGENTS_GUARD_H

#include "base/account.h"
#include "base/config_agent.h"

#include <stdint.h>
#include <sys/types.h>

enum guard_word {
	GUARD_STARTED = 1, /* value: the program's pid, and its group's */
	GUARD_ENDED,       /* value: status as of waitpid; nothing of it is left */
	GUARD_KILL /* from the supervisor. value: the signal, for the group; KILL: for all */
};

struct guard_packet {
	uint32_t word; /* enum guard_word */
	int32_t value;
};

struct guard_fds {
	int status;       /* SOCK_SEQPACKET to the supervisor */
	int in, out, err; /* the program's ends */
};

/*
 * In a forked child: never returns. `account` is whom the program runs as where its
 * configuration names nobody; `mark` an entry of its environment, by which what is left of it is
 * known (family.h).
 */
_Noreturn void guard_run(const struct config_agent *config, const struct account *account,
			 const char *session, const char *mark, const struct guard_fds *fds);

#endif
