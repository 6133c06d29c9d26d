#include "common/leaf/err.h"
#include "market_gateway/capture.h"
#include "tests/unit/check.h"

#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

static char path[] = "/tmp/tickpipe-capture-XXXXXX";

static void write_file(const void *data, size_t len)
{
    FILE *file = fopen(path, "wbe");

    if (!file || fwrite(data, 1, len, file) != len || fclose(file) != 0)
        abort();
}

static const char text[] =
    "{\"t\":\"header\",\"format\":2,\"conn\":7}\n"
    "{\"t\":\"http\",\"conn\":\"h\",\"ts\":1633998511.132921,\"url\":\"https://x/d?symbol=A\","
    "\"data\":\"{\\\"a\\\":\\\"\\u00e9\\\\\\\\\\\"}\"}\n"
    "{\"t\":\"connect\",\"conn\":\"ws\",\"ts\":1633998512,\"addr\":\"wss://x\"}\n"
    "\r\n"
    "{\"t\":\"send\",\"conn\":\"ws\",\"ts\":1633998512.5,\"addr\":\"wss://x\",\"data\":\"s\"}\r\n"
    "{\"t\":\"recv\",\"conn\":\"ws\",\"ts\":1723161253.937085768,\"data\":\"{\\\"p\\\":1.50}\"}\n"
    "{\"t\":\"recv\",\"conn\":\"ws\",\"ts\":1723161254.1,\"b64\":\"AAH/\"}\n"
    "{\"e\":\"trade\",\"t\":12345,\"p\":\"1.50\"}\n"
    "[1,{\"a\":[]}]\n"
    "proxy restarting";

/* What text must give, whatever it is packed in. */
static void check_text(void)
{
    struct capture *capture = NULL;
    struct capture_record r;

    CHECK_INT(capture_open(&capture, path), 0);
    if (!capture)
        return;
    CHECK_INT(capture_next(capture, &r), 0);
    CHECK(r.kind == CAPTURE_HEADER && r.line == 1);
    CHECK_INT(capture_next(capture, &r), 0);
    CHECK(r.kind == CAPTURE_HTTP);
    CHECK_INT(r.ts_ns, 1633998511132921000);
    CHECK_STR(r.url, "https://x/d?symbol=A");
    CHECK_STR(r.conn, "h");
    CHECK_STR(r.data, "{\"a\":\"\xc3\xa9\\\\\"}");
    CHECK_INT(r.len, strlen(r.data));
    CHECK_INT(capture_next(capture, &r), 0);
    CHECK(r.kind == CAPTURE_CONNECT && r.ts_ns == 1633998512000000000);
    CHECK_STR(r.url, "wss://x");
    CHECK_INT(capture_next(capture, &r), 0);
    CHECK(r.kind == CAPTURE_SEND && r.line == 5);
    CHECK_STR(r.data, "s");
    CHECK_INT(capture_next(capture, &r), 0);
    CHECK(r.kind == CAPTURE_RECV && !r.is_bare);
    CHECK_INT(r.ts_ns, 1723161253937085768);
    CHECK_STR(r.data, "{\"p\":1.50}");
    CHECK_INT(capture_next(capture, &r), 0);
    CHECK(r.len == 3 && memcmp(r.data, "\0\1\xff", 3) == 0);
    CHECK_INT(capture_next(capture, &r), 0);
    CHECK(r.is_bare && r.kind == CAPTURE_RECV && r.ts_ns == 0);
    CHECK_STR(r.data, "{\"e\":\"trade\",\"t\":12345,\"p\":\"1.50\"}");
    CHECK_INT(capture_next(capture, &r), 0);
    CHECK_STR(r.data, "[1,{\"a\":[]}]");
    CHECK_INT(capture_next(capture, &r), 0); /* Not JSON, and no newline behind it. */
    CHECK_STR(r.data, "proxy restarting");
    CHECK_INT(r.line, 10);
    CHECK_INT(capture_next(capture, &r), ERR_NOT_FOUND);
    CHECK_INT(capture_next(capture, &r), ERR_NOT_FOUND);
    capture_close(&capture);
    CHECK(capture == NULL);
    capture_close(&capture);
}

