#include "tests/unit/worker/worker_fixture.h"

#include "auth/base64.h"
#include "auth/challenge.h"
#include "auth/keyring.h"
#include "auth/names.h"
#include "auth/pubkey.h"
#include "base/random.h"
#include "shm/doorbell.h"
#include "shm/janitor.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <ftw.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct fixture fixture;

/* ---- the transport --------------------------------------------------------------- */

enum ws_result ws_write(struct ws *ws, char *data, size_t len, bool binary)
{
	cr_assert_not(ws->blocked, "written to while its socket was full");
	cr_assert_eq(ws->close_code, 0, "written to behind its close frame");
	cr_assert_not(binary);
	cr_assert_eq(data[len - 1], '\n');
	if (ws->broken)
		return WS_FAILED;
	/* As libwebsockets does. */
	memset(data - WS_HEADROOM, 0xee, WS_HEADROOM);
	buf_append(&ws->out, data, len);
	ws->frames++;
	if (len > ws->longest)
		ws->longest = len;
	ws->blocked = ws->full;
	if (ws->written != NULL)
		ws->written();
	return ws->blocked ? WS_BLOCKED : WS_WRITTEN;
}

void ws_write_all(struct ws *const *all, unsigned count, char *data, size_t len,
		  enum ws_result *ret_results)
{
	cr_assert_leq(count, WS_WRITE_ALL_MAX);
	for (unsigned i = 0; i < count; i++)
		ret_results[i] = ws_write(all[i], data, len, false);
}

bool ws_is_blocked(const struct ws *ws)
{
	return ws->blocked;
}

enum ws_result ws_ping(struct ws *ws)
{
	ws->pings++;
	return WS_WRITTEN;
}

void ws_close(struct ws *ws, unsigned code, const char *reason)
{
	(void)reason;
	ws->close_code = code;
}

void ws_flow(const struct ws *ws, struct flow *ret_flow)
{
	*ret_flow = (struct flow){.taken = ws->taken, .waiting = ws->waiting};
}

void ws_local_address(const struct ws *ws, struct sockaddr_storage *ret_address)
{
	(void)ws;
	*ret_address = (struct sockaddr_storage){.ss_family = AF_UNSPEC};
}

void ws_known(struct ws *ws)
{
	ws->known = true;
}

bool ws_peer_is_gone(const struct ws *ws)
{
	return ws->gone;
}

void ws_kill(struct ws *ws)
{
	ws->broken = true;
}

/* ---- keys -------------------------------------------------------------------------- */

