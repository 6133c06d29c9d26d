/* One event as one line of JSON. */
#include "common/leaf/fixed.h"
#include "common/pure/topology.h"
#include "common/pure/wire_table.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Counts everything, writes what fits. */
struct text {
    char *out;
    size_t cap, len;
};

static void put(struct text *text, const char *bytes, size_t len)
{
    if (text->len < text->cap)
        memcpy(text->out + text->len, bytes, MIN(len, text->cap - text->len));
    text->len += len;
}

static void PRINTF_LIKE(2, 3) put_format(struct text *text, const char *format, ...)
{
    char piece[160];
    va_list args;

    va_start(args, format);
    int len = vsnprintf(piece, sizeof(piece), format, args);
    va_end(args);
    assert(len >= 0 && (size_t)len < sizeof(piece));
    put(text, piece, (size_t)len);
}

/* Bytes of the well-formed UTF-8 sequence at *at, 0 where there is none. */
static size_t utf8_len(const unsigned char *at, const unsigned char *end)
{
    size_t len = *at < 0x80 ? 1 : *at >= 0xf0 ? 4 : *at >= 0xe0 ? 3 : 2;

    if (len == 1)
        return 1;
    if (*at < 0xc2 || *at > 0xf4 || (size_t)(end - at) < len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    /* Overlong forms, surrogates, and what lies past U+10FFFF. */
    bool is_wrong = (*at == 0xe0 && at[1] < 0xa0) || (*at == 0xed && at[1] > 0x9f) ||
                    (*at == 0xf0 && at[1] < 0x90) || (*at == 0xf4 && at[1] > 0x8f);
    return is_wrong ? 0 : len;
}

/* A venue may put any bytes into a text: what is not UTF-8 is shown as U+FFFD. */
static void put_string(struct text *text, const char *string, size_t max)
{
    const unsigned char *at = (const unsigned char *)string;
    const unsigned char *end = at + strnlen(string, max);

    put(text, "\"", 1);
    while (at < end) {
        size_t len = utf8_len(at, end);

        if (len == 0)
            put(text, "\\ufffd", 6);
        else if (*at == '"' || *at == '\\')
            put_format(text, "\\%c", *at);
        else if (*at < 0x20 || *at == 0x7f)
            put_format(text, "\\u%04x", *at);
        else
            put(text, (const char *)at, len);
        at += MAX(len, 1);
    }
    put(text, "\"", 1);
}

static void put_decimal(struct text *text, int64_t value, int exp)
{
    char digits[FIXED_TEXT_MAX];
    int len = fixed_format_trim(value, exp, digits, sizeof(digits));

    assert(len > 0); /* wire_check has seen the exponent. */
    put(text, "\"", 1);
    put(text, digits, (size_t)MAX(len, 0));
    put(text, "\"", 1);
}

/* An event on its way to text, with what its fields refer to. */
struct dump {
    struct text text;
    int price_exp, qty_exp, amount_exp;
};

static void put_event_type(struct text *text, uint16_t type)
{
    const char *name = wire_name(type);

    if (name)
        put_format(text, "\"%s\"", name);
    else
        put_format(text, "%u", type);
}

static uint64_t load_unsigned(const char *at, size_t size)
{
    uint64_t value = 0;

    memcpy(&value, at, size); /* Little endian. */
    return value;
}

static int64_t load_signed(const char *at, size_t size)
{
    unsigned unused_bits = (unsigned)(64 - 8 * size);

    return (int64_t)(load_unsigned(at, size) << unused_bits) >> unused_bits;
}

static const char *constant_text(const struct wire_kind_info *kind, uint64_t value)
{
    for (size_t i = 0; i < kind->constant_count; i++)
        if (kind->constants[i].value == value)
            return kind->constants[i].text;
    return "?";
}

static void put_value(struct dump *dump, enum wire_kind kind, const char *at)
{
    const struct wire_kind_info *info = wire_kind_of(kind);
    struct text *text = &dump->text;

    switch (kind) {
    case WIRE_KIND_price:
        put_decimal(text, load_signed(at, 8), dump->price_exp);
        break;
    case WIRE_KIND_qty:
        put_decimal(text, load_signed(at, 8), dump->qty_exp);
        break;
    case WIRE_KIND_amount:
        put_decimal(text, load_signed(at, 8), dump->amount_exp);
        break;
    case WIRE_KIND_id:
        put_format(text, "\"%016" PRIx64 "\"", load_unsigned(at, 8));
        break;
    case WIRE_KIND_event_type:
        put_event_type(text, (uint16_t)load_unsigned(at, 2));
        break;
    case WIRE_KIND_u64:
        put_format(text, "\"%" PRIu64 "\"", load_unsigned(at, 8));
        break;
    case WIRE_KIND_i64:
    case WIRE_KIND_ns:
    case WIRE_KIND_epoch_ns:
        put_format(text, "\"%" PRId64 "\"", load_signed(at, 8));
        break;
    case WIRE_KIND_i8:
    case WIRE_KIND_i16:
    case WIRE_KIND_i32:
    case WIRE_KIND_exp:
        put_format(text, "%" PRId64, load_signed(at, info->size));
        break;
    default:
        if (info->constants)
            put_format(text, "\"%s\"", constant_text(info, load_unsigned(at, info->size)));
        else
            put_format(text, "%" PRIu64, load_unsigned(at, info->size));
    }
}

static bool is_reserved(enum wire_kind kind)
{
    return kind == WIRE_KIND_reserved8 || kind == WIRE_KIND_reserved16 ||
           kind == WIRE_KIND_reserved32 || kind == WIRE_KIND_reserved64;
}

/* {"member":value,...} of a part. */
static void put_part(struct dump *dump, const struct wire_fields *fields, const char *at)
{
    const char *before = "{";

    for (size_t i = 0; i < fields->count; i++) {
        const struct wire_field *field = &fields->at[i];
        if (is_reserved(field->kind))
            continue;
        put_format(&dump->text, "%s\"%s\":", before, field->name);
        put_value(dump, field->kind, at + field->offset);
        before = ",";
    }
    put(&dump->text, "}", 1);
}

static void put_parts(struct dump *dump, const char *name, enum wire_kind kind, const char *at,
                      size_t count)
{
    const struct wire_kind_info *info = wire_kind_of(kind);

    put_format(&dump->text, ",\"%s\":[", name);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            put(&dump->text, ",", 1);
        put_part(dump, &info->fields, at + i * info->size);
    }
    put(&dump->text, "]", 1);
}

