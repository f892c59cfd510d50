#include "client/duration.h"

#include "base/clock.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define DURATION_MAX_MS (36600 * DAY)

static const struct {
	const char *name;
	int64_t ms;
} units[] = {
	{"ms", 1},   {"s", SECOND}, {"m", MINUTE},  {"min", MINUTE},
	{"h", HOUR}, {"d", DAY},    {"w", 7 * DAY},
};

static int64_t unit_of(const char *text, size_t len)
{
	if (len == 0)
		return SECOND;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strlen(units[i].name) == len && strncmp(units[i].name, text, len) == 0)
			return units[i].ms;
	}
	return 0;
}

/* "1.5h" off the front of *text, in ms; -1: that is none. */
static int64_t part(const char **text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
	const char *at = *text;
	int64_t whole = 0, thousandths = 0, scale = 100, unit;
	size_t digits = strspn(at, "0123456789");

	if (digits == 0 || digits > 12)
		return -1;
	for (; digits > 0; digits--)
		whole = whole * 10 + (*at++ - '0');
	if (*at == '.') {
		at++;
		if (strspn(at, "0123456789") == 0)
			return -1;
		for (; *at >= '0' && *at <= '9'; at++, scale /= 10)
			thousandths += (*at - '0') * scale;
	}
	unit = unit_of(at, strspn(at, letters));
	at += strspn(at, letters);
	if (unit == 0 || whole > DURATION_MAX_MS / unit)
		return -1;
	*text = at;
	return whole * unit + thousandths * unit / 1000;
}

int duration_parse(const char *text, int64_t *ret_ms)
{
	int64_t sum = 0;

	do {
		int64_t ms = part(&text);

		if (ms < 0)
			return -EINVAL;
		sum += ms;
		if (sum > DURATION_MAX_MS)
			return -EINVAL;
	} while (*text);
	*ret_ms = sum;
	return 0;
}

int duration_parse_since(const char *text, int64_t now_ms, int64_t *ret_ms)
{
	int64_t ms;

	if (duration_parse(text, &ms) == 0) {
		*ret_ms = now_ms > ms ? now_ms - ms : 1;
		return 0;
	}
	return clock_parse(text, ret_ms);
}
