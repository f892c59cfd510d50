#include "worker/utf8.h"

#include <stdint.h>
#include <string.h>

/* The rows of RFC 3629 §4: only the second byte of a character has a range of its own. */
static bool begin(struct utf8 *text, unsigned char byte)
{
	*text = (struct utf8){.low = 0x80, .high = 0xbf};
	if (byte < 0x80)
		return true;
	if (byte < 0xc2 || byte > 0xf4)
		return false;
	text->left = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
	if (byte == 0xe0)
		text->low = 0xa0;
	if (byte == 0xed)
		text->high = 0x9f;
	if (byte == 0xf0)
		text->low = 0x90;
	if (byte == 0xf4)
		text->high = 0x8f;
	return true;
}

bool utf8_take(struct utf8 *text, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)bytes[i];
		uint64_t eight;

		/* Nearly all that comes is ASCII: eight bytes at a time. */
		while (text->left == 0 && len - i > sizeof(eight)) {
			memcpy(&eight, bytes + i, sizeof(eight));
			if ((eight & 0x8080808080808080u) != 0)
				break;
			i += sizeof(eight);
			byte = (unsigned char)bytes[i];
		}
		if (text->left == 0) {
			if (!begin(text, byte))
				return false;
			continue;
		}
		if (byte < text->low || byte > text->high)
			return false;
		text->left--;
		text->low = 0x80;
		text->high = 0xbf;
	}
	return true;
}

bool utf8_is_whole(const struct utf8 *text)
{
	return text->left == 0;
}
