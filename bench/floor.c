/*
 * The yardstick: what a raw epoll server needs that does nothing but the minimum of a chat.
 *
 *	floor A|B [--frame BYTES]       listens on 127.0.0.1, prints its port, runs until killed
 *
 * A client upgrades at /ROOM, a number; what it sends goes to every client of that room,
 * itself included, as one text frame of BYTES bytes (0: as long as what came). The payload's
 * first bytes are what was sent, the rest is filled with spaces.
 *
 *	A  one send() of a prebuilt frame per member and message
 *	B  everything that is pending at the end of a loop turn in one send() per member
 *
 * No JSON, no login, no history, no limits, no numbering; a member whose socket is full is
 * cut. bench/README.md says how the figures are read.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/sha.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROOMS_MAX 65536u
#define EVENTS_MAX 512
#define IN_MAX 65536u
#define PENDING_MAX (1u << 20)

struct client {
	int fd;
	bool open; /* upgraded */
	uint32_t room;
	uint32_t place; /* in the room's members */
	size_t in_len;
	char *in; /* a request or frames that are not whole yet; NULL when nothing waits */
};

struct room {
	struct client **members;
	uint32_t count, cap;
	char *pending; /* mode B: frames of this turn */
	size_t pending_len;
	bool dirty;
};

static struct room rooms[ROOMS_MAX];
static uint32_t dirty_rooms[ROOMS_MAX];
static uint32_t dirty_count;
static bool coalesce;
static size_t frame_bytes;

