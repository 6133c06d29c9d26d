#include "market_gateway/capture.h"

#include "common/leaf/err.h"
#include "common/pure/crypto.h"
#include "common/pure/scan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

/* ---- bytes of the file, unpacked ---- */

struct source {
    gzFile gz; /* Plain files too: zlib passes them through. */
    FILE *file;
    ZSTD_DStream *zstd;
    ZSTD_inBuffer in;
    bool is_frame_open; /* zstd: the end of the file would be in the middle of a frame. */
    char packed[128 << 10];
};

static int source_open(struct source *source, const char *path)
{
    static const unsigned char zstd_magic[4] = { 0x28, 0xb5, 0x2f, 0xfd };
    unsigned char magic[4] = { 0 };

    source->file = fopen(path, "rbe");
    if (!source->file)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_SYS;
    size_t n = fread(magic, 1, sizeof(magic), source->file);
    if (n == sizeof(magic) && memcmp(magic, zstd_magic, sizeof(magic)) == 0) {
        rewind(source->file);
        source->zstd = ZSTD_createDStream();
        return source->zstd ? 0 : ERR_SYS;
    }
    fclose(source->file);
    source->file = NULL;
    source->gz = gzopen(path, "rbe");
    if (!source->gz)
        return ERR_SYS;
    (void)gzbuffer(source->gz, sizeof(source->packed));
    return 0;
}

static void source_close(struct source *source)
{
    if (source->gz)
        (void)gzclose(source->gz);
    if (source->file)
        fclose(source->file);
    ZSTD_freeDStream(source->zstd);
}

/* Fills out; *len is 0 at the end of the file. */
static int read_gz(struct source *source, char *out, size_t cap, size_t *len)
{
    int problem = Z_OK;
    int n = gzread(source->gz, out, (unsigned)MIN(cap, 1U << 30));

    if (n < 0)
        return ERR_CHECKSUM;
    if (n == 0) {
        (void)gzerror(source->gz, &problem);
        if (problem == Z_BUF_ERROR) /* Cut off. */
            return ERR_CHECKSUM;
    }
    *len = (size_t)n;
    return 0;
}

static int read_zstd(struct source *source, char *out, size_t cap, size_t *len)
{
    ZSTD_outBuffer to = { out, cap, 0 };

    while (to.pos == 0) {
        if (source->in.pos == source->in.size) {
            size_t n = fread(source->packed, 1, sizeof(source->packed), source->file);
            source->in = (ZSTD_inBuffer){ source->packed, n, 0 };
            if (n == 0 && ferror(source->file))
                return ERR_SYS;
            if (n == 0) {
                *len = 0;
                return source->is_frame_open ? ERR_CHECKSUM : 0;
            }
        }
        size_t rest = ZSTD_decompressStream(source->zstd, &to, &source->in);
        if (ZSTD_isError(rest))
            return ERR_CHECKSUM;
        source->is_frame_open = rest != 0;
    }
    *len = to.pos;
    return 0;
}

/* ---- lines ---- */

struct capture {
    struct source source;
    char *text; /* Unpacked; lines are taken from at. */
    char *data; /* The record's, as large as text. */
    size_t cap, at, end;
    uint64_t line;
    int failed; /* The file cannot go on. */
};

int capture_open(struct capture **out, const char *path)
{
    struct capture *capture = calloc(1, sizeof(*capture));

    if (!capture)
        return ERR_SYS;
    capture->cap = 1 << 20;
    capture->text = malloc(capture->cap);
    capture->data = malloc(capture->cap);
    int err = capture->text && capture->data ? source_open(&capture->source, path) : ERR_SYS;
    if (err) {
        capture_close(&capture);
        return err;
    }
    *out = capture;
    return 0;
}

void capture_close(struct capture **capture)
{
    if (!*capture)
        return;
    source_close(&(*capture)->source);
    free((*capture)->text);
    free((*capture)->data);
    free(*capture);
    *capture = NULL;
}

/* Makes room behind end: moves what is left to the front, or grows. One byte stays free for a NUL.
 */
static int make_room(struct capture *capture)
{
    if (capture->at > 0) {
        memmove(capture->text, capture->text + capture->at, capture->end - capture->at);
        capture->end -= capture->at;
        capture->at = 0;
    }
    if (capture->cap - capture->end > capture->cap / 2)
        return 0;
    if (capture->end > CAPTURE_LINE_MAX)
        return ERR_FULL;
    char *text = realloc(capture->text, capture->cap * 2);
    if (!text)
        return ERR_SYS;
    capture->text = text;
    char *data = realloc(capture->data, capture->cap * 2);
    if (!data)
        return ERR_SYS;
    capture->data = data;
    capture->cap *= 2;
    return 0;
}

/* The next line, without its end; the last one may lack it. */
static int next_line(struct capture *capture, char **line, size_t *len)
{
    size_t searched = 0;

    for (;;) {
        char *start = capture->text + capture->at;
        size_t have = capture->end - capture->at, n = 0;
        char *newline = memchr(start + searched, '\n', have - searched);
        if (newline) {
            *line = start;
            *len = (size_t)(newline - start);
            capture->at += *len + 1;
            return 0;
        }
        searched = have;
        int err = make_room(capture);
        char *to = capture->text + capture->end;
        size_t room = capture->cap - capture->end - 1;
        if (!err)
            err = capture->source.zstd ? read_zstd(&capture->source, to, room, &n)
                                       : read_gz(&capture->source, to, room, &n);
        if (err)
            return err;
        capture->end += n;
        if (n)
            continue;
        if (!have)
            return ERR_NOT_FOUND;
        *line = capture->text + capture->at;
        *len = have;
        capture->at = capture->end;
        return 0;
    }
}

