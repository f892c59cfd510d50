/*
 * The syntax of one line of a config file; what the names mean is config.c's business.
 *
 *	# a comment
 *	[listen]                    a heading; what it means is the caller's business
 *	port = 8080                 # a comment behind white space
 *	state-dir = "/srv/a # b"    \" and \\ inside quotes
 */
#ifndef BASE_CONFIG_FILE_H
#define BASE_CONFIG_FILE_H

#include "base/buf.h"

enum config_line { CONFIG_LINE_EMPTY, CONFIG_LINE_SETTING, CONFIG_LINE_SECTION, CONFIG_LINE_BAD };

/*
 * Takes `line`, without its newline, apart in place. CONFIG_LINE_SETTING sets both results, which
 * point into the line, CONFIG_LINE_SECTION the name; CONFIG_LINE_BAD sets ret_why, a static text,
 * and as the name where it is wrong.
 */
enum config_line config_file_line(char *line, char **ret_name, char **ret_value,
				  const char **ret_why);
/* A value as it must be written, quoted only where it needs to be. */
void config_file_quote(const char *value, struct buf *out);

#endif
