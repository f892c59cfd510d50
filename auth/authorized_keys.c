#include "auth/authorized_keys.h"
#include "auth/challenge.h"
#include "auth/key_options.h"
#include "auth/signature.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

void authorized_line_init(struct authorized_line *line)
{
	*line = (struct authorized_line){.rule = {.from = "", .principals = "", .names = ""}};
}

void authorized_line_finish(struct authorized_line *line)
{
	buf_finish(&line->blob);
	buf_finish(&line->text);
}

struct authorized_reader authorized_reader(const char *bytes, size_t len)
{
	return (struct authorized_reader){.at = bytes, .end = bytes != NULL ? bytes + len : NULL};
}

bool authorized_reader_next(struct authorized_reader *r, const char **ret_text, size_t *ret_len)
{
	const char *newline;
	size_t left = (size_t)(r->end - r->at);

	if (r->at == NULL || left == 0)
		return false;
	newline = memchr(r->at, '\n', left);
	*ret_text = r->at;
	*ret_len = newline != NULL ? (size_t)(newline - r->at) : left;
	r->at += *ret_len + (newline != NULL ? 1 : 0);
	r->number++;
	return true;
}

static bool list_next(const char **list, const char **ret_entry, size_t *ret_len)
{
	if (*list == NULL)
		return false;
	*ret_entry = *list;
	*ret_len = strcspn(*list, ",");
	*list = (*list)[*ret_len] == ',' ? *list + *ret_len + 1 : NULL;
	return true;
}

bool name_list_has_bytes(const char *list, struct wire_bytes name)
{
	const char *entry;
	size_t len;

	if (name.len == 0)
		return false;
	while (list_next(&list, &entry, &len))
		if (len == name.len && memcmp(entry, name.data, len) == 0)
			return true;
	return false;
}

bool name_list_has(const char *list, const char *name)
{
	return name_list_has_bytes(
		list, (struct wire_bytes){.data = (const uint8_t *)name, .len = strlen(name)});
}

/* Appends `name` to a comma-separated list unless it is there. */
static void list_add(struct buf *list, size_t start, const char *name)
{
	if (list->failed || name_list_has(list->data + start, name))
		return;
	if (list->len > start)
		buf_append_char(list, ',');
	buf_append_str(list, name);
}

/*
 * The valid names of `from` (folded), those that `also` has where it isn't
 * NULL. Spaces around a name are forgiven. Returns how many entries were no names.
 */
static unsigned list_names(struct buf *out, size_t start, const char *from, const char *also)
{
	const char *entry;
	unsigned strange = 0;
	size_t len;

	while (list_next(&from, &entry, &len)) {
		char name[NAME_SIZE], text[NAME_SIZE];

		for (; len > 0 && isspace((unsigned char)*entry); entry++)
			len--;
		while (len > 0 && isspace((unsigned char)entry[len - 1]))
			len--;
		if (len == 0)
			continue;
		if (len > NAME_LEN_MAX) {
			strange++;
			continue;
		}
		memcpy(text, entry, len);
		text[len] = '\0';
		if (user_name_fold(text, name) < 0)
			strange++;
		else if (also == NULL || name_list_has(also, name))
			list_add(out, start, name);
	}
	return strange;
}

static unsigned roles_from(const char *list, bool *ret_strange)
{
	unsigned roles = 0;
	const char *entry;
	size_t len;

	while (list_next(&list, &entry, &len)) {
		if (len == 2 && memcmp(entry, "op", 2) == 0)
			roles |= ROLE_OP;
		else if (len == 5 && memcmp(entry, "agent", 5) == 0)
			roles |= ROLE_AGENT;
		else
			*ret_strange = true;
	}
	return roles;
}

static void line_refuse(struct authorized_line *line, const char *why)
{
	line->status = AUTHORIZED_REFUSED;
	(void)snprintf(line->why, sizeof(line->why), "%s", why);
}

static const char *text_or_empty(const struct buf *buf)
{
	return buf->data != NULL ? buf->data : "";
}

/* Turns options into the line's rule; its strings go into line->text. NULL or what is wrong. */
static const char *line_set_rule(struct authorized_line *line, const struct key_options *options)
{
	struct buf *text = &line->text;
	const char *principals = text_or_empty(&options->principals);
	size_t from_at, principals_at, names_at;
	struct key_rule rule = {.expires_s = options->expires_s};
	bool strange_role = false;
	unsigned strange = 0;

	if (options->has_from &&
	    address_match_from(NULL, text_or_empty(&options->from)) == ADDRESS_INVALID)
		return "from= has an entry that is no address, network or pattern";
	if (options->cert_authority)
		rule.flags |= RULE_CA;
	if (options->no_touch_required)
		rule.flags |= RULE_NO_TOUCH_REQUIRED;
	if (options->verify_required)
		rule.flags |= RULE_VERIFY_REQUIRED;
	if (options->has_from)
		rule.flags |= RULE_FROM;
	if (options->has_principals && options->cert_authority)
		rule.flags |= RULE_PRINCIPALS;
	if (options->has_user || options->has_principals)
		rule.flags |= RULE_NAMES;
	if (options->has_role)
		rule.roles = roles_from(text_or_empty(&options->role), &strange_role);

	from_at = text->len;
	buf_append_str(text, text_or_empty(&options->from));
	buf_append_char(text, '\0');
	principals_at = text->len;
	if (options->cert_authority)
		buf_append_str(text, principals);
	buf_append_char(text, '\0');
	names_at = text->len;
	if (options->has_user)
		strange = list_names(text, names_at, text_or_empty(&options->user),
				     options->has_principals ? principals : NULL);
	else if (options->has_principals)
		strange = list_names(text, names_at, principals, NULL);
	if (text->failed)
		return "out of memory";
	if ((rule.flags & RULE_NAMES) != 0 && text->len == names_at &&
	    (rule.flags & RULE_PRINCIPALS) == 0)
		return "it pins the key to no valid name";
	if (strange > 0)
		(void)snprintf(line->note, sizeof(line->note),
			       "%u of its names can't be names here and are left out", strange);
	else if (strange_role)
		(void)snprintf(line->note, sizeof(line->note),
			       "CHAT_ROLE knows op and agent, nothing else");
	rule.from = text->data + from_at;
	rule.principals = text->data + principals_at;
	rule.names = text->data + names_at;
	line->rule = rule;
	return NULL;
}

