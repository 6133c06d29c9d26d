#include "common/edge/net/ws_frame.h"

#include "common/leaf/err.h"

#include <string.h>

static int refuse(const char **why, int err, const char *words)
{
    *why = words;
    return err;
}

/* Length field: 7, 16 or 64 bits, in the shortest form that holds it (RFC 6455 5.2). */
static int read_length(const uint8_t *data, size_t len, uint64_t *out, size_t *head,
                       const char **why)
{
    uint64_t n = data[1] & 0x7f;
    size_t bytes = n == 126 ? 2 : n == 127 ? 8 : 0;

    if (len < 2 + bytes)
        return ERR_AGAIN;
    if (bytes) {
        n = 0;
        for (size_t i = 0; i < bytes; i++)
            n = n << 8 | data[2 + i];
        if (n < (bytes == 2 ? 126U : 65536U))
            return refuse(why, ERR_PROTO, "length not in its shortest form");
        if (n >> 63)
            return refuse(why, ERR_PROTO, "length above 2^63");
    }
    *out = n;
    *head = 2 + bytes;
    return 0;
}

int ws_frame_parse(uint8_t *data, size_t len, size_t payload_max, struct ws_frame *out,
                   size_t *used, const char **why)
{
    uint64_t payload_len = 0;
    size_t head = 0;

    if (len < 2)
        return ERR_AGAIN;
    unsigned opcode = data[0] & 0x0f;
    bool is_final = data[0] & 0x80;
    if (UNLIKELY(data[0] & 0x70))
        return refuse(why, ERR_PROTO, "reserved bit set");
    if (UNLIKELY(data[1] & 0x80))
        return refuse(why, ERR_PROTO, "masked frame from the server");
    if (UNLIKELY((opcode > WS_BINARY && opcode < WS_CLOSE) || opcode > WS_PONG))
        return refuse(why, ERR_PROTO, "unknown opcode");
    if (opcode >= WS_CLOSE) {
        if (!is_final)
            return refuse(why, ERR_PROTO, "fragmented control frame");
        if ((data[1] & 0x7f) > WS_CONTROL_MAX)
            return refuse(why, ERR_PROTO, "control frame above 125 bytes");
    }
    int err = read_length(data, len, &payload_len, &head, why);
    if (err)
        return err;
    if (opcode < WS_CLOSE && payload_len > payload_max)
        return refuse(why, ERR_FULL, "message above the ceiling");
    if (len - head < payload_len)
        return ERR_AGAIN;
    *out = (struct ws_frame){ .opcode = (enum ws_opcode)opcode,
                              .is_final = is_final,
                              .payload = data + head,
                              .len = (size_t)payload_len };
    *used = head + (size_t)payload_len;
    return 0;
}

/* Eight bytes at a time: the mask repeats every four. */
static void apply_mask(uint8_t *out, const uint8_t *in, size_t len, uint32_t mask)
{
    uint64_t wide;
    uint8_t key[8];
    size_t i = 0;

    memcpy(key, &mask, 4);
    memcpy(key + 4, &mask, 4);
    memcpy(&wide, key, 8);
    for (; i + 8 <= len; i += 8) {
        uint64_t word;
        memcpy(&word, in + i, 8);
        word ^= wide;
        memcpy(out + i, &word, 8);
    }
    for (; i < len; i++)
        out[i] = in[i] ^ key[i & 3];
}

size_t ws_frame_write(uint8_t *out, enum ws_opcode opcode, const void *payload, size_t len,
                      uint32_t mask)
{
    size_t head = 2;

    out[0] = (uint8_t)(0x80 | opcode);
    if (len < 126) {
        out[1] = (uint8_t)(0x80 | len);
    } else {
        size_t bytes = len < 65536 ? 2 : 8;
        out[1] = bytes == 2 ? 0x80 | 126 : 0x80 | 127;
        for (size_t i = 0; i < bytes; i++)
            out[2 + i] = (uint8_t)((uint64_t)len >> 8 * (bytes - 1 - i));
        head += bytes;
    }
    memcpy(out + head, &mask, 4);
    apply_mask(out + head + 4, payload, len, mask);
    return head + 4 + len;
}

