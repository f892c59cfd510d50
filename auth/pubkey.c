#include "auth/pubkey.h"
#include "auth/base64.h"

#include <errno.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define FINGERPRINT_PREFIX "SHA256:"
#define FINGERPRINT_DIGITS 43u
#define RSA_EXPONENT_BYTES_MAX 8u

/* What the types have in common with each other. */
static const struct key_kind {
	const char *name;
	const char *label;
	const char *curve; /* ecdsa: as it stands in the blob */
	int nid;
	size_t point_len;
	bool is_sk;
} kinds[] = {
	[KEY_ED25519] = {"ssh-ed25519", "ED25519", NULL, 0, 32, false},
	[KEY_RSA] = {"ssh-rsa", "RSA", NULL, 0, 0, false},
	[KEY_ECDSA256] = {"ecdsa-sha2-nistp256", "ECDSA", "nistp256", NID_X9_62_prime256v1, 65,
			  false},
	[KEY_ECDSA384] = {"ecdsa-sha2-nistp384", "ECDSA", "nistp384", NID_secp384r1, 97, false},
	[KEY_ECDSA521] = {"ecdsa-sha2-nistp521", "ECDSA", "nistp521", NID_secp521r1, 133, false},
	[KEY_SK_ED25519] = {"sk-ssh-ed25519@openssh.com", "ED25519-SK", NULL, 0, 32, true},
	[KEY_SK_ECDSA256] = {"sk-ecdsa-sha2-nistp256@openssh.com", "ECDSA-SK", "nistp256",
			     NID_X9_62_prime256v1, 65, true},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/*
 * Names that sshd takes in front of a blob of another name: signature
 * algorithms of the same key.
 */
static const struct {
	const char *name, *in_blob;
} aliases[] = {
	{"rsa-sha2-256", "ssh-rsa"},
	{"rsa-sha2-512", "ssh-rsa"},
	{"webauthn-sk-ecdsa-sha2-nistp256@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"},
};

const char *key_type_name(enum key_type type)
{
	return kinds[type].name;
}

const char *key_type_label(enum key_type type)
{
	return kinds[type].label;
}

bool key_type_is_sk(enum key_type type)
{
	return kinds[type].is_sk;
}

bool key_type_find(struct wire_bytes name, enum key_type *ret_type)
{
	for (size_t i = 0; i < KINDS; i++) {
		if (wire_equal_text(name, kinds[i].name)) {
			*ret_type = (enum key_type)i;
			return true;
		}
	}
	return false;
}

static unsigned magnitude_bits(struct wire_bytes number)
{
	unsigned bits = (unsigned)number.len * 8;

	for (unsigned mask = 0x80; number.len > 0 && mask > number.data[0]; mask >>= 1)
		bits--;
	return bits;
}

static enum verdict parse_rsa(struct wire_reader *r, struct pubkey *key)
{
	unsigned bits;

	if (wire_get_mpint(r, &key->rsa_e) < 0 || wire_get_mpint(r, &key->rsa_n) < 0)
		return VERDICT_MALFORMED;
	bits = magnitude_bits(key->rsa_n);
	if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX ||
	    (key->rsa_n.data[key->rsa_n.len - 1] & 1) == 0)
		return VERDICT_BAD_KEY;
	/* e = 1 signs anything; a huge one makes each verification as dear as a signature */
	if (key->rsa_e.len == 0 || key->rsa_e.len > RSA_EXPONENT_BYTES_MAX ||
	    (key->rsa_e.data[key->rsa_e.len - 1] & 1) == 0 ||
	    (key->rsa_e.len == 1 && key->rsa_e.data[0] == 1))
		return VERDICT_BAD_KEY;
	return VERDICT_OK;
}

static bool point_is_on_curve(struct wire_bytes point, int nid)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(nid);
	EC_POINT *on_curve = group != NULL ? EC_POINT_new(group) : NULL;
	bool ok = on_curve != NULL &&
		  EC_POINT_oct2point(group, on_curve, point.data, point.len, NULL) == 1;

	EC_POINT_free(on_curve);
	EC_GROUP_free(group);
	return ok;
}

