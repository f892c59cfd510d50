/* What changes in a running server, and what stays as it was at its start. */
#include "base/config.h"
#include "base/options.h"

#include <errno.h>
#include <string.h>

/* Sets an option that can't change in a running server back to `now`: 0 or -ENOMEM. */
static int keep_running(const struct option *option, const char *now, struct config *fresh,
			struct buf *notes)
{
	struct buf wanted = BUF_INIT, why = BUF_INIT;
	int err = 0;

	option_format(option, fresh, &wanted);
	/* It may be empty, then data is NULL. */
	buf_append_char(&wanted, '\0');
	if (wanted.failed) {
		err = -ENOMEM;
	} else if (strcmp(now, wanted.data) != 0) {
		buf_printf(notes, "%s%s: \"%s\" stays, \"%s\" needs a restart",
			   notes->len > 0 ? "\n" : "", option->name, now, wanted.data);
		err = option_set(option, fresh, now, "", &why);
	}
	buf_finish(&wanted);
	buf_finish(&why);
	return err;
}

static int keep_of(const struct option *option, const struct config *running, struct config *fresh,
		   struct buf *notes)
{
	struct buf now = BUF_INIT;
	int err;

	option_format(option, running, &now);
	buf_append_char(&now, '\0');
	err = now.failed ? -ENOMEM : keep_running(option, now.data, fresh, notes);
	buf_finish(&now);
	return err;
}

int config_keep(struct config *fresh, const char *name, const char *value, struct buf *notes)
{
	const struct option *option = option_find(name, strlen(name));

	if (option == NULL || option->change != OPTION_RESTART)
		return 0;
	return keep_running(option, value, fresh, notes);
}

void config_changes(const struct config *before, const struct config *now, struct buf *out)
{
	for (unsigned i = 0; i < option_count; i++) {
		struct buf old = BUF_INIT, new = BUF_INIT;

		if (options[i].name == NULL || options[i].change != OPTION_LIVE)
			continue;
		option_format(&options[i], before, &old);
		option_format(&options[i], now, &new);
		buf_append_char(&old, '\0');
		buf_append_char(&new, '\0');
		if (old.failed || new.failed)
			out->failed = true;
		else if (strcmp(old.data, new.data) != 0)
			buf_printf(out, "%s%s: \"%s\" was \"%s\"", out->len > 0 ? "\n" : "",
				   options[i].name, new.data, old.data);
		buf_finish(&old);
		buf_finish(&new);
	}
	if (!config_agents_equal(&before->agents, &now->agents))
		buf_printf(out, "%sagents: their sections changed", out->len > 0 ? "\n" : "");
}

int config_reload(const struct config *running, struct config *ret_config, struct buf *notes)
{
	const struct config_call *call = &running->call;
	struct config fresh;
	int err = config_load(&fresh, call->argc, call->argv, call->envp, notes);

	if (err < 0)
		return err;
	for (unsigned i = 0; err == 0 && i < option_count; i++) {
		if (options[i].name != NULL && options[i].change == OPTION_RESTART)
			err = keep_of(&options[i], running, &fresh, notes);
	}
	if (err == 0 && notes->failed)
		err = -ENOMEM;
	if (err < 0) {
		config_finish(&fresh);
		return err;
	}
	*ret_config = fresh;
	return 0;
}
