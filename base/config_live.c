#include "base/config_live.h"

#include "base/options.h"

#include <assert.h>

static bool is_live_number(const struct option *option)
{
	return option->name != NULL && option->change == OPTION_LIVE &&
	       (option->kind == OPTION_NUMBER || option->kind == OPTION_BYTES ||
		option->kind == OPTION_LOG_LEVEL || option->kind == OPTION_FLAG);
}

static uint32_t value_of(const struct option *option, const struct config *config)
{
	const void *field = (const char *)config + option->offset;

	if (option->kind == OPTION_FLAG)
		return *(const bool *)field;
	return option->kind == OPTION_LOG_LEVEL ? (uint32_t) * (const enum log_level *)field
						: *(const uint32_t *)field;
}

static bool accepts(const struct option *option, uint32_t value)
{
	if (option->kind == OPTION_LOG_LEVEL)
		return value <= LOG_LEVEL_DEBUG;
	if (option->kind == OPTION_FLAG)
		return value <= 1;
	return value >= option->low && value <= option->high;
}

static void set_value(const struct option *option, struct config *config, uint32_t value)
{
	void *field = (char *)config + option->offset;

	if (option->kind == OPTION_LOG_LEVEL)
		*(enum log_level *)field = (enum log_level)value;
	else if (option->kind == OPTION_FLAG)
		*(bool *)field = value != 0;
	else
		*(uint32_t *)field = value;
}

unsigned config_live_get(const struct config *config, uint32_t ret_values[CONFIG_LIVE_MAX])
{
	unsigned count = 0;

	for (unsigned i = 0; i < option_count; i++) {
		if (!is_live_number(&options[i]))
			continue;
		assert(count < CONFIG_LIVE_MAX);
		ret_values[count++] = value_of(&options[i], config);
	}
	return count;
}

bool config_live_set(struct config *config, const uint32_t *values, unsigned count)
{
	unsigned at = 0;

	for (unsigned i = 0; i < option_count; i++) {
		if (is_live_number(&options[i]) &&
		    (at == count || !accepts(&options[i], values[at++])))
			return false;
	}
	if (at != count)
		return false;
	at = 0;
	for (unsigned i = 0; i < option_count; i++) {
		if (is_live_number(&options[i]))
			set_value(&options[i], config, values[at++]);
	}
	return true;
}
