/* bus_kept.c - the last messages of each type of a recovered stream, for replay. */
#include "common/edge/bus_internal.h"
#include "common/leaf/err.h"

#include <stdlib.h>
#include <string.h>

struct kept_type {
    unsigned char
        *slots;    /* depth messages of bytes each: seq modulo depth. Pages come with first use. */
    uint64_t last; /* 0: none yet. */
    size_t bytes;
};

struct bus_kept {
    size_t depth;
    unsigned count;
    struct kept_type types[WIRE_SEQUENCES_MAX];
};

int bus_kept_open(struct bus_kept **kept, const struct bus_types *types, size_t depth)
{
    struct bus_kept *made = calloc(1, sizeof(*made));
    if (!made)
        return ERR_SYS;

    made->depth = depth;
    for (unsigned i = 0; i < types->count; i++) {
        made->count++;
        made->types[i].bytes = types->bytes[i];
        made->types[i].slots = calloc(depth, types->bytes[i]);
        if (!made->types[i].slots) {
            bus_kept_close(&made);
            return ERR_SYS;
        }
    }
    *kept = made;
    return 0;
}

void bus_kept_close(struct bus_kept **kept)
{
    if (!*kept)
        return;
    for (unsigned i = 0; i < (*kept)->count; i++)
        free((*kept)->types[i].slots);
    free(*kept);
    *kept = NULL;
}

void bus_kept_store(struct bus_kept *kept, unsigned slot, const struct wire_header *event)
{
    struct kept_type *type = &kept->types[slot];

    assert(event->size <= type->bytes);
    memcpy(type->slots + (event->seq % kept->depth) * type->bytes, event, event->size);
    type->last = event->seq;
}

uint64_t bus_kept_first(const struct bus_kept *kept, unsigned slot)
{
    uint64_t last = kept->types[slot].last;

    if (last == 0)
        return 1;
    return last > kept->depth ? last - kept->depth + 1 : 1;
}

const struct wire_header *bus_kept_find(const struct bus_kept *kept, unsigned slot, uint64_t seq)
{
    const struct kept_type *type = &kept->types[slot];

    if (seq < bus_kept_first(kept, slot) || seq > type->last)
        return NULL;
    return (const void *)(type->slots + (seq % kept->depth) * type->bytes);
}
