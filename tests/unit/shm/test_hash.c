#include "tests/unit/shm/log_fixture.h"

#include <criterion/criterion.h>
#include <string.h>

/* The key and texts of the paper's appendix: key 00 01 … 0f, text 00 01 … of growing length. */
Test(hash, gives_the_values_of_the_siphash_paper)
{
	static const uint64_t key[2] = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
	unsigned char text[16];

	for (unsigned i = 0; i < sizeof(text); i++)
		text[i] = (unsigned char)i;
	cr_assert_eq(siphash(key, text, 0), UINT64_C(0x726fdb47dd0e0e31));
	cr_assert_eq(siphash(key, text, 1), UINT64_C(0x74f839c593dc67fd));
	cr_assert_eq(siphash(key, text, 8), UINT64_C(0x93f5f5799a932462));
	cr_assert_eq(siphash(key, text, 15), UINT64_C(0xa129ca6149be45e5));
}

Test(hash, depends_on_the_segments_key)
{
	struct log_fixture fixture;
	uint64_t before;

	log_fixture_start(&fixture, &log_fixture_small);
	before = shm_hash(&fixture.shm, "alice", 5);
	cr_assert_eq(shm_hash(&fixture.shm, "alice", 5), before);
	fixture.shm.header->hash_key[1] ^= 1;
	cr_assert_neq(shm_hash(&fixture.shm, "alice", 5), before);
	log_fixture_finish(&fixture);
}
