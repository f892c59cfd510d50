#include "master/keys_reload.h"

#include "base/log.h"
#include "shm/crash_point.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Refused lines that are logged one by one at a load. */
#define REFUSED_LOGGED_MAX 20u

int keys_open(struct keys *keys, const char *folder, struct buf *error)
{
	struct buf path = BUF_INIT;
	unsigned line = 0;
	int err;

	keys_file_init(&keys->file);
	buf_printf(&path, "%s/names", folder);
	if (path.failed)
		return -ENOMEM;
	err = names_open(path.data, &keys->names, &line);
	if (err == -EBADMSG)
		buf_printf(error,
			   "%s: line %u is damaged; who owns which name can't be known: mend that "
			   "line, or put a saved copy there",
			   path.data, line);
	else if (err == -EBUSY)
		buf_printf(error, "%s is in use by another chat-master", path.data);
	else if (err < 0)
		buf_printf(error, "%s: %s", path.data, strerror(-err));
	buf_finish(&path);
	if (err == 0) {
		err = keyring_create(KEYRING_HALF_BYTES, &keys->keyring);
		if (err < 0)
			buf_printf(error, "cannot make the keyring: %s", strerror(-err));
		else
			keyring_continue(keys->keyring, keys->first_generation);
	}
	return err;
}

void keys_close(struct keys *keys)
{
	keyring_destroy(keys->keyring);
	names_close(keys->names);
	keys_file_finish(&keys->file);
	buf_finish(&keys->image);
	free(keys->path);
	*keys = (struct keys){0};
}

int keys_enter_worker(struct keys *keys, struct keyring **ret_keyring)
{
	int err = keyring_attach(keyring_fd(keys->keyring), ret_keyring);

	/* The master's keyring isn't destroyed: its memory isn't here, its place may be used. */
	names_close(keys->names);
	keys->names = NULL;
	keys_file_finish(&keys->file);
	buf_finish(&keys->image);
	return err;
}

/* ---- publishing ------------------------------------------------------------------ */

/* The bytes are there where they may be used; of an empty file, to say what is wrong with them. */
static struct keyring_source source_of(const struct keys *keys)
{
	return (struct keyring_source){
		.safety = keys->file.safety,
		.keys = keys->file.bytes.data,
		.keys_len = keys->file.bytes.len,
		.names = keys->names,
		.servers = keys->servers,
		.names_per_key = keys->names_per_key,
	};
}

/* Takes `image` over, also on failure. */
static int publish_image(struct keys *keys, struct buf *image)
{
	struct keyring_view view;
	int err = keyring_view_open(image->data, image->len, &view);

	if (err == 0)
		err = keyring_publish(keys->keyring, image->data, image->len);
	if (err < 0) {
		buf_finish(image);
		return err;
	}
	buf_finish(&keys->image);
	keys->image = *image;
	keys->view = view;
	return 0;
}

static int publish(struct keys *keys)
{
	struct keyring_source source = source_of(keys);
	struct keyring_report report;
	struct buf image = BUF_INIT;
	int err;

	/* the keys are the same: a claim must not cost a look at every one of them */
	if (keys->image.len > 0)
		err = keyring_image_renew(&keys->view, &source, &image);
	else
		err = keyring_image_build(&source, NULL, NULL, &image, &report);
	if (err < 0)
		buf_finish(&image);
	else
		err = publish_image(keys, &image);
	if (err < 0)
		log_error("keyring not published", "error=%s", strerror(-err));
	return err;
}

/* ---- the file ----------------------------------------------------------------------- */

struct refused {
	const char *path;
	unsigned count;
};

static void log_line(void *data, unsigned number, const struct authorized_line *line)
{
	struct refused *refused = data;

	if (line->status == AUTHORIZED_ACCEPTED && line->note[0] != '\0')
		log_warn("key line", "path=%s line=%u note=%s", refused->path, number, line->note);
	if (line->status != AUTHORIZED_REFUSED || ++refused->count > REFUSED_LOGGED_MAX)
		return;
	log_warn("key line refused", "path=%s line=%u reason=%s", refused->path, number, line->why);
}

/* Builds the image of the file that has just been read, and finds out what is in it. */
static int build(struct keys *keys, struct buf *ret_image)
{
	struct keyring_source source = source_of(keys);
	struct refused refused = {.path = keys->path};
	int err = keyring_image_build(&source, log_line, &refused, ret_image, &keys->report);

	if (refused.count > REFUSED_LOGGED_MAX)
		log_warn("key lines refused", "path=%s more=%u", keys->path,
			 refused.count - REFUSED_LOGGED_MAX);
	return err;
}

/* More than fits lets nobody in, rather than those in who may be gone from the file. */
static void refuse_all(struct keys *keys)
{
	struct keys_file *file = &keys->file;

	file->safety = KEYS_TOO_LARGE;
	snprintf(file->reason, sizeof(file->reason),
		 "more lines than --max-keys %u, or more than %u bytes of keys and names",
		 keys->max_keys, KEYRING_HALF_BYTES);
	snprintf(file->mend, sizeof(file->mend), "wc -l '%s'", keys->path);
	buf_finish(&file->bytes);
}