static const char *line_check_key(struct authorized_line *line)
{
	const void *blob = line->blob.data;
	size_t len = line->blob.len;

	if (certificate_is(blob, len))
		return "a certificate can't stand here: put its CA here, with cert-authority";
	switch (pubkey_parse(blob, len, &line->key)) {
	case VERDICT_OK:
		break;
	case VERDICT_UNSUPPORTED_KEY:
		return "keys of this type are not accepted (ed25519, ecdsa, rsa and sk keys are)";
	case VERDICT_BAD_KEY:
		return "the key is weak or invalid (RSA needs 2048 to 8192 bits and an odd "
		       "exponent)";
	default:
		return "the key is damaged";
	}
	if (!pubkey_is_sound(&line->key))
		return "the key is weak: anyone could sign with it";
	return NULL;
}

static void skip_blanks(const char **at)
{
	while (**at == ' ' || **at == '\t')
		(*at)++;
}

int authorized_line_parse(struct authorized_line *line, const char *text, size_t len)
{
	char copy[AUTHORIZED_LINE_MAX + 1];
	struct key_options options;
	const char *at = copy, *wrong = NULL, *option_text = "";
	int ret;

	key_options_init(&options);
	buf_reset(&line->blob);
	buf_reset(&line->text);
	*line = (struct authorized_line){
		.status = AUTHORIZED_REFUSED,
		.rule = {.from = "", .principals = "", .names = ""},
		.blob = line->blob,
		.text = line->text,
	};
	if (len > AUTHORIZED_LINE_MAX) {
		line_refuse(line, "the line is longer than 16 KiB");
		return 0;
	}
	if (memchr(text, '\0', len) != NULL) {
		line_refuse(line, "there is a NUL byte in the line");
		return 0;
	}
	memcpy(copy, text, len);
	copy[len] = '\0';
	skip_blanks(&at);
	if (*at == '\0' || *at == '#' || strcmp(at, "\r") == 0) {
		line->status = AUTHORIZED_EMPTY;
		return 0;
	}

	/* first as a key; what is none must be options, and then a key */
	ret = pubkey_text_decode(at, strlen(at), &line->blob, NULL);
	if (ret == -EBADMSG) {
		option_text = at;
		at = key_options_end(at);
		if (at == NULL) {
			wrong = "a quote is never closed";
			goto out;
		}
		skip_blanks(&at);
		ret = pubkey_text_decode(at, strlen(at), &line->blob, NULL);
		/* of two faults tell the one that stands first */
		wrong = key_options_parse(&options, option_text);
		if (ret == -EBADMSG && wrong == NULL)
			wrong = "no key follows the options, or it is damaged";
	}
	if (ret == -ENOMEM || wrong != NULL)
		goto out;
	wrong = line_check_key(line);
	if (wrong == NULL)
		wrong = line_set_rule(line, &options);
	if (wrong == NULL)
		line->status = AUTHORIZED_ACCEPTED;
out:
	if (wrong != NULL)
		line_refuse(line, wrong);
	else if (ret < 0)
		line_refuse(line, "out of memory");
	ret = line->blob.failed || line->text.failed ? -ENOMEM : 0;
	key_options_finish(&options);
	return ret;
}

enum verdict key_rule_check(const struct key_rule *rule, const struct key_subject *subject)
{
	bool certified = subject->ca_hash != NULL;
	bool no_touch = (rule->flags & RULE_NO_TOUCH_REQUIRED) != 0;
	bool verify = (rule->flags & RULE_VERIFY_REQUIRED) != 0;

	if (((rule->flags & RULE_CA) != 0) != certified)
		return VERDICT_NO_LINE;
	if (rule->expires_s != 0 && subject->now_s > rule->expires_s)
		return VERDICT_LINE_EXPIRED;
	if ((rule->flags & RULE_FROM) != 0 &&
	    address_match_from(&subject->peer, rule->from) != ADDRESS_YES)
		return VERDICT_LINE_FROM;
	if (certified) {
		/* both the CA's line and the certificate must let the touch go */
		no_touch = no_touch && subject->demands.no_touch_required;
		verify = verify || subject->demands.verify_required;
	}
	if (subject->is_sk && !no_touch && (subject->sk_flags & SK_USER_PRESENT) == 0)
		return VERDICT_NO_TOUCH;
	if (subject->is_sk && verify && (subject->sk_flags & SK_USER_VERIFIED) == 0)
		return VERDICT_NOT_VERIFIED;
	return VERDICT_OK;
}
