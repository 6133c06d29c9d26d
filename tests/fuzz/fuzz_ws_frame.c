/* Law: whatever a server sends, in whatever cuts, the stream gives only items that lie in its
 * buffer, texts that are UTF-8, controls of at most 125 bytes and messages within the ceiling; the
 * same bytes give the same items however they are cut; and there is room to read whenever it asks
 * for more. */
#include "common/edge/net/ws_frame.h"
#include "common/leaf/err.h"

#include <stdlib.h>
#include <string.h>

enum { MESSAGE_MAX = 600 };

static void must(bool claim)
{
    if (!claim)
        abort();
}

static uint64_t run(const uint8_t *data, size_t size, size_t step)
{
    static uint8_t buffer[MESSAGE_MAX + WS_HEAD_MAX + WS_CONTROL_MAX + WS_ROOM_MIN];
    struct ws_stream stream;
    uint64_t digest = 14695981039346656037U;

    ws_stream_init(&stream, buffer, MESSAGE_MAX);
    for (size_t at = 0; at < size; at += step) {
        uint8_t *room;
        size_t n = MIN(step, size - at);
        must(ws_stream_room(&stream, &room) >= WS_ROOM_MIN);
        memcpy(room, data + at, n);
        ws_stream_added(&stream, n);
        struct ws_item item;
        int err;
        while ((err = ws_stream_next(&stream, &item)) == 0) {
            must(item.len <= MESSAGE_MAX);
            must(item.len == 0 ||
                 (item.data >= buffer && item.data + item.len <= buffer + sizeof(buffer)));
            must(item.opcode < WS_CLOSE || item.len <= WS_CONTROL_MAX);
            must(item.opcode != WS_TEXT || ws_is_utf8(item.data, item.len));
            digest = (digest ^ item.opcode ^ item.len << 8) * 1099511628211U;
            for (size_t i = 0; i < item.len; i++)
                digest = (digest ^ item.data[i]) * 1099511628211U;
        }
        if (err != ERR_AGAIN) {
            must(err == ERR_PROTO || err == ERR_FULL);
            must(stream.why && stream.fail_code >= 1000);
            return digest ^ stream.fail_code;
        }
    }
    return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t whole = run(data, size, 16384);

    must(run(data, size, 1) == whole);
    must(run(data, size, 7) == whole);
    return 0;
}
