#include "auth/names_socket.h"

#include <errno.h>
#include <string.h>

#define WORDS_MAX 5u

/* Splits at spaces, in place. Returns how many words; at most WORDS_MAX of them are looked at. */
static unsigned split(char *text, char *words[WORDS_MAX])
{
	unsigned count = 0;
	char *save = NULL;

	for (char *word = strtok_r(text, " ", &save); word != NULL && count < WORDS_MAX;
	     word = strtok_r(NULL, " ", &save))
		words[count++] = word;
	return count;
}

static const char *kind_told(const struct keyring_view *view, const struct name_binding *binding)
{
	unsigned lines;

	(void)keyring_find_lines(view, binding->hash, &lines);
	return lines == 0 ? "reserved" : name_kind_text((enum name_kind)binding->kind);
}

static void answer_list(const struct names *names, const struct keyring_view *view,
			struct buf *text)
{
	char fingerprint[FINGERPRINT_SIZE];
	unsigned count, told = 0;
	const struct name_binding *list = names_list(names, &count);

	for (unsigned i = 0; i < count; i++) {
		if (list[i].kind == NAME_RELEASED)
			continue;
		fingerprint_format(list[i].hash, fingerprint);
		buf_printf(text, "%s %s %s\n", list[i].name, fingerprint,
			   kind_told(view, &list[i]));
		told++;
	}
	buf_printf(text, "ok %u %s\n", told, told == 1 ? "name" : "names");
}

static void answer_add(struct names *names, const char *name, const char *fingerprint,
		       struct names_reply *reply)
{
	uint8_t hash[KEY_HASH_BYTES];
	uint64_t before = names_serial(names);
	int ret;

	if (fingerprint_parse(fingerprint, hash) < 0) {
		buf_append_str(&reply->text, "error that is no fingerprint (SHA256:...)\n");
		return;
	}
	ret = names_add(names, name, hash, &reply->passed);
	switch (ret) {
	case 0:
		reply->changed = names_serial(names) != before;
		buf_printf(&reply->text, "ok %s belongs to %s\n", name, fingerprint);
		break;
	case -EINVAL:
		buf_append_str(&reply->text, "error that is no name: 1 to 32 of a-z 0-9 _ . -, "
					     "beginning with a letter or digit\n");
		break;
	case -EPERM:
		buf_printf(&reply->text, "error %s is a reserved word\n", name);
		break;
	case -EEXIST:
		buf_printf(&reply->text,
			   "error %s belongs to another key; `names release %s` frees it\n", name,
			   name);
		break;
	default:
		buf_printf(&reply->text, "error could not be written: %s\n", strerror(-ret));
		break;
	}
}

static void answer_release(struct names *names, const char *name, struct names_reply *reply)
{
	int ret = names_release(names, name);

	if (ret == 0) {
		reply->changed = true;
		reply->passed = true;
		buf_printf(&reply->text, "ok %s is free\n", name);
	} else if (ret == -ENOENT) {
		buf_append_str(&reply->text, "error nobody owns that name\n");
	} else {
		buf_printf(&reply->text, "error could not be written: %s\n", strerror(-ret));
	}
}

int names_answer(struct names *names, const struct keyring_view *view, const char *request,
		 struct names_reply *ret_reply)
{
	struct names_reply *reply = ret_reply;
	char copy[NAMES_REQUEST_MAX], *words[WORDS_MAX];
	unsigned count = 0;

	*reply = (struct names_reply){.text = BUF_INIT};
	if (strlen(request) < sizeof(copy)) {
		memcpy(copy, request, strlen(request) + 1);
		count = split(copy, words);
	}
	if (count == 2 && strcmp(words[0], "names") == 0 && strcmp(words[1], "list") == 0)
		answer_list(names, view, &reply->text);
	else if (count == 4 && strcmp(words[0], "names") == 0 && strcmp(words[1], "add") == 0)
		answer_add(names, words[2], words[3], reply);
	else if (count == 3 && strcmp(words[0], "names") == 0 && strcmp(words[1], "release") == 0)
		answer_release(names, words[2], reply);
	else
		buf_append_str(&reply->text, "error unknown request: names list, names add NAME "
					     "FINGERPRINT or names release NAME\n");
	if (reply->changed && count > 2 && strlen(words[2]) < NAME_SIZE)
		memcpy(reply->name, words[2], strlen(words[2]) + 1);
	return reply->text.failed ? -ENOMEM : 0;
}
