#include "bench/client.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MAX 256
#define READ_BYTES (256u << 10)
#define CLIENTS_PER_ADDRESS 20000u

static void die(const char *what, const char *detail)
{
	fprintf(stderr, "bench: %s: %s\n", what, detail);
	exit(1);
}

/* ---- keys -------------------------------------------------------------------------- */

static void put_string(struct buf *out, const void *bytes, size_t len)
{
	uint32_t size = htonl((uint32_t)len);

	buf_append(out, &size, sizeof(size));
	buf_append(out, bytes, len);
}

static void put_base64(struct buf *out, const struct buf *bytes)
{
	size_t size = sodium_base64_ENCODED_LEN(bytes->len, sodium_base64_VARIANT_ORIGINAL);
	char *at = buf_reserve(out, size);

	if (at == NULL)
		die("memory", "full");
	sodium_bin2base64(at, size, (const unsigned char *)bytes->data, bytes->len,
			  sodium_base64_VARIANT_ORIGINAL);
	out->len += size - 1;
}

static void put_public_key(struct buf *out, const struct bench *bench)
{
	struct buf blob = BUF_INIT;

	put_string(&blob, "ssh-ed25519", 11);
	put_string(&blob, bench->public_key, 32);
	put_string(out, blob.data, blob.len);
	buf_finish(&blob);
}

void bench_init(struct bench *bench, bool chat, uint32_t count)
{
	struct buf line = BUF_INIT, blob = BUF_INIT;

	if (sodium_init() < 0)
		die("libsodium", "can't start");
	memset(bench, 0, sizeof(*bench));
	bench->chat = chat;
	bench->count = count;
	bench->sample_every = 1;
	bench->clients = calloc(count, sizeof(*bench->clients));
	bench->users = count;
	for (unsigned i = 0; i < LATENCY_GROUPS; i++) {
		bench->latencies[i].cap = 1u << 21;
		bench->latencies[i].us = malloc(bench->latencies[i].cap * sizeof(uint32_t));
		if (bench->latencies[i].us == NULL)
			die("memory", "full");
	}
	bench->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (bench->clients == NULL || bench->epoll_fd < 0)
		die("memory", "full");
	for (uint32_t i = 0; i < count; i++) {
		bench->clients[i].bench = bench;
		bench->clients[i].number = i;
		bench->clients[i].fd = -1;
	}
	crypto_sign_keypair(bench->public_key, bench->secret);
	put_string(&blob, "ssh-ed25519", 11);
	put_string(&blob, bench->public_key, 32);
	buf_append_str(&line, "ssh-ed25519 ");
	put_base64(&line, &blob);
	buf_append_str(&line, " bench\n");
	bench->authorized_key = line.data;
	buf_finish(&blob);
}

void bench_finish(struct bench *bench)
{
	for (uint32_t i = 0; i < bench->count; i++) {
		if (bench->clients[i].fd >= 0)
			close(bench->clients[i].fd);
		buf_finish(&bench->clients[i].in);
	}
	close(bench->epoll_fd);
	free(bench->clients);
	for (unsigned i = 0; i < LATENCY_GROUPS; i++)
		free(bench->latencies[i].us);
	free(bench->authorized_key);
}

/* PROTOCOL.sshsig: what is signed, and the blob around the signature. */
static void sign_login(struct bench *bench, struct buf *out, const struct buf *text)
{
	struct buf blob = BUF_INIT, data = BUF_INIT, inner = BUF_INIT;
	unsigned char hash[crypto_hash_sha512_BYTES], signature[crypto_sign_BYTES];
	uint32_t version = htonl(1);
	static const char name[] = "login@chat-master";

	crypto_hash_sha512(hash, (const unsigned char *)text->data, text->len);
	buf_append(&data, "SSHSIG", 6);
	put_string(&data, name, sizeof(name) - 1);
	put_string(&data, "", 0);
	put_string(&data, "sha512", 6);
	put_string(&data, hash, sizeof(hash));
	crypto_sign_detached(signature, NULL, (const unsigned char *)data.data, data.len,
			     bench->secret);
	buf_append(&blob, "SSHSIG", 6);
	buf_append(&blob, &version, sizeof(version));
	put_public_key(&blob, bench);
	put_string(&blob, name, sizeof(name) - 1);
	put_string(&blob, "", 0);
	put_string(&blob, "sha512", 6);
	put_string(&inner, "ssh-ed25519", 11);
	put_string(&inner, signature, sizeof(signature));
	put_string(&blob, inner.data, inner.len);
	put_base64(out, &blob);
	buf_finish(&blob);
	buf_finish(&data);
	buf_finish(&inner);
}

