/*
 * A rate limit in one 64-bit word, arithmetic only: the caller keeps the word
 * (plain, or atomic with compare-and-swap) and tells the time.
 *
 * The word is the time in µs at which the bucket will be full again (the
 * "theoretical arrival time" of GCRA, ITU-T I.371): a full bucket is any time
 * in the past, so a zeroed word is a full bucket.
 */
#ifndef BASE_TOKEN_BUCKET_H
#define BASE_TOKEN_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct token_rate {
	uint32_t per_s; /* 0: no limit */
	uint32_t burst; /* at least 1 where per_s > 0; 0 counts as 1 */
};

/*
 * Takes one token: true, and *ret_word is the word to store; or false, and
 * *ret_wait_us says in how many µs one will be there.
 */
static inline bool token_bucket_take(struct token_rate rate, uint64_t word, uint64_t now_us,
				     uint64_t *ret_word, uint64_t *ret_wait_us)
{
	uint64_t step, tolerance, full_at;

	if (rate.per_s == 0) {
		*ret_word = word;
		return true;
	}
	step = UINT64_C(1000000) / rate.per_s;
	tolerance = step * (rate.burst > 0 ? rate.burst : 1);
	full_at = word > now_us ? word : now_us;
	if (full_at + step > now_us + tolerance) {
		*ret_wait_us = full_at + step - now_us - tolerance;
		return false;
	}
	*ret_word = full_at + step;
	return true;
}

#endif
