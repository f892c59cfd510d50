#include "base/clock.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static uint64_t mono_now(uint64_t units_per_s)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * units_per_s +
	       (uint64_t)ts.tv_nsec / (UINT64_C(1000000000) / units_per_s);
}

uint64_t clock_mono_ns(void)
{
	return mono_now(UINT64_C(1000000000));
}

uint64_t clock_mono_us(void)
{
	return mono_now(UINT64_C(1000000));
}

uint64_t clock_mono_ms(void)
{
	return mono_now(UINT64_C(1000));
}

int64_t clock_wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void put_digits(char *out, unsigned value, int digits)
{
	while (digits-- > 0) {
		out[digits] = (char)('0' + value % 10);
		value /= 10;
	}
}

void clock_format(char out[TIMESTAMP_SIZE], int64_t wall_ms)
{
	int64_t seconds = wall_ms / 1000;
	int64_t ms = wall_ms % 1000;
	time_t when;
	struct tm tm;

	if (ms < 0) {
		ms += 1000;
		seconds--;
	}
	when = (time_t)seconds;
	memcpy(out, "0000-00-00T00:00:00.000Z", TIMESTAMP_SIZE);
	if (gmtime_r(&when, &tm) == NULL || tm.tm_year < -1900 || tm.tm_year > 9999 - 1900)
		return;
	put_digits(out, (unsigned)(tm.tm_year + 1900), 4);
	put_digits(out + 5, (unsigned)tm.tm_mon + 1, 2);
	put_digits(out + 8, (unsigned)tm.tm_mday, 2);
	put_digits(out + 11, (unsigned)tm.tm_hour, 2);
	put_digits(out + 14, (unsigned)tm.tm_min, 2);
	put_digits(out + 17, (unsigned)tm.tm_sec, 2);
	put_digits(out + 20, (unsigned)ms, 3);
}

static bool take_digits(const char **at, int digits, int *ret_value)
{
	int value = 0;

	for (int i = 0; i < digits; i++) {
		if (!isdigit((unsigned char)(*at)[i]))
			return false;
		value = value * 10 + ((*at)[i] - '0');
	}
	*at += digits;
	*ret_value = value;
	return true;
}

static bool take_char(const char **at, const char *any_of)
{
	if (**at == '\0' || strchr(any_of, **at) == NULL)
		return false;
	(*at)++;
	return true;
}

static int month_days(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

int clock_parse(const char *text, int64_t *ret_wall_ms)
{
	const char *at = text;
	int year, month, day, hour, minute, second, ms = 0, offset_h = 0, offset_m = 0;
	int sign = 0;
	struct tm tm = {0};

	if (!take_digits(&at, 4, &year) || !take_char(&at, "-") || !take_digits(&at, 2, &month) ||
	    !take_char(&at, "-") || !take_digits(&at, 2, &day) || !take_char(&at, "Tt ") ||
	    !take_digits(&at, 2, &hour) || !take_char(&at, ":") || !take_digits(&at, 2, &minute) ||
	    !take_char(&at, ":") || !take_digits(&at, 2, &second))
		return -EINVAL;
	if (take_char(&at, ".")) {
		int scale = 100;

		if (!isdigit((unsigned char)*at))
			return -EINVAL;
		for (; isdigit((unsigned char)*at); at++, scale /= 10)
			ms += (*at - '0') * scale;
	}
	if (take_char(&at, "+"))
		sign = 1;
	else if (take_char(&at, "-"))
		sign = -1;
	else if (!take_char(&at, "Zz"))
		return -EINVAL;
	if (sign != 0 && (!take_digits(&at, 2, &offset_h) || !take_char(&at, ":") ||
			  !take_digits(&at, 2, &offset_m)))
		return -EINVAL;
	if (*at != '\0' || month < 1 || month > 12 || day < 1 || day > month_days(year, month) ||
	    hour > 23 || minute > 59 || second > 60 || offset_h > 23 || offset_m > 59)
		return -EINVAL;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	tm.tm_hour = hour;
	tm.tm_min = minute;
	tm.tm_sec = second;
	*ret_wall_ms =
		((int64_t)timegm(&tm) - sign * (offset_h * 3600 + offset_m * 60)) * 1000 + ms;
	return 0;
}
