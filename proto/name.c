#include "proto/name.h"

#include <errno.h>
#include <string.h>

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_mark(char c)
{
	return c == '_' || c == '.' || c == '-';
}

static char fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool name_is_valid(const char *name, size_t len)
{
	if (len == 0 || len > NAME_LEN_MAX || !is_alnum(name[0]))
		return false;
	for (size_t i = 1; i < len; i++) {
		if (!is_alnum(name[i]) && !is_mark(name[i]))
			return false;
	}
	return true;
}

bool room_name_is_valid(const char *name, size_t len)
{
	if (len > 0 && name[0] == '@')
		return name_is_valid(name + 1, len - 1);
	return name_is_valid(name, len);
}

bool device_name_is_valid(const char *name, size_t len)
{
	if (len == 0 || len > DEVICE_LEN_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_alnum(fold(name[i])) && !is_mark(name[i]))
			return false;
	}
	return true;
}

bool name_is_inbox(const char *room)
{
	return room[0] == '@';
}

void name_fold_bytes(char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = fold(bytes[i]);
}

int name_fold(const char *name, size_t len, char ret_name[NAME_SIZE])
{
	char folded[NAME_SIZE];

	if (len > NAME_LEN_MAX)
		return -EINVAL;
	memcpy(folded, name, len);
	folded[len] = '\0';
	name_fold_bytes(folded, len);
	if (!name_is_valid(folded, len))
		return -EINVAL;
	memcpy(ret_name, folded, len + 1);
	return 0;
}

int room_name_fold(const char *name, size_t len, char ret_room[ROOM_SIZE])
{
	char folded[NAME_SIZE];
	bool inbox = len > 0 && name[0] == '@';
	bool hash = len > 0 && name[0] == '#';

	if (name_fold(name + (inbox || hash), len - (inbox || hash), folded) < 0)
		return -EINVAL;
	ret_room[0] = '@';
	memcpy(ret_room + inbox, folded, strlen(folded) + 1);
	return 0;
}
