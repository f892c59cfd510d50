/*
 * The colours of the screen: 16 suffice, and none of them is needed to understand it (NO_COLOR).
 * A person has the same colour everywhere, by a hash of the name.
 */
#ifndef CLIENT_PALETTE_H
#define CLIENT_PALETTE_H

#include "client/settings.h"

enum palette_use {
	PALETTE_GOOD, /* here, connected */
	PALETTE_BAD,  /* errors, no connection */
	PALETTE_HOT,  /* speaks to you */
	PALETTE_NEW,  /* unread */
};

/* Styles as client/canvas.h has them; 0 in THEME_MONO. */
unsigned palette_style(enum theme theme, enum palette_use use);
unsigned palette_name(enum theme theme, const char *name);

#endif
