#include "master/heirs.h"

#include "auth/keyring_image.h"
#include "base/options.h"
#include "master/master.h"
#include "worker/control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* "listen.3.0": where one name stands for many. */
struct numbered {
	char text[64];
};

__attribute__((format(printf, 1, 2))) static struct numbered numbered(const char *fmt, ...)
{
	struct numbered name;
	va_list args;

	va_start(args, fmt);
	vsnprintf(name.text, sizeof(name.text), fmt, args);
	va_end(args);
	return name;
}

static int take_unsigned(const struct handover *handover, const char *name, unsigned most,
			 unsigned *ret_number)
{
	uint64_t number;
	int err = handover_take_number(handover, name, &number);

	if (err == 0 && number > most)
		err = -ERANGE;
	if (err == 0)
		*ret_number = (unsigned)number;
	return err;
}

static int take_string(const struct handover *handover, const char *name, char *ret_text,
		       size_t size)
{
	struct buf text = BUF_INIT;
	int err = handover_take_text(handover, name, &text);

	if (err == 0 && text.len >= size)
		err = -ERANGE;
	if (err == 0)
		memcpy(ret_text, text.data, text.len + 1);
	buf_finish(&text);
	return err;
}

/* ---- names and options ------------------------------------------------------------- */

static void give_instance(const struct master *master, struct handover *handover)
{
	handover_give_text(handover, "instance", master->instance);
	handover_give_number(handover, "members", master->members);
}

static int take_instance(struct master *master, struct handover *handover)
{
	int err = take_string(handover, "instance", master->instance, sizeof(master->instance));

	return err < 0 ? err : take_unsigned(handover, "members", UINT32_MAX, &master->members);
}

static void give_options(const struct master *master, struct handover *handover)
{
	for (unsigned i = 0; i < option_count; i++) {
		struct buf value = BUF_INIT;

		if (options[i].name == NULL || options[i].change != OPTION_RESTART)
			continue;
		option_format(&options[i], &master->config, &value);
		handover_give_text(handover, numbered("option.%s", options[i].name).text,
				   value.data != NULL ? value.data : "");
		/* A value that is missing would be taken for one that may change. */
		handover->text.failed |= value.failed;
		buf_finish(&value);
	}
}

/* They are in the configuration by now (heirs_keep_options). */
static int take_options(struct master *master, struct handover *handover)
{
	(void)master;
	(void)handover;
	return 0;
}

struct keeping {
	struct config *config;
	struct buf *notes;
	int err;
};

static void keep(void *data, const char *name, const char *text)
{
	struct keeping *keeping = data;
	int err = config_keep(keeping->config, name, text, keeping->notes);

	if (err < 0 && keeping->err == 0)
		keeping->err = err;
}

int heirs_keep_options(const struct handover *handover, struct config *config, struct buf *notes)
{
	struct keeping keeping = {.config = config, .notes = notes};

	handover_each(handover, "option.", keep, &keeping);
	return keeping.err;
}

/* ---- descriptors ---------------------------------------------------------------------- */

static void give_bells(const struct master *master, struct handover *handover)
{
	for (unsigned slot = 0; slot < SLOTS_MAX; slot++) {
		for (unsigned end = 0; end < 2; end++)
			handover_give_fd(handover, numbered("bell.%u.%u", slot, end).text,
					 master->bells[slot][end]);
	}
}

static int take_bells(struct master *master, struct handover *handover)
{
	int err = 0;

	for (unsigned i = 0; err == 0 && i < SLOTS_MAX * 2; i++) {
		err = handover_take_fd(handover, numbered("bell.%u.%u", i / 2, i % 2).text,
				       &master->bells[i / 2][i % 2]);
		/* Where files are few, slots that nobody is in have none. */
		if (err == -ENOENT && i / 2 >= master->config.workers)
			err = 0;
	}
	return err;
}