static void put_fingerprint(struct buf *out, const struct bench *bench)
{
	struct buf blob = BUF_INIT;
	unsigned char hash[crypto_hash_sha256_BYTES];
	char text[64];

	put_string(&blob, "ssh-ed25519", 11);
	put_string(&blob, bench->public_key, 32);
	crypto_hash_sha256(hash, (const unsigned char *)blob.data, blob.len);
	sodium_bin2base64(text, sizeof(text), hash, sizeof(hash),
			  sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	buf_printf(out, "SHA256:%s", text);
	buf_finish(&blob);
}

/* ---- sending ------------------------------------------------------------------------- */

/* RFC 6455 §5.2, with a mask of zeros: the server's work is the same. */
static void send_text(struct client *client, const char *text, size_t len)
{
	unsigned char frame[8192];
	size_t at = 0;

	frame[at++] = 0x81;
	if (len < 126) {
		frame[at++] = (unsigned char)(0x80 | len);
	} else {
		frame[at++] = 0x80 | 126;
		frame[at++] = (unsigned char)(len >> 8);
		frame[at++] = (unsigned char)len;
	}
	memset(frame + at, 0, 4);
	at += 4;
	if (len > sizeof(frame) - at)
		die("frame", "too long");
	memcpy(frame + at, text, len);
	/* A floor may just have cut it: that is seen when it is read. */
	if (send(client->fd, frame, at + len, MSG_NOSIGNAL) != (ssize_t)(at + len) &&
	    client->bench->chat)
		die("send", strerror(errno));
}

void client_publish(struct client *client, uint64_t now_ns)
{
	char line[512], content[CONTENT_BYTES + 1];
	int len;

	if (client->fd < 0)
		return;
	client->sent++;
	memset(content, 'x', CONTENT_BYTES);
	content[CONTENT_BYTES] = '\0';
	snprintf(content, sizeof(content), "%08" PRIx32 "%016" PRIx64, client->sent, now_ns);
	content[24] = 'x';
	if (client->bench->chat)
		len = snprintf(line, sizeof(line),
			       "{\"type\":\"message\",\"id\":\"b%" PRIu32 "\",\"room\":\"r%" PRIu32
			       "\",\"content\":\"%s\"}",
			       client->sent, client->room, content);
	else
		len = snprintf(line, sizeof(line), "\"content\":\"%s\"", content);
	send_text(client, line, (size_t)len);
}

static const char *field(const char *line, const char *name)
{
	const char *at = strstr(line, name);

	if (at == NULL)
		die("no field", line);
	return at + strlen(name);
}

static void send_login(struct client *client, const char *challenge)
{
	struct bench *bench = client->bench;
	struct buf text = BUF_INIT, line = BUF_INIT;
	const char *nonce = field(challenge, "\"nonce\":\"");
	uint64_t expires = strtoull(field(challenge, "\"expires\":"), NULL, 10);
	uint64_t begin = clock_mono_ns();

	buf_printf(&text,
		   "chat-auth-v1\nserver: 127.0.0.1:%u\nuser: u%" PRIu32 "\nkey: ", bench->port,
		   client->number % bench->users);
	put_fingerprint(&text, bench);
	buf_printf(&text, "\nnonce: %.*s\nexpires: %" PRIu64 "\nbinding: none\n",
		   (int)strcspn(nonce, "\""), nonce, expires);
	buf_printf(&line,
		   "{\"type\":\"login\",\"user\":\"u%" PRIu32 "\",\"server\":\"127.0.0.1:%u\","
		   "\"binding\":\"none\",\"device\":\"b%" PRIu32 "\",\"only\":[],\"signature\":\"",
		   client->number % bench->users, bench->port, client->number);
	sign_login(bench, &line, &text);
	buf_append_str(&line, "\"}");
	bench->login_ns += clock_mono_ns() - begin;
	send_text(client, line.data, line.len);
	buf_finish(&text);
	buf_finish(&line);
}

/* ---- receiving ------------------------------------------------------------------------- */

static void sample(struct client *client, const char *content, uint64_t now_ns)
{
	struct bench *bench = client->bench;
	struct latencies *latencies = &bench->latencies[client->group];
	char hex[17] = {0};

	if (bench->deliveries % bench->sample_every != 0 || latencies->count == latencies->cap)
		return;
	memcpy(hex, content + 8, 16);
	latencies->us[latencies->count++] = (uint32_t)((now_ns - strtoull(hex, NULL, 16)) / 1000);
}

static void on_delivery(struct client *client, const char *content, uint64_t now_ns)
{
	uint32_t count = 0;

	for (unsigned i = 0; i < 8; i++) {
		unsigned digit = (unsigned char)content[i];

		count = count << 4 | (digit <= '9' ? digit - '0' : digit - 'a' + 10);
	}
	if (count != client->got + 1)
		client->bench->bad++;
	client->got = count;
	client->bench->deliveries++;
	sample(client, content, now_ns);
	if (client->publisher && !client->bench->chat)
		client->answered++;
}

/*
 * Our own work per delivery has to stay small, and like that for a floor's frames: the place is
 * nearly always that of the line before. NULL: no message of ours.
 */
static const char *find_content(struct bench *bench, const char *line, size_t len)
{
	static const char key[] = "\"content\":\"";
	const size_t key_len = sizeof(key) - 1;
	const char *at = line + bench->content_at;

	if (bench->content_at + key_len + 24 > len || memcmp(at, key, key_len) != 0)
		at = memmem(line, len, key, key_len);
	if (at == NULL)
		return NULL;
	bench->content_at = (size_t)(at - line);
	return at + key_len;
}

static void send_join(struct client *client)
{
	char join[128];
	int size =
		snprintf(join, sizeof(join),
			 "{\"type\":\"join\",\"id\":\"j\",\"room\":\"r%" PRIu32 "\",\"limit\":0}",
			 client->room);

	send_text(client, join, (size_t)size);
}

static void on_line(struct client *client, const char *line, size_t len, uint64_t now_ns)
{
	static const char message[] = "{\"type\":\"message\",";
	static const char ok[] = "{\"type\":\"ok\",";

	if (client->state == CLIENT_READY && len > sizeof(message) &&
	    memcmp(line, message, sizeof(message) - 1) == 0) {
		const char *content = find_content(client->bench, line, len);

		client->bench->line_bytes = len + 1;
		if (content != NULL)
			on_delivery(client, content, now_ns);
	} else if (memcmp(line, ok, sizeof(ok) - 1) == 0) {
		client->answered++;
	} else if (memcmp(line, "{\"type\":\"challenge\"", 19) == 0) {
		client->state = client->bench->only_handshake ? CLIENT_READY : CLIENT_LOGGING_IN;
		if (client->state == CLIENT_READY)
			client->bench->ready++;
		else
			send_login(client, line);
	} else if (memcmp(line, "{\"type\":\"welcome\"", 17) == 0) {
		if (client->bench->only_login) {
			client->state = CLIENT_READY;
			client->bench->ready++;
			return;
		}
		client->state = CLIENT_JOINING;
		send_join(client);
	} else if (client->state == CLIENT_JOINING && memcmp(line, "{\"type\":\"room\"", 14) == 0 &&
		   memmem(line, len, "\"id\":\"j\"", 8) != NULL) {
		client->state = CLIENT_READY;
		client->bench->ready++;
	} else if (memcmp(line, "{\"type\":\"gap\"", 13) == 0) {
		client->bench->gaps++;
		fprintf(stderr, "bench: %.*s\n", (int)len, line);
	} else if (client->state != CLIENT_READY &&
		   memmem(line, len, "\"code\":\"busy\"", 13) != NULL) {
		/* Thousands come at once. After a login that was busy a new challenge follows. */
		if (client->state == CLIENT_JOINING)
			send_join(client);
	} else if (memcmp(line, "{\"type\":\"error\"", 15) == 0) {
		die("the server says", line);
	}
}

static void on_frame(struct client *client, char *payload, size_t len, uint64_t now_ns)
{
	uint64_t before = client->bench->deliveries;

	if (!client->bench->chat) {
		if (len >= 11 + 24)
			on_delivery(client, payload + 11, now_ns);
		client->bench->line_bytes = len;
		client->bench->frames++;
		return;
	}
	while (len > 0) {
		char *end = memchr(payload, '\n', len);
		size_t size = end != NULL ? (size_t)(end - payload) : len;

		if (size > 16)
			on_line(client, payload, size, now_ns);
		size += end != NULL;
		payload += size;
		len -= size;
	}
	client->bench->frames += client->bench->deliveries > before;
}

/* RFC 6455 §5.5.3: of the same body; masked with zeros. */
static void send_pong(struct client *client, const char *body, size_t len)
{
	char frame[6 + 125] = {(char)0x8a, (char)(0x80 | len)};

	if (len > 125)
		die("a ping is too long", "");
	memcpy(frame + 6, body, len);
	if (send(client->fd, frame, 6 + len, MSG_NOSIGNAL) < 0)
		die("pong", strerror(errno));
}

/* Whole frames off the front of the bytes; returns what was used. */
static size_t take_frames(struct client *client, char *bytes, size_t len, uint64_t now_ns)
{
	size_t at = 0;

	while (len - at >= 2) {
		unsigned opcode = (unsigned char)bytes[at] & 15;
		size_t body = (unsigned char)bytes[at + 1] & 127, header = 2;

		if (body == 126 && len - at >= 4) {
			body = (size_t)(unsigned char)bytes[at + 2] << 8 |
			       (unsigned char)bytes[at + 3];
			header = 4;
		} else if (body == 127 && len - at >= 10) {
			body = 0;
			for (unsigned i = 0; i < 8; i++)
				body = body << 8 | (unsigned char)bytes[at + 2 + i];
			header = 10;
		} else if (body >= 126) {
			break;
		}
		if (len - at < header + body)
			break;
		if (opcode == 1)
			on_frame(client, bytes + at + header, body, now_ns);
		else if (opcode == 9)
			send_pong(client, bytes + at + header, body);
		else if (opcode == 8)
			die("the server closes", bytes + at + header + 2);
		at += header + body;
	}
	return at;
}

static size_t take_upgrade(struct client *client, const char *bytes, size_t len)
{
	const char *end = memmem(bytes, len, "\r\n\r\n", 4);

	if (end == NULL)
		return 0;
	if (memcmp(bytes, "HTTP/1.1 101", 12) != 0)
		die("no upgrade", bytes);
	client->state = CLIENT_LOGGING_IN;
	if (!client->bench->chat) {
		client->state = CLIENT_READY;
		client->bench->ready++;
	}
	return (size_t)(end - bytes) + 4;
}

static void on_readable(struct client *client)
{
	static char scratch[READ_BYTES + 1];
	size_t len = client->in.len, used = 0;
	ssize_t got;

	if (len > 0)
		memcpy(scratch, client->in.data, len);
	got = recv(client->fd, scratch + len, READ_BYTES - len, 0);
	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0 && !client->bench->chat) {
		close(client->fd);
		client->fd = -1;
		client->bench->cut++;
		return;
	}
	if (got <= 0)
		die("connection lost", got < 0 ? strerror(errno) : "closed by the server");
	len += (size_t)got;
	scratch[len] = '\0';
	if (client->state == CLIENT_UPGRADING)
		used = take_upgrade(client, scratch, len);
	if (client->state > CLIENT_UPGRADING)
		used += take_frames(client, scratch + used, len - used, clock_mono_ns());
	if (used < len || client->in.len > 0) {
		buf_reset(&client->in);
		buf_append(&client->in, scratch + used, len - used);
	}
}

