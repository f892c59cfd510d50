/* A folder of one test's own; it goes with the test. */
#ifndef TESTS_UNIT_MASTER_FOLDER_H
#define TESTS_UNIT_MASTER_FOLDER_H

/* Makes it, mode 0700. The string lives as long as the process. */
const char *folder_make(void);
/* Removes it with all that is in it. */
void folder_remove(void);
/* "<folder>/name"; the string lives until the eighth call from now. */
const char *folder_path(const char *name);
/* Writes a file there, mode 0600; returns its path. */
const char *folder_write(const char *name, const char *text);

#endif