/* The length of the valid multi-byte sequence at text, or 0. Table 3-7 of the Unicode standard. */
static size_t utf8_sequence(const uint8_t *text, size_t len)
{
    uint8_t lead = text[0], low = 0x80, high = 0xbf;
    size_t n = lead >= 0xc2 && lead <= 0xdf   ? 2
               : lead >= 0xe0 && lead <= 0xef ? 3
               : lead >= 0xf0 && lead <= 0xf4 ? 4
                                              : 0;

    if (!n || n > len)
        return 0;
    if (lead == 0xe0)
        low = 0xa0;
    else if (lead == 0xed)
        high = 0x9f;
    else if (lead == 0xf0)
        low = 0x90;
    else if (lead == 0xf4)
        high = 0x8f;
    if (text[1] < low || text[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

bool ws_is_utf8(const uint8_t *text, size_t len)
{
    size_t i = 0;

    while (i < len) {
        uint64_t word;
        while (i + 8 <= len && (memcpy(&word, text + i, 8), !(word & 0x8080808080808080U)))
            i += 8;
        if (i == len)
            break;
        size_t n = text[i] < 0x80 ? 1 : utf8_sequence(text + i, len - i);
        if (!n)
            return false;
        i += n;
    }
    return true;
}

/* ---- stream ---- */

void ws_stream_init(struct ws_stream *stream, uint8_t *buffer, size_t message_max)
{
    *stream = (struct ws_stream){ .buffer = buffer,
                                  .cap = ws_stream_cap(message_max),
                                  .message_max = message_max,
                                  .joined_opcode = WS_CONTINUATION };
}

size_t ws_stream_room(struct ws_stream *stream, uint8_t **at)
{
    if (stream->cap - stream->end < WS_ROOM_MIN) {
        memmove(stream->buffer, stream->buffer + stream->joined_at, stream->joined_len);
        stream->joined_at = 0;
        memmove(stream->buffer + stream->joined_len, stream->buffer + stream->start,
                stream->end - stream->start);
        stream->end -= stream->start - stream->joined_len;
        stream->start = stream->joined_len;
    }
    *at = stream->buffer + stream->end;
    return stream->cap - stream->end;
}

void ws_stream_added(struct ws_stream *stream, size_t len)
{
    assert(len <= stream->cap - stream->end);
    stream->end += len;
}

static int fail(struct ws_stream *stream, int err, unsigned code, const char *why)
{
    stream->fail_code = code;
    stream->why = why;
    return err;
}

static bool is_close_code(unsigned code)
{
    return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
           (code >= 3000 && code <= 4999);
}

static int give_control(struct ws_stream *stream, const struct ws_frame *frame, struct ws_item *out)
{
    struct ws_item item = { .opcode = frame->opcode, .data = frame->payload, .len = frame->len };

    if (frame->opcode == WS_CLOSE) {
        item.close_code = WS_CODE_NONE;
        if (frame->len == 1)
            return fail(stream, ERR_PROTO, WS_CODE_PROTOCOL, "close frame of one byte");
        if (frame->len >= 2) {
            item.close_code = (unsigned)frame->payload[0] << 8 | frame->payload[1];
            item.data += 2;
            item.len -= 2;
            if (!is_close_code(item.close_code))
                return fail(stream, ERR_PROTO, WS_CODE_PROTOCOL, "close code not allowed");
            if (!ws_is_utf8(item.data, item.len))
                return fail(stream, ERR_PROTO, WS_CODE_NOT_UTF8, "close reason is not UTF-8");
        }
    }
    *out = item;
    return 0;
}

static int give_message(struct ws_stream *stream, enum ws_opcode opcode, const uint8_t *data,
                        size_t len, struct ws_item *out)
{
    if (opcode == WS_TEXT && !ws_is_utf8(data, len))
        return fail(stream, ERR_PROTO, WS_CODE_NOT_UTF8, "text message is not UTF-8");
    *out = (struct ws_item){ .opcode = opcode, .data = data, .len = len };
    return 0;
}

/* A data frame: whole message, or a fragment that is moved to the end of what was joined before. */
static int take_data(struct ws_stream *stream, const struct ws_frame *frame, struct ws_item *out)
{
    bool is_joining = stream->joined_opcode != WS_CONTINUATION;

    if (is_joining != (frame->opcode == WS_CONTINUATION))
        return fail(stream, ERR_PROTO, WS_CODE_PROTOCOL,
                    is_joining ? "new message inside a fragmented one"
                               : "continuation of no message");
    if (!is_joining && frame->is_final)
        return give_message(stream, frame->opcode, frame->payload, frame->len, out);
    if (!is_joining) {
        stream->joined_opcode = frame->opcode;
        stream->joined_at = (size_t)(frame->payload - stream->buffer);
    } else {
        memmove(stream->buffer + stream->joined_at + stream->joined_len, frame->payload,
                frame->len);
    }
    stream->joined_len += frame->len;
    if (!frame->is_final)
        return ERR_AGAIN;
    enum ws_opcode opcode = stream->joined_opcode;
    size_t len = stream->joined_len;
    stream->joined_opcode = WS_CONTINUATION;
    stream->joined_len = 0;
    return give_message(stream, opcode, stream->buffer + stream->joined_at, len, out);
}

int ws_stream_next(struct ws_stream *stream, struct ws_item *out)
{
    for (;;) {
        struct ws_frame frame;
        size_t used = 0;
        const char *why = NULL;

        if (stream->start == stream->end && stream->joined_opcode == WS_CONTINUATION)
            stream->start = stream->end = 0; /* Stay in the warm front of the buffer. */
        int err = ws_frame_parse(stream->buffer + stream->start, stream->end - stream->start,
                                 stream->message_max - stream->joined_len, &frame, &used, &why);
        if (err == ERR_AGAIN)
            return err;
        if (err)
            return fail(stream, err, err == ERR_FULL ? WS_CODE_TOO_BIG : WS_CODE_PROTOCOL, why);
        stream->start += used;
        if (frame.opcode >= WS_CLOSE)
            return give_control(stream, &frame, out);
        err = take_data(stream, &frame, out);
        if (err != ERR_AGAIN)
            return err;
    }
}
