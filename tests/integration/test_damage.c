/*
 * What a start finds may be cut short, damaged, of another layout, or nobody's: it is refused with
 * the file's name and the command that mends it, and kept as it is.
 */
#include "base/buf.h"
#include "tests/integration/chat.h"
#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(damage, .fini = owned_finish_all, .timeout = 90);

#define FILE_MAX_BYTES (64u << 20)
/* So that what is read and written back is small. */
#define SMALL "--max-users 16 --max-devices 32 --max-connections 32 --max-rooms 8"

/* A server that has stopped cleanly, with one line in the lobby; its image. */
static char *stop_with_image(struct server *s)
{
	chat_say(chat_login(s, "alice"), "lobby", "m1", "kept");
	server_stop(s);
	return scratch_text("%s/%s/segment", s->state_dir, s->instance);
}

/* The same of one that was killed: its segment. */
static char *kill_with_segment(struct server *s)
{
	chat_say(chat_login(s, "alice"), "lobby", "m1", "kept");
	server_kill(s);
	return s->shm_path;
}

/* The start ends with 1; the sentence that it logs. */
static const char *refusal(struct server *s)
{
	size_t offset = server_log_size(s);
	int status = -1;
	pid_t pid = server_spawn(s);

	s->pid = 0;
	must(child_wait(pid, PATIENCE_MS, &status), "it runs");
	must(status == 1, "exit %d", status);
	return text_of(server_log_await(s, &offset, "\"no segment\"", NULL), "reason");
}

static void read_bytes(const char *path, struct buf *bytes)
{
	int err = buf_read_file(bytes, path, FILE_MAX_BYTES);

	must(err == 0, "cannot read %s: %s", path, strerror(-err));
}

static void write_bytes(const char *path, const void *bytes, size_t len)
{
	FILE *file = fopen(path, "we");

	must(file != NULL && fwrite(bytes, 1, len, file) == len && fclose(file) == 0,
	     "cannot write %s", path);
}

/* The command that the message gives, in parentheses, done as an operator would. */
static void mend(const char *message)
{
	const char *command = strstr(message, "mv ");

	must(command != NULL, "no command in: %s", message);
	struct outcome done =
		run("sh", "-c", scratch_text("%.*s", (int)strcspn(command, "),;"), command));
	must(done.status == 0, "%s: %s", command, done.err);
}

static void expect_refused(struct server *s, const char *path, const char *word)
{
	struct buf before = BUF_INIT, after = BUF_INIT;
	struct stat st;

	read_bytes(path, &before);
	const char *message = refusal(s);
	must(strstr(message, path) != NULL || strstr(message, strrchr(path, '/')) != NULL,
	     "which file? %s", message);
	must(strstr(message, word) != NULL, "not \"%s\": %s", word, message);
	must(stat(path, &st) == 0, "it is gone");
	read_bytes(path, &after);
	must(before.len == after.len && memcmp(before.data, after.data, before.len) == 0,
	     "it was changed");
	buf_finish(&before);
	buf_finish(&after);
}

OwnedTest(damage, an_image_that_is_cut_short_or_damaged_is_refused_kept_and_can_be_moved_away)
{
	struct server *s = server_with(.users = "alice", .args = SMALL);
	char *path = stop_with_image(s);
	struct buf good = BUF_INIT;

	read_bytes(path, &good);
	for (unsigned part = 0; part < 4; part++) {
		write_bytes(path, good.data, good.len * part / 4 + part);
		expect_refused(s, path, "damaged");
	}
	for (unsigned part = 1; part < 8; part++) {
		char *byte = good.data + good.len * part / 8;

		*byte ^= 4;
		write_bytes(path, good.data, good.len);
		expect_refused(s, path, "damaged");
		*byte ^= 4;
	}
	/* As the message says it goes on without it; and the right one is as good as before. */
	write_bytes(path, good.data, good.len / 2);
	mend(refusal(s));
	server_restart(s);
	must(json_has(chat_room_of(chat_login(s, "alice"), "lobby"), "{'head':0}"), "not empty");
	server_stop(s);
	write_bytes(path, good.data, good.len);
	server_restart(s);
	must(json_has(chat_room_of(chat_login(s, "alice"), "lobby"), "{'head':1}"), "not loaded");
	buf_finish(&good);
}

OwnedTest(damage, an_image_of_another_layout_is_refused_and_kept)
{
	struct server *s = server_with(.users = "alice", .args = SMALL,
				       .program = program_path("other-layout/chat-master"));
	char *path = stop_with_image(s);

	s->options.program = NULL;
	expect_refused(s, path, "another version");
	s->options.program = program_path("other-layout/chat-master");
	server_restart(s);
	must(json_has(chat_room_of(chat_login(s, "alice"), "lobby"), "{'head':1}"), "lost");
}

