/* Events: names, sizes, and what wire_check refuses. The tables give a second opinion on each byte.
 */
#include "common/leaf/err.h"
#include "common/leaf/fixed.h"
#include "tests/unit/check.h"
#include "tests/unit/guarded.h"
#include "tests/unit/wire_samples.h"

#include <stdio.h>

enum { USED = 3 };

static union wire_event event;

static int check(void)
{
    return wire_check(guarded_copy(&event, event.header.size), event.header.size);
}

static void a_sample_of_every_event_is_valid_wherever_it_lies(void)
{
    const struct wire_layout *layout;

    for (size_t i = 0; (layout = wire_layout_at(i)); i++)
        for (unsigned used = 0; used <= USED; used++) {
            sample_event(layout, used, &event);
            int err = check();
            if (err)
                fprintf(stderr, "%s: %s\n", layout->name, err_str(err));
            CHECK_INT(err, 0);
        }
    sample_event(wire_layout_of(WIRE_trade), USED, &event);
    for (size_t shift = 0; shift < 8; shift++) {
        static char area[sizeof(event) + 8];
        memcpy(area + shift, &event, event.header.size);
        CHECK_INT(wire_check(area + shift, event.header.size), 0);
    }
}

static void begin_makes_a_valid_event_of_zeroes(void)
{
    struct wire_best_quote quote;
    static struct wire_book_delta book;

    WIRE_BEGIN(&quote, best_quote);
    CHECK_INT(wire_check(&quote, sizeof(quote)), 0);
    memset(&book, 0xff, sizeof(book));
    wire_book_begin(&book, WIRE_book_snapshot);
    CHECK_INT(wire_check(&book, book.header.size), 0);
    book.ask_count = 2;
    wire_book_end(&book);
    CHECK_INT(wire_check(&book, book.header.size), 0);
    CHECK_INT(book.header.size, 64 + 24 + 2 * 16);
}

static void any_other_size_is_refused(void)
{
    const struct wire_layout *layout;

    for (size_t i = 0; (layout = wire_layout_at(i)); i++) {
        sample_event(layout, USED, &event);
        uint32_t size = event.header.size;
        for (uint32_t wrong = 0; wrong <= size + 64 && wrong <= sizeof(event); wrong++) {
            if (wrong == size)
                continue;
            event.header.size = size; /* As it says, but cut or drawn out on the way. */
            CHECK_INT(wire_check(guarded_copy(&event, wrong), wrong), ERR_PROTO);
            event.header.size = wrong; /* As long as it says, but not as long as its type. */
            CHECK_INT(wire_check(guarded_copy(&event, wrong), wrong), ERR_PROTO);
        }
    }
}

static void unknown_versions_and_types_have_codes_of_their_own(void)
{
    sample_event(wire_layout_of(WIRE_trade), USED, &event);
    for (unsigned version = 0; version < 256; version++) {
        event.header.version = (uint8_t)version;
        CHECK_INT(check(), version == WIRE_VERSION ? 0 : ERR_VERSION);
    }
    event.header.version = WIRE_VERSION;
    for (unsigned type = 0; type <= UINT16_MAX; type++)
        if (!wire_layout_of((uint16_t)type)) {
            event.header.type = (uint16_t)type;
            CHECK_INT(check(), ERR_NOT_FOUND);
        }
}

static void counts_beyond_the_bounds_are_refused(void)
{
    sample_event(wire_layout_of(WIRE_heartbeat), WIRE_SEQUENCES_MAX, &event);
    CHECK_INT(check(), 0);
    event.heartbeat.sequence_count = WIRE_SEQUENCES_MAX + 1;
    CHECK_INT(check(), ERR_PROTO);
    sample_event(wire_layout_of(WIRE_risk_state), WIRE_SCOPES_MAX, &event);
    CHECK_INT(check(), 0);
    event.risk_state.scope_count = WIRE_SCOPES_MAX + 1;
    CHECK_INT(check(), ERR_PROTO);
    sample_event(wire_layout_of(WIRE_book_delta), WIRE_LEVELS_MAX, &event);
    CHECK_INT(event.header.size, sizeof(struct wire_book_delta));
    CHECK_INT(check(), 0);
    event.book_delta.ask_count = 1;
    CHECK_INT(check(), ERR_PROTO);
    event.book_delta.bid_count--;
    CHECK_INT(check(), 0);
    event.book_delta.bid_count = event.book_delta.ask_count = UINT16_MAX;
    CHECK_INT(check(), ERR_PROTO);
}