static void on_connected(struct client *client)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
	char request[256];
	int len = snprintf(request, sizeof(request),
			   "GET /%s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
			   "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
			   "Sec-WebSocket-Version: 13\r\n\r\n",
			   client->bench->chat ? "ws" : "0", client->bench->port);

	if (!client->bench->chat)
		len = snprintf(request, sizeof(request),
			       "GET /%" PRIu32 " HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
			       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
			       client->room);
	client->state = CLIENT_UPGRADING;
	epoll_ctl(client->bench->epoll_fd, EPOLL_CTL_MOD, client->fd, &event);
	if (send(client->fd, request, (size_t)len, MSG_NOSIGNAL) != len)
		die("upgrade", strerror(errno));
}

void client_connect(struct client *client)
{
	struct sockaddr_in to = {.sin_family = AF_INET}, from = {.sin_family = AF_INET};
	struct epoll_event event = {.events = EPOLLOUT, .data.ptr = client};
	int one = 1;

	to.sin_port = htons((uint16_t)client->bench->port);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (client->fd < 0)
		die("socket", strerror(errno));
	/*
	 * One source address has some 28,000 ports, and those of the run before rest for a
	 * minute: each process has addresses of its own.
	 */
	from.sin_addr.s_addr = htonl((127u << 24) + ((uint32_t)getpid() % 60000 + 1) * 256 + 1 +
				     client->number / CLIENTS_PER_ADDRESS);
	setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (client->bench->count > CLIENTS_PER_ADDRESS / 2 &&
	    bind(client->fd, (struct sockaddr *)&from, sizeof(from)) < 0)
		die("bind", strerror(errno));
	if (connect(client->fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)
		die("connect", strerror(errno));
	client->state = CLIENT_CONNECTING;
	if (epoll_ctl(client->bench->epoll_fd, EPOLL_CTL_ADD, client->fd, &event) < 0)
		die("epoll", strerror(errno));
}

void bench_poll(struct bench *bench, int wait_ms)
{
	struct epoll_event events[EVENTS_MAX];
	int count = epoll_wait(bench->epoll_fd, events, EVENTS_MAX, wait_ms);

	for (int i = 0; i < count; i++) {
		struct client *client = events[i].data.ptr;

		if (client->state == CLIENT_CONNECTING)
			on_connected(client);
		else if (!client->mute)
			on_readable(client);
	}
}

void bench_connect_all(struct bench *bench, uint32_t at_once)
{
	uint32_t started = 0;

	while (bench->ready < bench->count) {
		while (started < bench->count && started - bench->ready < at_once)
			client_connect(&bench->clients[started++]);
		bench_poll(bench, 100);
	}
}

void client_mute(struct client *client)
{
	client->mute = true;
	epoll_ctl(client->bench->epoll_fd, EPOLL_CTL_DEL, client->fd, NULL);
}

void bench_disconnect_all(struct bench *bench)
{
	for (uint32_t i = 0; i < bench->count; i++) {
		struct client *client = &bench->clients[i];

		if (client->fd >= 0)
			close(client->fd);
		client->fd = -1;
		buf_reset(&client->in);
	}
	bench->ready = 0;
}

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

uint32_t latencies_percentile(struct latencies *latencies, double percent)
{
	uint32_t at;

	if (latencies->count == 0)
		return 0;
	qsort(latencies->us, latencies->count, sizeof(uint32_t), compare_u32);
	at = (uint32_t)(percent / 100 * latencies->count);
	return latencies->us[at < latencies->count ? at : latencies->count - 1];
}
