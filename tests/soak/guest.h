/*
 * A person who comes, does a little of everything, and goes again: by `bye`, by hanging up, or with
 * a reset. What is promised to programs is the storm's business; this is about what they leave
 *behind.
 *
 *	away ──due──> knocking ──welcome──> visiting ──> away
 */
#ifndef TESTS_SOAK_GUEST_H
#define TESTS_SOAK_GUEST_H

#include "tests/storm/link.h"
#include "tests/storm/login.h"

#include <stdbool.h>
#include <stdint.h>

#define GUEST_ROOMS 16u

enum guest_state { GUEST_AWAY, GUEST_KNOCKING, GUEST_VISITING };

/* What all guests share. */
struct house {
	unsigned port;
	int epoll_fd;
	uint64_t now_us;
	uint64_t random; /* state, never 0 */
	unsigned guests;
	bool closing; /* who comes now leaves its rooms, says bye and stays away */
	uint64_t visits, lines, lost;
};

struct guest {
	struct house *house;
	unsigned number;
	char name[16];
	struct login_key key;
	struct link link;
	enum guest_state state;
	uint64_t due_us; /* away: to come. knocking: to give up. visiting: the next thing to do */
	unsigned left;   /* things to do in this visit */
	bool leaving;    /* all its rooms, and then the house */
	uint64_t ids;
	bool gone; /* it has, and stays away */
};

uint64_t house_draw(struct house *house, uint64_t below);

void guest_init(struct guest *guest, struct house *house, unsigned number);
void guest_finish(struct guest *guest);
void guest_step(struct guest *guest);
void guest_event(struct guest *guest, uint32_t events);

#endif
