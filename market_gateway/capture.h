/* capture.h - reads recordings of a venue: plain, gzip or zstd, told apart by their first bytes.
 *
 * A line is a record, one JSON object with "t" (header, http, connect, send, recv), "conn", "ts",
 * "url" or "addr", and "data" or "b64"; or it is simply one frame as the venue sent it. Frames keep their text
 * to the byte. A file is read as a stream: memory is bounded by the longest line. */
#ifndef TICKPIPE_MARKET_GATEWAY_CAPTURE_H
#define TICKPIPE_MARKET_GATEWAY_CAPTURE_H

#include "common/leaf/base.h"

enum {
    CAPTURE_LINE_MAX = 64 << 20, /* A whole exchangeInfo is about 15 MB. */
    CAPTURE_URL_MAX = 2048,
    CAPTURE_CONN_MAX = 64,
};

enum capture_kind { CAPTURE_HEADER, CAPTURE_HTTP, CAPTURE_CONNECT, CAPTURE_SEND, CAPTURE_RECV };

struct capture_record {
    enum capture_kind kind;
    bool is_bare;  /* The line is the frame itself: no time, no connection. */
    int64_t ts_ns; /* Wall clock; 0: not said. */
    char conn[CAPTURE_CONN_MAX];
    char url[CAPTURE_URL_MAX]; /* http; connect, send: the address that it calls addr */
    const char *data; /* Valid until the next record; ended by a NUL that len leaves out. */
    size_t len;
    uint64_t line; /* Counted from 1. */
};

/* capture_parse reads one line (without its end). data is written to scratch, which has room for
 * len + 1 bytes and may be line itself. 0; ERR_PROTO: looks like a record, but is none;
 * ERR_UNSUPPORTED: a document of many lines, or of another form (*_sequence.json). */
int capture_parse(const char *line, size_t len, char *scratch, struct capture_record *out);

/* capture_time reads Unix seconds as text, up to nanoseconds, exactly. 0 or ERR_PROTO. */
int capture_time(const char *text, size_t len, int64_t *ns);

struct capture;

/* capture_open opens a file. 0; ERR_NOT_FOUND; ERR_SYS. */
int capture_open(struct capture **capture, const char *path);
void capture_close(struct capture **capture);

/* capture_next gives the next record; empty lines are passed over. 0; ERR_NOT_FOUND: the end;
 * ERR_PROTO: a bad record (go on with the next); ERR_UNSUPPORTED as above; ERR_FULL: a line above
 * CAPTURE_LINE_MAX; ERR_CHECKSUM: compressed data broken or cut off; ERR_SYS. After the last three
 * nothing more comes. */
int capture_next(struct capture *capture, struct capture_record *out);

#endif
