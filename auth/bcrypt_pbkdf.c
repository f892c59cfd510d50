#include "auth/bcrypt_pbkdf.h"

#include <errno.h>
#include <openssl/bn.h>
#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BLOWFISH_ROUNDS 16u
#define SUBKEYS (BLOWFISH_ROUNDS + 2u)
#define BOXES 4u
#define BOX_SIZE 256u
#define PI_WORDS (SUBKEYS + BOXES * BOX_SIZE)
#define PI_BYTES (PI_WORDS * 4u)
#define GUARD_BITS 64u /* the series' rounding errors stay below these */

#define HASH_BYTES crypto_hash_sha512_BYTES
#define OUT_BYTES 32u
#define OUT_WORDS (OUT_BYTES / 4u)
#define EXPENSIVE 64u /* bcrypt's 2^6 key schedules, and as many encryptions of the text */

struct blowfish {
	uint32_t p[SUBKEYS];
	uint32_t s[BOXES][BOX_SIZE];
};

/* Where the boxes start: pi. Written once, under pi_once. */
static struct blowfish pi_state;
static bool pi_known;
static pthread_once_t pi_once = PTHREAD_ONCE_INIT;

static uint32_t load_be32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* ---- pi = 16 atan(1/5) - 4 atan(1/239) (Machin), as a number of `bits` bits behind the point */

/* sum += factor * atan(1/x) * 2^bits, or minus that: x^-1 - x^-3/3 + x^-5/5 - ... */
static bool add_atan(BIGNUM *sum, BN_ULONG factor, BN_ULONG x, int bits, bool minus)
{
	BIGNUM *power = BN_new(), *term = BN_new();
	bool ok = power && term && BN_set_word(power, factor) && BN_lshift(power, power, bits);

	if (ok)
		BN_div_word(power, x);
	for (BN_ULONG n = 1; ok && !BN_is_zero(power); n += 2) {
		ok = BN_copy(term, power) != NULL;
		if (!ok)
			break;
		BN_div_word(term, n);
		ok = minus ? BN_sub(sum, sum, term) : BN_add(sum, sum, term);
		BN_div_word(power, x * x);
		minus = !minus;
	}
	BN_free(power);
	BN_free(term);
	return ok;
}

static void compute_pi(void)
{
	int bits = (int)(PI_BYTES * 8u + GUARD_BITS);
	uint8_t *bytes = malloc(PI_BYTES);
	uint32_t *word = pi_state.p;
	BIGNUM *pi = BN_new();

	if (!bytes || !pi)
		goto out;
	BN_zero(pi);
	if (!add_atan(pi, 16, 5, bits, false) || !add_atan(pi, 4, 239, bits, true) ||
	    !BN_rshift(pi, pi, (int)GUARD_BITS) || !BN_mask_bits(pi, (int)(PI_BYTES * 8u)) ||
	    BN_bn2binpad(pi, bytes, (int)PI_BYTES) < 0)
		goto out;
	for (size_t i = 0; i < SUBKEYS; i++)
		word[i] = load_be32(bytes + i * 4);
	for (size_t i = SUBKEYS; i < PI_WORDS; i++)
		pi_state.s[(i - SUBKEYS) / BOX_SIZE][(i - SUBKEYS) % BOX_SIZE] =
			load_be32(bytes + i * 4);
	pi_known = true;
out:
	free(bytes);
	BN_free(pi);
}

/* ---- Blowfish with the key schedule of bcrypt (Provos and Mazières, 1999) */

static uint32_t mix(const struct blowfish *b, uint32_t x)
{
	return ((b->s[0][x >> 24] + b->s[1][x >> 16 & 0xff]) ^ b->s[2][x >> 8 & 0xff]) +
	       b->s[3][x & 0xff];
}

static void encipher(const struct blowfish *b, uint32_t *left, uint32_t *right)
{
	uint32_t l = *left, r = *right;

	for (size_t i = 0; i < BLOWFISH_ROUNDS; i += 2) {
		l ^= b->p[i];
		r ^= mix(b, l);
		r ^= b->p[i + 1];
		l ^= mix(b, r);
	}
	*left = r ^ b->p[BLOWFISH_ROUNDS + 1];
	*right = l ^ b->p[BLOWFISH_ROUNDS];
}

/* The words of a hash, read round and round. */
struct stream {
	const uint8_t *hash;
	size_t at;
};

static uint32_t stream_next(struct stream *stream)
{
	uint32_t word = load_be32(stream->hash + stream->at);

	stream->at = (stream->at + 4) % HASH_BYTES;
	return word;
}