int capture_next(struct capture *capture, struct capture_record *out)
{
    char *line = NULL;
    size_t len = 0;

    if (capture->failed)
        return capture->failed;
    do {
        int err = next_line(capture, &line, &len);
        if (err) {
            capture->failed = err;
            return err;
        }
        capture->line++;
        while (len && (line[len - 1] == '\r' || line[len - 1] == ' '))
            len--;
    } while (!len);
    int err = capture_parse(line, len, capture->data, out);
    out->line = capture->line;
    return err;
}

/* ---- records ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int capture_time(const char *text, size_t len, int64_t *ns)
{
    const int64_t seconds_max = INT64_MAX / NS_PER_S - 1;
    int64_t seconds = 0, part = 0, unit = NS_PER_S / 10;
    size_t i = 0;

    for (; i < len && is_digit(text[i]); i++) {
        seconds = seconds * 10 + (text[i] - '0');
        if (seconds > seconds_max)
            return ERR_PROTO;
    }
    if (i == 0)
        return ERR_PROTO;
    if (i < len && text[i] == '.') {
        size_t first = ++i;
        for (; i < len && is_digit(text[i]); i++, unit /= 10)
            part += (text[i] - '0') * unit; /* Digits beyond nanoseconds count nothing. */
        if (i == first)
            return ERR_PROTO;
    }
    if (i != len)
        return ERR_PROTO;
    *ns = seconds * NS_PER_S + part;
    return 0;
}

static bool kind_of(const struct scan_value *t, enum capture_kind *out)
{
    static const char *const names[] = { [CAPTURE_HEADER] = "header",
                                         [CAPTURE_HTTP] = "http",
                                         [CAPTURE_CONNECT] = "connect",
                                         [CAPTURE_SEND] = "send",
                                         [CAPTURE_RECV] = "recv" };

    for (size_t i = 0; t->type == SCAN_STRING && i < COUNT(names); i++) {
        if (!scan_is(t, names[i]))
            continue;
        *out = (enum capture_kind)i;
        return true;
    }
    return false;
}

static int read_data(const struct scan_value *value, bool is_base64, char *scratch,
                     struct capture_record *out)
{
    size_t len = 0;

    if (value->type != SCAN_STRING)
        return ERR_PROTO;
    if (is_base64) {
        if (base64_decode(value->text, value->len, (uint8_t *)scratch, value->len, &len) != 0)
            return ERR_PROTO;
        scratch[len] = '\0';
    } else {
        if (scan_text(value, scratch, value->len + 1) != 0)
            return ERR_PROTO;
        len = strlen(scratch);
    }
    out->data = scratch;
    out->len = len;
    return 0;
}

static int read_member(const struct scan_value *key, const struct scan_value *value,
                       struct capture_record *out)
{
    if (scan_is(key, "ts"))
        return value->type == SCAN_NUMBER ? capture_time(value->text, value->len, &out->ts_ns)
                                          : ERR_PROTO;
    if (scan_is(key, "conn"))
        return scan_text(value, out->conn, sizeof(out->conn));
    if (scan_is(key, "url") || scan_is(key, "addr"))
        return scan_text(value, out->url, sizeof(out->url));
    return 0;
}

static int read_record(const struct scan_value *object, char *scratch, struct capture_record *out)
{
    struct scan_value key, value, data = { .type = SCAN_NONE };
    struct scan_iter iter;
    bool is_base64 = false;
    int err = scan_begin(&iter, object);

    while (!err && (err = scan_member(&iter, &key, &value)) == 0) {
        if (scan_is(&key, "data") || scan_is(&key, "b64")) {
            data = value;
            is_base64 = scan_is(&key, "b64");
        } else if (out->kind != CAPTURE_HEADER) {
            err = read_member(&key, &value, out);
        }
    }
    if (err != ERR_NOT_FOUND)
        return ERR_PROTO;
    if (out->kind == CAPTURE_HEADER || out->kind == CAPTURE_CONNECT)
        return 0;
    return read_data(&data, is_base64, scratch, out);
}

int capture_parse(const char *line, size_t len, char *scratch, struct capture_record *out)
{
    struct scan_value whole, t;

    *out = (struct capture_record){ .kind = CAPTURE_RECV, .data = "" };
    int err = scan_whole(line, len, &whole);
    if (!err && whole.type == SCAN_OBJECT) {
        if (scan_find(&whole, "t", &t) == 0 && kind_of(&t, &out->kind))
            return read_record(&whole, scratch, out);
        struct scan_value init, updates;
        if (scan_find(&whole, "init", &init) == 0 && scan_find(&whole, "updates", &updates) == 0)
            return ERR_UNSUPPORTED;
    } else if (len == 1 && (*line == '{' || *line == '[')) {
        return ERR_UNSUPPORTED; /* A document over many lines. */
    }
    /* A bare frame; what is no JSON is the codec's to judge, as it would be live. */
    memcpy(scratch, line, len);
    scratch[len] = '\0';
    out->is_bare = true;
    out->data = scratch;
    out->len = len;
    return 0;
}