static enum verdict parse_ecdsa(struct wire_reader *r, const struct key_kind *kind,
				struct pubkey *key)
{
	struct wire_bytes curve;

	if (wire_get_string(r, &curve) < 0 || !wire_equal_text(curve, kind->curve) ||
	    wire_get_string(r, &key->point) < 0)
		return VERDICT_MALFORMED;
	if (key->point.len != kind->point_len || key->point.data[0] != 0x04)
		return VERDICT_MALFORMED;
	return VERDICT_OK;
}

enum verdict pubkey_parse_fields(struct wire_reader *r, enum key_type type, struct pubkey *ret_key)
{
	const struct key_kind *kind = &kinds[type];
	struct pubkey key = {.type = type};
	const uint8_t *start = r->at;
	enum verdict verdict = VERDICT_OK;

	if (type == KEY_RSA) {
		verdict = parse_rsa(r, &key);
	} else if (kind->curve != NULL) {
		verdict = parse_ecdsa(r, kind, &key);
	} else if (wire_get_string(r, &key.point) < 0 || key.point.len != kind->point_len) {
		verdict = VERDICT_MALFORMED;
	}
	if (verdict == VERDICT_OK && kind->is_sk && wire_get_string(r, &key.application) < 0)
		verdict = VERDICT_MALFORMED;
	if (verdict == VERDICT_OK && kind->curve != NULL &&
	    !point_is_on_curve(key.point, kind->nid))
		verdict = VERDICT_BAD_KEY;
	if (verdict != VERDICT_OK)
		return verdict;
	key.fields = (struct wire_bytes){.data = start, .len = (size_t)(r->at - start)};
	*ret_key = key;
	return VERDICT_OK;
}

enum verdict pubkey_parse(const void *blob, size_t len, struct pubkey *ret_key)
{
	struct wire_reader r = wire_reader(blob, len);
	struct wire_bytes name;
	enum key_type type;
	struct pubkey key;
	enum verdict verdict;

	if (wire_get_string(&r, &name) < 0)
		return VERDICT_MALFORMED;
	if (!key_type_find(name, &type))
		return VERDICT_UNSUPPORTED_KEY;
	verdict = pubkey_parse_fields(&r, type, &key);
	if (verdict != VERDICT_OK)
		return verdict;
	if (!wire_at_end(&r))
		return VERDICT_MALFORMED;
	*ret_key = key;
	return VERDICT_OK;
}

bool pubkey_is_sound(const struct pubkey *key)
{
	if (key->type != KEY_ED25519 && key->type != KEY_SK_ED25519)
		return true;
	return crypto_core_ed25519_is_valid_point(key->point.data) == 1;
}

unsigned pubkey_bits(const struct pubkey *key)
{
	switch (key->type) {
	case KEY_RSA:
		return magnitude_bits(key->rsa_n);
	case KEY_ECDSA384:
		return 384;
	case KEY_ECDSA521:
		return 521;
	case KEY_ED25519:
	case KEY_ECDSA256:
	case KEY_SK_ED25519:
	case KEY_SK_ECDSA256:
		return 256;
	}
	return 0;
}

void pubkey_hash(const struct pubkey *key, uint8_t ret_hash[KEY_HASH_BYTES])
{
	const char *name = kinds[key->type].name;
	size_t len = strlen(name);
	const uint8_t prefix[4] = {0, 0, 0, (uint8_t)len};
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, prefix, sizeof(prefix));
	crypto_hash_sha256_update(&state, (const unsigned char *)name, len);
	crypto_hash_sha256_update(&state, key->fields.data, key->fields.len);
	crypto_hash_sha256_final(&state, ret_hash);
}

void pubkey_put_blob(const struct pubkey *key, struct buf *buf)
{
	wire_put_text(buf, kinds[key->type].name);
	buf_append(buf, key->fields.data, key->fields.len);
}