static void log_load(const struct keys *keys, const char *why)
{
	if (keys->file.safety == KEYS_SAFE) {
		log_info("keys loaded", "why=%s path=%s accepted=%u refused=%u generation=%" PRIu64,
			 why, keys->path, keys->report.accepted, keys->report.refused,
			 keyring_generation(keys->keyring));
		return;
	}
	log_warn("nobody can log in", "why=%s path=%s keys=%s reason=%s mend=%s", why, keys->path,
		 keys_safety_name(keys->file.safety), keys->file.reason, keys->file.mend);
}

/*
 * Keys that are pinned to a name together are one person's: that is noted, and his name follows
 * him when the old key goes. What can't be written down must not keep a removed key in.
 */
static int follow_owners(struct keys *keys, struct buf *image)
{
	struct keyring_source source = source_of(keys);
	struct buf renewed = BUF_INIT;
	struct keyring_view view;
	bool changed = false;
	int err = keyring_view_open(image->data, image->len, &view);

	if (err < 0)
		return err;
	err = names_follow(keys->names, &view, &changed);
	if (err < 0)
		log_warn("names not noted", "path=%s error=%s", keys->path, strerror(-err));
	if (!changed)
		return 0;
	err = keyring_image_renew(&view, &source, &renewed);
	if (err < 0) {
		buf_finish(&renewed);
		return err;
	}
	buf_finish(image);
	*image = renewed;
	return 0;
}

static int build_and_publish(struct keys *keys)
{
	struct buf image = BUF_INIT;
	int err = build(keys, &image);

	if (err == 0 && keys->report.accepted + keys->report.refused > keys->max_keys)
		err = -E2BIG;
	if (err == 0)
		err = follow_owners(keys, &image);
	if (err < 0) {
		buf_finish(&image);
		return err;
	}
	return publish_image(keys, &image);
}

static int load(struct keys *keys, const char *why)
{
	int err;

	/* First the look: what is written while we read is another look. */
	keys->loaded = keys->seen = file_look_at(keys->path);
	keys->report = (struct keyring_report){0};
	err = keys_file_load(&keys->file, keys->path, NULL);
	if (err == 0)
		err = build_and_publish(keys);
	if (err == -E2BIG || err == -ENOSPC) {
		refuse_all(keys);
		err = build_and_publish(keys);
	}
	if (err < 0)
		log_error("keys not loaded", "why=%s path=%s error=%s", why, keys->path,
			  strerror(-err));
	else
		log_load(keys, why);
	return err;
}

int keys_load(struct keys *keys, const struct config *config, const char *const *servers,
	      const char *why)
{
	char *path = strdup(config->authorized_keys);

	if (path == NULL)
		return -ENOMEM;
	free(keys->path);
	keys->path = path;
	keys->servers = servers;
	keys->names_per_key = config->names_per_key;
	keys->max_keys = config->max_keys;
	return load(keys, why);
}

/* A folder above may have been mended: the file itself looks as before. */
static bool is_mended(const struct keys *keys)
{
	struct keys_file again;
	bool mended;

	if (keys->file.safety != KEYS_UNSAFE && keys->file.safety != KEYS_MISSING)
		return false;
	keys_file_init(&again);
	mended =
		keys_file_load(&again, keys->path, NULL) == 0 &&
		(again.safety != keys->file.safety || strcmp(again.reason, keys->file.reason) != 0);
	keys_file_finish(&again);
	return mended;
}

void keys_tick(struct keys *keys)
{
	struct file_look now = file_look_at(keys->path);
	bool settled = file_looks_equal(&now, &keys->seen);

	keys->seen = now;
	if (settled && (!file_looks_equal(&now, &keys->loaded) || is_mended(keys)))
		load(keys, "changed");
}

/* ---- names ---------------------------------------------------------------------------- */

int keys_claim(struct keys *keys, const struct name_claim *claim, enum name_answer *ret_answer,
	       bool *ret_passed)
{
	uint64_t before = names_serial(keys->names);
	int err;

	CRASH_POINT(claim_begun);
	err = names_claim(keys->names, &keys->view, claim, ret_answer, ret_passed);
	if (err == 0 && names_serial(keys->names) != before) {
		CRASH_POINT(claim_written);
		err = publish(keys);
		CRASH_POINT(claim_published);
	}
	return err;
}

int keys_answer(struct keys *keys, const char *request, struct names_reply *ret_reply)
{
	int err = names_answer(keys->names, &keys->view, request, ret_reply);

	if (err == 0 && ret_reply->changed && publish(keys) < 0) {
		buf_reset(&ret_reply->text);
		buf_append_str(
			&ret_reply->text,
			"error written down, but the workers could not be told; see the log\n");
	}
	return err;
}
