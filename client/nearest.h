/* "Did you mean ...?" */
#ifndef CLIENT_NEAREST_H
#define CLIENT_NEAREST_H

#include <stddef.h>

/*
 * The word of the list that is most like `word`, or NULL where none is alike: at most two letters
 * inserted, left out, changed or swapped, and fewer than half of them.
 */
const char *nearest_word(const char *word, const char *const *list, size_t count);

#endif
