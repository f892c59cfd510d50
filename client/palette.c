#include "client/palette.h"

#include <stddef.h>
#include <stdint.h>

#define NAMES 8u

/* Red is kept for trouble, black, white and the greys for nobody. */
static const unsigned char names[][NAMES] = {
	[THEME_DEFAULT] = {2, 3, 5, 6, 10, 12, 13, 14},
	[THEME_LIGHT] = {2, 3, 4, 5, 6, 2, 4, 5},
	[THEME_MONO] = {0},
};

/* clang-format off */
static const unsigned char uses[][4] = {
	[THEME_DEFAULT] = {[PALETTE_GOOD] = 2, [PALETTE_BAD] = 9, [PALETTE_HOT] = 11, [PALETTE_NEW] = 14},
	[THEME_LIGHT] = {[PALETTE_GOOD] = 2, [PALETTE_BAD] = 1, [PALETTE_HOT] = 5, [PALETTE_NEW] = 4},
	[THEME_MONO] = {0},
};
/* clang-format on */

unsigned palette_style(enum theme theme, enum palette_use use)
{
	return uses[theme][use];
}

unsigned palette_name(enum theme theme, const char *name)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return names[theme][hash % NAMES];
}
