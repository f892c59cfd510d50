#include "auth/bcrypt_pbkdf.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static void derive(const char *passphrase, const char *salt, uint32_t rounds, size_t len,
		   char hex[129])
{
	uint8_t key[64];

	cr_assert_eq(bcrypt_pbkdf(passphrase, strlen(passphrase), (const uint8_t *)salt,
				  strlen(salt), rounds, key, len),
		     0);
	for (size_t i = 0; i < len; i++)
		snprintf(hex + 2 * i, 3, "%02x", key[i]);
}

Test(bcrypt_pbkdf, derives_what_openbsd_derives)
{
	char hex[129];

	derive("password", "salt", 4, 32, hex);
	cr_assert_str_eq(hex, "5bbf0cc293587f1c3635555c27796598"
			      "d47e579071bf427e9d8fbe842aba34d9");
}

Test(bcrypt_pbkdf, a_longer_key_is_dealt_from_several_blocks)
{
	char longer[129], shorter[129];

	derive("password", "salt", 1, 64, longer);
	derive("password", "salt", 1, 32, shorter);
	/* every other byte of two blocks is the first block */
	for (size_t i = 0; i < 32; i++)
		cr_assert_eq(memcmp(longer + 4 * i, shorter + 2 * i, 2), 0, "%zu", i);
}

Test(bcrypt_pbkdf, nothing_is_derived_from_nothing)
{
	uint8_t key[32];
	const uint8_t salt[65] = {1};

	cr_assert_eq(bcrypt_pbkdf("", 0, salt, 4, 4, key, 32), -EINVAL);
	cr_assert_eq(bcrypt_pbkdf("x", 1, salt, 0, 4, key, 32), -EINVAL);
	cr_assert_eq(bcrypt_pbkdf("x", 1, salt, 65, 4, key, 32), -EINVAL);
	cr_assert_eq(bcrypt_pbkdf("x", 1, salt, 4, 0, key, 32), -EINVAL);
	cr_assert_eq(bcrypt_pbkdf("x", 1, salt, 4, 4, key, 0), -EINVAL);
}
