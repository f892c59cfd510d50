#include "tests/integration/relay.h"

#include "tests/integration/owned.h"
#include "tests/integration/scratch.h"

#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void finish(void *thing)
{
	struct relay *relay = thing;

	if (relay->pid > 0) {
		kill(relay->pid, SIGKILL);
		waitpid(relay->pid, NULL, 0);
	}
	SSL_CTX_free(relay->ssl_ctx);
	close(relay->listener);
	free(relay);
}

static void make_certificate(struct relay *relay)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	unsigned char *der = NULL, hash[EVP_MAX_MD_SIZE];
	unsigned hash_len = 0;
	char encoded[50];

	must(key != NULL && cert != NULL &&
		     X509_gmtime_adj(X509_getm_notBefore(cert), -60) != NULL &&
		     X509_gmtime_adj(X509_getm_notAfter(cert), 3600) != NULL &&
		     X509_set_pubkey(cert, key) && X509_sign(cert, key, EVP_sha256()),
	     "no certificate");
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);

	EVP_Digest(der, (size_t)len, hash, &hash_len, EVP_sha256(), NULL);
	sodium_bin2base64(encoded, sizeof(encoded), hash, hash_len,
			  sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	snprintf(relay->fingerprint, sizeof(relay->fingerprint), "SHA256:%s", encoded);
	relay->ssl_ctx = SSL_CTX_new(TLS_server_method());
	must(SSL_CTX_use_certificate(relay->ssl_ctx, cert) == 1 &&
		     SSL_CTX_use_PrivateKey(relay->ssl_ctx, key) == 1,
	     "no TLS");
	OPENSSL_free(der);
	X509_free(cert);
	EVP_PKEY_free(key);
}

struct relay *relay_open(void)
{
	struct relay *relay = calloc(1, sizeof(*relay));
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);

	must(relay != NULL, "out of memory");
	relay->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(bind(relay->listener, (struct sockaddr *)&at, sizeof(at)) == 0 &&
		     listen(relay->listener, 16) == 0 &&
		     getsockname(relay->listener, (struct sockaddr *)&at, &len) == 0,
	     "the relay cannot listen");
	relay->port = ntohs(at.sin_port);
	owned_add(relay, finish, NULL);
	make_certificate(relay);
	return relay;
}

/* Whatever `from` has decrypted goes on: false at its end. */
static bool pass(SSL *from, SSL *to)
{
	char bytes[16384];

	do {
		int got = SSL_read(from, bytes, sizeof(bytes));

		if (got <= 0)
			return SSL_get_error(from, got) == SSL_ERROR_WANT_READ;
		if (SSL_write(to, bytes, got) != got)
			return false;
	} while (SSL_pending(from) > 0);
	return true;
}

static void relay_one(struct relay *relay, int fd, unsigned port)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int out = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	SSL *client = SSL_new(relay->ssl_ctx);
	SSL *server = SSL_new(SSL_CTX_new(TLS_client_method()));
	struct pollfd fds[2] = {{.fd = fd, .events = POLLIN}, {.fd = out, .events = POLLIN}};

	SSL_set_fd(client, fd);
	SSL_set_fd(server, out);
	SSL_clear_mode(client, SSL_MODE_AUTO_RETRY);
	SSL_clear_mode(server, SSL_MODE_AUTO_RETRY);
	if (connect(out, (struct sockaddr *)&at, sizeof(at)) != 0 || SSL_accept(client) != 1 ||
	    SSL_connect(server) != 1)
		return;
	while (poll(fds, 2, -1) > 0) {
		if (fds[0].revents != 0 && !pass(client, server))
			return;
		if (fds[1].revents != 0 && !pass(server, client))
			return;
	}
}

void relay_serve(struct relay *relay, struct server *s)
{
	pid_t parent = getpid();

	relay->pid = fork();
	must(relay->pid >= 0, "fork");
	if (relay->pid > 0)
		return;
	child_prepare(parent);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int fd = accept(relay->listener, NULL, NULL);
		pid_t self = getpid();

		/* Each connection a process: blocking is fine there. */
		if (fd >= 0 && fork() == 0) {
			child_prepare(self);
			signal(SIGPIPE, SIG_IGN);
			relay_one(relay, fd, s->port);
			_exit(0);
		}
		close(fd);
	}
}
