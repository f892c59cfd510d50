#include "client/screen.h"

#include "client/terminal.h"

#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define FOCUS_ON "\x1b[?1004h"
#define FOCUS_OFF "\x1b[?1004l"

/* ncurses itself has one screen for a process. */
static SCREEN *screen;
static bool has_colors_now;
static FILE *input_file, *output_file;

static void write_out(int fd, const char *text)
{
	ssize_t n = write(fd, text, strlen(text));

	(void)n; /* a terminal that is gone shows in its input */
}

/* What a crash must write to give the terminal back; prepared, for there is no time then. */
static void prepare_restore(void)
{
	const char *leave = tigetstr("rmcup");
	char text[128];

	if (!leave || leave == (char *)-1)
		leave = "";
	snprintf(text, sizeof(text), FOCUS_OFF "\x1b[0m\x1b[?25h%s", leave);
	terminal_on_restore(text);
}

static void set_colors(bool wanted)
{
	has_colors_now = wanted && has_colors() && start_color() == OK;
	if (!has_colors_now)
		return;
	use_default_colors();
	for (short i = 1; i < 16; i++)
		init_pair(i, (short)(COLORS >= 16 ? i : i % 8), -1);
}

int screen_open(int in, int out, bool colors)
{
	int rc = terminal_raw(in, out);

	if (rc < 0)
		return rc;
	input_file = fdopen(dup(in), "r");
	output_file = fdopen(dup(out), "w");
	/* newterm, not initscr: that one ends the program where it does not know the terminal */
	screen = input_file && output_file ? newterm(NULL, output_file, input_file) : NULL;
	if (!screen || !tigetstr("cup") || tigetstr("cup") == (char *)-1) {
		screen_close();
		terminal_restore();
		return -ENOTSUP;
	}
	signal(SIGTSTP, SIG_DFL); /* the client stops itself, once the screen is left */
	raw();
	noecho();
	nonl();
	set_colors(colors);
	leaveok(stdscr, FALSE);
	scrollok(stdscr, FALSE);
	prepare_restore();
	write_out(out, FOCUS_ON);
	return 0;
}

void screen_close(void)
{
	if (screen) {
		screen_leave();
		delscreen(screen);
	}
	screen = NULL;
	if (input_file)
		fclose(input_file);
	if (output_file)
		fclose(output_file);
	input_file = NULL;
	output_file = NULL;
}

void screen_leave(void)
{
	if (!isendwin())
		endwin();
	terminal_on_restore(FOCUS_OFF); /* the rest is done */
	terminal_restore();
}

int screen_enter(int in, int out)
{
	int rc = terminal_raw(in, out);

	if (rc < 0)
		return rc;
	reset_prog_mode();
	raw();
	noecho();
	nonl();
	clearok(curscr, TRUE);
	refresh();
	prepare_restore();
	write_out(out, FOCUS_ON);
	return 0;
}

void screen_size(int out, size_t *ret_rows, size_t *ret_columns)
{
	struct winsize size;

	*ret_rows = 24;
	*ret_columns = 80;
	if (ioctl(out, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) {
		*ret_rows = size.ws_row;
		*ret_columns = size.ws_col;
	}
}

static attr_t attributes(unsigned style)
{
	attr_t attributes = A_NORMAL;

	if (style & STYLE_BOLD)
		attributes |= A_BOLD;
	if (style & STYLE_DIM)
		attributes |= A_DIM;
	if (style & STYLE_REVERSE)
		attributes |= A_REVERSE;
	if (style & STYLE_UNDERLINE)
		attributes |= A_UNDERLINE;
	/* eight colours: the bright ones are bold */
	if (has_colors_now && COLORS < 16 && (style & STYLE_COLOR) > 7)
		attributes |= A_BOLD;
	return attributes;
}

static void paint_cell(int row, int column, const struct cell *cell)
{
	wchar_t characters[CELL_CHARACTERS + 1] = {0};
	short pair = has_colors_now ? (short)(cell->style & STYLE_COLOR) : 0;
	cchar_t what;

	for (size_t i = 0; i < CELL_CHARACTERS; i++)
		characters[i] = (wchar_t)cell->characters[i];
	if (setcchar(&what, characters, attributes(cell->style), pair, NULL) == OK)
		mvadd_wch(row, column, &what);
}

void screen_paint(const struct canvas *canvas, bool all)
{
	if (is_term_resized((int)canvas->rows, (int)canvas->columns))
		resizeterm((int)canvas->rows, (int)canvas->columns);
	erase();
	for (size_t row = 0; row < canvas->rows; row++) {
		for (size_t column = 0; column < canvas->columns; column++) {
			const struct cell *cell = &canvas->cells[row * canvas->columns + column];

			if (cell->width > 0 && (cell->characters[0] != ' ' || cell->style))
				paint_cell((int)row, (int)column, cell);
		}
	}
	move((int)canvas->cursor_row, (int)canvas->cursor_column);
	if (all)
		clearok(stdscr, TRUE);
	refresh();
}

void screen_write(const char *bytes, size_t len)
{
	ssize_t n = write(fileno(output_file), bytes, len);

	(void)n; /* as above */
}
