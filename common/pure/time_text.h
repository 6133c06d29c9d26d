/* time_text.h - the venues' texts of wall-clock time, as ns since 1970 and back.
 *
 * RFC 3339 in UTC, the one form that most of them write. No locale, no time zone database. */
#ifndef TICKPIPE_COMMON_PURE_TIME_TEXT_H
#define TICKPIPE_COMMON_PURE_TIME_TEXT_H

#include "common/leaf/base.h"

/* time_text_read reads "2023-10-06T17:35:55.440295Z", with any number of decimals, none too. 0 or
 * ERR_PROTO (another form, another zone, before 1900 or after 2199). Hot: once per message. */
int time_text_read(const char *text, size_t len, int64_t *out_ns);

enum { TIME_TEXT_MS = 25 };
/* time_text_write_ms writes "2026-05-05T10:00:05.000Z" (rounded down, never before 1970), ended
 * with NUL. */
void time_text_write_ms(int64_t epoch_ns, char out[TIME_TEXT_MS]);

/* time_text_read_seconds reads unix seconds with a fraction ("1736293645.201"); what is finer than
 * a nanosecond is cut. 0 or ERR_PROTO. */
int time_text_read_seconds(const char *text, size_t len, int64_t *out_ns);

#endif
