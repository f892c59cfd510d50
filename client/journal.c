#include "client/journal.h"

#include "base/buf.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RECORD_MAX 48
#define FILE_MAX ((size_t)4 * 1024 * 1024) /* far more than the queue of a pipe can make */

int journal_open(struct journal *journal, const char *base, const char *device, const char *prefix)
{
	struct buf path = BUF_INIT;
	int rc = 0;

	journal->fd = -1;
	if (!base)
		return 0;
	buf_printf(&path, "%s.%s.%s.lines", base, device, prefix);
	if (path.failed)
		rc = -ENOMEM;
	else if ((journal->fd = open(path.data,
				     O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600)) <
		 0)
		rc = -errno;
	buf_finish(&path);
	return rc;
}

void journal_close(struct journal *journal)
{
	fd_close(&journal->fd);
}

int journal_note(struct journal *journal, uint64_t first, uint64_t last, bool answered)
{
	char record[RECORD_MAX];
	int len;

	if (journal->fd < 0)
		return 0;
	if (answered && ftruncate(journal->fd, 0) < 0)
		return -errno;
	len = snprintf(record, sizeof(record), "%" PRIu64 " %" PRIu64 "\n", first, last);
	return fd_write_all(journal->fd, record, (size_t)len);
}

uint64_t journal_find(struct journal *journal, uint64_t first)
{
	char bytes[4096];
	struct buf text = BUF_INIT;
	uint64_t found = 0;
	ssize_t n;

	if (journal->fd < 0)
		return 0;
	while (text.len < FILE_MAX &&
	       (n = pread(journal->fd, bytes, sizeof(bytes), (off_t)text.len)) > 0)
		buf_append(&text, bytes, (size_t)n);
	for (const char *line = text.data, *end; line && (end = strchr(line, '\n'));
	     line = end + 1) {
		uint64_t from, to;

		/* the last one counts: an older run may have left another */
		if (sscanf(line, "%" SCNu64 " %" SCNu64, &from, &to) == 2 && from == first &&
		    to >= from)
			found = to;
	}
	buf_finish(&text);
	return found;
}
