#include "client/complete.h"

#include "client/commands.h"
#include "proto/name.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void people_saw(struct people *people, const char *name)
{
	char copy[NAME_SIZE];
	size_t at = 0;

	if (!name || !name_is_valid(name, strlen(name)))
		return;
	snprintf(copy, sizeof(copy), "%s", name);
	while (at < people->count && strcmp(people->names[at], copy) != 0)
		at++;
	if (at == people->count) {
		if (people->count < PEOPLE_MAX)
			people->count++;
		else
			at--;
	}
	memmove(people->names[1], people->names[0], at * sizeof(people->names[0]));
	memcpy(people->names[0], copy, sizeof(copy));
}

void people_heard_room(struct people *people, const char *room)
{
	if (!room || name_is_inbox(room) || strlen(room) >= ROOM_SIZE ||
	    people->room_count == ROOMS_HEARD_MAX)
		return;
	for (size_t i = 0; i < people->room_count; i++) {
		if (strcmp(people->rooms[i], room) == 0)
			return;
	}
	snprintf(people->rooms[people->room_count++], ROOM_SIZE, "%s", room);
}

/* The words that fit so far. */
struct matches {
	const char *word; /* what they begin with, case aside */
	size_t len;
	char common[64]; /* what they have in common */
	size_t count;
	struct buf choices;
};

static void offer(struct matches *matches, const char *name)
{
	size_t same = 0;

	if (strncasecmp(name, matches->word, matches->len) != 0)
		return;
	buf_append_str(&matches->choices, matches->count > 0 ? "  " : "");
	buf_append_str(&matches->choices, name);
	if (matches->count++ == 0) {
		snprintf(matches->common, sizeof(matches->common), "%s", name);
		return;
	}
	while (matches->common[same] && matches->common[same] == name[same])
		same++;
	matches->common[same] = '\0';
}

static void offer_rooms(struct matches *matches, const struct rooms *rooms)
{
	for (size_t i = 0; i < rooms->count; i++) {
		if (!name_is_inbox(rooms->items[i]->name))
			offer(matches, rooms->items[i]->name);
	}
}

/* Rooms of others: one can enter them. */
static void offer_other_rooms(struct matches *matches, const struct rooms *rooms,
			      const struct people *people)
{
	for (size_t i = 0; i < people->room_count; i++) {
		if (!rooms_find(rooms, people->rooms[i]))
			offer(matches, people->rooms[i]);
	}
}

static void offer_people(struct matches *matches, const struct people *people)
{
	for (size_t i = 0; i < people->count; i++)
		offer(matches, people->names[i]);
}

static void offer_commands(struct matches *matches)
{
	for (size_t i = 0; commands_name(i); i++)
		offer(matches, commands_name(i));
}

/* Offers the words of a command's argument, if the word that begins at `from` is one of those. */
static bool offer_words(struct matches *matches, const char *text, size_t from)
{
	struct buf words = BUF_INIT;
	size_t argument = 0;
	bool any;

	if (text[0] != '/' || text[1] == '/' || from == 0)
		return false;
	for (size_t at = strcspn(text, " "); at < from; argument++) {
		at += strspn(text + at, " ");
		if (at < from)
			at += strcspn(text + at, " ");
	}
	commands_words(text + 1, strcspn(text, " ") - 1, argument - 1, &words);
	for (char *rest = words.data, *word; rest && (word = strsep(&rest, " "));)
		offer(matches, word);
	any = words.len > 0;
	buf_finish(&words);
	return any;
}

/* What is wanted in the word that begins at `from`. */
static enum complete_kind wanted(const char *text, size_t from, size_t cursor)
{
	size_t command_len;

	if (from < cursor && text[from] == '#')
		return COMPLETE_ROOM;
	if (from < cursor && text[from] == '@')
		return COMPLETE_USER;
	if (text[0] != '/' || text[1] == '/')
		return COMPLETE_USER;
	if (from == 0)
		return COMPLETE_COMMAND;
	command_len = strcspn(text, " ") - 1;
	/* the first argument is the command's, the others are words as people say them */
	if (strcspn(text, " ") + strspn(text + strcspn(text, " "), " ") == from)
		return commands_completes(text + 1, command_len);
	return COMPLETE_USER;
}

void complete(const char *text, size_t cursor, const struct rooms *rooms,
	      const struct people *people, struct complete_result *ret_result)
{
	struct matches matches = {0};
	enum complete_kind kind;
	const char *behind = " ";
	char mark[2] = "";
	char word[64];
	size_t from = cursor, argument;

	*ret_result = (struct complete_result){0};
	while (from > 0 && !isspace((unsigned char)text[from - 1]))
		from--;
	ret_result->from = from;
	if (cursor - from >= sizeof(word))
		return;
	kind = wanted(text, from, cursor);
	argument = from;
	if (from < cursor && strchr("#@/", text[from]) && (text[from] != '/' || from == 0)) {
		mark[0] = text[from];
		from++;
	}
	memcpy(word, text + from, cursor - from);
	word[cursor - from] = '\0';
	matches.word = word;
	matches.len = cursor - from;
	if (offer_words(&matches, text, argument))
		kind = COMPLETE_NOTHING;
	switch (kind) {
	case COMPLETE_NOTHING:
		break;
	case COMPLETE_COMMAND:
		offer_commands(&matches);
		break;
	case COMPLETE_ROOM:
		offer_rooms(&matches, rooms);
		offer_other_rooms(&matches, rooms, people);
		break;
	case COMPLETE_OWN_ROOM:
		offer_rooms(&matches, rooms);
		break;
	case COMPLETE_USER:
		/* an empty word would offer everybody; that helps nobody */
		if (matches.len > 0 || mark[0] || text[0] == '/')
			offer_people(&matches, people);
		if (ret_result->from == 0 && !mark[0])
			behind = ": ";
		break;
	}
	if (matches.count > 0)
		snprintf(ret_result->text, sizeof(ret_result->text), "%s%s%s", mark, matches.common,
			 matches.count == 1 ? behind : "");
	if (matches.count > 1) {
		ret_result->choices = matches.choices;
		matches.choices = BUF_INIT;
	}
	buf_finish(&matches.choices);
}
