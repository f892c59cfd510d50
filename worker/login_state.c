#include "worker/login_state.h"

#include "worker/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct conn_login *login_state_create(const struct ws_peer *peer)
{
	struct conn_login *login = calloc(1, sizeof(*login));

	if (login == NULL)
		return NULL;
	login->proxied = peer->proxied;
	if (peer->has_exporter)
		challenge_exporter_binding(peer->exporter, login->exporter);
	return login;
}

void login_state_destroy(struct worker *worker, struct conn_login *login)
{
	if (login == NULL)
		return;
	if (login->claim != 0 && worker->control != NULL)
		control_cancel(worker->control, login->claim);
	login_wish_finish(&login->wish);
	buf_finish(&login->held);
	free(login);
}

static void copy_text(char *out, size_t size, struct text text)
{
	size_t len = text.len < size ? text.len : size - 1;

	memcpy(out, text.str, len);
	out[len] = '\0';
}

int login_wish_take(struct login_wish *wish, const struct message *message)
{
	const struct message_login *login = &message->login;

	login_wish_finish(wish);
	copy_text(wish->id, sizeof(wish->id), message->id);
	copy_text(wish->device, sizeof(wish->device), login->device);
	/* One more than needed, so that "none" is not mistaken for "out of memory". */
	wish->resume = calloc(login->resume_count + 1, sizeof(*wish->resume));
	wish->names = calloc(login->resume_count + 1, sizeof(*wish->names));
	wish->only = calloc(login->only_count + 1, sizeof(*wish->only));
	if (wish->resume == NULL || wish->names == NULL || wish->only == NULL) {
		login_wish_finish(wish);
		return -ENOMEM;
	}
	wish->resume_count = login->resume_count;
	for (size_t i = 0; i < login->resume_count; i++) {
		copy_text(wish->names[i], sizeof(wish->names[i]), login->resume[i].room);
		wish->resume[i] = login->resume[i];
		wish->resume[i].room =
			(struct text){.str = wish->names[i], .len = strlen(wish->names[i])};
	}
	wish->has_only = login->has_only;
	wish->only_count = login->only_count;
	for (size_t i = 0; i < login->only_count; i++)
		copy_text(wish->only[i], sizeof(wish->only[i]), login->only[i]);
	return 0;
}

void login_wish_finish(struct login_wish *wish)
{
	free(wish->resume);
	free(wish->names);
	free(wish->only);
	*wish = (struct login_wish){0};
}
