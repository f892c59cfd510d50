#include "tests/soak/measure.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long field_kb(pid_t pid, const char *name, const char *field)
{
	char path[64], line[256];
	long kb = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	file = fopen(path, "re");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, field, strlen(field)) == 0)
			kb = strtol(line + strlen(field), NULL, 10);
	}
	if (file != NULL)
		fclose(file);
	return kb;
}

/* A worker's walls let only root see more than its status. */
long measure_kb(pid_t pid)
{
	long kb = field_kb(pid, "smaps_rollup", "Anonymous:");

	return kb >= 0 ? kb : field_kb(pid, "status", "RssAnon:");
}

long measure_pss_kb(pid_t pid)
{
	long kb = field_kb(pid, "smaps_rollup", "Pss:");

	return kb >= 0 ? kb : field_kb(pid, "status", "VmRSS:");
}

int measure_fds(pid_t pid)
{
	char path[64];
	int count = 0;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	folder = opendir(path);
	if (folder == NULL)
		return -1;
	for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
		count += entry->d_name[0] != '.';
	closedir(folder);
	return count;
}

void growth_add(struct growth *growth, long kb)
{
	if (kb >= 0 && growth->count < GROWTH_SAMPLES_MAX)
		growth->kb[growth->count++] = kb;
}

static int compare(const void *a, const void *b)
{
	const long *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static long median(const long *kb, unsigned count)
{
	long sorted[GROWTH_SAMPLES_MAX];

	memcpy(sorted, kb, count * sizeof(*kb));
	qsort(sorted, count, sizeof(*sorted), compare);
	return sorted[count / 2];
}

long growth_of(const struct growth *growth)
{
	unsigned fifth = growth->count / 5;

	if (fifth == 0)
		return 0;
	return median(growth->kb + growth->count - fifth, fifth) -
	       median(growth->kb + growth->count * 3 / 10, fifth);
}
