#include "agents/split.h"

#include "base/limits.h"

#include <stdio.h>
#include <string.h>

/* What closing and opening a fence may take. */
#define FENCE_CHARS 80u

void split_begin(struct split *split, struct text text)
{
	*split = (struct split){.rest = text};
}

static bool is_fence(const char *line, size_t len)
{
	return len >= 3 && (memcmp(line, "```", 3) == 0 || memcmp(line, "~~~", 3) == 0);
}

/* Bytes of the first `characters` of the text. */
static size_t bytes_of(struct text text, size_t characters)
{
	size_t at = 0;
	uint32_t character;

	while (characters-- > 0 && at < text.len) {
		size_t size = text_next(text.str + at, text.len - at, &character);

		at += size > 0 ? size : 1;
	}
	return at;
}

/* The fence that is open behind text[0..len), if the one in `fence` was open before it. */
static void follow_fences(const char *text, size_t len, char *fence, size_t size)
{
	for (const char *line = text, *end = text + len; line < end;) {
		const char *lf = memchr(line, '\n', (size_t)(end - line));
		size_t line_len = (size_t)((lf != NULL ? lf : end) - line);

		if (is_fence(line, line_len)) {
			if (fence[0] == '\0')
				snprintf(fence, size, "%.*s", (int)line_len, line);
			else if (line[0] == fence[0])
				fence[0] = '\0';
		}
		line += line_len + 1;
	}
}

static bool is_open_after(const struct split *split, size_t len)
{
	char fence[sizeof(split->fence)];

	memcpy(fence, split->fence, sizeof(fence));
	follow_fences(split->rest.str, len, fence, sizeof(fence));
	return fence[0] != '\0';
}

/* Where to cut, at most at `most`: behind the last of what is best and not too far in front. */
static size_t cut_at(const struct split *split, size_t most)
{
	const char *text = split->rest.str;
	size_t paragraph = 0, line = 0, word = 0;

	for (size_t at = 1; at <= most; at++) {
		if (text[at - 1] == ' ')
			word = at;
		if (text[at - 1] != '\n')
			continue;
		line = at;
		if (at >= 2 && text[at - 2] == '\n' && !is_open_after(split, at))
			paragraph = at;
		/* In front of a fence that opens. */
		if (is_fence(text + at, split->rest.len - at) && !is_open_after(split, at))
			paragraph = at;
	}
	if (paragraph > most / 4)
		return paragraph;
	if (line > most / 2)
		return line;
	return word > most / 2 ? word : most;
}

bool split_next(struct split *split, struct buf *part)
{
	bool reopened = split->fence[0] != '\0';
	size_t most, len, end;

	buf_reset(part);
	/* Newlines at a cut are nobody's. */
	while (!reopened && split->rest.len > 0 && split->rest.str[0] == '\n')
		split->rest = (struct text){split->rest.str + 1, split->rest.len - 1};
	if (text_is_blank(split->rest))
		return false;
	if (reopened)
		buf_printf(part, "%s\n", split->fence);
	if (text_characters(split->rest) <= CONTENT_MAX_CHARS - (reopened ? FENCE_CHARS : 0)) {
		len = split->rest.len;
	} else {
		most = bytes_of(split->rest, CONTENT_MAX_CHARS - 2 * FENCE_CHARS);
		len = cut_at(split, most);
	}
	end = len;
	while (end > 0 && split->rest.str[end - 1] == '\n')
		end--;
	buf_append(part, split->rest.str, end);
	follow_fences(split->rest.str, len, split->fence, sizeof(split->fence));
	split->rest = (struct text){split->rest.str + len, split->rest.len - len};
	if (split->fence[0] != '\0' && split->rest.len > 0)
		buf_printf(part, "\n%.3s", split->fence);
	return !part->failed;
}
