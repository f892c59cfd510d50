#include "proto/error.h"

#include <assert.h>
#include <string.h>

static const struct {
	const char *code;
	const char *message;
	unsigned close;
} errors[PROTO_ERRORS] = {
#define ERROR(name, close_code, text)                                                              \
	[ERR_##name] = {.code = #name, .message = (text), .close = (close_code)},
#include "proto/errors.def"
#undef ERROR
};

static bool is_error(enum proto_error error)
{
	return error > PROTO_OK && error < PROTO_ERRORS;
}

const char *error_code(enum proto_error error)
{
	assert(is_error(error));
	return errors[error].code;
}

const char *error_message(enum proto_error error)
{
	assert(is_error(error));
	return errors[error].message;
}

unsigned error_close(enum proto_error error)
{
	assert(is_error(error));
	return errors[error].close;
}

bool error_is_fatal(enum proto_error error)
{
	return error_close(error) != 0;
}

enum proto_error error_find(const char *code)
{
	for (unsigned i = PROTO_OK + 1; i < PROTO_ERRORS; i++) {
		if (strcmp(errors[i].code, code) == 0)
			return (enum proto_error)i;
	}
	return PROTO_OK;
}
