/*
 * The rows of options.def as data, and one value of one option: from text, to
 * text. Where texts come from is config.c's business.
 */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include "base/buf.h"
#include "base/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_kind {
	OPTION_NUMBER,
	OPTION_BYTES,
	OPTION_PATH,
	OPTION_TOKEN,
	OPTION_ADDRESS,
	OPTION_LISTEN,
	OPTION_ACCOUNT,
	OPTION_NAMES,
	OPTION_PROXIES,
	OPTION_LOG_FORMAT,
	OPTION_LOG_LEVEL,
	OPTION_FLAG
};

enum option_change { OPTION_LIVE, OPTION_RESTART, OPTION_CALL };

/* A row without a name is a heading: section and title only. */
struct option {
	const char *section, *title;
	const char *name;
	enum option_kind kind;
	enum option_change change;
	size_t offset;     /* in struct config */
	const char *value; /* the default */
	const char *shown; /* the default in words, where it is worked out */
	int64_t low, high;
	const char *metavar;
	const char *help;
};

#define OPTIONS_MAX 96u
extern const struct option options[OPTIONS_MAX];
extern const unsigned option_count; /* rows, headings included */

/* NULL if there is none of that name. */
const struct option *option_find(const char *name, size_t len);
/* The one somebody may have meant who wrote this; NULL if none is near. */
const struct option *option_nearest(const char *name, size_t len);
/* CHAT_MAX_ROOMS for max-rooms. */
void option_env_name(const struct option *option, struct buf *out);

/*
 * Sets the field; NAMES are added to the list. An empty value of a text option
 * stands for its default. 0; -EINVAL, and `why` says what would be right; -ENOMEM.
 * home: for "~/..." in a path.
 */
int option_set(const struct option *option, struct config *config, const char *value,
	       const char *home, struct buf *why);
/* NAMES and PROXIES: it may be given several times. */
bool option_is_list(const struct option *option);
/* Empties a list; nothing for other kinds. */
void option_clear(const struct option *option, struct config *config);
/* As option_set reads it; "" for a text option without value. */
void option_format(const struct option *option, const struct config *config, struct buf *out);
/* Frees what the field owns. */
void option_finish(const struct option *option, struct config *config);

#endif
