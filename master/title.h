/* What ps, pgrep and top call a process. */
#ifndef MASTER_TITLE_H
#define MASTER_TITLE_H

/*
 * First thing in main: remembers where the kernel reads the command line from, and moves
 * arguments and environment elsewhere, so that a child may write its title over them.
 * Returns the moved argv (argv itself when there is no memory: titles are then left alone).
 */
char **title_init(int argc, char **argv);
/* Names this process in /proc/PID/comm; cut to 15 characters. */
void title_set_short(const char *title);
/* The same, and in its command line. */
void title_set(const char *title);

#endif
