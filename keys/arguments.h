/*
 * What the commands of chat-keys read from their command line: keys, names,
 * addresses and times, each with a complaint on standard error where it is wrong.
 */
#ifndef KEYS_ARGUMENTS_H
#define KEYS_ARGUMENTS_H

#include "auth/address.h"
#include "auth/pubkey.h"
#include "base/buf.h"
#include "base/limits.h"

#include <stdbool.h>
#include <stdint.h>

#define EXIT_ACCEPT 0
#define EXIT_REFUSE 1
#define EXIT_USAGE 2

/* "chat-keys: ..." and a newline on standard error. */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Prints bytes of strangers: printable ASCII as it is, the rest as '?'. */
void print_clean(const void *bytes, size_t len);

/* Each of these: 0, or -EINVAL after a complaint. */
int argument_user(const char *text, char ret_user[NAME_SIZE]);
int argument_address(const char *text, struct address *ret_address);
/* RFC 3339, or seconds since 1970. */
int argument_time(const char *text, int64_t *ret_now_s);
/* A .pub file, certificates included: its blob is appended. */
int argument_key_file(const char *path, struct buf *ret_blob);
int argument_file(const char *path, size_t max, struct buf *ret_bytes);

/* Who comes, from where and when; the defaults are: nobody said, this machine, now. */
struct visit {
	char user[NAME_SIZE]; /* "": not said */
	struct address address;
	int64_t now_s;
};
void visit_init(struct visit *visit);

#endif
