/*
 * Runs a fuzz target over the files of a corpus folder, without libFuzzer: what was once
 * found, or is worth starting from, is tried in every make check.
 *
 *	build/replay_sshsig tests/fuzz/corpus/sshsig
 */
#include "base/buf.h"

#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * Each input is also tried cut short at every length (at most 512 of them), and with one
 * byte changed in as many places: cheap, and the same every time.
 */
static void try_input(const struct buf *file)
{
	size_t step = file->len / 512 + 1;
	uint8_t *copy;

	LLVMFuzzerTestOneInput((const uint8_t *)file->data, file->len);
	for (size_t at = 0; at < file->len; at += step) {
		/* A copy of its own: a sanitizer sees a read behind the end. */
		copy = malloc(at > 0 ? at : 1);
		if (copy == NULL)
			abort();
		for (size_t i = 0; i < at; i++)
			copy[i] = (uint8_t)file->data[i];
		LLVMFuzzerTestOneInput(copy, at);
		free(copy);
		file->data[at] = (char)(file->data[at] ^ (1 << at % 8));
		LLVMFuzzerTestOneInput((const uint8_t *)file->data, file->len);
		file->data[at] = (char)(file->data[at] ^ (1 << at % 8));
	}
}

int main(int argc, char **argv)
{
	struct dirent *entry;
	char path[PATH_MAX];
	unsigned count = 0;
	DIR *folder;

	folder = argc == 2 ? opendir(argv[1]) : NULL;
	if (folder == NULL) {
		fprintf(stderr, "usage: replay_NAME CORPUS-FOLDER\n");
		return 2;
	}
	while ((entry = readdir(folder)) != NULL) {
		struct buf file = BUF_INIT;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
		if (buf_read_file(&file, path, 1 << 20) < 0) {
			fprintf(stderr, "%s: can't be read\n", path);
			return 1;
		}
		if (file.len > 0)
			try_input(&file);
		buf_finish(&file);
		count++;
	}
	closedir(folder);
	printf("%s: %u inputs and their mutations\n", argv[1], count);
	return count > 0 ? 0 : 1;
}
