#include "auth/keyring_image.h"
#include "auth/keyring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What is gathered while the file is read. */
struct builder {
	struct buf lines; /* struct keyring_line, in the file's order */
	struct buf pins;  /* struct keyring_pin; line is an index in the file's order */
	struct buf text;
	struct keyring_report report;
};

static void builder_finish(struct builder *b)
{
	buf_finish(&b->lines);
	buf_finish(&b->pins);
	buf_finish(&b->text);
}

static uint32_t put_text(struct builder *b, const char *text)
{
	uint32_t at = (uint32_t)b->text.len;

	/* the text begins with a NUL: the empty string is there already */
	if (*text == '\0')
		return 0;
	buf_append(&b->text, text, strlen(text) + 1);
	return at;
}

static void put_pins(struct builder *b, const struct authorized_line *line, uint32_t index)
{
	const char *at = line->rule.names;

	while (*at != '\0') {
		size_t len = strcspn(at, ",");
		struct keyring_pin pin = {.line = index};

		pin.ca = (line->rule.flags & RULE_CA) != 0;
		memcpy(pin.name, at, len);
		buf_append(&b->pins, &pin, sizeof(pin));
		at += len + (at[len] == ',' ? 1 : 0);
	}
}

static int put_line(struct builder *b, const struct authorized_line *line, unsigned number)
{
	struct keyring_line entry = {
		.expires_s = line->rule.expires_s,
		.number = number,
		.flags = line->rule.flags,
		.roles = line->rule.roles,
	};

	if (b->report.accepted >= KEYRING_LINES_MAX)
		return -E2BIG;
	pubkey_hash(&line->key, entry.key_hash);
	entry.from = put_text(b, line->rule.from);
	entry.principals = put_text(b, line->rule.principals);
	entry.names = put_text(b, line->rule.names);
	put_pins(b, line, b->report.accepted);
	buf_append(&b->lines, &entry, sizeof(entry));
	b->report.accepted++;
	return 0;
}

static int read_keys(struct builder *b, const struct keyring_source *source, keyring_line_cb cb,
		     void *data)
{
	struct authorized_reader r = authorized_reader(source->keys, source->keys_len);
	struct authorized_line line;
	const char *text;
	size_t len;
	int ret = 0;

	authorized_line_init(&line);
	while (ret == 0 && authorized_reader_next(&r, &text, &len)) {
		ret = authorized_line_parse(&line, text, len);
		if (ret < 0 || line.status == AUTHORIZED_EMPTY)
			continue;
		if (line.status == AUTHORIZED_ACCEPTED)
			ret = put_line(b, &line, r.number);
		else
			b->report.refused++;
		if (cb != NULL)
			cb(data, r.number, &line);
	}
	authorized_line_finish(&line);
	return ret;
}

/* Sorting moves lines; pins must follow: where the file's i-th line went. */
struct placed {
	struct keyring_line line;
	uint32_t index;
};

static int compare_lines(const void *a, const void *b)
{
	const struct placed *left = a, *right = b;
	int order = memcmp(left->line.key_hash, right->line.key_hash, KEY_HASH_BYTES);

	if (order != 0)
		return order;
	return left->line.number < right->line.number ? -1 : left->line.number > right->line.number;
}

static int compare_pins(const void *a, const void *b)
{
	const struct keyring_pin *left = a, *right = b;
	int order = strcmp(left->name, right->name);

	if (order != 0)
		return order;
	return left->line < right->line ? -1 : left->line > right->line;
}