void fingerprint_format(const uint8_t hash[KEY_HASH_BYTES], char out[FINGERPRINT_SIZE])
{
	char digits[sodium_base64_ENCODED_LEN(KEY_HASH_BYTES,
					      sodium_base64_VARIANT_ORIGINAL_NO_PADDING)];

	sodium_bin2base64(digits, sizeof(digits), hash, KEY_HASH_BYTES,
			  sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	memcpy(out, FINGERPRINT_PREFIX, sizeof(FINGERPRINT_PREFIX) - 1);
	memcpy(out + sizeof(FINGERPRINT_PREFIX) - 1, digits, sizeof(digits));
}

int fingerprint_parse(const char *text, uint8_t ret_hash[KEY_HASH_BYTES])
{
	const size_t prefix = sizeof(FINGERPRINT_PREFIX) - 1;
	char padded[FINGERPRINT_DIGITS + 1];
	uint8_t hash[KEY_HASH_BYTES + 1];
	size_t len;

	if (strncmp(text, FINGERPRINT_PREFIX, prefix) != 0 ||
	    strlen(text + prefix) != FINGERPRINT_DIGITS)
		return -EINVAL;
	memcpy(padded, text + prefix, FINGERPRINT_DIGITS);
	padded[FINGERPRINT_DIGITS] = '=';
	if (base64_decode(padded, sizeof(padded), "", hash, sizeof(hash), &len) < 0 ||
	    len != KEY_HASH_BYTES)
		return -EINVAL;
	memcpy(ret_hash, hash, KEY_HASH_BYTES);
	return 0;
}

void pubkey_fingerprint(const struct pubkey *key, char out[FINGERPRINT_SIZE])
{
	uint8_t hash[KEY_HASH_BYTES];

	pubkey_hash(key, hash);
	fingerprint_format(hash, out);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Where the word that starts at `at` ends. */
static size_t word_end(const char *text, size_t len, size_t at)
{
	while (at < len && !is_blank(text[at]))
		at++;
	return at;
}

static size_t skip_blanks(const char *text, size_t len, size_t at)
{
	while (at < len && is_blank(text[at]))
		at++;
	return at;
}

int pubkey_text_decode(const char *text, size_t len, struct buf *ret_blob,
		       struct wire_bytes *ret_comment)
{
	struct wire_bytes type, name;
	struct wire_reader r;
	size_t start, end, blob_len, room;
	char *out;

	/* of a whole file the first line counts */
	for (size_t i = 0; i < len; i++)
		if (text[i] == '\n')
			len = i;
	end = word_end(text, len, 0);
	type = (struct wire_bytes){.data = (const uint8_t *)text, .len = end};
	start = skip_blanks(text, len, end);
	end = word_end(text, len, start);
	if (type.len == 0 || start == end)
		return -EBADMSG;
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (wire_equal_text(type, aliases[i].name))
			type = (struct wire_bytes){.data = (const uint8_t *)aliases[i].in_blob,
						   .len = strlen(aliases[i].in_blob)};

	room = (end - start) / 4 * 3 + 3;
	out = buf_reserve(ret_blob, room);
	if (out == NULL)
		return -ENOMEM;
	if (base64_decode(text + start, end - start, "\r\v\f", (uint8_t *)out, room, &blob_len) < 0)
		return -EBADMSG;
	r = wire_reader(out, blob_len);
	if (wire_get_string(&r, &name) < 0 || !wire_equal(name, type))
		return -EBADMSG;
	ret_blob->len += blob_len;
	ret_blob->data[ret_blob->len] = '\0';
	if (ret_comment != NULL) {
		start = skip_blanks(text, len, end);
		while (len > start && (text[len - 1] == '\r' || is_blank(text[len - 1])))
			len--;
		*ret_comment = (struct wire_bytes){.data = (const uint8_t *)text + start,
						   .len = len - start};
	}
	return 0;
}
