#include "master/tls_files.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/random.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define READ_SLACK 8192u /* what buf_read_file may reserve behind the last byte */
#define OWN_FILE "tls.pem"
#define TURN_MS (UINT64_C(12) * 3600 * 1000)
#define EXPIRES_SOON_S (INT64_C(14) * 86400)

/* ---- the files ------------------------------------------------------------------------ */

struct pem_pair {
	struct buf cert, key;
};

static void pair_finish(struct pem_pair *pair)
{
	buf_finish(&pair->cert);
	buf_wipe(&pair->key);
}

static int read_pem(const char *path, struct buf *ret_text, struct buf *error)
{
	int err;

	/* So that it never moves and leaves a copy behind. */
	if (buf_reserve(ret_text, TLS_PEM_MAX + READ_SLACK) == NULL)
		return -ENOMEM;
	err = buf_read_file(ret_text, path, TLS_PEM_MAX);
	if (err < 0)
		buf_printf(error, "%s: %s", path, strerror(-err));
	return err;
}

static int read_pair(const char *cert_path, const char *key_path, struct pem_pair *ret_pair,
		     struct tls_identity_info *ret_info, struct buf *error)
{
	struct pem_pair pair = {BUF_INIT, BUF_INIT};
	struct buf why = BUF_INIT;
	int err = read_pem(cert_path, &pair.cert, error);

	if (err == 0)
		err = read_pem(key_path, &pair.key, error);
	if (err < 0)
		goto out;
	err = tls_identity_read(&pair.cert, &pair.key, ret_info, &why);
	if (err < 0) {
		buf_printf(error, "%s%s%s: %s", cert_path,
			   strcmp(cert_path, key_path) != 0 ? " and " : "",
			   strcmp(cert_path, key_path) != 0 ? key_path : "",
			   why.data != NULL ? why.data : strerror(-err));
		goto out;
	}
	*ret_pair = pair;
	pair = (struct pem_pair){BUF_INIT, BUF_INIT};
out:
	pair_finish(&pair);
	buf_finish(&why);
	return err;
}

static int make_pair(const char *path, const char *const *names, struct buf *error)
{
	struct pem_pair pair = {BUF_INIT, BUF_INIT};
	int err = tls_identity_make(names, clock_wall_ms() / 1000, &pair.cert, &pair.key);

	if (err == 0) {
		/* One file, so that a power cut leaves no half of a pair. */
		buf_append(&pair.cert, pair.key.data, pair.key.len);
		err = pair.cert.failed ? -ENOMEM
				       : fd_replace_file(path, pair.cert.data, pair.cert.len, 0600);
	}
	if (err < 0)
		buf_printf(error, "cannot make %s: %s", path, strerror(-err));
	else
		log_info("certificate made", "path=%s", path);
	buf_wipe(&pair.cert);
	buf_wipe(&pair.key);
	return err;
}

/* ---- publishing ------------------------------------------------------------------------- */

static void publish(struct tls_files *files, const struct pem_pair *pair)
{
	struct tls_secret *secret = files->secret;

	memcpy(secret->cert, pair->cert.data, pair->cert.len);
	secret->cert_len = (uint32_t)pair->cert.len;
	memcpy(secret->key, pair->key.data, pair->key.len);
	secret->key_len = (uint32_t)pair->key.len;
	tls_share_publish(files->share, secret);
}

static void make_ticket_keys(struct tls_files *files, uint64_t now_mono_ms)
{
	random_bytes(files->secret->ticket_key, sizeof(files->secret->ticket_key));
	files->turn_mono_ms = now_mono_ms + TURN_MS;
}

static void turn_ticket_keys(struct tls_files *files, uint64_t now_mono_ms)
{
	uint8_t(*key)[TLS_TICKET_KEY_BYTES] = files->secret->ticket_key;

	memcpy(key[TLS_TICKET_BEFORE], key[TLS_TICKET_NOW], TLS_TICKET_KEY_BYTES);
	memcpy(key[TLS_TICKET_NOW], key[TLS_TICKET_NEXT], TLS_TICKET_KEY_BYTES);
	random_bytes(key[TLS_TICKET_NEXT], TLS_TICKET_KEY_BYTES);
	tls_share_publish(files->share, files->secret);
	files->turn_mono_ms = now_mono_ms + TURN_MS;
}