/* One key schedule; `salt` may be NULL. */
static void expand(struct blowfish *b, const uint8_t *key, const uint8_t *salt)
{
	struct stream key_words = {.hash = key}, salt_words = {.hash = salt};
	uint32_t left = 0, right = 0;

	for (size_t i = 0; i < SUBKEYS; i++)
		b->p[i] ^= stream_next(&key_words);
	for (size_t i = 0; i < PI_WORDS; i += 2) {
		uint32_t *at = i < SUBKEYS
				       ? &b->p[i]
				       : &b->s[(i - SUBKEYS) / BOX_SIZE][(i - SUBKEYS) % BOX_SIZE];

		if (salt) {
			left ^= stream_next(&salt_words);
			right ^= stream_next(&salt_words);
		}
		encipher(b, &left, &right);
		at[0] = left;
		at[1] = right;
	}
}

static void bcrypt_hash(const uint8_t *passphrase_hash, const uint8_t *salt_hash,
			uint8_t out[OUT_BYTES])
{
	static const uint8_t text[] = "OxychromaticBlowfishSwatDynamite";
	struct blowfish b = pi_state;
	uint32_t words[OUT_WORDS];

	expand(&b, passphrase_hash, salt_hash);
	for (unsigned i = 0; i < EXPENSIVE; i++) {
		expand(&b, salt_hash, NULL);
		expand(&b, passphrase_hash, NULL);
	}
	for (size_t i = 0; i < OUT_WORDS; i++)
		words[i] = load_be32(text + i * 4);
	for (unsigned i = 0; i < EXPENSIVE; i++) {
		for (size_t j = 0; j < OUT_WORDS; j += 2)
			encipher(&b, &words[j], &words[j + 1]);
	}
	/* here, unlike all else, the lowest byte comes first */
	for (size_t i = 0; i < OUT_BYTES; i++)
		out[i] = (uint8_t)(words[i / 4] >> (i % 4 * 8));
	sodium_memzero(&b, sizeof(b));
	sodium_memzero(words, sizeof(words));
}

/* One block of the output: the hashes of all rounds, xored. */
static void derive_block(const uint8_t *passphrase_hash, const uint8_t *salt, size_t salt_len,
			 uint32_t number, uint32_t rounds, uint8_t block[OUT_BYTES])
{
	uint8_t numbered[BCRYPT_SALT_MAX + 4], salt_hash[HASH_BYTES], hash[OUT_BYTES];

	memcpy(numbered, salt, salt_len);
	for (size_t i = 0; i < 4; i++)
		numbered[salt_len + i] = (uint8_t)(number >> (24 - 8 * i));
	crypto_hash_sha512(salt_hash, numbered, salt_len + 4);
	bcrypt_hash(passphrase_hash, salt_hash, hash);
	memcpy(block, hash, OUT_BYTES);
	for (uint32_t i = 1; i < rounds; i++) {
		crypto_hash_sha512(salt_hash, hash, sizeof(hash));
		bcrypt_hash(passphrase_hash, salt_hash, hash);
		for (size_t j = 0; j < OUT_BYTES; j++)
			block[j] ^= hash[j];
	}
	sodium_memzero(hash, sizeof(hash));
}

int bcrypt_pbkdf(const char *passphrase, size_t passphrase_len, const uint8_t *salt,
		 size_t salt_len, uint32_t rounds, uint8_t *key, size_t key_len)
{
	uint8_t passphrase_hash[HASH_BYTES], block[OUT_BYTES];
	size_t blocks = (key_len + OUT_BYTES - 1) / OUT_BYTES;

	if (passphrase_len == 0 || salt_len == 0 || salt_len > BCRYPT_SALT_MAX || rounds == 0 ||
	    key_len == 0 || key_len > BCRYPT_KEY_MAX)
		return -EINVAL;
	pthread_once(&pi_once, compute_pi);
	if (!pi_known)
		return -ENOMEM;
	crypto_hash_sha512(passphrase_hash, (const unsigned char *)passphrase, passphrase_len);
	/*
	 * The bytes of the blocks are dealt out in turn, so that half a key takes as long as all.
	 */
	for (size_t n = 0; n < blocks; n++) {
		derive_block(passphrase_hash, salt, salt_len, (uint32_t)(n + 1), rounds, block);
		for (size_t i = 0; i < OUT_BYTES && i * blocks + n < key_len; i++)
			key[i * blocks + n] = block[i];
	}
	sodium_memzero(passphrase_hash, sizeof(passphrase_hash));
	sodium_memzero(block, sizeof(block));
	return 0;
}
