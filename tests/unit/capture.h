/* capture.h - reads fixtures for the unit tests: whole files, .zst ones unpacked, and the records
 * of a capture (the JSON-lines format of ../shared/fixtures/FORMATS.md). */
#ifndef TICKPIPE_TESTS_UNIT_CAPTURE_H
#define TICKPIPE_TESTS_UNIT_CAPTURE_H

#include "common/leaf/err.h"
#include "common/leaf/fixed.h"
#include "common/pure/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define SHARED "../shared/"

struct file_text {
    char *text; /* Ended with NUL. */
    size_t len;
};

static inline struct file_text file_read(const char *path)
{
    struct file_text out = { 0 };
    FILE *file = fopen(path, "rb");

    if (!file)
        return out;
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    out.text = malloc((size_t)size + 1);
    out.len = fread(out.text, 1, (size_t)size, file);
    out.text[out.len] = '\0';
    fclose(file);
    return out;
}

static inline struct file_text zst_read(const char *path)
{
    struct file_text packed = file_read(path), out = { 0 };
    ZSTD_DStream *stream = ZSTD_createDStream();
    ZSTD_inBuffer in = { packed.text, packed.len, 0 };
    size_t cap = 0;

    while (in.pos < in.size) {
        if (out.len + (1 << 20) >= cap)
            out.text = realloc(out.text, cap += 16 << 20);
        ZSTD_outBuffer piece = { out.text + out.len, cap - out.len - 1, 0 };
        if (ZSTD_isError(ZSTD_decompressStream(stream, &piece, &in)))
            break;
        out.len += piece.pos;
    }
    if (out.text)
        out.text[out.len] = '\0';
    ZSTD_freeDStream(stream);
    free(packed.text);
    return out;
}

struct capture_record {
    char kind[16]; /* header, http, connect, send, recv */
    char conn[64];
    char url[1024];
    int64_t ts_ns; /* Wall clock. */
    char *data;    /* Ended with NUL; valid until the next record. */
    size_t len;
};

struct capture {
    struct file_text file;
    const char *at;
    char *data;
    size_t cap;
};

/* capture_open: false: no such file. */
static inline bool capture_open(struct capture *capture, const char *path)
{
    *capture = (struct capture){ .file = zst_read(path) };
    capture->at = capture->file.text;
    return capture->file.text != NULL;
}

static inline void capture_close(struct capture *capture)
{
    free(capture->file.text);
    free(capture->data);
}

static inline void capture_member(struct capture *capture, const struct scan_value *key,
                                  const struct scan_value *value, struct capture_record *out)
{
    if (scan_is(key, "t"))
        (void)scan_text(value, out->kind, sizeof(out->kind));
    else if (scan_is(key, "conn"))
        (void)scan_text(value, out->conn, sizeof(out->conn));
    else if (scan_is(key, "url"))
        (void)scan_text(value, out->url, sizeof(out->url));
    else if (scan_is(key, "ts"))
        (void)fixed_parse(value->text, value->len, 9, &out->ts_ns);
    else if (scan_is(key, "data")) {
        if (capture->cap < value->len + 1)
            capture->data = realloc(capture->data, capture->cap = value->len + 1);
        if (scan_text(value, capture->data, capture->cap) == 0) {
            out->data = capture->data;
            out->len = strlen(capture->data);
        }
    }
}

/* capture_next gives the next record; false at the end. */
static inline bool capture_next(struct capture *capture, struct capture_record *out)
{
    struct scan_value line, key, value;
    struct scan_iter iter;
    const char *end = capture->at ? strchr(capture->at, '\n') : NULL;

    *out = (struct capture_record){ 0 };
    if (!end)
        return false;
    if (scan_whole(capture->at, (size_t)(end - capture->at), &line) == 0 &&
        scan_begin(&iter, &line) == 0)
        while (scan_member(&iter, &key, &value) == 0)
            capture_member(capture, &key, &value, out);
    capture->at = end + 1;
    return true;
}

#endif
