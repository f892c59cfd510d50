#include "auth/agent.h"
#include "auth/pubkey.h"
#include "auth/signature.h"
#include "tests/unit/auth/key_maker.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct key_folder folder;

static void setup(void)
{
	key_folder_create(&folder);
}

static void teardown(void)
{
	key_folder_destroy(&folder);
}

TestSuite(agent, .init = setup, .fini = teardown);

Test(agent, lists_its_keys_and_signs_with_each_type)
{
	static const char message[] = "sign me";
	struct agent_keys keys = {0};

	key_agent_start(&folder);
	key_make(&folder, "ed", "-t ed25519 -N ''");
	key_make(&folder, "ec", "-t ecdsa -b 384 -N ''");
	key_make(&folder, "rsa", "-t rsa -b 2048 -N ''");
	key_run(&folder, "ssh-add -q \"$D/ed\" \"$D/ec\" \"$D/rsa\"");
	cr_assert_eq(agent_list(folder.agent_socket, &keys), 0);
	cr_assert_eq(keys.count, 3);
	for (size_t i = 0; i < keys.count; i++) {
		struct buf signature = BUF_INIT;
		struct pubkey pubkey;
		struct signature parsed;

		cr_assert_str_eq(keys.keys[i].comment, "test");
		cr_assert_eq(agent_sign(folder.agent_socket, &keys.keys[i].blob, message,
					sizeof(message), &signature),
			     0);
		cr_assert_eq(pubkey_parse(keys.keys[i].blob.data, keys.keys[i].blob.len, &pubkey),
			     VERDICT_OK);
		/* for RSA this also means: not SHA-1 */
		cr_assert_eq(signature_parse(
				     (struct wire_bytes){(uint8_t *)signature.data, signature.len},
				     &pubkey, &parsed),
			     VERDICT_OK);
		cr_assert_eq(signature_verify(&parsed, &pubkey, message, sizeof(message)),
			     VERDICT_OK);
		buf_finish(&signature);
	}
	agent_keys_finish(&keys);
}

Test(agent, an_empty_agent_has_no_keys)
{
	struct agent_keys keys = {0};

	key_agent_start(&folder);
	cr_assert_eq(agent_list(folder.agent_socket, &keys), 0);
	cr_assert_eq(keys.count, 0);
	agent_keys_finish(&keys);
}

Test(agent, a_key_it_has_not_is_refused)
{
	struct buf blob = BUF_INIT, signature = BUF_INIT;

	key_agent_start(&folder);
	key_make(&folder, "ed", "-t ed25519 -N ''");
	key_read_public(&folder, "ed.pub", &blob);
	cr_assert_eq(agent_sign(folder.agent_socket, &blob, "x", 1, &signature), -EACCES);
	cr_assert_eq(signature.len, 0);
	buf_finish(&blob);
	buf_finish(&signature);
}

Test(agent, no_agent_is_no_such_file)
{
	struct agent_keys keys = {0};
	char long_path[200];

	cr_assert_eq(agent_list(key_path(&folder, "nothing"), &keys), -ENOENT);
	memset(long_path, 'a', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	cr_assert_eq(agent_list(long_path, &keys), -ENAMETOOLONG);
}

/* An agent that answers the first question with these bytes. */
struct nonsense {
	int listener;
	const char *bytes;
	size_t len;
};

static void *answer_nonsense(void *data)
{
	const struct nonsense *nonsense = data;
	int fd = accept(nonsense->listener, NULL, NULL);
	char question[64];

	if (fd >= 0 && read(fd, question, sizeof(question)) > 0 &&
	    write(fd, nonsense->bytes, nonsense->len) == (ssize_t)nonsense->len)
		shutdown(fd, SHUT_WR);
	close(fd);
	return NULL;
}

static int list_from(const char *bytes, size_t len)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct nonsense nonsense = {.bytes = bytes, .len = len};
	struct agent_keys keys = {0};
	pthread_t thread;
	int rc;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/false", folder.path);
	unlink(address.sun_path);
	nonsense.listener = socket(AF_UNIX, SOCK_STREAM, 0);
	cr_assert_eq(bind(nonsense.listener, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(nonsense.listener, 1), 0);
	cr_assert_eq(pthread_create(&thread, NULL, answer_nonsense, &nonsense), 0);
	rc = agent_list(address.sun_path, &keys);
	pthread_join(thread, NULL);
	close(nonsense.listener);
	agent_keys_finish(&keys);
	return rc;
}

Test(agent, nonsense_is_told_so)
{
	cr_assert_eq(list_from("\0\0\0\0", 4), -EBADMSG);
	cr_assert_eq(list_from("\xff\xff\xff\xff", 4), -EBADMSG);
	cr_assert_eq(list_from("\0\0\0\5\5\0\0\0\0", 9), -EBADMSG);
	cr_assert_eq(list_from("\0\0\0\5\14\0\0\0\7", 9), -EBADMSG);
	cr_assert_eq(list_from("\0\0\0\11\14", 5), -EBADMSG);
	cr_assert_eq(list_from("\0\0\0\5\14\0\0\0\0", 9), 0);
}
