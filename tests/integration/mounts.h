/*
 * File systems of the test's own, small enough to be filled: a mount namespace that this test alone
 * lives in, with whatever it starts. Needs root, or a kernel that lets anybody make namespaces;
 * where neither is there the test is skipped, and says so.
 */
#ifndef TESTS_INTEGRATION_MOUNTS_H
#define TESTS_INTEGRATION_MOUNTS_H

/* Before anything is started. Skips the test where it isn't allowed. */
void mounts_enter(void);
/* A tmpfs of that size ("64m") on the folder, which is made if it isn't there. */
void mounts_tmpfs(const char *folder, const char *size);
/* Writes the file until its file system has no room left. */
void mounts_fill(const char *path);

#endif
