/* What a program makes of the server's lines. */
#ifndef TESTS_STORM_READER_H
#define TESTS_STORM_READER_H

#include "tests/storm/program.h"

/* link's on_line; data is the program. */
void reader_line(void *data, const char *line, size_t len);

#endif
