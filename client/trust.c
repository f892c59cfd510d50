#include "client/trust.h"

#include "auth/challenge.h"
#include "client/clean.h"
#include "client/known_hosts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void trust_init(struct trust *trust, const char *server, const char *wanted)
{
	*trust = (struct trust){.server = server, .wanted = wanted, .path = known_hosts_path()};
}

void trust_finish(struct trust *trust)
{
	free(trust->path);
	*trust = (struct trust){0};
}

/* ---- no, and why ---------------------------------------------------------------------- */

static int refuse_wanted(const struct trust *trust, const struct tls_peer *peer,
			 struct buf *problem)
{
	buf_printf(problem,
		   "%s has another key than --fingerprint says, so somebody may stand between you "
		   "and it. Nothing was said to it.\n"
		   "  it showed  %s\n"
		   "  you wanted %s",
		   trust->server, peer->fingerprint, trust->wanted);
	return -EPERM;
}

static int refuse_changed(const struct trust *trust, const struct tls_peer *peer, unsigned line,
			  struct buf *problem)
{
	buf_printf(
		problem,
		"THE KEY OF %s HAS CHANGED!\n"
		"Somebody may stand between you and it, now. Or its key was made anew: ask whoever "
		"runs it.\n"
		"It shows    %s\n"
		"another one stands in line %u of ",
		trust->server, peer->fingerprint, line);
	clean_append_str(problem, trust->path, CLEAN_LINE);
	buf_printf(problem,
		   ".\n"
		   "Nothing was said to it. If the new key is right, remove the old line:\n"
		   "  sed -i %ud '",
		   line);
	clean_append_str(problem, trust->path, CLEAN_LINE);
	buf_append_str(problem, "'");
	return -EPERM;
}

static int refuse_unknown(const struct trust *trust, const struct tls_peer *peer,
			  struct buf *problem)
{
	buf_printf(
		problem,
		"%s is not known here, no CA vouches for it (%s), and there is no terminal to ask "
		"on. If this is its key (chat-master --fingerprint tells it):\n"
		"  chat-client --fingerprint %s ...",
		trust->server, peer->why, peer->fingerprint);
	return -EPERM;
}

static int refuse_unreadable(const struct trust *trust, struct buf *problem)
{
	clean_append_str(problem, trust->path, CLEAN_LINE);
	buf_printf(problem, " cannot be read, so nobody knows whether the key of %s is right",
		   trust->server);
	return -EPERM;
}

/* ---- unknown: the person decides -------------------------------------------------------- */

static int ask_person(struct trust *trust, const struct tls_peer *peer, trust_ask_fn *ask,
		      void *owner, struct buf *problem)
{
	struct buf question = BUF_INIT;
	int rc = -ENOMEM;

	buf_printf(&question,
		   "The server %s is not known here, and no CA vouches for it (%s).\n"
		   "Its key is %s.\n"
		   "Is that right (chat-master --fingerprint tells it), and connect? (yes/no) ",
		   trust->server, peer->why, peer->fingerprint);
	if (!question.failed)
		rc = ask(owner, question.data);
	buf_finish(&question);
	if (rc == -ENOTTY)
		return refuse_unknown(trust, peer, problem);
	if (rc < 0) {
		buf_printf(problem, "%s was not trusted; nothing was said to it", trust->server);
		return -EPERM;
	}
	snprintf(trust->accepted, sizeof(trust->accepted), "%s", peer->fingerprint);
	/* a folder that cannot be written costs the same question next time, no more */
	if (trust->path)
		(void)known_hosts_add(trust->path, trust->server, peer->fingerprint);
	return 0;
}

static int judge_known(struct trust *trust, const struct tls_peer *peer, trust_ask_fn *ask,
		       void *owner, struct buf *problem)
{
	unsigned line = 0;
	enum known_host known =
		trust->path ? known_hosts_find(trust->path, trust->server, peer->fingerprint, &line)
			    : KNOWN_HOST_NONE;

	switch (known) {
	case KNOWN_HOST_SAME:
		return 0;
	case KNOWN_HOST_OTHER:
		return refuse_changed(trust, peer, line, problem);
	case KNOWN_HOST_UNREADABLE:
		return refuse_unreadable(trust, problem);
	case KNOWN_HOST_NONE:
		break;
	}
	if (strcmp(trust->accepted, peer->fingerprint) == 0)
		return 0;
	return ask_person(trust, peer, ask, owner, problem);
}

/* ---- a connection -------------------------------------------------------------------------- */

int trust_judge(struct trust *trust, const struct tls_peer *peer, trust_ask_fn *ask, void *owner,
		struct buf *problem)
{
	trust->over_tls = peer != NULL;
	trust->vouched = peer && peer->vouched;
	snprintf(trust->binding, sizeof(trust->binding), "%s", peer ? peer->binding : "");
	if (!peer)
		return 0;
	if (trust->wanted)
		return strcmp(trust->wanted, peer->fingerprint) == 0
			       ? 0
			       : refuse_wanted(trust, peer, problem);
	return peer->vouched ? 0 : judge_known(trust, peer, ask, owner, problem);
}

const char *trust_binding(const struct trust *trust, bool offers_none, bool offers_exporter,
			  struct buf *problem)
{
	if (trust->over_tls && trust->binding[0] && offers_exporter)
		return trust->binding;
	if (trust->over_tls && !trust->vouched) {
		buf_printf(problem,
			   "%s cannot bind a login to this connection, and no CA vouches for it: "
			   "somebody may stand between you and it. You were not logged in",
			   trust->server);
		return NULL;
	}
	if (offers_none)
		return BINDING_NONE;
	buf_printf(problem, "%s wants a login bound in a way that is not known here",
		   trust->server);
	return NULL;
}