/* ---- each byte, each value: the tables say whether it may be ---- */

static bool value_may_be(enum wire_kind kind, const char *at)
{
    const struct wire_kind_info *info = wire_kind_of(kind);
    uint64_t value = 0;

    if (info->fields.count > 0) {
        for (size_t i = 0; i < info->fields.count; i++)
            if (!value_may_be(info->fields.at[i].kind, at + info->fields.at[i].offset))
                return false;
        return true;
    }
    memcpy(&value, at, info->size);
    if (sample_is_reserved(kind))
        return value == 0;
    if (kind == WIRE_KIND_exp)
        return (int8_t)value >= FIXED_EXP_MIN && (int8_t)value <= FIXED_EXP_MAX;
    for (size_t i = 0; i < info->constant_count; i++)
        if (info->constants[i].value == value)
            return true;
    return info->constant_count == 0;
}

static unsigned used_entries(const struct wire_field *field)
{
    switch (field->kind) {
    case WIRE_KIND_sequence:
        return event.heartbeat.sequence_count;
    case WIRE_KIND_scope:
        return event.risk_state.scope_count;
    default:
        return 0; /* Levels may hold anything. */
    }
}

static bool fields_may_be(const struct wire_layout *layout)
{
    const char *bytes = (const char *)&event;

    for (size_t i = 0; i < layout->fields.count; i++) {
        const struct wire_field *field = &layout->fields.at[i];
        size_t size = wire_kind_of(field->kind)->size;

        if (field->kind == WIRE_KIND_text) {
            if (bytes[field->offset + field->count - 1] != '\0')
                return false;
        } else if (field->count == 0) {
            if (!value_may_be(field->kind, bytes + field->offset))
                return false;
        } else {
            unsigned used = used_entries(field);
            if (used > field->count)
                return false;
            for (unsigned k = 0; k < used; k++)
                if (!value_may_be(field->kind, bytes + field->offset + k * size))
                    return false;
        }
    }
    return true;
}

static int verdict(size_t size)
{
    const struct wire_layout *layout = wire_layout_of(event.header.type);
    size_t want = layout ? layout->size : 0;

    if (event.header.version != WIRE_VERSION)
        return ERR_VERSION;
    if (!layout)
        return ERR_NOT_FOUND;
    if (layout->has_tail)
        want = offsetof(struct wire_book_delta, levels) +
               16 * ((size_t)event.book_delta.bid_count + event.book_delta.ask_count);
    if (size != want || event.header.size != size || event.header.reserved != 0 ||
        event.header.flags > 7)
        return ERR_PROTO;
    return fields_may_be(layout) ? 0 : ERR_PROTO;
}

static void each_value_of_each_byte_is_judged_as_the_tables_say(void)
{
    const struct wire_layout *layout;
    unsigned refused = 0, taken = 0;

    for (size_t i = 0; (layout = wire_layout_at(i)); i++) {
        sample_event(layout, USED, &event);
        size_t size = event.header.size;
        unsigned char *bytes = (unsigned char *)&event;
        for (size_t at = 0; at < size; at++) {
            unsigned char was = bytes[at];
            for (unsigned value = 0; value < 256; value++) {
                bytes[at] = (unsigned char)value;
                int have = wire_check(&event, size), want = verdict(size);
                refused += have != 0;
                taken += have == 0;
                if (have != want) {
                    fprintf(stderr, "%s: byte %zu as %u: %d, not %d\n", layout->name, at, value,
                            have, want);
                    CHECK_INT(have, want);
                    return;
                }
            }
            bytes[at] = was;
        }
    }
    CHECK(refused > 10000 && taken > 10000);
}

