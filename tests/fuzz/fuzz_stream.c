/* What a program that speaks stream-json may write: any bytes, by line. And what we write to it. */
#include "proto/stream_json.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stream_line line, again;
	struct buf out = BUF_INIT;

	if (stream_line_parse((const char *)data, size, &line) < 0)
		return 0;
	if (line.type == STREAM_PERMISSION) {
		/* What is sent back is one line, and JSON. */
		stream_allow(&out, line.request_id, line.input);
		if (!out.failed && (stream_line_parse(out.data, out.len, &again) < 0 ||
				    again.type != STREAM_NOTHING))
			abort();
		if (!out.failed)
			stream_line_finish(&again);
	}
	buf_finish(&out);
	stream_line_finish(&line);
	return 0;
}