/* ---- loading ------------------------------------------------------------------------------ */

static void warn_if_readable(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & (S_IROTH | S_IWOTH | S_IWGRP)) != 0)
		log_warn("private key in the open", "path=%s mend=%s", path,
			 "chmod o-rwx,g-w on it, and get another certificate");
}

static void warn_if_ending(const struct tls_files *files)
{
	int64_t left_s = files->info.not_after_s - clock_wall_ms() / 1000;

	if (left_s < EXPIRES_SOON_S)
		log_warn("certificate expires", "path=%s in_hours=%lld", files->cert_path,
			 (long long)(left_s / 3600));
}

static void log_load(const struct tls_files *files, const char *why)
{
	char expires[TIMESTAMP_SIZE];

	clock_format(expires, files->info.not_after_s * 1000);
	log_info("certificate", "why=%s path=%s fingerprint=%s expires=%s", why, files->cert_path,
		 files->info.fingerprint, expires);
	warn_if_ending(files);
}

static int set_paths(struct tls_files *files, const struct config *config)
{
	const char *cert = config->tls_cert[0] != '\0' ? config->tls_cert : files->own_path;
	const char *key =
		config->tls_key[0] != '\0' && config->tls_cert[0] != '\0' ? config->tls_key : cert;
	char *cert_path = strdup(cert), *key_path = strdup(key);

	if (cert_path == NULL || key_path == NULL) {
		free(cert_path);
		free(key_path);
		return -ENOMEM;
	}
	free(files->cert_path);
	free(files->key_path);
	files->cert_path = cert_path;
	files->key_path = key_path;
	return 0;
}

static int load(struct tls_files *files, const char *why, struct buf *error)
{
	struct tls_identity_info info;
	struct pem_pair pair;
	int err;

	/* First the look: what is written while we read is another look. */
	files->cert_loaded = files->cert_seen = file_look_at(files->cert_path);
	files->key_loaded = files->key_seen = file_look_at(files->key_path);
	err = read_pair(files->cert_path, files->key_path, &pair, &info, error);
	if (err < 0)
		return err;
	files->info = info;
	publish(files, &pair);
	pair_finish(&pair);
	warn_if_readable(files->key_path);
	log_load(files, why);
	return 0;
}

static bool load_or_keep(struct tls_files *files, const char *why)
{
	struct buf error = BUF_INIT;
	int err = load(files, why, &error);

	if (err < 0)
		log_error("certificate not loaded", "why=%s reason=%s goes_on_with=%s", why,
			  error.data != NULL ? error.data : strerror(-err),
			  files->info.fingerprint);
	buf_finish(&error);
	return err == 0;
}

int tls_files_open(struct tls_files *files, const struct config *config, const char *folder,
		   const char *const *names, const char *why, struct buf *error)
{
	struct buf path = BUF_INIT;
	int err = 0;

	buf_printf(&path, "%s/" OWN_FILE, folder);
	files->own_path = path.failed ? NULL : path.data;
	files->secret = calloc(1, sizeof(*files->secret));
	if (files->own_path == NULL || files->secret == NULL)
		err = -ENOMEM;
	if (err == 0)
		err = tls_share_create(&files->share);
	if (err == 0)
		err = set_paths(files, config);
	if (err == 0)
		make_ticket_keys(files, clock_mono_ms());
	if (err == 0 && config->tls_cert[0] == '\0' && !file_look_at(files->own_path).there)
		err = make_pair(files->own_path, names, error);
	if (err == 0)
		err = load(files, why, error);
	return err;
}

void tls_files_close(struct tls_files *files)
{
	tls_share_destroy(files->share);
	if (files->secret != NULL)
		explicit_bzero(files->secret, sizeof(*files->secret));
	free(files->secret);
	free(files->cert_path);
	free(files->key_path);
	free(files->own_path);
	*files = (struct tls_files){0};
}

