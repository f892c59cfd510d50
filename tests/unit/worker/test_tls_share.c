#include "worker/tls_share.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct tls_share *share;
static struct tls_secret *in, *out;

static void setup(void)
{
	in = calloc(1, sizeof(*in));
	out = calloc(1, sizeof(*out));
	cr_assert(in != NULL && out != NULL);
	cr_assert_eq(tls_share_create(&share), 0);
}

static void teardown(void)
{
	tls_share_destroy(share);
	free(in);
	free(out);
}

TestSuite(tls_share, .init = setup, .fini = teardown);

static int in_a_child(int (*check)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(check());
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
}

static int reads_once(void)
{
	struct tls_share *own = NULL;

	if (tls_share_attach(share, &own) < 0)
		return 1;
	if (!tls_share_is_new(own) || !tls_share_read(own, out))
		return 2;
	if (out->cert_len != 4 || memcmp(out->cert, "cert", 4) != 0 ||
	    out->ticket_key[TLS_TICKET_NEXT][79] != 7)
		return 3;
	if (tls_share_is_new(own) || tls_share_read(own, out))
		return 4;
	tls_share_destroy(own);
	return 0;
}

Test(tls_share, a_worker_reads_what_was_published_once)
{
	memcpy(in->cert, "cert", 4);
	in->cert_len = 4;
	in->ticket_key[TLS_TICKET_NEXT][79] = 7;
	tls_share_publish(share, in);
	cr_assert_eq(in_a_child(reads_once), 0);
}

static int finds_nothing(void)
{
	struct tls_share *own = NULL;

	return tls_share_attach(share, &own) < 0 || tls_share_is_new(own);
}

Test(tls_share, before_the_first_publish_there_is_nothing)
{
	cr_assert_eq(in_a_child(finds_nothing), 0);
}

static atomic_bool stop;

static void *publish_on(void *data)
{
	(void)data;
	for (uint32_t i = 1; !atomic_load(&stop); i++) {
		memset(in->cert, (int)(i & 0xff), sizeof(in->cert));
		in->cert_len = i & 0xff;
		tls_share_publish(share, in);
	}
	return NULL;
}

Test(tls_share, nobody_reads_half_of_two_publishes)
{
	struct tls_share *own = NULL;
	unsigned read = 0;
	pthread_t thread;

	/* In one process: its own descriptor is the mapping's of the reader, too. */
	cr_assert_eq(pthread_create(&thread, NULL, publish_on, NULL), 0);
	cr_assert_eq(tls_share_attach(share, &own), 0);
	while (read < 200) {
		if (!tls_share_read(own, out))
			continue;
		read++;
		for (size_t i = 0; i < sizeof(out->cert); i++)
			cr_assert_eq((uint8_t)out->cert[i], (uint8_t)out->cert_len);
	}
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	tls_share_destroy(own);
}
