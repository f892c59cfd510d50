#include "client/edit.h"

#include "client/utf8.h"

#include <stdlib.h>
#include <string.h>

#define CTRL(letter) ((letter)&0x1f)
#define ESCAPE 0x1b
#define DELETE 0x7f

void edit_finish(struct edit *edit)
{
	buf_finish(&edit->text);
	edit_kills_finish(&edit->own_kills);
	edit_undo_clear(&edit->undo);
	buf_finish(&edit->unsent);
	for (size_t i = 0; i < edit->history_count; i++)
		free(edit->history[i]);
	*edit = (struct edit){0};
}

/* ---- text */

static const char *text_of(const struct edit *edit)
{
	return edit->text.data ? edit->text.data : "";
}

static void insert(struct edit *edit, const char *bytes, size_t len)
{
	struct buf *text = &edit->text;

	if (text->len + len > EDIT_BYTES_MAX || !buf_reserve(text, len))
		return;
	memmove(text->data + edit->cursor + len, text->data + edit->cursor,
		text->len - edit->cursor);
	memcpy(text->data + edit->cursor, bytes, len);
	text->len += len;
	text->data[text->len] = '\0';
	edit->cursor += len;
}

static void erase(struct edit *edit, size_t from, size_t to)
{
	struct buf *text = &edit->text;

	if (from >= to)
		return;
	memmove(text->data + from, text->data + to, text->len - to);
	text->len -= to - from;
	text->data[text->len] = '\0';
	edit->cursor = from;
}

/* Before anything changes: this can be undone. Once a key, and once for letters in a row. */
static void begin(struct edit *edit, enum edit_deed deed)
{
	bool goes_on = deed == EDIT_DID_TYPE && edit->did == EDIT_DID_TYPE;

	if (!goes_on && edit->doing == EDIT_DID_OTHER)
		edit_undo_keep(&edit->undo, text_of(edit), edit->cursor);
	edit->doing = deed;
}

static struct edit_kills *kills_of(struct edit *edit)
{
	return edit->kills ? edit->kills : &edit->own_kills;
}

/* Erases, and keeps it for C-y. */
static void take(struct edit *edit, size_t from, size_t to)
{
	if (from >= to)
		return;
	begin(edit, EDIT_DID_TAKE);
	if (edit->did == EDIT_DID_TAKE)
		edit_kills_join(kills_of(edit), text_of(edit) + from, to - from,
				to == edit->cursor);
	else
		edit_kills_add(kills_of(edit), text_of(edit) + from, to - from);
	erase(edit, from, to);
}

/* Erases without a copy. */
static void drop(struct edit *edit, size_t from, size_t to)
{
	if (from >= to)
		return;
	begin(edit, EDIT_DID_OTHER);
	erase(edit, from, to);
}

static void set_text(struct edit *edit, const char *text)
{
	buf_reset(&edit->text);
	buf_append_str(&edit->text, text);
	edit->cursor = edit->text.len;
}

static size_t next(const struct edit *edit)
{
	uint32_t character;

	if (edit->cursor == edit->text.len)
		return edit->cursor;
	return edit->cursor +
	       utf8_decode(text_of(edit) + edit->cursor, edit->text.len - edit->cursor, &character);
}

