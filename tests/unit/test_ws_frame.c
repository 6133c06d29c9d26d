#include "common/edge/net/ws_frame.h"
#include "common/edge/net/ws_upgrade.h"
#include "common/leaf/err.h"
#include "tests/unit/check.h"

#include <stdlib.h>

static const char *why;

static int parse(const void *bytes, size_t len, struct ws_frame *frame, size_t *used)
{
    static uint8_t copy[70000];

    memcpy(copy, bytes, len);
    why = NULL;
    return ws_frame_parse(copy, len, 65536, frame, used, &why);
}

/* RFC 6455 5.7 */
static void examples_of_the_rfc_parse(void)
{
    static const uint8_t hello[] = { 0x81, 0x05, 'H', 'e', 'l', 'l', 'o' };
    static const uint8_t hel[] = { 0x01, 0x03, 'H', 'e', 'l' };
    static const uint8_t lo[] = { 0x80, 0x02, 'l', 'o' };
    static const uint8_t ping[] = { 0x89, 0x05, 'H', 'e', 'l', 'l', 'o' };
    uint8_t big[10 + 65536] = { 0x82, 0x7e, 0x01, 0x00 };
    struct ws_frame frame;
    size_t used;

    CHECK_INT(parse(hello, sizeof(hello), &frame, &used), 0);
    CHECK_INT(used, 7);
    CHECK(frame.opcode == WS_TEXT && frame.is_final && frame.len == 5);
    CHECK(memcmp(frame.payload, "Hello", 5) == 0);
    CHECK_INT(parse(hel, sizeof(hel), &frame, &used), 0);
    CHECK(frame.opcode == WS_TEXT && !frame.is_final && frame.len == 3);
    CHECK_INT(parse(lo, sizeof(lo), &frame, &used), 0);
    CHECK(frame.opcode == WS_CONTINUATION && frame.is_final && frame.len == 2);
    CHECK_INT(parse(ping, sizeof(ping), &frame, &used), 0);
    CHECK(frame.opcode == WS_PING && frame.len == 5);
    CHECK_INT(parse(big, 4 + 256, &frame, &used), 0);
    CHECK(frame.opcode == WS_BINARY && frame.len == 256 && used == 260);
    memcpy(big, (uint8_t[]){ 0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0 }, 10);
    CHECK_INT(parse(big, sizeof(big), &frame, &used), 0);
    CHECK(frame.len == 65536 && used == 65546);
}

static void our_frame_is_the_masked_example_of_the_rfc(void)
{
    static const uint8_t want[] = {
        0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58
    };
    static const uint8_t key[] = { 0x37, 0xfa, 0x21, 0x3d };
    uint8_t out[5 + WS_HEAD_MAX];
    uint32_t mask;

    memcpy(&mask, key, 4);
    CHECK_INT(ws_frame_write(out, WS_TEXT, "Hello", 5, mask), sizeof(want));
    CHECK(memcmp(out, want, sizeof(want)) == 0);
}

static void lengths_are_written_in_their_shortest_form(void)
{
    static const size_t lengths[] = { 0, 1, 7, 8, 9, 125, 126, 127, 65535, 65536, 70000 };
    static uint8_t in[70000], out[70000 + WS_HEAD_MAX];

    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = (uint8_t)(i * 7);
    for (size_t i = 0; i < COUNT(lengths); i++) {
        size_t n = lengths[i];
        size_t head = n < 126 ? 6 : n < 65536 ? 8 : 14;
        CHECK_INT(ws_frame_write(out, WS_BINARY, in, n, 0x01020304), head + n);
        /* A server unmasks: the same bytes come out. */
        uint8_t key[4];
        uint32_t mask = 0x01020304;
        memcpy(key, &mask, 4);
        CHECK(memcmp(out + head - 4, key, 4) == 0);
        bool is_same = true;
        for (size_t j = 0; j < n; j++)
            is_same = is_same && (out[head + j] ^ key[j % 4]) == in[j];
        CHECK(is_same);
    }
}

