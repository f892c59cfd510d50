#include "auth/agent.h"

#include "auth/wire.h"
#include "base/clock.h"
#include "base/fd.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* draft-miller-ssh-agent §5.1, §5.3 */
#define SSH_AGENT_IDENTITIES_ANSWER 12
#define SSH_AGENTC_REQUEST_IDENTITIES 11
#define SSH_AGENTC_SIGN_REQUEST 13
#define SSH_AGENT_SIGN_RESPONSE 14
#define SSH_AGENT_FAILURE 5
#define SSH_AGENT_RSA_SHA2_512 4

#define ANSWER_MAX (256u * 1024u) /* as OpenSSH's agent has it */
#define LIST_MS 2000
#define SIGN_MS 60000 /* its owner may have to find the security key first */

/* Waits until the descriptor is ready for `events`: 0, -ETIMEDOUT or -errno. */
static int wait_for(int fd, short events, uint64_t deadline_ms)
{
	struct pollfd pollfd = {.fd = fd, .events = events};
	uint64_t now;
	int n;

	do {
		now = clock_mono_ms();
		if (now >= deadline_ms)
			return -ETIMEDOUT;
		n = poll(&pollfd, 1, (int)(deadline_ms - now));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == 0 ? -ETIMEDOUT : 0;
}

static int agent_connect(const char *path, int *ret_fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* to a Unix socket this is done at once, or refused (EAGAIN: its queue is full) */
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		int error = errno;

		close(fd);
		return error == ECONNREFUSED || error == ENOTDIR ? -ENOENT : -error;
	}
	*ret_fd = fd;
	return 0;
}

static int send_all(int fd, const char *data, size_t len, uint64_t deadline_ms)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			int rc = wait_for(fd, POLLOUT, deadline_ms);

			if (rc < 0)
				return rc;
			continue;
		}
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int receive_all(int fd, uint8_t *data, size_t len, uint64_t deadline_ms)
{
	while (len > 0) {
		ssize_t n = recv(fd, data, len, 0);

		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			int rc = wait_for(fd, POLLIN, deadline_ms);

			if (rc < 0)
				return rc;
			continue;
		}
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EBADMSG;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* One question, one answer; both without their length in front. */
static int agent_ask(const char *path, const struct buf *question, struct buf *answer,
		     unsigned wait_ms)
{
	uint64_t deadline_ms = clock_mono_ms() + wait_ms;
	struct buf frame = BUF_INIT;
	struct wire_reader reader;
	uint8_t head[4];
	uint32_t len = 0;
	char *room;
	int fd = -1;
	int rc;

	wire_put_string(&frame, question->data, question->len);
	if (frame.failed || question->failed) {
		rc = -ENOMEM;
		goto out;
	}
	if ((rc = agent_connect(path, &fd)) < 0 ||
	    (rc = send_all(fd, frame.data, frame.len, deadline_ms)) < 0 ||
	    (rc = receive_all(fd, head, sizeof(head), deadline_ms)) < 0)
		goto out;
	reader = wire_reader(head, sizeof(head));
	if (wire_get_u32(&reader, &len) < 0 || len == 0 || len > ANSWER_MAX) {
		rc = -EBADMSG;
		goto out;
	}
	room = buf_reserve(answer, len);
	if (!room) {
		rc = -ENOMEM;
		goto out;
	}
	rc = receive_all(fd, (uint8_t *)room, len, deadline_ms);
	if (rc == 0)
		answer->len += len;
out:
	fd_close(&fd);
	buf_finish(&frame);
	return rc;
}

void agent_keys_finish(struct agent_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++) {
		buf_finish(&keys->keys[i].blob);
		free(keys->keys[i].comment);
	}
	free(keys->keys);
	*keys = (struct agent_keys){0};
}

static int read_keys(struct wire_reader *reader, uint32_t count, struct agent_keys *keys)
{
	keys->keys = calloc(count, sizeof(struct agent_key));
	if (!keys->keys)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		struct agent_key *key = &keys->keys[i];
		struct wire_bytes blob, comment;

		if (wire_get_string(reader, &blob) < 0 || wire_get_string(reader, &comment) < 0)
			return -EBADMSG;
		keys->count++;
		buf_append(&key->blob, blob.data, blob.len);
		key->comment = strndup(comment.len ? (const char *)comment.data : "", comment.len);
		if (key->blob.failed || !key->comment)
			return -ENOMEM;
	}
	return 0;
}

int agent_list(const char *socket_path, struct agent_keys *ret_keys)
{
	struct buf question = BUF_INIT, answer = BUF_INIT;
	struct agent_keys keys = {0};
	struct wire_reader reader;
	uint8_t type = 0;
	uint32_t count = 0;
	int rc;

	wire_put_u8(&question, SSH_AGENTC_REQUEST_IDENTITIES);
	rc = agent_ask(socket_path, &question, &answer, LIST_MS);
	if (rc < 0)
		goto out;
	reader = wire_reader(answer.data, answer.len);
	if (wire_get_u8(&reader, &type) < 0 || type != SSH_AGENT_IDENTITIES_ANSWER ||
	    wire_get_u32(&reader, &count) < 0) {
		rc = -EBADMSG;
		goto out;
	}
	if (count > AGENT_KEYS_MAX)
		count = AGENT_KEYS_MAX;
	if (count > 0 && (rc = read_keys(&reader, count, &keys)) < 0)
		goto out;
	*ret_keys = keys;
	keys = (struct agent_keys){0};
out:
	agent_keys_finish(&keys);
	buf_finish(&question);
	buf_finish(&answer);
	return rc;
}

/* The agent ignores the flag for keys of other types. */
int agent_sign(const char *socket_path, const struct buf *blob, const void *data, size_t len,
	       struct buf *signature)
{
	struct buf question = BUF_INIT, answer = BUF_INIT;
	struct wire_reader reader;
	struct wire_bytes bytes;
	uint8_t type = 0;
	int rc;

	wire_put_u8(&question, SSH_AGENTC_SIGN_REQUEST);
	wire_put_string(&question, blob->data, blob->len);
	wire_put_string(&question, data, len);
	wire_put_u32(&question, SSH_AGENT_RSA_SHA2_512);
	rc = agent_ask(socket_path, &question, &answer, SIGN_MS);
	if (rc < 0)
		goto out;
	reader = wire_reader(answer.data, answer.len);
	if (wire_get_u8(&reader, &type) < 0) {
		rc = -EBADMSG;
	} else if (type == SSH_AGENT_FAILURE) {
		rc = -EACCES;
	} else if (type != SSH_AGENT_SIGN_RESPONSE || wire_get_string(&reader, &bytes) < 0 ||
		   !wire_at_end(&reader)) {
		rc = -EBADMSG;
	} else {
		buf_append(signature, bytes.data, bytes.len);
		rc = signature->failed ? -ENOMEM : 0;
	}
out:
	buf_finish(&question);
	buf_finish(&answer);
	return rc;
}
