#include "auth/key_container.h"

#include "auth/base64.h"
#include "auth/bcrypt_pbkdf.h"

#include <errno.h>
#include <string.h>

#define BEGIN_MARK "-----BEGIN OPENSSH PRIVATE KEY-----"
#define END_MARK "-----END OPENSSH PRIVATE KEY-----"
#define MAGIC "openssh-key-v1" /* and its NUL */
#define TAG_LEN 16u

static const char *find_text(const char *text, size_t len, const char *mark)
{
	return memmem(text, len, mark, strlen(mark));
}

bool key_container_is(const char *text, size_t len)
{
	return find_text(text, len, BEGIN_MARK) != NULL;
}

static int decode(const char *text, size_t len, struct buf *out)
{
	const char *begin = find_text(text, len, BEGIN_MARK);
	const char *end;
	size_t body_len, got = 0;
	char *room;
	int rc;

	if (!begin)
		return -EBADMSG;
	begin += strlen(BEGIN_MARK);
	end = find_text(begin, len - (size_t)(begin - text), END_MARK);
	if (!end)
		return -EBADMSG;
	body_len = (size_t)(end - begin);
	room = buf_reserve(out, body_len + 1);
	if (!room)
		return -ENOMEM;
	rc = base64_decode(begin, body_len, " \t\r\n", (uint8_t *)room, body_len, &got);
	if (rc < 0)
		return -EBADMSG;
	out->len += got;
	return 0;
}

static int copy_name(struct wire_bytes bytes, char *out, size_t size)
{
	if (bytes.len >= size || (bytes.len > 0 && memchr(bytes.data, '\0', bytes.len)))
		return -EBADMSG;
	if (bytes.len > 0)
		memcpy(out, bytes.data, bytes.len);
	out[bytes.len] = '\0';
	return 0;
}

static int read_kdf(struct key_container *container, struct wire_bytes kdf,
		    struct wire_bytes options)
{
	struct wire_reader reader = wire_reader(options.data, options.len);
	bool open = strcmp(container->cipher, "none") == 0;

	if (copy_name(kdf, container->kdf, sizeof(container->kdf)) < 0)
		return -EBADMSG;
	if (strcmp(container->kdf, "none") == 0)
		return open && options.len == 0 ? 0 : -EBADMSG;
	if (open || strcmp(container->kdf, "bcrypt") != 0 ||
	    wire_get_string(&reader, &container->salt) < 0 || container->salt.len == 0 ||
	    container->salt.len > BCRYPT_SALT_MAX ||
	    wire_get_u32(&reader, &container->rounds) < 0 || !wire_at_end(&reader) ||
	    container->rounds == 0)
		return -EBADMSG;
	return 0;
}

static int read_fields(struct key_container *container)
{
	struct wire_reader reader = wire_reader(container->bytes.data, container->bytes.len);
	struct wire_bytes magic, cipher, kdf, options;
	uint32_t count = 0;

	if (wire_get_raw(&reader, sizeof(MAGIC), &magic) < 0 ||
	    memcmp(magic.data, MAGIC, sizeof(MAGIC)) != 0 ||
	    wire_get_string(&reader, &cipher) < 0 ||
	    copy_name(cipher, container->cipher, sizeof(container->cipher)) < 0 ||
	    wire_get_string(&reader, &kdf) < 0 || wire_get_string(&reader, &options) < 0 ||
	    read_kdf(container, kdf, options) < 0 || wire_get_u32(&reader, &count) < 0 ||
	    count != 1 || wire_get_string(&reader, &container->public_blob) < 0 ||
	    wire_get_string(&reader, &container->private_part) < 0)
		return -EBADMSG;
	if (container->private_part.len == 0)
		return -EBADMSG;
	/* gcm and chacha20-poly1305 put their tag behind the string, without a length */
	if (reader.left != 0 && reader.left != TAG_LEN)
		return -EBADMSG;
	return wire_get_raw(&reader, reader.left, &container->tag);
}

int key_container_read(const char *text, size_t len, struct key_container *ret_container)
{
	struct key_container container = {0};
	int rc = decode(text, len, &container.bytes);

	if (rc == 0)
		rc = read_fields(&container);
	if (rc < 0) {
		key_container_finish(&container);
		return rc;
	}
	*ret_container = container;
	return 0;
}

void key_container_finish(struct key_container *container)
{
	buf_wipe(&container->bytes);
	*container = (struct key_container){0};
}