static int sort_parts(struct builder *b)
{
	size_t count = b->report.accepted, pin_count = b->pins.len / sizeof(struct keyring_pin);
	struct placed *placed = NULL;
	uint32_t *went = NULL;
	int ret = -ENOMEM;

	if (b->lines.failed || b->pins.failed || b->text.failed)
		return -ENOMEM;
	if (count == 0)
		return 0;
	placed = calloc(count, sizeof(*placed));
	went = calloc(count, sizeof(*went));
	if (placed == NULL || went == NULL)
		goto out;
	for (size_t i = 0; i < count; i++) {
		memcpy(&placed[i].line, b->lines.data + i * sizeof(placed[i].line),
		       sizeof(placed[i].line));
		placed[i].index = (uint32_t)i;
	}
	qsort(placed, count, sizeof(*placed), compare_lines);
	for (size_t i = 0; i < count; i++) {
		went[placed[i].index] = (uint32_t)i;
		memcpy(b->lines.data + i * sizeof(placed[i].line), &placed[i].line,
		       sizeof(placed[i].line));
	}
	for (size_t i = 0; i < pin_count; i++) {
		struct keyring_pin pin;
		char *at = b->pins.data + i * sizeof(pin);

		memcpy(&pin, at, sizeof(pin));
		pin.line = went[pin.line];
		memcpy(at, &pin, sizeof(pin));
	}
	if (pin_count > 0)
		qsort(b->pins.data, pin_count, sizeof(struct keyring_pin), compare_pins);
	ret = 0;
out:
	free(went);
	free(placed);
	return ret;
}

/* Appends a part at the next multiple of 8; returns its offset. */
static uint32_t put_part(struct buf *image, const void *bytes, size_t len)
{
	static const char zeros[8];
	size_t at;

	buf_append(image, zeros, (8 - image->len % 8) % 8);
	at = image->len;
	buf_append(image, bytes, len);
	return (uint32_t)at;
}

static uint32_t put_bindings(struct buf *image, const struct names *names, uint32_t *ret_count)
{
	const struct name_binding *list = NULL;
	uint32_t at = put_part(image, "", 0);
	unsigned count = 0;

	*ret_count = 0;
	if (names != NULL)
		list = names_list(names, &count);
	for (unsigned i = 0; i < count; i++) {
		if (list[i].kind == NAME_RELEASED)
			continue;
		buf_append(image, &list[i], sizeof(list[i]));
		(*ret_count)++;
	}
	return at;
}

static uint32_t put_servers(struct buf *image, const char *const *servers, uint32_t *ret_count,
			    uint32_t *ret_len)
{
	uint32_t at = put_part(image, "", 0);

	*ret_count = 0;
	for (; servers != NULL && *servers != NULL; servers++) {
		buf_append(image, *servers, strlen(*servers) + 1);
		(*ret_count)++;
	}
	buf_append(image, "", 1);
	*ret_len = (uint32_t)image->len - at;
	return at;
}

/* Header and parts behind each other. */
static int write_image(const struct builder *b, const struct keyring_source *source,
		       struct buf *image)
{
	struct keyring_image_header header = {
		.magic = KEYRING_IMAGE_MAGIC,
		.safety = (uint32_t)source->safety,
		.names_per_key = source->names_per_key,
		.line_count = (uint32_t)(b->lines.len / sizeof(struct keyring_line)),
		.pin_count = (uint32_t)(b->pins.len / sizeof(struct keyring_pin)),
		.text_len = (uint32_t)b->text.len,
	};

	buf_append(image, &header, sizeof(header));
	header.lines = put_part(image, b->lines.data, b->lines.len);
	header.pins = put_part(image, b->pins.data, b->pins.len);
	header.bindings = put_bindings(image, source->names, &header.binding_count);
	header.servers =
		put_servers(image, source->servers, &header.server_count, &header.servers_len);
	header.text = put_part(image, b->text.data, b->text.len);
	header.bytes = (uint32_t)image->len;
	if (image->failed || image->len > UINT32_MAX)
		return -ENOMEM;
	memcpy(image->data, &header, sizeof(header));
	return 0;
}

int keyring_image_build(const struct keyring_source *source, keyring_line_cb cb, void *data,
			struct buf *ret_image, struct keyring_report *ret_report)
{
	struct builder b = {0};
	int ret;

