/* chat-keys names: the name bindings, through the running master (auth/names_socket.h). */
#include "auth/challenge.h"
#include "auth/names_socket.h"
#include "base/fd.h"
#include "keys/arguments.h"
#include "keys/commands.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_WAIT_MS 10000
#define ANSWER_MAX (64u << 20)

static const char help[] =
	"chat-keys names list\n"
	"chat-keys names add NAME KEY\n"
	"chat-keys names release NAME\n"
	"                [--instance NAME] [--state-dir DIR]\n"
	"\n"
	"Shows and edits who owns which name, through the running chat-master.\n"
	"\n"
	"  list            a line each: name, fingerprint, key | pin | ca | reserved\n"
	"                  (reserved: its key is no longer among the authorized keys)\n"
	"  add NAME KEY    gives a free name to a key: a .pub file or a SHA256: fingerprint\n"
	"  release NAME    frees a name; whoever comes next may have it, with an empty inbox\n"
	"  --instance NAME which server; else its port, 8080\n"
	"  --state-dir DIR as chat-master's; else $XDG_STATE_HOME/chat, or /var/lib/chat for root\n"
	"\n"
	"Exit codes: 0 done, 1 refused, 2 usage or no such server.\n";

struct names_call {
	const char *instance, *state_dir;
	char request[NAMES_REQUEST_MAX];
};

/* 0, or -1 after a complaint. */
static int socket_path(const struct names_call *call, struct sockaddr_un *ret_address)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const size_t size = sizeof(address.sun_path);
	int len;

	if (call->state_dir != NULL)
		len = snprintf(address.sun_path, size, "%s/%s/%s", call->state_dir, call->instance,
			       NAMES_SOCKET_NAME);
	else if (geteuid() == 0)
		len = snprintf(address.sun_path, size, "/var/lib/chat/%s/%s", call->instance,
			       NAMES_SOCKET_NAME);
	else if (state != NULL && state[0] == '/')
		len = snprintf(address.sun_path, size, "%s/chat/%s/%s", state, call->instance,
			       NAMES_SOCKET_NAME);
	else
		len = snprintf(address.sun_path, size, "%s/.local/state/chat/%s/%s",
			       home != NULL ? home : "", call->instance, NAMES_SOCKET_NAME);
	if (len < 0 || (size_t)len >= size) {
		complain("the state directory's path is too long for a socket (%zu characters)",
			 size - 1);
		return -1;
	}
	*ret_address = address;
	return 0;
}

/* Everything until the master closes: 0 or -errno. */
static int read_answer(int fd, struct buf *answer)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	while (answer->len < ANSWER_MAX) {
		char *at = buf_reserve(answer, 4096);
		int ready = poll(&wait, 1, ANSWER_WAIT_MS);
		ssize_t got;

		if (at == NULL)
			return -ENOMEM;
		if (ready == 0)
			return -ETIMEDOUT;
		got = ready < 0 ? -1 : read(fd, at, 4096);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return 0;
		answer->len += (size_t)got;
		answer->data[answer->len] = '\0';
	}
	return -EFBIG;
}

static int ask(const struct names_call *call, struct buf *answer)
{
	struct sockaddr_un address;
	int fd, ret = -1;

	if (socket_path(call, &address) < 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		complain("%s: %s; is chat-master running, with that --instance and --state-dir?",
			 address.sun_path, strerror(errno));
		goto out;
	}
	ret = fd_write_all(fd, call->request, strlen(call->request));
	if (ret == 0)
		ret = read_answer(fd, answer);
	if (ret < 0)
		complain("the server did not answer: %s", strerror(-ret));
out:
	fd_close(&fd);
	return ret;
}

/* Prints the answer and tells how it ended. */
static int tell(const struct buf *answer)
{
	const char *at = answer->data != NULL ? answer->data : "";

	while (*at != '\0') {
		size_t len = strcspn(at, "\n");
		bool last = at[len] == '\0' || at[len + 1] == '\0';

		if (last && strncmp(at, "ok", 2) == 0) {
			if (len > 3) {
				print_clean(at + 3, len - 3);
				(void)putchar('\n');
			}
			return EXIT_ACCEPT;
		}
		if (last && strncmp(at, "error ", 6) == 0) {
			complain("%.*s", (int)(len - 6), at + 6);
			return EXIT_REFUSE;
		}
		print_clean(at, len);
		(void)putchar('\n');
		at += len + (at[len] == '\n' ? 1 : 0);
	}
	complain("the server's answer broke off");
	return EXIT_USAGE;
}

/* The fingerprint itself, or of the key in a file. 0, or -1 after a complaint. */
static int key_fingerprint(const char *key, char ret_fingerprint[FINGERPRINT_SIZE])
{
	uint8_t hash[KEY_HASH_BYTES];
	struct buf blob = BUF_INIT;
	struct certificate cert;
	struct pubkey pubkey;
	int ret = 0;

	if (fingerprint_parse(key, hash) == 0)
		goto out;
	ret = argument_key_file(key, &blob);
	if (ret < 0)
		goto out;
	if (certificate_parse(blob.data, blob.len, &cert) == VERDICT_OK) {
		pubkey_hash(&cert.key, hash);
	} else if (pubkey_parse(blob.data, blob.len, &pubkey) == VERDICT_OK) {
		pubkey_hash(&pubkey, hash);
	} else {
		complain("%s: not a key that can log in", key);
		ret = -1;
	}
out:
	if (ret == 0)
		fingerprint_format(hash, ret_fingerprint);
	buf_finish(&blob);
	return ret;
}

/* Words to a request: 0, or -1 after a complaint. */
static int make_request(int count, char **words, struct names_call *call)
{
	char fingerprint[FINGERPRINT_SIZE], name[NAME_SIZE];
	const char *verb = count > 0 ? words[0] : "";

	if (count == 1 && strcmp(verb, "list") == 0) {
		(void)snprintf(call->request, sizeof(call->request), "names list\n");
		return 0;
	}
	if (!(count == 3 && strcmp(verb, "add") == 0) &&
	    !(count == 2 && strcmp(verb, "release") == 0)) {
		complain(
			"names list, names add NAME KEY or names release NAME (--help tells more)");
		return -1;
	}
	if (user_name_fold(words[1], name) < 0) {
		complain("\"%s\" is no name: 1 to %u of a-z 0-9 _ . -, beginning with a letter or "
			 "digit",
			 words[1], (unsigned)NAME_LEN_MAX);
		return -1;
	}
	if (count == 2) {
		(void)snprintf(call->request, sizeof(call->request), "names release %s\n", name);
		return 0;
	}
	if (key_fingerprint(words[2], fingerprint) < 0)
		return -1;
	(void)snprintf(call->request, sizeof(call->request), "names add %s %s\n", name,
		       fingerprint);
	return 0;
}

int command_names(int argc, char **argv)
{
	static const struct option options[] = {
		{"instance", required_argument, NULL, 'i'},
		{"state-dir", required_argument, NULL, 's'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct names_call call = {.instance = "8080"};
	struct buf answer = BUF_INIT;
	int c, result = EXIT_USAGE;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'i':
			call.instance = optarg;
			break;
		case 's':
			call.state_dir = optarg;
			break;
		case 'h':
			(void)fputs(help, stdout);
			return EXIT_ACCEPT;
		default:
			return EXIT_USAGE;
		}
	}
	if (make_request(argc - optind, argv + optind, &call) < 0)
		return EXIT_USAGE;
	if (ask(&call, &answer) == 0)
		result = tell(&answer);
	buf_finish(&answer);
	return result;
}
