/*
 * One line of JSON from a stranger as a jansson object: the checks that come before
 * and around the parser. Used by the parsers of proto/ only.
 */
#ifndef PROTO_JSON_LINE_H
#define PROTO_JSON_LINE_H

#include "base/buf.h"
#include "proto/error.h"

#include <jansson.h>
#include <stddef.h>

/*
 * An object, nested at most JSON_DEPTH_MAX deep, without NUL or duplicate keys: PROTO_OK
 * and a new reference; ERR_bad_json with the reason in `ret_why`, a static text; ERR_internal
 * without memory. A number too big for jansson becomes one that is out of every
 * field's range, so that it is that field's fault, or nobody's where nobody reads it.
 */
enum proto_error json_line_load(const char *line, size_t len, json_t **ret_object,
				const char **ret_why);

#endif
