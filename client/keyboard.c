#include "client/keyboard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ESCAPE 0x1b
#define DELETE 0x7f
#define PASTE_END "\x1b[201~"
#define PASTE_MAX ((size_t)1 << 20) /* more is no chat */

struct sequence {
	const char *bytes; /* behind ESC */
	const char *name;
};

/* Only what the screen itself acts on; xterm's and rxvt's ways. */
static const struct sequence sequences[] = {
	{"[5~", "PgUp"},
	{"[6~", "PgDn"},
	{"[1;3H", "M-Home"},
	{"[1;3F", "M-End"},
	{"[1;3~", "M-Home"},
	{"[4;3~", "M-End"},
	{"[7;3~", "M-Home"},
	{"[8;3~", "M-End"},
	{"[1;9H", "M-Home"},
	{"[1;9F", "M-End"},
	{"[1;5H", "C-Home"},
	{"[1;5F", "C-End"},
	{"[5;2~", "S-PgUp"},
	{"[6;2~", "S-PgDn"},
	{"[A", "Up"},
	{"[B", "Down"},
	{"OA", "Up"},
	{"OB", "Down"},
	{"[I", "FocusIn"},
	{"[O", "FocusOut"},
	{"\r", "M-Enter"},
	{"\n", "M-Enter"},
	{"[27;3;13~", "M-Enter"},
};

void keyboard_finish(struct keyboard *keyboard)
{
	buf_finish(&keyboard->paste);
	*keyboard = (struct keyboard){0};
}

static void emit(struct keyboard *keyboard, const char *name, keyboard_fn *on_key, void *owner)
{
	char bytes[sizeof(keyboard->bytes)];
	size_t len = keyboard->len;

	memcpy(bytes, keyboard->bytes, len);
	keyboard->len = 0; /* before the call, which may feed us again */
	on_key(owner, name, bytes, len);
}

/* A terminal may end lines with CR, LF or both; the text has LF. */
static void tidy_newlines(struct buf *paste)
{
	size_t to = 0;

	for (size_t at = 0; at < paste->len; at++) {
		if (paste->data[at] == '\r' && at + 1 < paste->len && paste->data[at + 1] == '\n')
			continue;
		paste->data[to++] = paste->data[at] == '\r' ? '\n' : paste->data[at];
	}
	paste->len = to;
}

static void paste_byte(struct keyboard *keyboard, unsigned char byte, keyboard_fn *on_key,
		       void *owner)
{
	struct buf *paste = &keyboard->paste;
	size_t end = sizeof(PASTE_END) - 1;

	if (paste->len == PASTE_MAX) { /* of the rest only the end is looked for */
		char *tail = paste->data + paste->len - end;

		memmove(tail, tail + 1, end - 1);
		paste->len--;
	}
	buf_append_char(paste, (char)byte);
	if (paste->len < end || memcmp(paste->data + paste->len - end, PASTE_END, end) != 0)
		return;
	keyboard->in_paste = false;
	paste->len -= end;
	tidy_newlines(paste);
	paste->data[paste->len] = '\0';
	on_key(owner, "Paste", paste->data, paste->len);
	buf_reset(paste);
}

static const char *find(const char *bytes, size_t len)
{
	for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
		if (strlen(sequences[i].bytes) == len &&
		    memcmp(sequences[i].bytes, bytes, len) == 0)
			return sequences[i].name;
	}
	return NULL;
}

/* ESC and more: a control sequence, or Meta and a character. */
static void escape_byte(struct keyboard *keyboard, unsigned char byte, keyboard_fn *on_key,
			void *owner)
{
	char kind = keyboard->len > 1 ? keyboard->bytes[1] : '\0';
	const char *name;
	char meta[8];

	if (byte == ESCAPE) {
		if (keyboard->len == 1)
			emit(keyboard, "Esc", on_key, owner);
		keyboard->bytes[0] = ESCAPE;
		keyboard->len = 1;
		return;
	}
	if (keyboard->len + 1 == sizeof(keyboard->bytes)) {
		keyboard->len = 0; /* no key that anyone knows */
		return;
	}
	keyboard->bytes[keyboard->len++] = (char)byte;
	if (keyboard->len == 2 && (byte == '[' || byte == 'O'))
		return;
	if (kind == '[' && byte >= 0x20 && byte < 0x40)
		return;
	if (kind == '[' && keyboard->len == 6 && memcmp(keyboard->bytes, "\x1b[200~", 6) == 0) {
		keyboard->len = 0;
		keyboard->in_paste = true;
		buf_reset(&keyboard->paste);
		return;
	}
	name = find(keyboard->bytes + 1, keyboard->len - 1);
	if (!name && keyboard->len == 2 && byte > 0x20 && byte < DELETE) {
		snprintf(meta, sizeof(meta), "M-%c", byte);
		name = meta;
	}
	emit(keyboard, name ? name : "", on_key, owner);
}

void keyboard_byte(struct keyboard *keyboard, unsigned char byte, keyboard_fn *on_key, void *owner)
{
	char name[8] = "";

	if (keyboard->in_paste) {
		paste_byte(keyboard, byte, on_key, owner);
		return;
	}
	if (keyboard->len > 0) {
		escape_byte(keyboard, byte, on_key, owner);
		return;
	}
	keyboard->bytes[0] = (char)byte;
	keyboard->len = 1;
	if (byte == ESCAPE)
		return;
	if (byte == '\r' || byte == '\n')
		snprintf(name, sizeof(name), "Enter");
	else if (byte == '\t')
		snprintf(name, sizeof(name), "Tab");
	else if (byte > 0 && byte < 0x20)
		snprintf(name, sizeof(name), "C-%c", byte < 0x1b ? byte + 0x60 : byte + 0x40);
	emit(keyboard, name, on_key, owner);
}

bool keyboard_is_open(const struct keyboard *keyboard)
{
	return keyboard->len == 1 && !keyboard->in_paste;
}

void keyboard_settle(struct keyboard *keyboard, keyboard_fn *on_key, void *owner)
{
	if (keyboard_is_open(keyboard))
		emit(keyboard, "Esc", on_key, owner);
}
