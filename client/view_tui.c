#include "client/view_tui.h"

#include "base/clock.h"
#include "client/screen.h"
#include "client/tui.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * At most 30 pictures in any second: each costs so much time, and what was not used is kept for
 * some. So the first ones after a rest come at once.
 */
#define FRAME_MS 38
#define FRAMES_KEPT 4
/* A connection that fails at once is told in words: no screen flashes up for it. */
#define FIRST_MS 200

struct view_tui {
	struct view view;
	struct tui *tui;

	struct canvas canvas;
	struct notify *notify;
	struct buf notice; /* for the terminal, with the next picture: a bell, a notification */
	int in, out;
	int64_t paid_until; /* the time that the pictures so far have cost */
	int64_t made_at;
	bool drawn; /* at least once */
	bool dirty;
	bool paused;
	bool broken;
};

static struct view_tui *self(struct view *view)
{
	return (struct view_tui *)(void *)view;
}

static struct tui *tui_of(struct view *view)
{
	struct view_tui *screen = self(view);

	screen->tui->now = (int64_t)clock_mono_ms();
	screen->dirty = true;
	return screen->tui;
}

/* ---- what happens */

static bool show(struct view *view, const struct session_event *event)
{

	struct view_tui *screen = self(view);
	struct tui *tui = tui_of(view);

	tui_show(tui, event);
	if (tui->news)
		notify_event(screen->notify, event, tui->now, &screen->notice);
	return false; /* what is in view is told by view_input.read */
}

static void note(struct view *view, enum note_tone tone, const char *text)
{
	tui_note(tui_of(view), tone, text);
}

static void target(struct view *view, const char *user, const char *to)
{
	tui_target(tui_of(view), user, to);
}

static void connection(struct view *view, const char *state)
{
	tui_connection(tui_of(view), state);
}

static void latency(struct view *view, int64_t ms)
{
	tui_of(view)->latency_ms = ms;
}

/* ---- the picture */

static void fit(struct view_tui *screen)
{
	size_t rows, columns;

	screen_size(screen->out, &rows, &columns);
	if (rows != screen->canvas.rows || columns != screen->canvas.columns)
		(void)canvas_resize(&screen->canvas, rows, columns); /* else the old size */
}

static void draw(struct view_tui *screen)
{
	struct tui *tui = screen->tui;

	tui_draw(tui, &screen->canvas);
	screen_paint(&screen->canvas, tui->redraw);

	if (screen->notice.len > 0 && !screen->notice.failed)
		screen_write(screen->notice.data, screen->notice.len);
	buf_reset(&screen->notice);
	tui->redraw = false;
	screen->dirty = false;
	screen->drawn = true;
	if (screen->paid_until < tui->now - FRAMES_KEPT * FRAME_MS)
		screen->paid_until = tui->now - FRAMES_KEPT * FRAME_MS;
	screen->paid_until += FRAME_MS;
}

/* When the next picture may be drawn. */
static int64_t next_frame(const struct view_tui *screen)
{
	if (!screen->drawn && !screen->tui->connected)
		return screen->made_at + FIRST_MS;
	return screen->paid_until;
}

static void refresh(struct view *view)
{
	struct view_tui *screen = self(view);
	struct tui *tui = screen->tui;
	int64_t due;

	tui->now = (int64_t)clock_mono_ms();
	due = tui_deadline(tui);
	if (due >= 0 && due <= tui->now) {
		tui_tick(tui);
		screen->dirty = true;
	}
	if (screen->dirty && !screen->paused && !tui->ended && tui->now >= next_frame(screen))
		draw(screen);
}

static int64_t deadline(const struct view *view)
{
	const struct view_tui *screen = (const struct view_tui *)(const void *)view;
	int64_t at = tui_deadline(screen->tui);

	if (screen->dirty && !screen->paused && !screen->tui->ended &&
	    (at < 0 || next_frame(screen) < at))
		at = next_frame(screen);
	return at;
}

/* ---- the terminal */

static void read_keys(struct view *view)
{
	struct view_tui *screen = self(view);
	struct tui *tui = tui_of(view);
	char bytes[4096];
	ssize_t n = read(screen->in, bytes, sizeof(bytes));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n > 0) {
		tui_type(tui, bytes, (size_t)n);
		return;
	}
	tui->ended = true; /* the terminal is gone */
	tui->input.end(tui->input.owner);
}

static void resize(struct view *view)
{
	tui_of(view);
	fit(self(view));
}

static void pause_view(struct view *view)
{
	struct view_tui *screen = self(view);

	if (!screen->paused)
		screen_leave();
	screen->paused = true;
}

static void resume_view(struct view *view)
{
	struct view_tui *screen = self(view);

	screen->paused = false;
	if (screen_enter(screen->in, screen->out) < 0)
		screen->broken = true;
	fit(screen);
	tui_of(view)->redraw = true;
}

static bool is_broken(const struct view *view)
{
	return ((const struct view_tui *)(const void *)view)->broken;
}

static void destroy(struct view *view)
{
	struct view_tui *screen = self(view);

	screen_close();
	tui_destroy(screen->tui);

	canvas_finish(&screen->canvas);
	buf_finish(&screen->notice);
	free(screen);
}

static const struct view_ops ops = {
	.show = show,
	.note = note,
	.target = target,
	.connection = connection,
	.latency = latency,
	.refresh = refresh,
	.deadline = deadline,
	.read = read_keys,
	.resize = resize,
	.pause = pause_view,
	.resume = resume_view,
	.is_broken = is_broken,
	.destroy = destroy,
};

int view_tui_create(int in, int out, const struct view_person *person,
		    const struct view_input *input, struct view **ret_view)
{
	struct view_tui *screen = calloc(1, sizeof(*screen));
	const char *no_color = getenv("NO_COLOR");
	struct tui_config config = {

		.person = *person, .input = *input, .colors = !no_color || !no_color[0]};
	int rc;

	if (!screen)
		return -ENOMEM;
	screen->view = (struct view){.ops = &ops, .shows_connection = true, .tells_read = true};
	screen->in = in;
	screen->out = out;

	screen->notify = person->notify;
	screen->dirty = true;
	screen->made_at = (int64_t)clock_mono_ms();
	screen->paid_until = INT64_MIN / 2;
	rc = tui_create(&config, &screen->tui);
	if (rc == 0)
		rc = screen_open(in, out, config.colors);
	if (rc < 0) {
		tui_destroy(screen->tui);
		free(screen);
		return rc;
	}
	fit(screen);
	*ret_view = &screen->view;
	return 0;
}
