#include "keys/arguments.h"
#include "auth/challenge.h"
#include "base/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_FILE_MAX (64u << 10)

void complain(const char *fmt, ...)
{
	va_list args;

	(void)fputs("chat-keys: ", stderr);
	va_start(args, fmt);
	(void)vfprintf(stderr, fmt, args);
	va_end(args);
	(void)fputc('\n', stderr);
}

void print_clean(const void *bytes, size_t len)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < len; i++)
		(void)putchar(at[i] >= ' ' && at[i] <= '~' ? at[i] : '?');
}

int argument_user(const char *text, char ret_user[NAME_SIZE])
{
	if (user_name_fold(text, ret_user) == 0)
		return 0;
	complain("--user: a name is 1 to %u of a-z 0-9 _ . - and begins with a letter or digit",
		 (unsigned)NAME_LEN_MAX);
	return -EINVAL;
}

int argument_address(const char *text, struct address *ret_address)
{
	if (address_parse(text, ret_address) == 0)
		return 0;
	complain("--address: \"%s\" is no IPv4 or IPv6 address", text);
	return -EINVAL;
}

int argument_time(const char *text, int64_t *ret_now_s)
{
	int64_t wall_ms;
	char *end;

	if (clock_parse(text, &wall_ms) == 0) {
		*ret_now_s = wall_ms / 1000;
		return 0;
	}
	errno = 0;
	*ret_now_s = strtoll(text, &end, 10);
	if (end != text && *end == '\0' && errno == 0 && *ret_now_s >= 0)
		return 0;
	complain("--time: \"%s\" is no time like 2026-11-20T17:00:00Z", text);
	return -EINVAL;
}

int argument_file(const char *path, size_t max, struct buf *ret_bytes)
{
	int ret = buf_read_file(ret_bytes, path, max);

	if (ret == 0)
		return 0;
	complain("%s: %s", path, strerror(-ret));
	return -EINVAL;
}

int argument_key_file(const char *path, struct buf *ret_blob)
{
	struct buf text = BUF_INIT;
	int ret = argument_file(path, KEY_FILE_MAX, &text);

	if (ret == 0 &&
	    (text.len == 0 || pubkey_text_decode(text.data, text.len, ret_blob, NULL) < 0)) {
		complain("%s: not a public key (the .pub file of a key pair, or a -cert.pub)",
			 path);
		ret = -EINVAL;
	}
	buf_finish(&text);
	return ret;
}

void visit_init(struct visit *visit)
{
	*visit = (struct visit){.now_s = clock_wall_ms() / 1000};
	(void)address_parse("127.0.0.1", &visit->address);
}
