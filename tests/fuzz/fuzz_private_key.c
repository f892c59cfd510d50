/*
 * Private-key files: containers of openssh-key-v1 and PEM. The first byte chooses whether a
 * passphrase is tried; derivations of many rounds are left out, for they only cost time.
 */
#include "auth/key_container.h"
#include "auth/private_key.h"

#include <stdint.h>

#define ROUNDS_MAX 2u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_quick(const char *text, size_t len)
{
	struct key_container container;
	bool quick;

	if (key_container_read(text, len, &container) < 0)
		return true;
	quick = container.rounds <= ROUNDS_MAX;
	key_container_finish(&container);
	return quick;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct private_key_info info;
	struct private_key *key = NULL;
	struct buf signature = BUF_INIT;
	const char *text = (const char *)data + 1;

	if (size < 1)
		return 0;
	size--;
	if (private_key_inspect(text, size, &info) == 0)
		private_key_info_finish(&info);
	if (is_quick(text, size) &&
	    private_key_load(text, size, data[0] & 1 ? "passes" : NULL, &key) == 0) {
		/* what loads must sign, or say that it cannot */
		(void)private_key_sign(key, "x", 1, &signature);
		private_key_destroy(key);
	}
	buf_finish(&signature);
	return 0;
}