	buf_append(&b.text, "", 1);
	ret = read_keys(&b, source, cb, data);
	if (ret == 0)
		ret = sort_parts(&b);
	if (ret == 0)
		ret = write_image(&b, source, ret_image);
	if (ret == 0)
		*ret_report = b.report;
	builder_finish(&b);
	return ret;
}

int keyring_image_renew(const struct keyring_view *view, const struct keyring_source *source,
			struct buf *ret_image)
{
	struct builder b = {0};
	int ret = -ENOMEM;

	buf_append(&b.lines, view->lines, view->line_count * sizeof(*view->lines));
	buf_append(&b.pins, view->pins, view->pin_count * sizeof(*view->pins));
	buf_append(&b.text, view->text, view->text_len);
	if (!b.lines.failed && !b.pins.failed && !b.text.failed)
		ret = write_image(&b, source, ret_image);
	builder_finish(&b);
	return ret;
}

static bool part_fits(const struct keyring_image_header *header, uint32_t at, uint32_t count,
		      size_t size)
{
	return at % 8 == 0 && at >= sizeof(*header) && at <= header->bytes &&
	       count <= (header->bytes - at) / size;
}

static bool texts_are_whole(const char *text, uint32_t len, uint32_t count)
{
	uint32_t ends = 0;

	if (len == 0 || text[len - 1] != '\0')
		return false;
	for (uint32_t i = 0; i < len; i++)
		if (text[i] == '\0')
			ends++;
	return ends >= count;
}

int keyring_view_open(const void *image, size_t len, struct keyring_view *ret_view)
{
	const uint8_t *bytes = image;
	struct keyring_image_header header;
	struct keyring_view view = {0};

	if (len < sizeof(header))
		return -EBADMSG;
	memcpy(&header, image, sizeof(header));
	if (header.magic != KEYRING_IMAGE_MAGIC || header.bytes > len ||
	    header.bytes < sizeof(header) || header.safety > KEYS_TOO_LARGE ||
	    !part_fits(&header, header.lines, header.line_count, sizeof(struct keyring_line)) ||
	    !part_fits(&header, header.pins, header.pin_count, sizeof(struct keyring_pin)) ||
	    !part_fits(&header, header.bindings, header.binding_count,
		       sizeof(struct name_binding)) ||
	    !part_fits(&header, header.servers, header.servers_len, 1) ||
	    !part_fits(&header, header.text, header.text_len, 1))
		return -EBADMSG;
	view.safety = (enum keys_safety)header.safety;
	view.names_per_key = header.names_per_key;
	view.lines = (const void *)(bytes + header.lines);
	view.line_count = header.line_count;
	view.pins = (const void *)(bytes + header.pins);
	view.pin_count = header.pin_count;
	view.bindings = (const void *)(bytes + header.bindings);
	view.binding_count = header.binding_count;
	view.servers = (const char *)(bytes + header.servers);
	view.server_count = header.server_count;
	view.text = (const char *)(bytes + header.text);
	view.text_len = header.text_len;
	if (!texts_are_whole(view.servers, header.servers_len, header.server_count) ||
	    !texts_are_whole(view.text, header.text_len, 1))
		return -EBADMSG;
	for (unsigned i = 0; i < view.line_count; i++)
		if (view.lines[i].from >= header.text_len ||
		    view.lines[i].principals >= header.text_len ||
		    view.lines[i].names >= header.text_len)
			return -EBADMSG;
	for (unsigned i = 0; i < view.pin_count; i++)
		if (view.pins[i].line >= view.line_count ||
		    memchr(view.pins[i].name, '\0', NAME_SIZE) == NULL)
			return -EBADMSG;
	for (unsigned i = 0; i < view.binding_count; i++)
		if (memchr(view.bindings[i].name, '\0', NAME_SIZE) == NULL)
			return -EBADMSG;
	*ret_view = view;
	return 0;
}
