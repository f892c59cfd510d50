#include "agents/memory.h"

#include "base/buf.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_BYTES_MAX 16384u

static void take_line(const char *line, struct memory *memory)
{
	struct memory_room *room = &memory->rooms[memory->room_count];
	char session[STREAM_ID_LEN_MAX + 1];

	if (sscanf(line, "session %128s", session) == 1 && stream_session_is_sound(session)) {
		snprintf(memory->session, sizeof(memory->session), "%s", session);
		return;
	}
	if (memory->room_count < AGENT_ROOMS_MAX &&
	    sscanf(line, "room %32s %" SCNx64 " %" SCNu64 " %" SCNu64, room->room, &room->epoch,
		   &room->done, &room->produced) == 4)
		memory->room_count++;
}

int memory_load(const char *path, struct memory *ret_memory)
{
	struct buf text = BUF_INIT;
	int err = buf_read_file(&text, path, FILE_BYTES_MAX);
	char *rest = NULL;

	*ret_memory = (struct memory){.room_count = 0};
	if (err == 0 && text.data != NULL) {
		for (char *line = strtok_r(text.data, "\n", &rest); line != NULL;
		     line = strtok_r(NULL, "\n", &rest))
			take_line(line, ret_memory);
	}
	buf_finish(&text);
	return err == -ENOENT ? 0 : err;
}

/* As fd_replace_file, but without waiting for the disk. */
static int replace(const char *path, const struct buf *text)
{
	char tmp[PATH_MAX];
	int fd, err;

	if ((size_t)snprintf(tmp, sizeof(tmp), "%s.tmp", path) >= sizeof(tmp))
		return -ENAMETOOLONG;
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	err = fd_write_all(fd, text->data, text->len);
	fd_close(&fd);
	if (err == 0 && rename(tmp, path) < 0)
		err = -errno;
	return err;
}

int memory_save(const char *path, const struct memory *memory, bool sync)
{
	struct buf text = BUF_INIT;
	int err;

	buf_append_str(&text, "# what an agent of chat-master remembers\n");
	if (memory->session[0] != '\0')
		buf_printf(&text, "session %s\n", memory->session);
	for (unsigned i = 0; i < memory->room_count; i++) {
		const struct memory_room *room = &memory->rooms[i];

		buf_printf(&text, "room %s %016" PRIx64 " %" PRIu64 " %" PRIu64 "\n", room->room,
			   room->epoch, room->done, room->produced);
	}
	if (text.failed)
		err = -ENOMEM;
	else if (sync)
		err = fd_replace_file(path, text.data, text.len, 0600);
	else
		err = replace(path, &text);
	buf_finish(&text);
	return err;
}

const struct memory_room *memory_find(const struct memory *memory, const char *room)
{
	for (unsigned i = 0; i < memory->room_count; i++)
		if (strcmp(memory->rooms[i].room, room) == 0)
			return &memory->rooms[i];
	return NULL;
}
