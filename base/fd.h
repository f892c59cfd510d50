/* File descriptors: the few things everyone does with them. */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <stddef.h>

/* Closes *fd unless it is -1 and sets it to -1; errno is kept. */
void fd_close(int *fd);
/* Writes all of it, over EINTR and short writes: 0 or -errno. For files and blocking sockets. */
int fd_write_all(int fd, const void *bytes, size_t len);
/* FD_CLOEXEC on or off: 0 or -errno. */
int fd_set_cloexec(int fd, int on);
/*
 * Replaces `path` with the bytes so that a reader, or a power cut, sees the old
 * file or the new one, never a part: a temporary file beside it, fsync, rename,
 * fsync of the folder. 0 or -errno.
 */
int fd_replace_file(const char *path, const void *bytes, size_t len, unsigned mode);
/* mkdir -p; each folder made gets `mode`. 0 or -errno. */
int fd_make_folders(const char *path, unsigned mode);

#endif