/* ---- names, tables ---- */

static void names_and_ports_come_from_the_list(void)
{
    CHECK_STR(wire_name(WIRE_trade), "trade");
    CHECK(wire_name(0) == NULL && wire_name(1) == NULL && wire_name(9999) == NULL);
    CHECK_INT(wire_port(WIRE_heartbeat), 0);
    CHECK_INT(wire_port(WIRE_trade_event), 6017);
    CHECK_INT(wire_port(9999), -1);
}

static void enumerations_read_both_ways(void)
{
    CHECK_STR(wire_side_str(SIDE_SELL), "sell");
    CHECK_INT(wire_side_from("sell"), SIDE_SELL);
    CHECK_STR(wire_side_str(77), "?");
    CHECK_INT(wire_side_from("short"), -1);
    CHECK_INT(wire_reason_from(wire_reason_str(REASON_VENUE_FUNDS)), REASON_VENUE_FUNDS);
#define READ_BACK(name, value, text) CHECK_INT(from(str(value)), value);
#define ENUM_READS_BACK(name, LIST, ctype)                \
    do {                                                  \
        const char *(*str)(unsigned) = wire_##name##_str; \
        int (*from)(const char *) = wire_##name##_from;   \
        LIST(READ_BACK)                                   \
    } while (0);
    WIRE_ENUMS(ENUM_READS_BACK)
}

static bool has_field(const struct wire_layout *layout, const char *name)
{
    for (size_t i = 0; i < layout->fields.count; i++)
        if (strcmp(layout->fields.at[i].name, name) == 0)
            return true;
    return false;
}

/* The dump and every stranger rely on it. */
static void every_decimal_has_its_exponent_and_every_field_its_meaning(void)
{
    const struct wire_layout *layout;

    for (size_t i = 0; (layout = wire_layout_at(i)); i++)
        for (size_t k = 0; k < layout->fields.count; k++) {
            const struct wire_field *field = &layout->fields.at[k];
            bool is_price = field->kind == WIRE_KIND_price || field->kind == WIRE_KIND_level;
            bool is_qty = field->kind == WIRE_KIND_qty || field->kind == WIRE_KIND_level;
            CHECK(!is_price || has_field(layout, "price_exp"));
            CHECK(!is_qty || has_field(layout, "qty_exp"));
            CHECK(field->kind != WIRE_KIND_amount || has_field(layout, "amount_exp"));
            CHECK(field->doc[0] != '\0');
        }
}

static void a_stream_has_no_more_types_than_a_heartbeat_can_name(void)
{
    const struct wire_layout *layout;
    const struct stream *stream;

    for (size_t i = 0; (stream = stream_at(i)); i++) {
        unsigned types = 0;
        for (size_t k = 0; (layout = wire_layout_at(k)); k++)
            types += layout->port == stream->port || layout->port == 0;
        CHECK(types <= WIRE_SEQUENCES_MAX);
    }
}

int main(void)
{
    CASE(a_sample_of_every_event_is_valid_wherever_it_lies);
    CASE(begin_makes_a_valid_event_of_zeroes);
    CASE(any_other_size_is_refused);
    CASE(unknown_versions_and_types_have_codes_of_their_own);
    CASE(counts_beyond_the_bounds_are_refused);
    CASE(each_value_of_each_byte_is_judged_as_the_tables_say);
    CASE(names_and_ports_come_from_the_list);
    CASE(enumerations_read_both_ways);
    CASE(every_decimal_has_its_exponent_and_every_field_its_meaning);
    CASE(a_stream_has_no_more_types_than_a_heartbeat_can_name);
    DONE();
}
