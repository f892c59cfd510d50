/* What the machine allows and does to us. */
#ifndef MASTER_HOST_H
#define MASTER_HOST_H

#include <stdbool.h>

/* As many open files as the hard limit allows. Returns the limit that holds now. */
unsigned long host_raise_open_files(void);
/*
 * logind's RemoveIPC deletes what an ordinary user has in /dev/shm when he logs out, ours
 * included. True if that may happen to this process.
 */
bool host_removes_ipc(void);
/* What logind.conf and logind.conf.d/ in the folder `etc` say; without a word, yes. */
bool host_conf_removes_ipc(const char *etc);

#endif