static void give_listeners(const struct master *master, struct handover *handover)
{
	const struct listeners *listeners = &master->listeners;

	handover_give_text(handover, "listen.text", listeners->text);
	handover_give_number(handover, "listen.port", listeners->port);
	handover_give_number(handover, "listen.wildcard", listeners->wildcard);
	handover_give_number(handover, "listen.workers", listeners->workers);
	handover_give_number(handover, "listen.addresses", listeners->addresses);
	for (unsigned w = 0; w < listeners->workers; w++) {
		for (unsigned a = 0; a < listeners->addresses; a++)
			handover_give_fd(handover, numbered("listen.%u.%u", w, a).text,
					 listeners->fds[w][a]);
	}
}

static int take_listeners(struct master *master, struct handover *handover)
{
	struct listeners *listeners = &master->listeners;
	unsigned wildcard = 0;
	int err;

	listen_init(listeners);
	err = take_string(handover, "listen.text", listeners->text, sizeof(listeners->text));
	if (err == 0)
		err = take_unsigned(handover, "listen.port", UINT16_MAX, &listeners->port);
	if (err == 0)
		err = take_unsigned(handover, "listen.wildcard", 1, &wildcard);
	if (err == 0)
		err = take_unsigned(handover, "listen.addresses", LISTEN_ADDRESSES_MAX,
				    &listeners->addresses);
	if (err == 0)
		err = take_unsigned(handover, "listen.workers", WORKERS_MAX, &listeners->workers);
	if (err == 0 && listeners->workers != master->config.workers)
		err = -ERANGE;
	listeners->wildcard = wildcard != 0;
	for (unsigned i = 0; err == 0 && i < listeners->workers * listeners->addresses; i++) {
		unsigned w = i / listeners->addresses, a = i % listeners->addresses;

		err = handover_take_fd(handover, numbered("listen.%u.%u", w, a).text,
				       &listeners->fds[w][a]);
	}
	return err;
}

static void give_names_socket(const struct master *master, struct handover *handover)
{
	handover_give_fd(handover, "names-socket", master->names_server.fd);
}

static int take_names_socket(struct master *master, struct handover *handover)
{
	return handover_take_fd(handover, "names-socket", &master->names_server.fd);
}

static void give_metrics(const struct master *master, struct handover *handover)
{
	handover_give_fd(handover, "metrics", master->metrics_fd);
}

/* Only with --metrics-listen there is one. */
static int take_metrics(struct master *master, struct handover *handover)
{
	int err = handover_take_fd(handover, "metrics", &master->metrics_fd);

	return err == -ENOENT ? 0 : err;
}

/* ---- the segment and the keyring ----------------------------------------------------------- */

static void give_segment(const struct master *master, struct handover *handover)
{
	handover_give_fd(handover, "segment", master->shm.fd);
}

/* Its lock comes along: it belongs to the open file, which the old workers have, too. */
static int take_segment(struct master *master, struct handover *handover)
{
	int fd = -1;
	int err = handover_take_fd(handover, "segment", &fd);

	if (err == 0)
		err = segment_adopt(fd, &master->shm);
	if (err < 0)
		return err;
	master->segment_started = true;
	master->shm.bells = (const int(*)[2])master->bells;
	return 0;
}

/* The keyring itself stays behind: its seal forbids the new master to map it for writing. */
static void give_keyring(const struct master *master, struct handover *handover)
{
	handover_give_number(handover, "keyring.generation",
			     keyring_generation(master->keys.keyring));
}

static int take_keyring(struct master *master, struct handover *handover)
{
	return handover_take_number(handover, "keyring.generation", &master->keys.first_generation);
}

/* ---- workers ------------------------------------------------------------------------------ */

static void give_children(const struct master *master, struct handover *handover)
{
	for (unsigned i = 0; i < master->children.count; i++) {
		const struct child *child = &master->children.child[i];

		if (child->pid == 0)
			continue;
		handover_give_number(handover, numbered("child.%u.pid", i).text,
				     (uint64_t)child->pid);
		handover_give_number(handover, numbered("child.%u.born", i).text,
				     child->born_mono_ms);
		handover_give_number(handover, numbered("child.%u.ready", i).text, child->ready);
		handover_give_fd(handover, numbered("child.%u.control", i).text, child->control_fd);
	}
}