static size_t previous(const struct edit *edit)
{
	return edit->cursor == 0 ? 0 : edit->cursor - utf8_before(text_of(edit), edit->cursor);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static size_t word_start(const struct edit *edit)
{
	size_t at = edit->cursor;

	while (at > 0 && is_space(text_of(edit)[at - 1]))
		at--;
	while (at > 0 && !is_space(text_of(edit)[at - 1]))
		at--;
	return at;
}

static size_t word_end(const struct edit *edit)
{
	size_t at = edit->cursor;

	while (at < edit->text.len && is_space(text_of(edit)[at]))
		at++;
	while (at < edit->text.len && !is_space(text_of(edit)[at]))
		at++;
	return at;
}

/* ---- history */

static void remember(struct edit *edit, const char *line)
{
	char *copy;

	if (line[0] == '\0' ||
	    (edit->history_count > 0 && strcmp(edit->history[edit->history_count - 1], line) == 0))
		return;
	copy = strdup(line);
	if (!copy)
		return;
	if (edit->history_count == EDIT_HISTORY_MAX) {
		free(edit->history[0]);
		memmove(edit->history, edit->history + 1, (EDIT_HISTORY_MAX - 1) * sizeof(char *));
		edit->history_count--;
	}
	edit->history[edit->history_count++] = copy;
}

static void go_back(struct edit *edit)
{
	if (edit->at == 0)
		return;
	if (edit->at == edit->history_count) {
		buf_reset(&edit->unsent);
		buf_append(&edit->unsent, text_of(edit), edit->text.len);
	}
	set_text(edit, edit->history[--edit->at]);
	edit_undo_clear(&edit->undo); /* of another line */
}

static void go_forward(struct edit *edit)
{
	if (edit->at == edit->history_count)
		return;
	edit->at++;
	edit_undo_clear(&edit->undo);
	if (edit->at < edit->history_count)
		set_text(edit, edit->history[edit->at]);
	else
		set_text(edit, edit->unsent.data ? edit->unsent.data : "");
}

/* ---- bringing back */

static void yank(struct edit *edit, size_t back)
{
	const struct buf *taken = edit_kills_get(kills_of(edit), back);

	if (!taken || taken->len == 0)
		return;
	begin(edit, EDIT_DID_YANK);
	edit->yanked_from = edit->cursor;
	edit->yanked_back = back;
	insert(edit, taken->data, taken->len);
}

/* Behind C-y: the one taken before that instead. */
static void yank_older(struct edit *edit)
{
	if (edit->did != EDIT_DID_YANK)
		return;
	begin(edit, EDIT_DID_YANK);
	erase(edit, edit->yanked_from, edit->cursor);
	yank(edit, edit->yanked_back + 1);
}

static void undo(struct edit *edit)
{
	struct edit_state state;

	if (!edit_undo_take(&edit->undo, &state))
		return;
	set_text(edit, state.text);
	edit->cursor = state.cursor;
	free(state.text);
}

/* The character before the cursor goes behind the one at it; at the end, the last two. */
static void transpose(struct edit *edit)
{
	char first[4];
	size_t from, len;

	if (edit->cursor == edit->text.len)
		edit->cursor = previous(edit);
	from = previous(edit);
	len = edit->cursor - from;
	if (len == 0 || edit->cursor == edit->text.len)
		return;
	begin(edit, EDIT_DID_OTHER);
	memcpy(first, text_of(edit) + from, len);
	erase(edit, from, edit->cursor);
	edit->cursor = next(edit);
	insert(edit, first, len);
}

/* ---- keys */

/* What stands between ESC [ and the last byte, which says what it is (ECMA-48 §5.4). */
static void control_sequence(struct edit *edit)
{
	const char *parameters = edit->sequence + 2;

	switch (edit->sequence[edit->sequence_len - 1]) {
	case 'A':
		go_back(edit);
		break;
	case 'B':
		go_forward(edit);
		break;
	case 'C':
		edit->cursor = strchr(parameters, ';') ? word_end(edit) : next(edit);
		break;
	case 'D':
		edit->cursor = strchr(parameters, ';') ? word_start(edit) : previous(edit);
		break;
	case 'H':
		edit->cursor = 0;
		break;
	case 'F':
		edit->cursor = edit->text.len;
		break;
	case '~':
		if (strcmp(parameters, "3~") == 0)
			drop(edit, edit->cursor, next(edit));
		else if (strcmp(parameters, "1~") == 0 || strcmp(parameters, "7~") == 0)
			edit->cursor = 0;
		else if (strcmp(parameters, "4~") == 0 || strcmp(parameters, "8~") == 0)
			edit->cursor = edit->text.len;
		else if (strcmp(parameters, "200~") == 0)
			edit->in_paste = true;
		else if (strcmp(parameters, "201~") == 0)
			edit->in_paste = false;
		break;
	default: /* a key that we have no use for */
		break;
	}
}

static void meta(struct edit *edit, char key)
{
	switch (key) {
	case 'b':
		edit->cursor = word_start(edit);
		break;
	case 'f':
		edit->cursor = word_end(edit);
		break;
	case 'd':
		take(edit, edit->cursor, word_end(edit));
		break;
	case 'y':
		yank_older(edit);
		break;
	case DELETE:
		take(edit, word_start(edit), edit->cursor);
		break;
	default:
		break;
	}
}

/* A byte inside ESC ...; ends the sequence where it is complete. */
static void escape_byte(struct edit *edit, unsigned char byte)
{
	bool is_csi = edit->sequence_len > 1 && edit->sequence[1] == '[';
	bool is_ss3 = edit->sequence_len > 1 && edit->sequence[1] == 'O';

	if (edit->sequence_len + 1 == sizeof(edit->sequence) || byte == ESCAPE || byte < 0x20) {
		edit->sequence_len = byte == ESCAPE ? 1 : 0;
		return;
	}
	edit->sequence[edit->sequence_len++] = (char)byte;
	edit->sequence[edit->sequence_len] = '\0';
	if (edit->sequence_len == 2 && (byte == '[' || byte == 'O'))
		return;
	if (is_csi && byte < 0x40)
		return;
	if (is_csi || is_ss3)
		control_sequence(edit);
	else
		meta(edit, (char)byte);
	edit->sequence_len = 0;
}

static enum edit_result control_byte(struct edit *edit, unsigned char byte)
{
	switch (byte) {
	case '\r':
	case '\n':
		return EDIT_LINE;
	case '\t':
		return EDIT_TAB;
	case CTRL('a'):
		edit->cursor = 0;
		break;
	case CTRL('b'):
		edit->cursor = previous(edit);
		break;
	case CTRL('c'):
		if (edit->text.len > 0)
			begin(edit, EDIT_DID_OTHER);
		set_text(edit, "");
		edit->at = edit->history_count;
		return EDIT_CLEARED;
	case CTRL('d'):
		if (edit->text.len == 0)
			return EDIT_END;
		drop(edit, edit->cursor, next(edit));
		break;
	case CTRL('e'):
		edit->cursor = edit->text.len;
		break;
	case CTRL('f'):
		edit->cursor = next(edit);
		break;
	case CTRL('h'):
	case DELETE:
		drop(edit, previous(edit), edit->cursor);
		break;
	case CTRL('k'):
		take(edit, edit->cursor, edit->text.len);
		break;
	case CTRL('l'):
		return EDIT_REDRAW;
	case CTRL('n'):
		go_forward(edit);
		break;
	case CTRL('p'):
		go_back(edit);
		break;
	case CTRL('t'):
		transpose(edit);
		break;
	case CTRL('u'):
		take(edit, 0, edit->cursor);
		break;
	case CTRL('w'):
		take(edit, word_start(edit), edit->cursor);
		break;
	case CTRL('y'):
		yank(edit, 0);
		break;
	case CTRL('z'):
		return EDIT_SUSPEND;
	case CTRL('_'):
		undo(edit);
		break;
	case ESCAPE:
		edit->sequence[0] = ESCAPE;
		edit->sequence_len = 1;
		break;
	default:
		break;
	}
	return EDIT_MORE;
}

/* A character as it was typed. Words are undone one by one. */
static void type(struct edit *edit, const char *bytes, size_t len)
{
	begin(edit, EDIT_DID_TYPE);
	insert(edit, bytes, len);
	if (is_space(bytes[0]) && !edit->in_paste)
		edit->doing = EDIT_DID_OTHER;
}

/* Collects the bytes of one character; drops what does not become one. */
static void character_byte(struct edit *edit, unsigned char byte)
{
	uint32_t character;
	size_t len;

	edit->sequence[edit->sequence_len++] = (char)byte;
	len = utf8_decode(edit->sequence, edit->sequence_len, &character);
	/* U+FFFD itself may be typed */
	if (character != UTF8_INVALID ||
	    (edit->sequence_len == 3 && memcmp(edit->sequence, "\xef\xbf\xbd", 3) == 0)) {
		if (character >= 0xa0)
			type(edit, edit->sequence, len);
		edit->sequence_len = 0;
		return;
	}
	/* what is short may still become a character: every byte so far belongs to its start */
	if (len < edit->sequence_len || edit->sequence_len >= 4 ||
	    (edit->sequence_len == 1 && (byte < 0xc2 || byte > 0xf4)))
		edit->sequence_len = 0;
}

static enum edit_result feed(struct edit *edit, unsigned char byte)
{
	if (edit->sequence_len > 0 && edit->sequence[0] == ESCAPE) {
		escape_byte(edit, byte);
		return EDIT_MORE;
	}
	if (byte >= 0x80) {
		character_byte(edit, byte);
		return EDIT_MORE;
	}
	edit->sequence_len = 0;
	if (edit->in_paste && (byte == '\r' || byte == '\n' || byte == '\t')) {
		type(edit, byte == '\t' ? "\t" : "\n", 1);
		return EDIT_MORE;
	}
	if (edit->in_paste && byte < 0x20 && byte != ESCAPE)
		return EDIT_MORE;
	if (byte < 0x20 || byte == DELETE)
		return control_byte(edit, byte);
	type(edit, (const char *)&byte, 1);
	return EDIT_MORE;
}

enum edit_result edit_byte(struct edit *edit, unsigned char byte)
{
	enum edit_result result = feed(edit, byte);

	if (edit->sequence_len == 0) { /* a whole key */
		edit->did = edit->doing;
		edit->doing = EDIT_DID_OTHER;
	}
	return result;
}

void edit_take(struct edit *edit, struct buf *line)
{
	buf_append(line, text_of(edit), edit->text.len);
	remember(edit, text_of(edit));
	set_text(edit, "");
	edit_undo_clear(&edit->undo);
	edit->at = edit->history_count;
}

void edit_replace(struct edit *edit, size_t from, const char *text)
{
	begin(edit, EDIT_DID_OTHER);
	erase(edit, from, edit->cursor);
	insert(edit, text, strlen(text));
	edit->did = EDIT_DID_OTHER;
}
