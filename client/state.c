#include "client/state.h"

#include "base/buf.h"
#include "base/fd.h"
#include "base/random.h"
#include "proto/name.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define SLOTS 16u /* programs at once whose devices are kept */
#define HOST_PART 20

char *state_folder(void)
{
	const char *state_home = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	struct buf path = BUF_INIT;

	if (state_home && state_home[0] == '/')
		buf_printf(&path, "%s/chat/client", state_home);
	else if (home && home[0] == '/')
		buf_printf(&path, "%s/.local/state/chat/client", home);
	if (path.failed)
		buf_finish(&path);
	return path.data;
}

/* "laptop-7f3a21": people meet it in the server's logs. */
static void make_up(char device[DEVICE_SIZE])
{
	char host[HOST_PART + 1] = "";

	if (gethostname(host, sizeof(host) - 1) < 0)
		host[0] = '\0';
	host[strcspn(host, ".")] = '\0';
	for (char *at = host; *at; at++) {
		if (!isalnum((unsigned char)*at) && *at != '-' && *at != '_')
			*at = '-';
	}
	snprintf(device, DEVICE_SIZE, "%s-%06" PRIx64, host[0] ? host : "chat",
		 random_u64() & 0xffffff);
}

static void read_first_line(int fd, char *out, size_t size)
{
	ssize_t n = pread(fd, out, size - 1, 0);

	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

/* Takes the slot: true where it is ours now, with its device. */
static bool take_slot(struct state *state, unsigned number)
{
	struct buf path = BUF_INIT;
	int fd = -1;

	buf_printf(&path, "%s.%u.device", state->base, number);
	if (!path.failed)
		fd = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	buf_finish(&path);
	if (fd < 0)
		return false;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return false;
	}
	read_first_line(fd, state->device, sizeof(state->device));
	if (!device_name_is_valid(state->device, strlen(state->device))) {
		make_up(state->device);
		if (ftruncate(fd, 0) < 0 ||
		    pwrite(fd, state->device, strlen(state->device), 0) < 0) {
			/* a full disk: the name serves for this run */
			close(fd);
			return false;
		}
	}
	state->lock = fd;
	return true;
}

static void read_key(struct state *state)
{
	struct buf path = BUF_INIT;
	int fd = -1;

	buf_printf(&path, "%s.key", state->base);
	if (!path.failed)
		fd = open(path.data, O_RDONLY | O_CLOEXEC);
	buf_finish(&path);
	if (fd < 0)
		return;
	read_first_line(fd, state->key, sizeof(state->key));
	close(fd);
}

void state_open(const char *folder, const char *user, const char *server, struct state *ret_state)
{
	struct buf base = BUF_INIT;
	unsigned slot = 1;

	*ret_state = (struct state){.lock = -1};
	make_up(ret_state->device);
	if (!folder || fd_make_folders(folder, 0700) < 0)
		return;
	buf_printf(&base, "%s/%s@%s", folder, user, server);
	if (base.failed) {
		buf_finish(&base);
		return;
	}
	ret_state->base = base.data;
	read_key(ret_state);
	while (slot <= SLOTS && !take_slot(ret_state, slot))
		slot++;
	if (slot > SLOTS)
		make_up(ret_state->device);
}

void state_close(struct state *state)
{
	free(state->base);
	fd_close(&state->lock);
	*state = (struct state){.lock = -1};
}

int state_remember_key(struct state *state, const char *fingerprint)
{
	struct buf path = BUF_INIT, text = BUF_INIT;
	int rc;

	if (!state->base || strcmp(state->key, fingerprint) == 0)
		return 0;
	buf_printf(&path, "%s.key", state->base);
	buf_printf(&text, "%s\n", fingerprint);
	rc = path.failed || text.failed ? -ENOMEM
					: fd_replace_file(path.data, text.data, text.len, 0600);
	if (rc == 0)
		snprintf(state->key, sizeof(state->key), "%s", fingerprint);
	buf_finish(&path);
	buf_finish(&text);
	return rc;
}
