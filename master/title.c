#include "master/title.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Process-wide as the memory that it describes. */
static struct {
	char *start; /* argv's and environ's strings lie here, one after the other */
	size_t size;
	char **argv, **environ; /* the copies: held here for the life of the process */
} area;

/* One block, so that what unsetenv() takes out of the list later is still held. */
static char **strings_copy(char **strings, size_t count)
{
	size_t bytes = (count + 1) * sizeof(*strings);
	char **copy;
	char *at;

	for (size_t i = 0; i < count; i++)
		bytes += strlen(strings[i]) + 1;
	copy = malloc(bytes);
	if (copy == NULL)
		return NULL;
	at = (char *)(copy + count + 1);
	for (size_t i = 0; i < count; i++) {
		copy[i] = at;
		at = stpcpy(at, strings[i]) + 1;
	}
	copy[count] = NULL;
	return copy;
}

/* The end of the strings that follow `end` without a gap. */
static char *strings_end(char *end, char **strings, size_t count)
{
	for (size_t i = 0; i < count && strings[i] == end; i++)
		end += strlen(end) + 1;
	return end;
}

char **title_init(int argc, char **argv)
{
	size_t args = (size_t)argc, vars = 0;
	char **new_argv, **new_environ;
	char *end;

	if (argc < 1)
		return argv;
	while (environ[vars] != NULL)
		vars++;
	end = strings_end(argv[0], argv, args);
	end = strings_end(end, environ, vars);
	/* Never freed: getenv() hands out pointers into it. */
	new_argv = strings_copy(argv, args);
	new_environ = strings_copy(environ, vars);
	if (new_argv == NULL || new_environ == NULL) {
		free(new_argv);
		free(new_environ);
		return argv;
	}
	area.start = argv[0];
	area.size = (size_t)(end - argv[0]);
	area.argv = new_argv;
	area.environ = new_environ;
	environ = new_environ;
	return new_argv;
}

void title_set_short(const char *title)
{
	prctl(PR_SET_NAME, title);
}

void title_set(const char *title)
{
	title_set_short(title);
	if (area.size == 0)
		return;
	memset(area.start, 0, area.size);
	snprintf(area.start, area.size, "%s", title);
}