/* [["price","qty"],...]: what everybody who reads order books expects. */
static void put_levels(struct dump *dump, const char *name, const struct wire_level *levels,
                       size_t count)
{
    put_format(&dump->text, ",\"%s\":[", name);
    for (size_t i = 0; i < count; i++) {
        put_format(&dump->text, "%s[", i > 0 ? "," : "");
        put_decimal(&dump->text, levels[i].price, dump->price_exp);
        put(&dump->text, ",", 1);
        put_decimal(&dump->text, levels[i].qty, dump->qty_exp);
        put(&dump->text, "]", 1);
    }
    put(&dump->text, "]", 1);
}

/* Entries in use of the arrays that are no text. */
static void put_array(struct dump *dump, const struct wire_field *field,
                      const union wire_event *event)
{
    const struct wire_book_delta *book = &event->book_delta;

    switch (field->kind) {
    case WIRE_KIND_level:
        put_levels(dump, "bids", book->levels, book->bid_count);
        put_levels(dump, "asks", book->levels + book->bid_count, book->ask_count);
        break;
    case WIRE_KIND_sequence:
        put_parts(dump, field->name, field->kind, (const char *)event->heartbeat.sequences,
                  event->heartbeat.sequence_count);
        break;
    case WIRE_KIND_scope:
        put_parts(dump, field->name, field->kind, (const char *)event->risk_state.scopes,
                  event->risk_state.scope_count);
        break;
    default:
        assert(false && "an array of this kind needs its own words here");
    }
}

static void put_flags(struct text *text, unsigned flags)
{
    static const char *const names[] = { "replay", "snapshot", "simulated" };
    const char *before = "";

    put_format(text, ",\"flags\":[");
    for (unsigned i = 0; i < COUNT(names); i++)
        if (flags & 1u << i) {
            put_format(text, "%s\"%s\"", before, names[i]);
            before = ",";
        }
    put(text, "]", 1);
}

/* The header by its own table, but for what reads better in words. */
static void put_header(struct dump *dump, const struct wire_header *header)
{
    const struct wire_fields *fields = wire_header_fields();
    struct text *text = &dump->text;

    put_format(text, "{\"type\":\"%s\"", wire_name(header->type));
    put_flags(text, header->flags);
    put_format(text, ",\"publisher\":\"%s/%u\"", role_name(PUBLISHER_ROLE(header->publisher)),
               (unsigned)PUBLISHER_INSTANCE(header->publisher));
    for (size_t i = 0; i < fields->count; i++) {
        const struct wire_field *field = &fields->at[i];
        if (is_reserved(field->kind) || field->offset <= offsetof(struct wire_header, publisher) ||
            field->offset == offsetof(struct wire_header, size))
            continue;
        put_format(text, ",\"%s\":", field->name);
        put_value(dump, field->kind, (const char *)header + field->offset);
    }
}

static int exp_of(const struct wire_layout *layout, const char *name, const char *event)
{
    for (size_t i = 0; i < layout->fields.count; i++)
        if (strcmp(layout->fields.at[i].name, name) == 0)
            return (int)load_signed(event + layout->fields.at[i].offset, 1);
    return 0;
}

int wire_dump(const struct wire_header *event, char *out, size_t cap)
{
    const struct wire_layout *layout = wire_layout_of(event->type);
    const char *bytes = (const char *)event;

    assert(layout && cap > 0);
    struct dump dump = {
        .text = { out, cap - 1, 0 },
        .price_exp = exp_of(layout, "price_exp", bytes),
        .qty_exp = exp_of(layout, "qty_exp", bytes),
        .amount_exp = exp_of(layout, "amount_exp", bytes),
    };
    put_header(&dump, event);
    for (size_t i = 0; i < layout->fields.count; i++) {
        const struct wire_field *field = &layout->fields.at[i];
        if (is_reserved(field->kind))
            continue;
        if (field->count > 0 && field->kind != WIRE_KIND_text) {
            put_array(&dump, field, (const union wire_event *)(const void *)event);
            continue;
        }
        put_format(&dump.text, ",\"%s\":", field->name);
        if (field->kind == WIRE_KIND_text)
            put_string(&dump.text, bytes + field->offset, field->count);
        else
            put_value(&dump, field->kind, bytes + field->offset);
    }
    put(&dump.text, "}", 1);
    out[MIN(dump.text.len, cap - 1)] = '\0';
    return (int)dump.text.len;
}
