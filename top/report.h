/*
 * A sample as text: one JSON object for programs, a page for people. Sorting for the page is done
 * here, on the sample's own arrays; rates must have been taken before.
 */
#ifndef TOP_REPORT_H
#define TOP_REPORT_H

#include "base/buf.h"
#include "top/sample.h"

/* One line. Rates that are not known are left out. */
void report_json(const struct sample *sample, const char *instance, struct buf *out);
/*
 * At most `rows` lines of at most `columns` characters, each ended by '\n'; 0: as many and as long
 * as it takes. `color`: with SGR sequences for what needs a look.
 */
void report_page(struct sample *sample, const char *instance, unsigned rows, unsigned columns,
		 bool color, struct buf *out);

#endif