static void what_breaks_the_rfc_is_refused(void)
{
    static const struct {
        uint8_t bytes[12];
        size_t len;
        int err;
        const char *why;
    } cases[] = {
        { { 0xc1, 0x00 }, 2, ERR_PROTO, "reserved bit set" },
        { { 0x81, 0x85, 1, 2, 3, 4 }, 6, ERR_PROTO, "masked frame from the server" },
        { { 0x83, 0x00 }, 2, ERR_PROTO, "unknown opcode" },
        { { 0x8b, 0x00 }, 2, ERR_PROTO, "unknown opcode" },
        { { 0x09, 0x00 }, 2, ERR_PROTO, "fragmented control frame" },
        { { 0x89, 0x7e, 0x00, 0x7e }, 4, ERR_PROTO, "control frame above 125 bytes" },
        { { 0x81, 0x7e, 0x00, 0x7d }, 4, ERR_PROTO, "length not in its shortest form" },
        { { 0x81, 0x7f, 0, 0, 0, 0, 0, 0, 0xff, 0xff },
          10,
          ERR_PROTO,
          "length not in its shortest form" },
        { { 0x81, 0x7f, 0x80, 0, 0, 0, 0, 0, 0, 0 }, 10, ERR_PROTO, "length above 2^63" },
        { { 0x81, 0x7f, 0, 0, 0, 0, 0, 1, 0, 1 }, 10, ERR_FULL, "message above the ceiling" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ws_frame frame;
        size_t used;
        CHECK_INT(parse(cases[i].bytes, cases[i].len, &frame, &used), cases[i].err);
        CHECK_STR(why ? why : "", cases[i].why);
    }
}

static void half_a_frame_asks_for_more(void)
{
    static const uint8_t hello[] = { 0x81, 0x05, 'H', 'e', 'l', 'l', 'o' };
    static const uint8_t long_head[] = { 0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0 };
    struct ws_frame frame;
    size_t used;

    for (size_t n = 0; n < sizeof(hello); n++)
        CHECK_INT(parse(hello, n, &frame, &used), ERR_AGAIN);
    for (size_t n = 0; n < sizeof(long_head); n++)
        CHECK_INT(parse(long_head, n, &frame, &used), ERR_AGAIN);
}

static void utf8_is_checked_as_the_standard_has_it(void)
{
    static const char *const good[] = { "",
                                        "plain",
                                        "\xc2\x80",
                                        "\xdf\xbf",
                                        "\xe0\xa0\x80",
                                        "\xed\x9f\xbf",
                                        "\xee\x80\x80",
                                        "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf",
                                        "0123456\xce\xba\xe1\xbd\xb9" };
    static const char *const bad[] = {
        "\x80",         "\xc0\xaf",         "\xc1\xbf",         "\xe0\x9f\xbf",
        "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xc2",         "\xe1\x80",         "01234567\xff"
    };

    for (size_t i = 0; i < COUNT(good); i++)
        CHECK(ws_is_utf8((const uint8_t *)good[i], strlen(good[i])));
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK(!ws_is_utf8((const uint8_t *)bad[i], strlen(bad[i])));
}

/* ---- streams ---- */

enum { MESSAGE_MAX = 20000 };
static uint8_t buffer[MESSAGE_MAX + WS_HEAD_MAX + WS_CONTROL_MAX + WS_ROOM_MIN];
static struct ws_stream stream;

static size_t server_frame(uint8_t *out, unsigned first, const void *payload, size_t len)
{
    size_t head = 2;

    out[0] = (uint8_t)first;
    out[1] = (uint8_t)(len < 126 ? len : len < 65536 ? 126 : 127);
    if (len >= 126 && len < 65536) {
        out[2] = (uint8_t)(len >> 8);
        out[3] = (uint8_t)len;
        head = 4;
    } else if (len >= 65536) {
        for (int i = 0; i < 8; i++)
            out[2 + i] = (uint8_t)((uint64_t)len >> 8 * (7 - i));
        head = 10;
    }
    if (len)
        memcpy(out + head, payload, len);
    return head + len;
}

static void feed(const uint8_t *bytes, size_t len)
{
    uint8_t *at;

    CHECK(ws_stream_room(&stream, &at) >= len);
    memcpy(at, bytes, len);
    ws_stream_added(&stream, len);
}

static void fragments_are_joined_around_control_frames(void)
{
    uint8_t bytes[64];
    struct ws_item item;
    size_t n = server_frame(bytes, 0x01, "Hel", 3);

    n += server_frame(bytes + n, 0x89, "p1", 2);
    n += server_frame(bytes + n, 0x00, "", 0);
    n += server_frame(bytes + n, 0x8a, "p2", 2);
    n += server_frame(bytes + n, 0x80, "lo", 2);
    n += server_frame(bytes + n, 0x81, "next", 4);
    for (size_t step = 1; step <= n; step++) { /* However the bytes are cut. */
        char got[128] = "";
        ws_stream_init(&stream, buffer, MESSAGE_MAX);
        for (size_t at = 0; at < n; at += step) {
            feed(bytes + at, MIN(step, n - at));
            while (ws_stream_next(&stream, &item) == 0)
                snprintf(got + strlen(got), sizeof(got) - strlen(got), "%d:%.*s ", item.opcode,
                         (int)item.len, (const char *)item.data);
        }
        CHECK_STR(got, "9:p1 10:p2 1:Hello 1:next ");
    }
}

static void a_stream_fails_with_the_right_close_code(void)
{
    static const struct {
        uint8_t bytes[8];
        size_t len;
        unsigned code;
    } cases[] = {
        { { 0x80, 0x00 }, 2, WS_CODE_PROTOCOL },             /* Continuation of nothing. */
        { { 0x01, 0x00, 0x81, 0x00 }, 4, WS_CODE_PROTOCOL }, /* A message inside another. */
        { { 0x81, 0x01, 0xff }, 3, WS_CODE_NOT_UTF8 },
        { { 0x88, 0x01, 0x03 }, 3, WS_CODE_PROTOCOL },
        { { 0x88, 0x02, 0x03, 0xed }, 4, WS_CODE_PROTOCOL }, /* 1005 is never sent. */
        { { 0x88, 0x03, 0x03, 0xe8, 0xff }, 5, WS_CODE_NOT_UTF8 },
        { { 0x81, 0x7e, 0x4e, 0x21 }, 4, WS_CODE_TOO_BIG },                  /* 20,001 */
        { { 0x01, 0x01, 'x', 0x80, 0x7e, 0x4e, 0x20 }, 7, WS_CODE_TOO_BIG }, /* 1 + 20,000 */
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ws_item item;
        ws_stream_init(&stream, buffer, MESSAGE_MAX);
        feed(cases[i].bytes, cases[i].len);
        int err = ws_stream_next(&stream, &item);
        CHECK(err == (cases[i].code == WS_CODE_TOO_BIG ? ERR_FULL : ERR_PROTO));
        CHECK_INT(stream.fail_code, cases[i].code);
        CHECK(stream.why != NULL);
    }
}

static void close_carries_code_and_reason(void)
{
    uint8_t bytes[] = { 0x88, 0x05, 0x03, 0xe9, 'b', 'y', 'e' };
    uint8_t bare[] = { 0x88, 0x00 };
    struct ws_item item;

    ws_stream_init(&stream, buffer, MESSAGE_MAX);
    feed(bytes, sizeof(bytes));
    feed(bare, sizeof(bare));
    CHECK_INT(ws_stream_next(&stream, &item), 0);
    CHECK(item.opcode == WS_CLOSE && item.close_code == 1001 && item.len == 3);
    CHECK_INT(ws_stream_next(&stream, &item), 0);
    CHECK(item.opcode == WS_CLOSE && item.close_code == WS_CODE_NONE && item.len == 0);
}

/* Messages of random sizes up to the ceiling, in random fragments, in random cuts: what goes in
 * comes out, and there is always room. */
static void random_messages_survive_random_cuts(void)
{
    static uint8_t wire[8 * MESSAGE_MAX], sent[MESSAGE_MAX];
    uint64_t random = 20251121;
    size_t messages = 0;

#define RANDOM(n) \
    (random = random * UINT64_C(6364136223846793005) + 1, (size_t)(random >> 33) % (n))
    ws_stream_init(&stream, buffer, MESSAGE_MAX);
    for (int round = 0; round < 300; round++) {
        size_t len = RANDOM(4) ? RANDOM(300) : RANDOM(MESSAGE_MAX + 1), n = 0, at = 0;
        for (size_t i = 0; i < len; i++)
            sent[i] = (uint8_t)RANDOM(256);
        for (bool is_last = false; !is_last;) {
            size_t piece = RANDOM(3) ? len - at : RANDOM(len - at + 1);
            is_last = at + piece == len && RANDOM(2);
            n += server_frame(wire + n, (n ? 0U : 2U) | (is_last ? 0x80U : 0U), sent + at, piece);
            at += piece;
        }
        size_t got = 0;
        for (size_t cut = 0; cut < n;) {
            uint8_t *room;
            size_t step = 1 + RANDOM(9000); /* Not inside MIN, which evaluates twice. */
            step = MIN(step, n - cut);
            CHECK(ws_stream_room(&stream, &room) >= WS_ROOM_MIN);
            memcpy(room, wire + cut, step);
            ws_stream_added(&stream, step);
            cut += step;
            struct ws_item item;
            int err;
            while ((err = ws_stream_next(&stream, &item)) == 0) {
                got += item.len == len && memcmp(item.data, sent, len) == 0;
                messages++;
            }
            if (err != ERR_AGAIN) {
                CHECK_STR(stream.why, "");
                return;
            }
        }
        CHECK(got >= 1);
    }
    CHECK(messages >= 300);
}

/* ---- the handshake ---- */

static void the_accept_key_is_the_one_of_the_rfc(void)
{
    char accept[WS_ACCEPT_TEXT], key[WS_KEY_TEXT];
    static const uint8_t nonce[16] = { 't', 'h', 'e', ' ', 's', 'a', 'm', 'p',
                                       'l', 'e', ' ', 'n', 'o', 'n', 'c', 'e' };

    ws_upgrade_key(nonce, key);
    CHECK_STR(key, "dGhlIHNhbXBsZSBub25jZQ==");
    ws_upgrade_accept(key, accept);
    CHECK_STR(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

#define GOOD_LINES                                              \
    "Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n" \
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nServer: any\r\n\r\n"

static void answers_are_read_by_the_rfc(void)
{
    static const struct {
        const char *answer;
        int err, status;
        const char *why;
    } cases[] = {
        { "HTTP/1.1 101 Switching Protocols\r\n" GOOD_LINES "\x81", 0, 101, NULL },
        { "HTTP/1.1 101\r\n" GOOD_LINES, 0, 101, NULL },
        { "HTTP/1.1 200 OK\r\n" GOOD_LINES, ERR_PROTO, 200, "the server refused the upgrade" },
        { "HTTP/1.1 429 Too Many\r\n\r\n", ERR_PROTO, 429, "the server refused the upgrade" },
        { "HTTP/1.0 101 x\r\n" GOOD_LINES, ERR_PROTO, 0, "not an HTTP/1.1 answer" },
        { "SSH-2.0-OpenSSH\r\n", ERR_PROTO, 0, "not an HTTP/1.1 answer" },
        { "HTTP/1.1 1o1 x\r\n" GOOD_LINES, ERR_PROTO, 0, "not an HTTP/1.1 answer" },
        { "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", ERR_PROTO, 101,
          "no Sec-WebSocket-Accept" },
        { "HTTP/1.1 101 x\r\nUpgrade: websocket\r\n"
          "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
          ERR_PROTO, 101, "no Connection: Upgrade" },
        { "HTTP/1.1 101 x\r\nConnection: Upgrade\r\n"
          "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
          ERR_PROTO, 101, "no Upgrade: websocket" },
        { "HTTP/1.1 101 x\r\nSec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" GOOD_LINES,
          ERR_PROTO, 101, "Sec-WebSocket-Accept is not the answer to our key" },
        { "HTTP/1.1 101 x\r\nSec-WebSocket-Extensions: permessage-deflate\r\n" GOOD_LINES,
          ERR_PROTO, 101, "an extension that was not offered" },
        { "HTTP/1.1 101 x\r\nSec-WebSocket-Protocol: v1\r\n" GOOD_LINES, ERR_PROTO, 101,
          "a subprotocol that was not offered" },
        { "HTTP/1.1 101 x\r\nno colon\r\n" GOOD_LINES, ERR_PROTO, 101, "header without a name" },
        { "HTTP/1.1 101 x\r\nname : v\r\n" GOOD_LINES, ERR_PROTO, 101, "space in a header's name" },
        { "HTTP/1.1 101 x\r\nUpgrade", ERR_AGAIN, 0, NULL },
        { "HTTP/1", ERR_AGAIN, 0, NULL },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ws_answer answer = { 0 };
        int err = ws_upgrade_parse(cases[i].answer, strlen(cases[i].answer),
                                   "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", &answer);
        CHECK_INT(err, cases[i].err);
        CHECK_INT(answer.status, cases[i].status);
        CHECK_STR(answer.why ? answer.why : "", cases[i].why ? cases[i].why : "");
        if (!err)
            CHECK(memcmp(cases[i].answer + answer.len - 4, "\r\n\r\n", 4) == 0);
    }
}

static void an_endless_head_is_refused(void)
{
    char *head = malloc(WS_ANSWER_MAX + 1);
    struct ws_answer answer = { 0 };

    memset(head, 'a', WS_ANSWER_MAX + 1);
    memcpy(head, "HTTP/1.1 101 x\r\n", 16);
    CHECK_INT(ws_upgrade_parse(head, WS_ANSWER_MAX - 1, "", &answer), ERR_AGAIN);
    CHECK_INT(ws_upgrade_parse(head, WS_ANSWER_MAX, "", &answer), ERR_PROTO);
    free(head);
}

int main(void)
{
    CASE(examples_of_the_rfc_parse);
    CASE(our_frame_is_the_masked_example_of_the_rfc);
    CASE(lengths_are_written_in_their_shortest_form);
    CASE(what_breaks_the_rfc_is_refused);
    CASE(half_a_frame_asks_for_more);
    CASE(utf8_is_checked_as_the_standard_has_it);
    CASE(fragments_are_joined_around_control_frames);
    CASE(a_stream_fails_with_the_right_close_code);
    CASE(close_carries_code_and_reason);
    CASE(random_messages_survive_random_cuts);
    CASE(the_accept_key_is_the_one_of_the_rfc);
    CASE(answers_are_read_by_the_rfc);
    CASE(an_endless_head_is_refused);
    DONE();
}
