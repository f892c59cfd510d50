/* The verdicts on a signature and its key, made from verdict.def. */
#ifndef AUTH_VERDICT_H
#define AUTH_VERDICT_H

enum verdict {
#define VERDICT(name, code, text) VERDICT_##name,
#include "auth/verdict.def"
#undef VERDICT
};

/* "ok", "malformed", ... */
const char *verdict_code(enum verdict verdict);
/* A clause for people, without a final dot. */
const char *verdict_text(enum verdict verdict);

#endif
