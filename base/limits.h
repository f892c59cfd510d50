/*
 * Sizes both sides of the wire agree on (docs/protocol.md, "Limits").
 * Text sizes are bytes without the terminating NUL unless a name says _SIZE.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#include <stdint.h>

#define NAME_LEN_MAX 32 /* a room or user name */
#define NAME_SIZE (NAME_LEN_MAX + 1)
#define ROOM_LEN_MAX (NAME_LEN_MAX + 1) /* "@alice": an inbox has one byte more */
#define ROOM_SIZE (ROOM_LEN_MAX + 1)
#define DEVICE_LEN_MAX 32
#define DEVICE_SIZE (DEVICE_LEN_MAX + 1)
#define ID_LEN_MAX 64
#define ID_SIZE (ID_LEN_MAX + 1)
#define EPOCH_LEN_MAX 64  /* what a client may send; ours are 16 hex digits */
#define EPOCH_TEXT_LEN 16 /* hex of the 64-bit epoch, never 0 */
#define EPOCH_TEXT_SIZE (EPOCH_TEXT_LEN + 1)
#define REF_TEXT_LEN 16 /* names both copies of a direct message */
#define REF_TEXT_SIZE (REF_TEXT_LEN + 1)
#define FINGERPRINT_SIZE 64 /* "SHA256:" and 43 base64 characters */
#define TIMESTAMP_SIZE 25   /* 2026-11-20T17:00:00.123Z */
#define SESSION_TEXT_SIZE 33

/* Everyone starts here, and it is never given back: who has no other room is there. */
#define ROOM_LOBBY "lobby"

#define LINE_MAX_BYTES 65536u  /* a line or a frame from a client */
#define FRAME_MAX_BYTES 65536u /* what we put into one frame, unless one line is longer */
#define LOGIN_MAX_BYTES 16384u /* a frame before login */
#define CONTENT_MAX_CHARS 4000u
#define CONTENT_CHARS_LIMIT 8000u /* more can't be allowed: a log's longest line is made for it */
#define TOPIC_MAX_CHARS 300u
#define REASON_MAX_CHARS 300u
#define AWAY_MAX_CHARS 300u
#define OPTION_MAX_CHARS 100u
#define EMOJI_MAX_BYTES 32u
#define PARTIAL_MAX_CHARS 700u /* what an agent has written so far: its end */
#define SIGNATURE_LEN_MAX 4096u
#define JSON_DEPTH_MAX 8u
#define INTEGER_MAX ((INT64_C(1) << 53) - 1)

#define HISTORY_LINES_MAX 200u
#define HISTORY_LINES_DEFAULT 50u
#define JOIN_LINES_DEFAULT 50u
#define DEDUPE_WINDOW 64u     /* ids remembered per (user, device) */
#define PRESENCE_GRACE_MS 10000 /* a lost connection counts as present so long */
#define PRESENCE_INTERVAL_MS 1000
#define LOGIN_ATTEMPTS_MAX 3u
#define LOGIN_FAIL_DELAY_MS 500 /* counted from the receipt of the login line */

#define WORKERS_MAX 48u   /* worker slots 0..47 */
#define RESIDENTS_MAX 16u /* slots 48..63: agents, archive, relay */
#define SLOTS_MAX 64u

#endif
