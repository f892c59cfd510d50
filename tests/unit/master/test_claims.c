#include "master/claims.h"

#include "tests/unit/master/folder.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHIe4cnwVcELdZezogKdsCal0G7ahliUn2bFlreV897p a\n"

static struct keys keys;
static struct child child;
static int worker_fd;
static char path[512];

static void init(void)
{
	static const char *const servers[] = {"localhost:8080", NULL};
	struct config config = {.authorized_keys = path, .names_per_key = 1, .max_keys = 100};
	struct buf error = BUF_INIT;
	const char *folder = folder_make();

	snprintf(path, sizeof(path), "%s", folder_write("authorized_keys", KEY));
	cr_assert_eq(keys_open(&keys, folder, &error), 0, "%s", error.data);
	cr_assert_eq(keys_load(&keys, &config, servers, "start"), 0);
	child = (struct child){.control_fd = -1};
	cr_assert_eq(control_pair(&child.control_fd, &worker_fd), 0);
	buf_finish(&error);
}

static void finish(void)
{
	keys_close(&keys);
	folder_remove();
}

TestSuite(claims, .init = init, .fini = finish);

static void claim(uint64_t request, const char *name)
{
	struct control_packet packet;

	memset(&packet, 0, sizeof(packet));
	packet.kind = CONTROL_CLAIM;
	packet.request = request;
	packet.claim.kind = NAME_KEY;
	memcpy(packet.claim.name, name, strlen(name) + 1);
	memcpy(packet.claim.key_hash, keys.view.lines[0].key_hash, KEY_HASH_BYTES);
	cr_assert_eq(control_send(worker_fd, &packet), 0);
}

static void expect(uint64_t request, enum control_verdict verdict)
{
	struct control_packet packet;

	cr_assert_eq(control_read(worker_fd, &packet), 1);
	cr_assert_eq(packet.kind, CONTROL_CLAIMED);
	cr_assert_eq(packet.request, request);
	cr_assert_eq(packet.claimed.verdict, verdict, "got %u", packet.claimed.verdict);
}

Test(claims, are_decided_in_order_and_each_is_answered)
{
	claim(7, "alice");
	claim(8, "alice2");
	claim(9, "alice");
	claims_receive(&child, 0, &keys, NULL);
	expect(7, CONTROL_GRANTED);
	expect(8, CONTROL_LIMIT);
	expect(9, CONTROL_GRANTED);
}

/* A full disk, as far as the log of names is concerned. */
static void disk_is_full(bool full)
{
	struct rlimit limit;
	struct stat st;

	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(stat(folder_path("names"), &st), 0);
	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = full ? (rlim_t)st.st_size : limit.rlim_max;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

Test(claims, what_cannot_be_written_down_is_unavailable_and_grants_nothing)
{
	uint64_t generation = keyring_generation(keys.keyring);

	disk_is_full(true);
	claim(1, "alice");
	claims_receive(&child, 0, &keys, NULL);
	expect(1, CONTROL_UNAVAILABLE);
	cr_assert_eq(keyring_generation(keys.keyring), generation);
	cr_assert_null(keyring_find_binding(&keys.view, "alice"));
	disk_is_full(false);
	claim(2, "alice");
	claims_receive(&child, 0, &keys, NULL);
	expect(2, CONTROL_GRANTED);
	cr_assert_not_null(keyring_find_binding(&keys.view, "alice"));
}

Test(claims, a_worker_that_is_gone_costs_nothing)
{
	claim(1, "alice");
	close(worker_fd);
	/* Decided all the same: the client's next login finds its name. */
	claims_receive(&child, 0, &keys, NULL);
	cr_assert_not_null(keyring_find_binding(&keys.view, "alice"));
	claims_receive(&child, 0, &keys, NULL);
	cr_assert_eq(child.control_fd, -1);
}
