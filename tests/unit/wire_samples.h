/* wire_samples.h - a valid, full event of every type, made from the tables: each field has a value
 * of its own. */
#ifndef TICKPIPE_TESTS_UNIT_WIRE_SAMPLES_H
#define TICKPIPE_TESTS_UNIT_WIRE_SAMPLES_H

#include "common/pure/topology.h"
#include "common/pure/wire_table.h"

#include <string.h>

static inline bool sample_is_reserved(enum wire_kind kind)
{
    return kind == WIRE_KIND_reserved8 || kind == WIRE_KIND_reserved16 ||
           kind == WIRE_KIND_reserved32 || kind == WIRE_KIND_reserved64;
}

/* Writes a value that its kind allows; salt makes it differ from its neighbours. */
static inline void sample_value(enum wire_kind kind, unsigned salt, char *at)
{
    const struct wire_kind_info *info = wire_kind_of(kind);
    uint64_t value = UINT64_C(0x0102030405060708) * (salt % 13 + 1);

    if (salt % 2) /* Signed ones then are negative. */
        value = ~value;
    if (sample_is_reserved(kind))
        value = 0;
    else if (info->constants)
        value = info->constants[salt % info->constant_count].value;
    else if (kind == WIRE_KIND_exp)
        value = salt % 9;
    else if (kind == WIRE_KIND_event_type)
        value = WIRE_trade;
    if (info->fields.count == 0) {
        memcpy(at, &value, info->size);
        return;
    }
    for (size_t i = 0; i < info->fields.count; i++)
        sample_value(info->fields.at[i].kind, salt + (unsigned)i, at + info->fields.at[i].offset);
}

/* sample_event fills *event with a valid one of its layout; arrays have used entries in use. */
static inline void sample_event(const struct wire_layout *layout, unsigned used,
                                union wire_event *event)
{
    char *bytes = (char *)event;

    memset(event, 0, layout->size);
    event->header = (struct wire_header){
        .type = layout->type,
        .version = WIRE_VERSION,
        .flags = WIRE_REPLAY,
        .publisher = PUBLISHER(ROLE_TRADING_ENGINE, 2),
        .account = 2,
        .size = layout->size,
        .epoch = 7,
        .seq = 11,
        .instrument = 13,
        .origin_ns = 17,
        .sent_ns = 19,
        .cause = 23,
    };
    for (size_t i = 0; i < layout->fields.count; i++) {
        const struct wire_field *field = &layout->fields.at[i];
        size_t size = wire_kind_of(field->kind)->size;

        if (field->kind == WIRE_KIND_text)
            memcpy(bytes + field->offset, "Text \"1\"", MIN((size_t)field->count - 1, 8));
        else if (field->count == 0)
            sample_value(field->kind, (unsigned)i + 1, bytes + field->offset);
        else
            for (unsigned k = 0; k < used && k < field->count; k++)
                sample_value(field->kind, k, bytes + field->offset + k * size);
    }
    switch (layout->type) {
    case WIRE_heartbeat:
        event->heartbeat.sequence_count = (uint16_t)used;
        break;
    case WIRE_risk_state:
        event->risk_state.scope_count = (uint16_t)used;
        break;
    case WIRE_book_snapshot:
    case WIRE_book_delta:
        event->book_delta.bid_count = (uint16_t)used;
        event->book_delta.ask_count = 0;
        wire_book_end(&event->book_delta);
        break;
    }
}

#endif
