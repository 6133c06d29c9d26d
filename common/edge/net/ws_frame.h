/* ws_frame.h - RFC 6455 frames, from the client's side: bytes in, messages out. No I/O.
 *
 * A stream owns nothing: it works in one buffer of the caller, parses frames where they lie and
 * joins fragments there, so a message is never copied unless it was fragmented. Bytes from the
 * server are never trusted: whatever breaks the RFC is refused by name. No extension is ever in
 * force. */
#ifndef TICKPIPE_COMMON_EDGE_NET_WS_FRAME_H
#define TICKPIPE_COMMON_EDGE_NET_WS_FRAME_H

#include "common/leaf/base.h"

enum ws_opcode {
    WS_CONTINUATION = 0,
    WS_TEXT = 1,
    WS_BINARY = 2,
    WS_CLOSE = 8,
    WS_PING = 9,
    WS_PONG = 10,
};

enum {
    WS_HEAD_MAX = 14,         /* 2, 8 of length, 4 of mask. */
    WS_CONTROL_MAX = 125,     /* RFC 6455 5.5 */
    WS_ROOM_MIN = 16384 + 64, /* A whole TLS record always fits into what ws_stream_room gives. */
};

/* Close codes (RFC 6455 7.4.1) that we send. */
enum {
    WS_CODE_NORMAL = 1000,
    WS_CODE_PROTOCOL = 1002,
    WS_CODE_NOT_UTF8 = 1007,
    WS_CODE_TOO_BIG = 1009,
    WS_CODE_NONE = 1005, /* Never sent: the peer's CLOSE named none. */
};

struct ws_frame {
    enum ws_opcode opcode;
    bool is_final;
    uint8_t *payload;
    size_t len;
};

/* ws_frame_parse reads one unmasked frame at data. Returns 0 and *used; ERR_AGAIN when its end is
 * not here yet; ERR_PROTO when it breaks the RFC; ERR_FULL when its payload is above payload_max.
 * *why then says it in words (a literal). payload points into data. Hot. */
int ws_frame_parse(uint8_t *data, size_t len, size_t payload_max, struct ws_frame *out,
                   size_t *used, const char **why);

/* ws_frame_write writes a final, masked client frame. cap must be at least len + WS_HEAD_MAX.
 * Returns the bytes written. text stays as it is. Hot. */
size_t ws_frame_write(uint8_t *out, enum ws_opcode opcode, const void *payload, size_t len,
                      uint32_t mask);

/* ws_is_utf8 says whether bytes are valid UTF-8 (no surrogates, no overlong forms). Fast on ASCII.
 */
bool ws_is_utf8(const uint8_t *text, size_t len);

/* What a stream gives: a whole message (TEXT, BINARY) or a control frame. */
struct ws_item {
    enum ws_opcode opcode; /* Never WS_CONTINUATION. */
    const uint8_t *data;   /* In the stream's buffer until the next call on the stream. */
    size_t len;
    unsigned close_code; /* CLOSE: as sent, or WS_CODE_NONE; data and len are then the reason. */
};

struct ws_stream {
    uint8_t *buffer;
    size_t cap;
    size_t message_max;
    size_t joined_at, joined_len; /* Fragments of the message under way, already joined. */
    enum ws_opcode joined_opcode; /* WS_CONTINUATION: none under way. */
    size_t start, end;            /* Bytes not parsed yet. */
    unsigned fail_code;           /* Close code that belongs to the last error. */
    const char *why;              /* And the words. */
};

/* ws_stream_cap gives the buffer size that message_max needs. */
static inline size_t ws_stream_cap(size_t message_max)
{
    return message_max + WS_HEAD_MAX + WS_CONTROL_MAX + WS_ROOM_MIN;
}

/* ws_stream_init takes buffer of ws_stream_cap(message_max) bytes; it may also be used to start
 * over. */
void ws_stream_init(struct ws_stream *stream, uint8_t *buffer, size_t message_max);

/* ws_stream_room gives where to read into, at least WS_ROOM_MIN bytes once ws_stream_next has said
 * ERR_AGAIN. Moves what is left to the front of the buffer when its end is near. */
size_t ws_stream_room(struct ws_stream *stream, uint8_t **at);

/* ws_stream_added tells how much was read into that room. */
void ws_stream_added(struct ws_stream *stream, size_t len);

/* ws_stream_next gives the next message or control frame. 0; ERR_AGAIN: read more; ERR_PROTO or
 * ERR_FULL: the connection must fail with stream->fail_code, for stream->why. Hot. */
int ws_stream_next(struct ws_stream *stream, struct ws_item *out);

#endif
