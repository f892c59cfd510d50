#include "shm/crc32c.h"

#include <criterion/criterion.h>
#include <string.h>

/* RFC 3720 §B.4, and the check value of the CRC catalogue. */
Test(crc32c, gives_the_published_values)
{
	unsigned char bytes[32];

	cr_assert_eq(crc32c(0, "123456789", 9), 0xe3069283);
	memset(bytes, 0, sizeof(bytes));
	cr_assert_eq(crc32c(0, bytes, sizeof(bytes)), 0x8a9136aa);
	memset(bytes, 0xff, sizeof(bytes));
	cr_assert_eq(crc32c(0, bytes, sizeof(bytes)), 0x62a8ab43);
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	cr_assert_eq(crc32c(0, bytes, sizeof(bytes)), 0x46dd794e);
	cr_assert_eq(crc32c(0, "", 0), 0);
}

Test(crc32c, the_table_and_the_instruction_agree_for_every_length_and_alignment)
{
	unsigned char bytes[300];

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 37 + 11);
	for (unsigned at = 0; at < 8; at++) {
		for (unsigned len = 0; len < 290; len++)
			cr_assert_eq(crc32c(len, bytes + at, len),
				     crc32c_portable(len, bytes + at, len));
	}
}

Test(crc32c, goes_on_where_it_left_off)
{
	const char *text = "a line that is made of a head and a tail";

	for (size_t cut = 0; cut <= strlen(text); cut++)
		cr_assert_eq(crc32c(crc32c(0, text, cut), text + cut, strlen(text) - cut),
			     crc32c(0, text, strlen(text)));
}