static int take_child(struct child *child, unsigned slot, struct handover *handover)
{
	unsigned pid = 0, ready = 0;
	int err = take_unsigned(handover, numbered("child.%u.pid", slot).text, INT32_MAX, &pid);

	/* None ran in this slot: one is started. */
	if (err == -ENOENT)
		return 0;
	if (err == 0)
		err = handover_take_number(handover, numbered("child.%u.born", slot).text,
					   &child->born_mono_ms);
	if (err == 0)
		err = take_unsigned(handover, numbered("child.%u.ready", slot).text, 1, &ready);
	if (err < 0)
		return err;
	child->pid = (pid_t)pid;
	child->ready = ready != 0;
	child->old = true;
	/* It has closed its end, and its death is about to be told. */
	err = handover_take_fd(handover, numbered("child.%u.control", slot).text,
			       &child->control_fd);
	return err == -ENOENT ? 0 : err;
}

static int take_children(struct master *master, struct handover *handover)
{
	int err = 0;

	children_init(&master->children, master->config.workers);
	for (unsigned i = 0; err == 0 && i < master->children.count; i++)
		err = take_child(&master->children.child[i], i, handover);
	return err;
}

/* ---- small things --------------------------------------------------------------------------- */

static void give_port_file(const struct master *master, struct handover *handover)
{
	handover_give_number(handover, "port-written", master->port_written);
}

static int take_port_file(struct master *master, struct handover *handover)
{
	unsigned written = 0;
	int err = take_unsigned(handover, "port-written", 1, &written);

	master->port_written = written != 0;
	return err;
}

/* ---- all of it --------------------------------------------------------------------------------
 */

static const struct part {
	const char *name;
	void (*give)(const struct master *master, struct handover *handover);
	int (*take)(struct master *master, struct handover *handover);
} parts[] = {
#define PART(name) {#name, give_##name, take_##name},
#include "master/handover.def"
#undef PART
};

/* By name and size: a struct that grew is another word, whatever HEIRS_SPEAK says. */
static const struct term {
	const char *name, *what;
	uint64_t value;
} terms[] = {
	{"term.layout", "its shared memory has another layout", SHM_LAYOUT_VERSION},
	{"term.speak", "its processes speak another language among themselves", HEIRS_SPEAK},
	{"term.packet", "its control packets have another size", sizeof(struct control_packet)},
	{"term.keyring", "its keyring has another form", sizeof(struct keyring_image_header)},
	{"term.key-line", "its keyring has other lines", sizeof(struct keyring_line)},
	{"term.binding", "its names are written down in another way", sizeof(struct name_binding)},
	{"term.workers", "it has room for another number of workers", WORKERS_MAX},
	{"term.slots", "it has another number of doorbells", SLOTS_MAX},
};

void heirs_give(const struct master *master, struct handover *ret_handover)
{
	handover_begin(ret_handover);
	handover_give_text(ret_handover, "version", ROOMKEY_VERSION);
	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++)
		handover_give_number(ret_handover, terms[i].name, terms[i].value);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		parts[i].give(master, ret_handover);
}

int heirs_agree(const struct handover *handover, struct buf *error)
{
	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++) {
		uint64_t running = 0;

		if (handover_take_number(handover, terms[i].name, &running) < 0)
			buf_printf(error, "the running server doesn't say its %s", terms[i].name);
		else if (running != terms[i].value)
			buf_printf(error, "%s (%llu, the running one %llu)", terms[i].what,
				   (unsigned long long)terms[i].value, (unsigned long long)running);
		else
			continue;
		buf_append_str(error, ": stop the server and start this one");
		return -EPROTO;
	}
	return 0;
}

int heirs_take(struct master *master, struct handover *handover, const char **ret_part)
{
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		int err = parts[i].take(master, handover);

		if (err < 0) {
			*ret_part = parts[i].name;
			return err;
		}
	}
	return 0;
}
