/*
 * An authorized_keys file: whatever stands in it, its lines have a meaning or a
 * printable reason, and the image made of it opens and answers.
 */
#include "auth/challenge.h"
#include "auth/keyring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

static void check_printable(const char *text)
{
	for (; *text != '\0'; text++)
		check(*text >= ' ' && *text <= '~', "printable words");
}

static void see_line(void *data, unsigned number, const struct authorized_line *line)
{
	unsigned *last = data;

	check(number > *last, "lines in order");
	*last = number;
	check_printable(line->why);
	check_printable(line->note);
	check((line->status == AUTHORIZED_REFUSED) == (line->why[0] != '\0'), "a reason");
	if (line->status == AUTHORIZED_REFUSED)
		check(line->rule.names[0] == '\0' && line->rule.roles == 0,
		      "a refused line grants nothing");
}

static void use_view(const struct keyring_view *view)
{
	for (unsigned i = 0; i < view->line_count; i++) {
		struct key_rule rule = keyring_rule(view, &view->lines[i]);
		struct key_subject subject = {
			.key_hash = view->lines[i].key_hash,
			.ca_hash = (rule.flags & RULE_CA) != 0 ? view->lines[i].key_hash : NULL,
			.now_s = 1795197630,
		};
		unsigned count, first = keyring_find_lines(view, view->lines[i].key_hash, &count);

		check(i >= first && i < first + count, "a line that is found");
		check(address_parse("127.0.0.1", &subject.peer) == 0, "an address");
		(void)key_rule_check(&rule, &subject);
	}
	for (unsigned i = 0; i < view->pin_count; i++) {
		unsigned count, first = keyring_find_pins(view, view->pins[i].name, &count);

		check(user_name_valid(view->pins[i].name), "a valid name");
		check(i >= first && i < first + count, "a pin that is found");
		check(keyring_knows_name(view, view->pins[i].name), "a name that is known");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct keyring_source source = {
		.safety = KEYS_SAFE,
		.keys = (const char *)data,
		.keys_len = size,
	};
	struct keyring_report report;
	struct keyring_view view;
	struct buf image = BUF_INIT;
	unsigned last = 0;

	check(keyring_image_build(&source, see_line, &last, &image, &report) == 0, "an image");
	check(keyring_view_open(image.data, image.len, &view) == 0, "an image that opens");
	check(view.line_count == report.accepted, "all lines");
	use_view(&view);
	buf_finish(&image);
	return 0;
}