OwnedTest(damage, a_segment_that_is_damaged_foreign_or_short_is_refused_and_kept)
{
	struct server *s = server_with(.users = "alice", .args = SMALL);
	char *path = kill_with_segment(s);
	struct buf good = BUF_INIT;

	read_bytes(path, &good);
	/* A byte of its sizes, behind magic and layout. */
	good.data[64] ^= 1;
	write_bytes(path, good.data, good.len);
	expect_refused(s, path, "damaged");
	good.data[64] ^= 1;
	write_bytes(path, good.data, good.len / 2);
	expect_refused(s, path, "damaged");
	write_bytes(path, "somebody else's file", 20);
	expect_refused(s, path, "no segment");
	mend(refusal(s));
	server_restart(s);
	must(json_has(chat_room_of(chat_login(s, "alice"), "lobby"), "{'head':0}"), "not empty");
	unlink(scratch_text("/dev/shm/kept-%s", s->instance));
	buf_finish(&good);
}

OwnedTest(damage, a_segment_of_another_layout_is_refused_and_kept)
{
	struct server *s = server_with(.users = "alice", .args = SMALL,
				       .program = program_path("other-layout/chat-master"));
	char *path = kill_with_segment(s);

	s->options.program = NULL;
	expect_refused(s, path, "another version");
	s->options.program = program_path("other-layout/chat-master");
	server_restart(s);
	must(json_has(chat_room_of(chat_login(s, "alice"), "lobby"), "{'head':1}"), "lost");
}

/* A master died while it made it: nothing was promised to anybody. */
OwnedTest(damage, a_segment_that_was_never_finished_is_made_anew)
{
	struct server *s = server_with(.users = "alice", .args = SMALL);
	char *path = kill_with_segment(s);
	struct buf bytes = BUF_INIT;

	read_bytes(path, &bytes);
	memset(bytes.data, 0, 8); /* the magic is stored last */
	write_bytes(path, bytes.data, bytes.len);
	server_restart(s);
	must(json_has(chat_room_of(chat_login(s, "alice"), "lobby"), "{'head':0}"), "not empty");
	buf_finish(&bytes);
}

/* One byte of a line: that room alone starts afresh, and says so. */
OwnedTest(damage, a_damaged_line_costs_its_room_a_new_epoch_and_no_other)
{
	struct server *s = server_with(.users = "alice", .args = SMALL);
	struct chat *alice = chat_login(s, "alice");
	char *lobby = scratch_text("%s", text_of(chat_room_of(alice, "lobby"), "epoch"));
	char *ops = scratch_text("%s", text_of(chat_join(alice, "ops", NULL), "epoch"));
	struct buf bytes = BUF_INIT;

	chat_say(alice, "ops", "m1", "a-line-that-will-be-damaged");
	chat_say(alice, "lobby", "m2", "kept");
	server_kill(s);
	read_bytes(s->shm_path, &bytes);
	char *line = memmem(bytes.data, bytes.len, "a-line-that-will-be", 19);
	must(line != NULL, "no such line");
	*line ^= 1;
	write_bytes(s->shm_path, bytes.data, bytes.len);
	server_restart(s);
	alice = chat_login(s, "alice");
	must(json_has(chat_room_of(alice, "lobby"), "{'epoch':'%s','head':1}", lobby), "lobby");
	must(!json_has(chat_room_of(alice, "ops"), "{'epoch':'%s'}", ops), "the damage is kept");
	must(json_has(chat_room_of(alice, "ops"), "{'head':0}"), "not afresh");
	buf_finish(&bytes);
}

/* The machine goes down after a clean stop: the shared memory with it, and the disk stays. */
OwnedTest(damage, after_a_reboot_the_image_is_all_there_is_and_enough)
{
	struct server *s = server_with(.users = "alice", .args = SMALL);
	struct chat *alice = chat_login(s, "alice");
	char *epoch = scratch_text("%s", text_of(chat_room_of(alice, "lobby"), "epoch"));

	for (unsigned boot = 1; boot <= 3; boot++) {
		chat_say(alice, "lobby", scratch_text("m%u", boot), "kept");
		server_stop(s);
		must(access(s->shm_path, F_OK) != 0, "the segment is left");
		server_restart(s);
		alice = chat_login(s, "alice");
		must(json_has(chat_room_of(alice, "lobby"), "{'epoch':'%s','head':%u}", epoch,
			      boot),
		     "boot %u", boot);
	}
	/* And a power cut: the segment goes, of the image only what was loaded is left. */
	server_kill(s);
	unlink(s->shm_path);
	size_t offset = server_log_size(s);
	server_restart(s);
	server_log_await(s, &offset, "\"origin\":\"recovered\"", NULL);
	alice = chat_login(s, "alice");
	must(!json_has(chat_room_of(alice, "lobby"), "{'epoch':'%s'}", epoch), "the old epoch");
}
