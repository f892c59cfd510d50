/*
 * A running master asks this binary, before it becomes it: a hidden call.
 *
 *	chat-master --upgrade-check=FD ARGUMENTS...     its own arguments and environment
 *
 * FD is a handover (handover.h) that is only looked at; the segment's descriptor is open, too. Last
 * line of the answer: "ok VERSION", or the reason why not. An older binary refuses the word.
 */
#ifndef MASTER_UPGRADE_CHECK_H
#define MASTER_UPGRADE_CHECK_H

#include <stdbool.h>

#define UPGRADE_CHECK_WORD "--upgrade-check="
#define UPGRADE_CHECK_OK "ok "

bool upgrade_check_is_asked(int argc, char **argv);
/* Answers on standard output; the exit code. */
int upgrade_check_answer(int argc, char **argv, char **envp);

#endif