static void plain_gzip_and_zstd_give_the_same_records(void)
{
    unsigned char packed[4096];
    z_stream gz = { .next_in = (unsigned char *)(uintptr_t)text,
                    .avail_in = sizeof(text) - 1,
                    .next_out = packed,
                    .avail_out = sizeof(packed) };

    write_file(text, sizeof(text) - 1);
    check_text();
    CHECK_INT(deflateInit2(&gz, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    CHECK_INT(deflate(&gz, Z_FINISH), Z_STREAM_END);
    write_file(packed, gz.total_out);
    deflateEnd(&gz);
    check_text();
    size_t n = ZSTD_compress(packed, sizeof(packed), text, sizeof(text) - 1, 3);
    write_file(packed, n);
    check_text();
    /* Two frames one after the other are one file. */
    size_t first = ZSTD_compress(packed, sizeof(packed), text, 100, 3);
    n = ZSTD_compress(packed + first, sizeof(packed) - first, text + 100, sizeof(text) - 101, 3);
    write_file(packed, first + n);
    check_text();
}

static int drain(void)
{
    struct capture *capture = NULL;
    struct capture_record record;
    int err = capture_open(&capture, path);

    while (!err)
        err = capture_next(capture, &record);
    capture_close(&capture);
    return err;
}

static void a_file_that_is_cut_off_says_so(void)
{
    static unsigned char packed[200000];
    static char big[100000];
    uint64_t random = 1;

    for (size_t i = 0; i < sizeof(big); i++) {
        random = random * UINT64_C(6364136223846793005) + 1;
        big[i] = i % 100 == 99 ? '\n' : (char)('a' + (random >> 40) % 26);
    }
    size_t n = ZSTD_compress(packed, sizeof(packed), big, sizeof(big), 3);
    write_file(packed, n);
    CHECK_INT(drain(), ERR_NOT_FOUND);
    write_file(packed, n - 20);
    CHECK_INT(drain(), ERR_CHECKSUM);
    packed[n / 2] ^= 0x55;
    write_file(packed, n);
    CHECK(drain() == ERR_CHECKSUM ||
          drain() == ERR_NOT_FOUND); /* zstd's frame has no checksum here. */

    gzFile gz = gzopen(path, "wb");
    gzwrite(gz, big, sizeof(big));
    gzclose(gz);
    CHECK_INT(drain(), ERR_NOT_FOUND);
    CHECK_INT(truncate(path, 3000), 0);
    CHECK_INT(drain(), ERR_CHECKSUM);
}

static void lines_longer_than_the_buffer_come_whole(void)
{
    static const size_t sizes[] = { 1 << 20, (1 << 20) + 1, 5 << 20 };
    char *line = malloc(6 << 20);

    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct capture *capture = NULL;
        struct capture_record record;
        memset(line, 'x', sizes[i]);
        memcpy(line + sizes[i], "\nshort\n", 7);
        write_file(line, sizes[i] + 7);
        CHECK_INT(capture_open(&capture, path), 0);
        CHECK_INT(capture_next(capture, &record), 0);
        CHECK_INT(record.len, sizes[i]);
        CHECK(memcmp(record.data, line, sizes[i]) == 0);
        CHECK_INT(capture_next(capture, &record), 0);
        CHECK_STR(record.data, "short");
        capture_close(&capture);
    }
    free(line);
}

static int parse(const char *line, struct capture_record *out)
{
    static char scratch[1024];

    return capture_parse(line, strlen(line), scratch, out);
}

static void bad_records_are_told_from_bare_frames(void)
{
    static const char *const bad[] = {
        "{\"t\":\"recv\",\"conn\":\"a\",\"ts\":1}",
        "{\"t\":\"recv\",\"ts\":\"1\",\"data\":\"\"}",
        "{\"t\":\"recv\",\"ts\":1e9,\"data\":\"\"}",
        "{\"t\":\"recv\",\"ts\":1,\"data\":7}",
        "{\"t\":\"recv\",\"ts\":1,\"b64\":\"###\"}",
        "{\"t\":\"recv\",\"conn\":"
        "\"0123456789012345678901234567890123456789012345678901234567890123"
        "\",\"ts\":1,\"data\":\"\"}",
    };
    struct capture_record record;

    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK_INT(parse(bad[i], &record), ERR_PROTO);
    CHECK_INT(parse("{\"init\":{},\"updates\":[]}", &record), ERR_UNSUPPORTED);
    CHECK_INT(parse("{", &record), ERR_UNSUPPORTED);
    CHECK_INT(parse("{\"t\":\"what\"}", &record), 0);
    CHECK(record.is_bare);
    CHECK_INT(parse("{\"t\":\"recv\",\"broken", &record), 0); /* The codec will refuse it. */
    CHECK(record.is_bare);
}

static void times_are_read_as_text(void)
{
    static const struct {
        const char *text;
        int err;
        int64_t ns;
    } cases[] = {
        { "0", 0, 0 },
        { "1", 0, 1000000000 },
        { "1.5", 0, 1500000000 },
        { "1723161253.937085768", 0, 1723161253937085768 },
        { "1633998514.6462898", 0, 1633998514646289800 },
        { "1.0000000019", 0, 1000000001 },
        { "9223372035.999999999", 0, 9223372035999999999 },
        { "9223372036.9", ERR_PROTO, 0 },
        { "99999999999999999999", ERR_PROTO, 0 },
        { "", ERR_PROTO, 0 },
        { ".5", ERR_PROTO, 0 },
        { "1.", ERR_PROTO, 0 },
        { "-1", ERR_PROTO, 0 },
        { "1e9", ERR_PROTO, 0 },
        { "1 ", ERR_PROTO, 0 },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t ns = -1;
        CHECK_INT(capture_time(cases[i].text, strlen(cases[i].text), &ns), cases[i].err);
        CHECK_INT(ns, cases[i].err ? -1 : cases[i].ns);
    }
}

static void a_file_that_is_not_there_is_not_found(void)
{
    struct capture *capture = NULL;

    CHECK_INT(capture_open(&capture, "/nowhere/at/all"), ERR_NOT_FOUND);
    CHECK(capture == NULL);
    write_file("", 0);
    CHECK_INT(drain(), ERR_NOT_FOUND);
}

int main(void)
{
    int fd = mkstemp(path);

    if (fd < 0)
        return 1;
    close(fd);
    CASE(plain_gzip_and_zstd_give_the_same_records);
    CASE(a_file_that_is_cut_off_says_so);
    CASE(lines_longer_than_the_buffer_come_whole);
    CASE(bad_records_are_told_from_bare_frames);
    CASE(times_are_read_as_text);
    CASE(a_file_that_is_not_there_is_not_found);
    unlink(path);
    DONE();
}