static void die(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- members ------------------------------------------------------------------- */

static void room_add(struct client *client, uint32_t number)
{
	struct room *room = &rooms[number];

	if (room->count == room->cap) {
		room->cap = room->cap > 0 ? room->cap * 2 : 16;
		room->members = realloc(room->members, room->cap * sizeof(*room->members));
		if (room->members == NULL)
			die("members");
	}
	client->room = number;
	client->place = room->count;
	room->members[room->count++] = client;
}

static void client_close(struct client *client)
{
	if (client->open) {
		struct room *room = &rooms[client->room];
		struct client *last = room->members[--room->count];

		room->members[client->place] = last;
		last->place = client->place;
	}
	close(client->fd);
	client->fd = -1;
	free(client->in);
	client->in = NULL;
}

/* ---- sending --------------------------------------------------------------------- */

/* RFC 6455 §5.2: one unmasked text frame; returns its length. */
static size_t build_frame(char *out, const char *payload, size_t len)
{
	size_t body = frame_bytes > len ? frame_bytes : len;
	size_t at = 0;

	out[at++] = (char)0x81;
	if (body < 126) {
		out[at++] = (char)body;
	} else {
		out[at++] = 126;
		out[at++] = (char)(body >> 8);
		out[at++] = (char)body;
	}
	memcpy(out + at, payload, len);
	memset(out + at + len, ' ', body - len);
	return at + body;
}

static void send_to_all(struct room *room, const char *bytes, size_t len)
{
	for (uint32_t i = 0; i < room->count; i++) {
		struct client *member = room->members[i];

		if (send(member->fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len) {
			client_close(member);
			i--;
		}
	}
}

static void publish(uint32_t number, const char *payload, size_t len)
{
	struct room *room = &rooms[number];
	static char frame[IN_MAX + 16];
	size_t size = build_frame(frame, payload, len);

	if (!coalesce) {
		send_to_all(room, frame, size);
		return;
	}
	if (room->pending == NULL && (room->pending = malloc(PENDING_MAX)) == NULL)
		die("pending");
	if (room->pending_len + size > PENDING_MAX) {
		send_to_all(room, room->pending, room->pending_len);
		room->pending_len = 0;
	}
	memcpy(room->pending + room->pending_len, frame, size);
	room->pending_len += size;
	if (!room->dirty) {
		room->dirty = true;
		dirty_rooms[dirty_count++] = number;
	}
}

static void flush_turn(void)
{
	for (uint32_t i = 0; i < dirty_count; i++) {
		struct room *room = &rooms[dirty_rooms[i]];

		send_to_all(room, room->pending, room->pending_len);
		room->pending_len = 0;
		room->dirty = false;
	}
	dirty_count = 0;
}

/* ---- receiving --------------------------------------------------------------------- */

/* RFC 6455 §4.2.2: base64 of the SHA-1 of the key and the GUID. */
static void accept_key(const char *key, size_t len, char out[32])
{
	static const char table[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char text[128];
	unsigned char hash[SHA_DIGEST_LENGTH + 1] = {0};
	int size = snprintf(text, sizeof(text), "%.*s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", (int)len,
			    key);

	SHA1((const unsigned char *)text, (size_t)size, hash);
	for (unsigned i = 0; i < 7; i++) {
		uint32_t bits = (uint32_t)hash[i * 3] << 16 | (uint32_t)hash[i * 3 + 1] << 8 |
				hash[i * 3 + 2];

		for (unsigned j = 0; j < 4; j++)
			out[i * 4 + j] = table[bits >> (18 - 6 * j) & 63];
	}
	out[27] = '=';
	out[28] = '\0';
}

/* Consumes a whole request; false: not one that upgrades. */
static bool upgrade(struct client *client, char *request, size_t len)
{
	const char *key;
	char answer[256], accept[32];
	unsigned long number;
	int size;

	request[len - 1] = '\0';
	key = strcasestr(request, "\r\nsec-websocket-key:");
	if (strncmp(request, "GET /", 5) != 0 || key == NULL)
		return false;
	key += strlen("\r\nsec-websocket-key:");
	key += strspn(key, " ");
	accept_key(key, strcspn(key, "\r"), accept);
	number = strtoul(request + 5, NULL, 10);
	if (number >= ROOMS_MAX)
		return false;
	size = snprintf(answer, sizeof(answer),
			"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
			"Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
			accept);
	if (send(client->fd, answer, (size_t)size, MSG_NOSIGNAL) != size)
		return false;
	client->open = true;
	room_add(client, (uint32_t)number);
	return true;
}

/* Takes whole frames off the front; returns what was used, or -1 to close. */
static ssize_t take_frames(struct client *client, unsigned char *bytes, size_t len)
{
	size_t at = 0;

	while (len - at >= 6) {
		unsigned opcode = bytes[at] & 15;
		size_t body = bytes[at + 1] & 127, header = 6;
		unsigned char *mask;

		if (body == 126) {
			if (len - at < 8)
				break;
			body = (size_t)bytes[at + 2] << 8 | bytes[at + 3];
			header = 8;
		} else if (body == 127) {
			return -1;
		}
		if (len - at < header + body)
			break;
		if (opcode == 8)
			return -1;
		mask = bytes + at + header - 4;
		for (size_t i = 0; i < body; i++)
			bytes[at + header + i] ^= mask[i & 3];
		if (opcode == 1)
			publish(client->room, (char *)bytes + at + header, body);
		at += header + body;
	}
	return (ssize_t)at;
}

static void on_readable(struct client *client)
{
	static char scratch[IN_MAX + 1];
	ssize_t got, used = 0;
	size_t len = client->in_len;

	if (len > 0)
		memcpy(scratch, client->in, len);
	got = recv(client->fd, scratch + len, IN_MAX - len, 0);
	if (got <= 0) {
		if (got == 0 || errno != EAGAIN)
			client_close(client);
		return;
	}
	len += (size_t)got;
	if (client->open) {
		used = take_frames(client, (unsigned char *)scratch, len);
	} else if (len > 4 && memcmp(scratch + len - 4, "\r\n\r\n", 4) == 0) {
		used = upgrade(client, scratch, len) ? (ssize_t)len : -1;
	}
	if (used < 0) {
		client_close(client);
		return;
	}
	free(client->in);
	client->in = NULL;
	client->in_len = len - (size_t)used;
	if (client->in_len > 0) {
		client->in = malloc(client->in_len);
		if (client->in == NULL)
			die("in");
		memcpy(client->in, scratch + used, client->in_len);
	}
}

/* ---- the loop ------------------------------------------------------------------------ */

static void accept_all(int listen_fd, int epoll_fd)
{
	for (int i = 0; i < 16; i++) {
		int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		struct epoll_event event = {.events = EPOLLIN};
		struct client *client;
		int one = 1;

		if (fd < 0)
			return;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		client = calloc(1, sizeof(*client));
		if (client == NULL)
			die("client");
		client->fd = fd;
		event.data.ptr = client;
		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
			die("epoll_ctl");
	}
}

static int listen_anywhere(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 4096) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) < 0)
		die("listen");
	printf("%u\n", ntohs(at.sin_port));
	fflush(stdout);
	return fd;
}

int main(int argc, char **argv)
{
	struct epoll_event events[EVENTS_MAX], event = {.events = EPOLLIN};
	struct rlimit files;
	int listen_fd, epoll_fd;

	if (argc < 2 || (strcmp(argv[1], "A") != 0 && strcmp(argv[1], "B") != 0)) {
		fprintf(stderr, "usage: floor A|B [--frame BYTES]\n");
		return 2;
	}
	coalesce = argv[1][0] == 'B';
	if (argc == 4 && strcmp(argv[2], "--frame") == 0)
		frame_bytes = strtoul(argv[3], NULL, 10);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	listen_fd = listen_anywhere();
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fd, &event) < 0)
		die("epoll");
	for (;;) {
		int count = epoll_wait(epoll_fd, events, EVENTS_MAX, -1);

		for (int i = 0; i < count; i++) {
			struct client *client = events[i].data.ptr;

			if (client == NULL)
				accept_all(listen_fd, epoll_fd);
			else if (client->fd >= 0)
				on_readable(client);
		}
		flush_turn();
	}
}
