/* How a file looks from outside: equal twice, a second apart, means that nobody is writing it. */
#ifndef MASTER_FILE_LOOK_H
#define MASTER_FILE_LOOK_H

#include <stdbool.h>
#include <stdint.h>

struct file_look {
	bool there;
	uint64_t inode;
	int64_t size, mtime_ns, ctime_ns;
};

struct file_look file_look_at(const char *path);
bool file_looks_equal(const struct file_look *a, const struct file_look *b);

#endif
