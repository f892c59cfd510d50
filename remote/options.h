/*
 * The command line of chat-agent:
 *
 *	chat-agent --name NAME --room ROOM... [--key FILE] [--server HOST[:PORT]] [AGENT OPTION...]
 *	           -- COMMAND [ARGUMENT...]
 *
 * Agent options are those of an [agent.NAME] section (docs/agents.md): --format stream-json.
 */
#ifndef REMOTE_OPTIONS_H
#define REMOTE_OPTIONS_H

#include "base/buf.h"
#include "base/config_agent.h"
#include "client/options.h"

#include <stdbool.h>

struct remote_options {
	bool help, version;
	struct config_agents agents; /* owned; the one agent */
	struct options client;       /* who, where, which rooms, which key */
};

/* 0; -EINVAL with the reason in `problem`; -ENOMEM. */
int remote_options_parse(int argc, char **argv, struct buf *problem,
			 struct remote_options *ret_options);
void remote_options_finish(struct remote_options *options);
void remote_options_help(struct buf *out);

#endif
