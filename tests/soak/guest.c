#include "tests/soak/guest.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define MS UINT64_C(1000)
#define CLOSE_NORMAL 1000u
#define AWAY_US (150 * MS)
#define KNOCK_US (3000 * MS)
#define DOING_US (15 * MS)
#define DOINGS_MAX 16u

uint64_t house_draw(struct house *house, uint64_t below)
{
	/* xorshift64: the same seed, the same visits. */
	house->random ^= house->random << 13;
	house->random ^= house->random >> 7;
	house->random ^= house->random << 17;
	return house->random % below;
}

/* ---- coming and going ---------------------------------------------------------------- */

static void go_away(struct guest *guest, uint64_t within_us)
{
	guest->state = GUEST_AWAY;
	guest->due_us = guest->house->now_us + house_draw(guest->house, within_us);
}

static void knock(struct guest *guest)
{
	if (!link_open(&guest->link, guest->house->port)) {
		go_away(guest, AWAY_US);
		return;
	}
	guest->state = GUEST_KNOCKING;
	guest->due_us = guest->house->now_us + KNOCK_US;
}

static void lose(struct guest *guest)
{
	link_close(&guest->link, false);
	guest->house->lost++;
	guest->leaving = false;
	go_away(guest, AWAY_US);
}

static const char *text_of(const json_t *line, const char *field)
{
	const char *text = json_string_value(json_object_get(line, field));

	return text != NULL ? text : "";
}

/* ---- what it says ----------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void say(struct guest *guest, const char *fmt, ...)
{
	struct buf line = BUF_INIT;
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	buf_printf(&line, "{\"id\":\"%u-%" PRIu64 "\",%s}", guest->number, ++guest->ids, text);
	link_send(&guest->link, line.data, line.len);
	guest->house->lines++;
	buf_finish(&line);
}

static void do_something(struct guest *guest)
{
	struct house *house = guest->house;
	unsigned room = (unsigned)house_draw(house, GUEST_ROOMS);

	switch (house_draw(house, 12)) {
	case 0:
	case 1:
		say(guest, "\"type\":\"join\",\"room\":\"room%u\",\"limit\":%" PRIu64, room,
		    house_draw(house, 20));
		break;
	case 2:
	case 3:
		say(guest, "\"type\":\"leave\",\"room\":\"room%u\"", room);
		break;
	case 4:
		say(guest, "\"recipient\":\"u%" PRIu64 "\",\"content\":\"psst\"",
		    house_draw(house, house->guests));
		break;
	case 5:
		say(guest, "\"type\":\"topic\",\"room\":\"room%u\",\"content\":\"about %u\"", room,
		    guest->number);
		break;
	case 6:
		say(guest, "\"type\":\"history\",\"room\":\"room%u\",\"after\":0,\"limit\":50",
		    room);
		break;
	case 7:
		say(guest, "\"type\":\"users\",\"room\":\"room%u\"", room);
		break;
	case 8:
		say(guest, "\"type\":\"away\",\"content\":\"back in %u\"", room);
		break;
	case 9:
		say(guest, "\"type\":\"typing\",\"room\":\"room%u\"", room);
		break;
	default:
		say(guest, "\"room\":\"room%u\",\"content\":\"%0*u\"", room,
		    1 + (int)house_draw(house, 200), guest->number);
		break;
	}
}

/* As people do: some say good-bye, some close the lid, some lose the network. */
static void depart(struct guest *guest)
{
	switch (house_draw(guest->house, 3)) {
	case 0:
		say(guest, "\"type\":\"bye\"");
		guest->due_us = guest->house->now_us + KNOCK_US;
		return; /* until the server closes */
	case 1:
		link_close(&guest->link, false);
		break;
	default:
		link_close(&guest->link, true);
		break;
	}
	go_away(guest, AWAY_US);
}

static void leave_all(struct guest *guest)
{
	for (unsigned room = 0; room < GUEST_ROOMS; room++)
		say(guest, "\"type\":\"leave\",\"room\":\"room%u\"", room);
	say(guest, "\"type\":\"bye\"");
	guest->leaving = true;
	guest->left = 0;
	guest->due_us = guest->house->now_us + KNOCK_US;
}

/* ---- what it hears ------------------------------------------------------------------------ */

static void on_challenge(struct guest *guest, const json_t *line)
{
	struct buf out = BUF_INIT;
	char server[32];
	struct login login = {
		.user = guest->name,
		.server = server,
		.nonce = text_of(line, "nonce"),
		.expires = (uint64_t)json_integer_value(json_object_get(line, "expires")),
		.extra = ",\"device\":\"lid\"",
	};

	snprintf(server, sizeof(server), "127.0.0.1:%u", guest->house->port);
	login_line(&guest->key, &login, &out);
	link_send(&guest->link, out.data, out.len);
	buf_finish(&out);
}

static void on_welcome(struct guest *guest)
{
	guest->state = GUEST_VISITING;
	guest->house->visits++;
	guest->due_us = guest->house->now_us;
	guest->left = 1 + (unsigned)house_draw(guest->house, DOINGS_MAX);
	if (guest->house->closing)
		leave_all(guest);
}

static void on_line(void *data, const char *text, size_t len)
{
	struct guest *guest = data;
	json_t *line = json_loadb(text, len, 0, NULL);
	const char *type = text_of(line, "type");

	if (strcmp(type, "challenge") == 0)
		on_challenge(guest, line);
	else if (strcmp(type, "welcome") == 0)
		on_welcome(guest);
	else if (strcmp(type, "message") == 0 && text_of(line, "room")[0] == '@' &&
		 house_draw(guest->house, 4) == 0)
		say(guest, "\"type\":\"read\",\"room\":\"@%s\",\"seq\":%" JSON_INTEGER_FORMAT,
		    guest->name, json_integer_value(json_object_get(line, "seq")));
	json_decref(line);
}

void guest_event(struct guest *guest, uint32_t events)
{
	if (link_event(&guest->link, events))
		return;
	guest->gone = guest->leaving && guest->link.close_code == CLOSE_NORMAL;
	lose(guest);
}

/* ---- time ------------------------------------------------------------------------------------ */

void guest_step(struct guest *guest)
{
	struct house *house = guest->house;

	if (guest->gone || house->now_us < guest->due_us)
		return;
	switch (guest->state) {
	case GUEST_AWAY:
		knock(guest);
		break;
	case GUEST_KNOCKING:
		lose(guest);
		break;
	case GUEST_VISITING:
		guest->due_us = house->now_us + house_draw(house, 2 * DOING_US);
		if (guest->left > 0 && --guest->left > 0)
			do_something(guest);
		else if (guest->left == 0 && house->closing)
			lose(guest); /* no answer to its bye */
		else
			depart(guest);
		break;
	}
}

void guest_init(struct guest *guest, struct house *house, unsigned number)
{
	*guest = (struct guest){.house = house, .number = number};
	snprintf(guest->name, sizeof(guest->name), "u%u", number);
	login_key_of(guest->name, &guest->key);
	guest->link = (struct link){
		.fd = -1, .epoll_fd = house->epoll_fd, .on_line = on_line, .data = guest};
	go_away(guest, AWAY_US);
}

void guest_finish(struct guest *guest)
{
	link_finish(&guest->link);
}