struct key {
	unsigned char pub[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
	struct buf blob;
	char fingerprint[FINGERPRINT_SIZE];
};

static void put_string(struct buf *out, const void *bytes, size_t len)
{
	uint32_t size = htonl((uint32_t)len);

	buf_append(out, &size, sizeof(size));
	buf_append(out, bytes, len);
}

/* Everyone's key follows from his name. */
static void key_of(const char *user, struct key *ret_key)
{
	unsigned char seed[crypto_sign_SEEDBYTES] = {0};
	struct pubkey pubkey;

	memcpy(seed, user, strnlen(user, sizeof(seed)));
	crypto_sign_seed_keypair(ret_key->pub, ret_key->secret, seed);
	ret_key->blob = BUF_INIT;
	put_string(&ret_key->blob, "ssh-ed25519", 11);
	put_string(&ret_key->blob, ret_key->pub, sizeof(ret_key->pub));
	cr_assert_eq(pubkey_parse(ret_key->blob.data, ret_key->blob.len, &pubkey), VERDICT_OK);
	pubkey_fingerprint(&pubkey, ret_key->fingerprint);
}

static void sign(const struct key *key, const char *text, size_t len, struct buf *ret_base64)
{
	unsigned char hash[crypto_hash_sha512_BYTES], signature[crypto_sign_BYTES];
	struct buf body = BUF_INIT, inner = BUF_INIT;
	uint32_t version = htonl(1);

	crypto_hash_sha512(hash, (const unsigned char *)text, len);
	buf_append_str(&body, "SSHSIG");
	put_string(&body, CHALLENGE_NAMESPACE, strlen(CHALLENGE_NAMESPACE));
	put_string(&body, "", 0);
	put_string(&body, "sha512", 6);
	put_string(&body, hash, sizeof(hash));
	crypto_sign_detached(signature, NULL, (const unsigned char *)body.data, body.len,
			     key->secret);
	buf_reset(&body);
	buf_append_str(&body, "SSHSIG");
	buf_append(&body, &version, sizeof(version));
	put_string(&body, key->blob.data, key->blob.len);
	put_string(&body, CHALLENGE_NAMESPACE, strlen(CHALLENGE_NAMESPACE));
	put_string(&body, "", 0);
	put_string(&body, "sha512", 6);
	put_string(&inner, "ssh-ed25519", 11);
	put_string(&inner, signature, sizeof(signature));
	put_string(&body, inner.data, inner.len);
	base64_encode(ret_base64, body.data, body.len, 0);
	buf_finish(&body);
	buf_finish(&inner);
}

static void publish(void)
{
	static const char *const servers[] = {"localhost:8080", NULL};
	struct keyring_source source = {.safety = KEYS_SAFE,
					.keys = fixture.keys.len > 0 ? fixture.keys.data : NULL,
					.keys_len = fixture.keys.len,
					.names = fixture.names,
					.servers = servers,
					.names_per_key = 1};
	struct keyring_report report;
	struct buf image = BUF_INIT;

	cr_assert_eq(keyring_image_build(&source, NULL, NULL, &image, &report), 0);
	cr_assert_eq(report.refused, 0);
	cr_assert_eq(keyring_publish(fixture.master_keyring, image.data, image.len), 0);
	buf_finish(&image);
}

static void allow(const char *user)
{
	struct key key;

	key_of(user, &key);
	buf_append_str(&fixture.keys, "ssh-ed25519 ");
	base64_encode(&fixture.keys, key.blob.data, key.blob.len, 0);
	buf_append_char(&fixture.keys, '\n');
	buf_finish(&key.blob);
}

void fixture_revoke_all(void)
{
	buf_reset(&fixture.keys);
	publish();
}

/* ---- its life ------------------------------------------------------------------------ */

void fixture_defaults(void)
{
	cr_assert_geq(sodium_init(), 0);
	memset(&fixture, 0, sizeof(fixture));
	log_set_level(LOG_LEVEL_ERROR);
	fixture.config = (struct config){.workers = 2,
					 .max_frame = LINE_MAX_BYTES,
					 .max_line = LINE_MAX_BYTES,
					 .max_content = CONTENT_MAX_CHARS,
					 .rate = 1000,
					 .burst = 1000,
					 .max_connections_per_user = 16,
					 .max_rooms_per_user = 8,
					 .presence_limit = 100,
					 .login_timeout = 20,
					 .slow_timeout = 60};
	fixture.sizes = (struct segment_sizes){.max_users = 16,
					       .max_devices = 32,
					       .max_connections = 32,
					       .max_rooms = 8,
					       .rooms_per_user = 8,
					       .max_addresses = 16,
					       .room_lines = 64,
					       .room_bytes = 65536};
}

static void start_worker(unsigned at)
{
	static const struct control_handler orders = {.reload = NULL, .drain = NULL};
	struct inherit *inherit = &fixture.inherit[at];
	int fd;

	inherit->slot = at;
	inherit->shm = fixture.shm;
	inherit->config = &fixture.config;
	inherit->keyring = fixture.keyring;
	inherit->listen_fds[0] = -1;
	inherit->port = 8080;
	cr_assert_eq(control_pair(&fixture.control_fd[at], &fd), 0);
	inherit->control_fd = fd;
	janitor_worker_born(&fixture.shm, at);
	cr_assert_eq(worker_init(&fixture.worker[at], inherit), 0);
	fixture.control[at] = control_create(fd, &orders, NULL);
	cr_assert_not_null(fixture.control[at]);
	fixture.worker[at].control = fixture.control[at];
}

void fixture_start(void)
{
	static const char *const users[] = {"alice", "bob", "carol", "dave", NULL};
	struct segment_params params = {.instance = fixture.instance,
					.state_dir = fixture.state_dir,
					.sizes = fixture.sizes,
					.wait_ms = 200};
	struct segment_report report;
	struct buf error = BUF_INIT;

	snprintf(fixture.instance, sizeof(fixture.instance), "unit-worker-%d-%llx", getpid(),
		 (unsigned long long)random_u64());
	snprintf(fixture.state_dir, sizeof(fixture.state_dir), "/tmp/rk-worker-XXXXXX");
	cr_assert_not_null(mkdtemp(fixture.state_dir));
	cr_assert_eq(segment_start(&params, &fixture.shm, &report, &error), 0, "%s", error.data);
	buf_finish(&error);
	cr_assert_eq(doorbell_create(fixture.bells), 0);
	fixture.shm.bells = (const int(*)[2])fixture.bells;
	cr_assert_eq(keyring_create(1u << 20, &fixture.master_keyring), 0);
	cr_assert_eq(names_open_memory(&fixture.names), 0);
	for (unsigned i = 0; users[i] != NULL; i++)
		allow(users[i]);
	publish();
	cr_assert_eq(keyring_attach(keyring_fd(fixture.master_keyring), &fixture.keyring), 0);
	for (unsigned i = 0; i < FIXTURE_WORKERS; i++)
		start_worker(i);
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *at)
{
	(void)stat;
	(void)type;
	(void)at;
	return remove(path);
}

void fixture_finish(void)
{
	char name[80];

	for (unsigned i = 0; i < fixture.client_count; i++) {
		fixture_cut(fixture.clients[i]);
		buf_finish(&fixture.clients[i]->out);
		free(fixture.clients[i]);
	}
	for (unsigned i = 0; i < FIXTURE_WORKERS; i++) {
		worker_finish(&fixture.worker[i]);
		control_destroy(fixture.control[i]);
		close(fixture.control_fd[i]);
		close(fixture.inherit[i].control_fd);
	}
	keyring_destroy(fixture.keyring);
	keyring_destroy(fixture.master_keyring);
	names_close(fixture.names);
	buf_finish(&fixture.keys);
	for (unsigned i = 0; i < SLOTS_MAX; i++) {
		close(fixture.bells[i][0]);
		close(fixture.bells[i][1]);
	}
	munmap(fixture.shm.base, fixture.shm.size);
	close(fixture.shm.fd);
	snprintf(name, sizeof(name), "/chat-%s", fixture.instance);
	shm_unlink(name);
	nftw(fixture.state_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- the master ------------------------------------------------------------------------ */

static void decide(unsigned at, const struct control_packet *asked)
{
	struct control_packet reply = {.kind = CONTROL_CLAIMED, .request = asked->request};
	struct keyring_view view = *keyring_view(fixture.keyring);
	enum name_answer answer;
	bool passed;

	cr_assert_eq(names_claim(fixture.names, &view, &asked->claim, &answer, &passed), 0);
	publish();
	switch (answer) {
	case NAME_GRANTED:
		reply.claimed.verdict = CONTROL_GRANTED;
		break;
	case NAME_TAKEN:
		reply.claimed.verdict = CONTROL_TAKEN;
		break;
	case NAME_LIMIT:
		reply.claimed.verdict = CONTROL_LIMIT;
		break;
	}
	cr_assert_eq(control_send(fixture.control_fd[at], &reply), 0);
}

static void be_the_master(unsigned at)
{
	struct control_packet packet;

	if (fixture.claims_wait)
		return;
	while (control_read(fixture.control_fd[at], &packet) == 1)
		if (packet.kind == CONTROL_CLAIM)
			decide(at, &packet);
	control_receive(fixture.control[at]);
}

/* ---- clients ---------------------------------------------------------------------------- */

struct ws *fixture_connect(unsigned worker)
{
	struct ws *ws = calloc(1, sizeof(*ws));
	struct ws_peer peer = {.address = {.family = AF_INET, .bytes = {127, 0, 0, 1}}};

	cr_assert_not_null(ws);
	fixture.clients[fixture.client_count++] = ws;
	ws->conn = worker_ws_handler.open(&fixture.worker[worker], ws, &peer);
	cr_assert_not_null(ws->conn);
	return ws;
}

void fixture_cut(struct ws *ws)
{
	if (ws->conn != NULL)
		worker_ws_handler.closed(ws->conn, 1006);
	ws->conn = NULL;
}

void fixture_send(struct ws *ws, const char *lines)
{
	worker_ws_handler.receive(ws->conn, lines, strlen(lines), false);
}

void fixture_turn(void)
{
	for (unsigned round = 0; round < 4; round++) {
		for (unsigned i = 0; i < FIXTURE_WORKERS; i++) {
			be_the_master(i);
			worker_bell(&fixture.worker[i]);
			worker_flush(&fixture.worker[i]);
		}
	}
}

void fixture_look(void)
{
	for (unsigned i = 0; i < FIXTURE_WORKERS; i++)
		worker_look(&fixture.worker[i]);
	fixture_turn();
}

const char *fixture_next(struct ws *ws)
{
	static char line[LINE_MAX_BYTES];
	const char *from = ws->out.data + ws->read, *end;

	if (ws->read == ws->out.len)
		return NULL;
	end = strchr(from, '\n');
	cr_assert_not_null(end);
	snprintf(line, sizeof(line), "%.*s", (int)(end - from), from);
	ws->read += (size_t)(end - from) + 1;
	return line;
}

void fixture_forget(struct ws *ws)
{
	ws->read = ws->out.len;
	ws->frames = 0;
	ws->longest = 0;
}

void fixture_expect(struct ws *ws, const char *text)
{
	const char *line = fixture_next(ws);

	cr_assert_not_null(line, "nothing was sent, expected %s", text);
	cr_assert_not_null(strstr(line, text), "%s\nis not %s", line, text);
}

void fixture_expect_nothing(struct ws *ws)
{
	const char *line = fixture_next(ws);

	cr_assert_null(line, "%s", line);
}

unsigned long fixture_number(const char *line, const char *name)
{
	char key[40];
	const char *at;

	snprintf(key, sizeof(key), "\"%s\":", name);
	at = strstr(line, key);
	cr_assert_not_null(at, "%s has no %s", line, name);
	return strtoul(at + strlen(key), NULL, 10);
}

const char *fixture_login_line(struct ws *ws, const char *user, const char *more)
{
	return fixture_login_line_by(ws, user, user, more);
}

const char *fixture_login_line_by(struct ws *ws, const char *user, const char *key_owner,
				  const char *more)
{
	static char line[LINE_MAX_BYTES];
	char text[CHALLENGE_TEXT_SIZE], nonce[NONCE_SIZE];
	struct challenge challenge = {.server = "localhost:8080", .user = user, .binding = "none"};
	struct buf signature = BUF_INIT;
	const char *offered, *at;
	struct key key;
	size_t len;

	fixture_turn();
	offered = fixture_next(ws);
	cr_assert_not_null(offered);
	at = strstr(offered, "\"nonce\":\"");
	cr_assert_not_null(at, "%s", offered);
	snprintf(nonce, sizeof(nonce), "%.*s", (int)NONCE_LEN, at + 9);
	challenge.nonce = nonce;
	challenge.expires_s = (int64_t)fixture_number(offered, "expires");
	key_of(key_owner, &key);
	challenge.fingerprint = key.fingerprint;
	cr_assert_eq(challenge_text(&challenge, text, &len), 0);
	sign(&key, text, len, &signature);
	snprintf(line, sizeof(line),
		 "{\"type\":\"login\",\"user\":\"%s\",\"server\":\"localhost:8080\","
		 "\"binding\":\"none\",\"signature\":\"%s\"%s}",
		 user, signature.data, more);
	buf_finish(&signature);
	buf_finish(&key.blob);
	return line;
}

struct ws *fixture_enter_with(unsigned worker, const char *user, const char *more)
{
	struct ws *ws = fixture_connect(worker);

	fixture_send(ws, fixture_login_line(ws, user, more));
	fixture_turn();
	return ws;
}

struct ws *fixture_enter(unsigned worker, const char *user)
{
	struct ws *ws = fixture_enter_with(worker, user, "");

	fixture_expect(ws, "\"type\":\"welcome\"");
	fixture_forget(ws);
	return ws;
}
