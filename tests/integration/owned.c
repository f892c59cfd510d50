#include "tests/integration/owned.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct owned {
	void *thing;
	void (*finish)(void *);
	void (*describe)(void *);
} * owned;
static size_t owned_count, owned_cap;

void owned_add(void *thing, void (*finish)(void *), void (*describe)(void *))
{
	if (owned_count == owned_cap) {
		owned_cap = owned_cap != 0 ? 2 * owned_cap : 64;
		owned = realloc(owned, owned_cap * sizeof(owned[0]));
		cr_assert_not_null(owned);
	}
	owned[owned_count++] = (struct owned){thing, finish, describe};
}

void owned_finish(void *thing)
{
	for (size_t i = owned_count; i-- > 0;) {
		if (owned[i].thing != thing)
			continue;
		struct owned gone = owned[i];
		memmove(&owned[i], &owned[i + 1], (owned_count - i - 1) * sizeof(owned[0]));
		owned_count--;
		gone.finish(gone.thing);
		return;
	}
}

void owned_finish_all(void)
{
	while (owned_count > 0) {
		struct owned gone = owned[--owned_count];

		gone.finish(gone.thing);
	}
	free(owned);
	owned = NULL;
	owned_cap = 0;
}

void owned_describe_all(const char *file, int line, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "---- %s:%d: ", file, line);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	for (size_t i = 0; i < owned_count; i++) {
		if (owned[i].describe != NULL)
			owned[i].describe(owned[i].thing);
	}
	fprintf(stderr, "---- end of %s:%d\n", file, line);
}
