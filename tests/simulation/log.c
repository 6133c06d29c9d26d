#include "tests/simulation/nodes.h"

#include <stdlib.h>
#include <string.h>

void log_append(struct log *log, uint16_t type, const void *record, size_t size)
{
    uint16_t head[2] = { type, (uint16_t)size };

    if (log->size + sizeof(head) + size > log->room) {
        log->room = log->room ? log->room * 2 : 1 << 16;
        log->bytes = realloc(log->bytes, log->room);
        if (!log->bytes)
            abort();
    }
    memcpy(log->bytes + log->size, head, sizeof(head));
    memcpy(log->bytes + log->size + sizeof(head), record, size);
    log->size += sizeof(head) + size;
}

/* Calls take for each record of the first bytes; a torn one at the end is left out. */
void log_each(const struct log *log, size_t bytes, void *ctx,
              void (*take)(void *ctx, uint16_t type, const void *record, size_t size))
{
    union {
        uint64_t align;
        unsigned char bytes[4096];
    } record;
    uint16_t head[2];

    for (size_t at = 0; at + sizeof(head) <= bytes;) {
        memcpy(head, log->bytes + at, sizeof(head));
        if (at + sizeof(head) + head[1] > bytes)
            return;
        memcpy(record.bytes, log->bytes + at + sizeof(head), head[1]);
        take(ctx, head[0], record.bytes, head[1]);
        at += sizeof(head) + head[1];
    }
}

void log_trim(struct log *log)
{
    uint16_t head[2];
    size_t at = 0;

    while (at + sizeof(head) <= log->size) {
        memcpy(head, log->bytes + at, sizeof(head));
        if (at + sizeof(head) + head[1] > log->size)
            break;
        at += sizeof(head) + head[1];
    }
    log->size = at;
}
