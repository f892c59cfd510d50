/* What format.c and format_answers.c share. */
#ifndef CLIENT_FORMAT_PRIVATE_H
#define CLIENT_FORMAT_PRIVATE_H

#include "client/format.h"

/* One line of a foreign text, cleaned. */
void format_put(struct buf *out, const char *text);
/* A room as people write it: "#dev"; an inbox keeps its "@". */
void format_put_room(struct buf *out, const char *room);

/* Answers, without a final newline. */
void format_room_list(const struct server_line *line, struct buf *out);
void format_user_list(const struct server_line *line, struct buf *out);
void format_agent_list(const struct server_line *line, struct buf *out);
void format_who(const struct server_line *line, struct buf *out);

#endif
