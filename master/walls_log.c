#include "master/walls_log.h"

#include "base/buf.h"
#include "base/log.h"

#include <errno.h>
#include <string.h>

static bool same(const struct walls_report *one, const struct walls_report *other)
{
	return memcmp(one, other, sizeof(*one)) == 0;
}

static const char *reason(enum wall wall, int err)
{
	if (wall == WALL_user && err == -ECANCELED)
		return "they run as root, as asked";
	return strerror(-err);
}

static void tell(const struct walls_report *walls)
{
	struct buf up = BUF_INIT, missing = BUF_INIT;

	for (enum wall wall = 0; wall < WALL_COUNT; wall++) {
		if ((walls->up >> wall & 1) != 0)
			buf_printf(&up, "%s%s", up.len > 0 ? " " : "", wall_name(wall));
		else
			buf_printf(&missing, "%s%s (%s)", missing.len > 0 ? ", " : "",
				   wall_name(wall), reason(wall, walls->err[wall]));
	}
	if (missing.len == 0)
		log_info("walls", "up=%s", up.data);
	else
		log_warn("walls", "up=%s missing=%s", up.len > 0 ? up.data : "none", missing.data);
	buf_finish(&up);
	buf_finish(&missing);
}

void walls_log_run(struct walls_log *log, const struct children *children)
{
	for (unsigned i = 0; i < children->count; i++) {
		const struct child *child = &children->child[i];

		if (!child->reported || (log->told && same(&log->last, &child->walls)))
			continue;
		tell(&child->walls);
		log->told = true;
		log->last = child->walls;
	}
}