int tls_files_enter_worker(struct tls_files *files, struct tls_share **ret_share)
{
	int err = tls_share_attach(files->share, ret_share);

	/* It reads what it needs from there. */
	explicit_bzero(files->secret, sizeof(*files->secret));
	return err;
}

void tls_files_enter_other(struct tls_files *files)
{
	tls_share_leave(files->share);
	explicit_bzero(files->secret, sizeof(*files->secret));
}

bool tls_files_load(struct tls_files *files, const struct config *config, const char *why)
{
	if (set_paths(files, config) < 0) {
		log_error("certificate not loaded", "why=%s error=%s", why, strerror(ENOMEM));
		return false;
	}
	return load_or_keep(files, why);
}

bool tls_files_tick(struct tls_files *files, uint64_t now_mono_ms)
{
	struct file_look cert = file_look_at(files->cert_path);
	struct file_look key = file_look_at(files->key_path);
	bool settled = file_looks_equal(&cert, &files->cert_seen) &&
		       file_looks_equal(&key, &files->key_seen);

	if (now_mono_ms >= files->turn_mono_ms) {
		turn_ticket_keys(files, now_mono_ms);
		warn_if_ending(files);
	}
	files->cert_seen = cert;
	files->key_seen = key;
	return settled &&
	       (!file_looks_equal(&cert, &files->cert_loaded) ||
		!file_looks_equal(&key, &files->key_loaded)) &&
	       load_or_keep(files, "changed");
}

/* ---- for people ----------------------------------------------------------------------------- */

/* "" where the instance has no name before its port is bound. */
static void find_own_path(const struct config *config, struct buf *out)
{
	if (config->instance[0] != '\0')
		buf_printf(out, "%s/%s/" OWN_FILE, config->state_dir, config->instance);
	else if (config->port != 0)
		buf_printf(out, "%s/%u/" OWN_FILE, config->state_dir, config->port);
	else
		buf_append_str(out, "");
}

int tls_files_check(const struct config *config, struct buf *error)
{
	struct tls_identity_info info;
	struct pem_pair pair = {BUF_INIT, BUF_INIT};
	struct buf own = BUF_INIT;
	const char *cert, *key;
	int err = 0;

	find_own_path(config, &own);
	cert = config->tls_cert[0] != '\0' ? config->tls_cert : own.data;
	key = config->tls_cert[0] != '\0' && config->tls_key[0] != '\0' ? config->tls_key : cert;
	if (own.failed)
		err = -ENOMEM;
	/* One of our own that isn't there is made. */
	else if (config->tls_cert[0] != '\0' || file_look_at(own.data).there)
		err = read_pair(cert, key, &pair, &info, error);
	pair_finish(&pair);
	buf_finish(&own);
	return err;
}

int tls_files_fingerprint(const struct config *config, struct buf *out, struct buf *error)
{
	struct tls_identity_info info;
	struct buf path = BUF_INIT, pem = BUF_INIT, why = BUF_INIT;
	int err;

	if (config->tls_cert[0] != '\0')
		buf_append_str(&path, config->tls_cert);
	else
		find_own_path(config, &path);
	if (!path.failed && path.len == 0) {
		buf_append_str(error, "which server's? Give its --port or --instance");
		err = -EINVAL;
		goto out;
	}
	err = path.failed ? -ENOMEM : buf_read_file(&pem, path.data, TLS_PEM_MAX);
	if (err == -ENOENT && config->tls_cert[0] == '\0')
		buf_printf(error, "%s is not there yet: it is made at the server's first start",
			   path.data);
	else if (err < 0)
		buf_printf(error, "%s: %s", path.failed ? "path" : path.data, strerror(-err));
	if (err < 0)
		goto out;
	err = tls_identity_read(&pem, NULL, &info, &why);
	if (err < 0)
		buf_printf(error, "%s: %s", path.data, why.data != NULL ? why.data : "no memory");
	else
		buf_printf(out, "%s\n", info.fingerprint);
out:
	buf_finish(&path);
	buf_wipe(&pem);
	buf_finish(&why);
	return err;
}
