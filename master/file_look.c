#include "master/file_look.h"

#include <sys/stat.h>

struct file_look file_look_at(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return (struct file_look){.there = false};
	return (struct file_look){
		.there = true,
		.inode = st.st_ino,
		.size = st.st_size,
		.mtime_ns = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec,
		.ctime_ns = st.st_ctim.tv_sec * INT64_C(1000000000) + st.st_ctim.tv_nsec,
	};
}

bool file_looks_equal(const struct file_look *a, const struct file_look *b)
{
	return a->there == b->there && a->inode == b->inode && a->size == b->size &&
	       a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}
