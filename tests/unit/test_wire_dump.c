/* The dump: one line of JSON that any reader takes. */
#include "common/leaf/err.h"
#include "common/leaf/fixed.h"
#include "common/pure/scan.h"
#include "tests/unit/check.h"
#include "tests/unit/wire_samples.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

static union wire_event event;
static char line[262144];

static void a_trade_reads_like_a_trade(void)
{
    struct wire_trade *trade = &event.trade;

    WIRE_BEGIN(trade, trade);
    trade->header.flags = WIRE_REPLAY | WIRE_SIMULATED;
    trade->header.publisher = PUBLISHER(ROLE_MARKET_GATEWAY, 1);
    trade->header.account = 1;
    trade->header.epoch = UINT64_MAX;
    trade->header.seq = 7;
    trade->header.instrument = 0xab;
    trade->header.origin_ns = -1;
    trade->exchange_ns = 1700000000000000000;
    trade->price = -6160201000000;
    trade->qty = 50;
    trade->price_exp = 8;
    trade->qty_exp = -2;
    trade->aggressor = SIDE_SELL;
    strcpy(trade->venue_trade_id, "a\"\\\n\x01\xc3\xa4\xff\xed\xa0\x80");
    CHECK_INT(wire_check(trade, sizeof(*trade)), 0);
    int len = wire_dump(&trade->header, line, sizeof(line));
    CHECK_INT(len, strlen(line));
    CHECK_STR(line,
              "{\"type\":\"trade\",\"flags\":[\"replay\",\"simulated\"],"
              "\"publisher\":\"market_gateway/1\",\"account\":1,"
              "\"epoch\":\"18446744073709551615\",\"seq\":\"7\","
              "\"instrument\":\"00000000000000ab\",\"origin_ns\":\"-1\",\"sent_ns\":\"0\","
              "\"cause\":\"0000000000000000\",\"exchange_ns\":\"1700000000000000000\","
              "\"price\":\"-61602.01\",\"qty\":\"5000\","
              "\"venue_trade_id\":\"a\\\"\\\\\\u000a\\u0001\xc3\xa4\\ufffd\\ufffd\\ufffd\\ufffd\","
              "\"price_exp\":8,\"qty_exp\":-2,\"aggressor\":\"sell\"}");
}

/* ---- every event, every field, read back by cJSON ---- */

static int64_t load(enum wire_kind kind, const char *at)
{
    const struct wire_kind_info *info = wire_kind_of(kind);
    bool is_signed = info->ctype[0] == 'i';
    uint64_t value = 0;

    memcpy(&value, at, info->size);
    unsigned unused = 64 - 8 * (unsigned)info->size;
    return is_signed ? (int64_t)(value << unused) >> unused : (int64_t)value;
}

static int exp_named(const struct wire_layout *layout, const char *name)
{
    for (size_t i = 0; i < layout->fields.count; i++)
        if (strcmp(layout->fields.at[i].name, name) == 0)
            return ((const int8_t *)&event)[layout->fields.at[i].offset];
    return 99;
}

static bool is_decimal(const cJSON *node, int64_t value, int exp)
{
    int64_t back = 0;

    return cJSON_IsString(node) &&
           fixed_parse(node->valuestring, strlen(node->valuestring), exp, &back) == 0 &&
           back == value;
}

static bool is_shown(const struct wire_layout *layout, enum wire_kind kind, const char *at,
                     const cJSON *node)
{
    const struct wire_kind_info *info = wire_kind_of(kind);
    int64_t value = load(kind, at);
    char text[32];

    if (kind == WIRE_KIND_price)
        return is_decimal(node, value, exp_named(layout, "price_exp"));
    if (kind == WIRE_KIND_qty)
        return is_decimal(node, value, exp_named(layout, "qty_exp"));
    if (kind == WIRE_KIND_amount)
        return is_decimal(node, value, exp_named(layout, "amount_exp"));
    if (kind == WIRE_KIND_event_type)
        return cJSON_IsString(node) && strcmp(node->valuestring, wire_name((uint16_t)value)) == 0;
    for (size_t i = 0; i < info->constant_count; i++)
        if (info->constants[i].value == (uint64_t)value)
            return cJSON_IsString(node) && strcmp(node->valuestring, info->constants[i].text) == 0;
    if (info->size < 8)
        return cJSON_IsNumber(node) && node->valuedouble == (double)value;
    snprintf(text, sizeof(text),
             kind == WIRE_KIND_id ? "%016" PRIx64
                                  : (info->ctype[0] == 'i' ? "%" PRId64 : "%" PRIu64),
             value);
    return cJSON_IsString(node) && strcmp(node->valuestring, text) == 0;
}

static bool entries_are_shown(const struct wire_layout *layout, const struct wire_field *field,
                              unsigned used, const cJSON *array)
{
    const struct wire_kind_info *info = wire_kind_of(field->kind);
    const char *at = (const char *)&event + field->offset;

    if (!cJSON_IsArray(array) || cJSON_GetArraySize(array) != (int)used)
        return false;
    for (unsigned i = 0; i < used; i++, at += info->size)
        for (size_t k = 0; k < info->fields.count; k++) {
            const struct wire_field *member = &info->fields.at[k];
            const cJSON *entry = cJSON_GetArrayItem(array, (int)i);
            const cJSON *node = cJSON_IsArray(entry) ? cJSON_GetArrayItem(entry, (int)k)
                                                     : cJSON_GetObjectItem(entry, member->name);
            if (sample_is_reserved(member->kind)
                    ? node != NULL
                    : !is_shown(layout, member->kind, at + member->offset, node))
                return false;
        }
    return true;
}

static bool field_is_shown(const struct wire_layout *layout, const struct wire_field *field,
                           unsigned used, const cJSON *tree)
{
    const char *at = (const char *)&event + field->offset;
    const cJSON *node = cJSON_GetObjectItem(tree, field->name);

    if (sample_is_reserved(field->kind))
        return node == NULL;
    if (field->kind == WIRE_KIND_text)
        return cJSON_IsString(node) && strcmp(node->valuestring, at) == 0;
    if (field->kind == WIRE_KIND_level)
        return entries_are_shown(layout, field, used, cJSON_GetObjectItem(tree, "bids"));
    if (field->count > 0)
        return entries_are_shown(layout, field, used, node);
    return is_shown(layout, field->kind, at, node);
}

static void every_field_of_every_event_is_shown(void)
{
    const struct wire_layout *layout;

    for (size_t i = 0; (layout = wire_layout_at(i)); i++)
        for (unsigned used = 0; used <= 3; used++) {
            sample_event(layout, used, &event);
            int len = wire_dump(&event.header, line, sizeof(line));
            cJSON *tree = cJSON_ParseWithLength(line, (size_t)len);
            CHECK(tree != NULL);
            for (size_t k = 0; k < layout->fields.count; k++) {
                bool is_shown_so = field_is_shown(layout, &layout->fields.at[k], used, tree);
                if (!is_shown_so)
                    fprintf(stderr, "%s.%s in %s\n", layout->name, layout->fields.at[k].name, line);
                CHECK(is_shown_so);
            }
            cJSON_Delete(tree);
        }
}

static void longest_dump_says_its_length_and_short_room_gets_its_beginning(void)
{
    static char part[4096];

    sample_event(wire_layout_of(WIRE_book_delta), WIRE_LEVELS_MAX, &event);
    int len = wire_dump(&event.header, line, sizeof(line));
    CHECK(len > 0 && (size_t)len < sizeof(line) && (size_t)len == strlen(line));
    for (size_t cap = 1; cap <= sizeof(part); cap = cap * 3 / 2 + 1) {
        memset(part, 'x', sizeof(part));
        CHECK_INT(wire_dump(&event.header, part, cap), len);
        CHECK_INT(strlen(part), cap - 1);
        CHECK(memcmp(part, line, cap - 1) == 0);
        CHECK(cap == sizeof(part) || part[cap] == 'x');
    }
}

static void asks_follow_bids(void)
{
    wire_book_begin(&event.book_delta, WIRE_book_snapshot);
    event.book_delta.bid_count = 1;
    event.book_delta.ask_count = 2;
    for (int i = 0; i < 3; i++)
        event.book_delta.levels[i] = (wire_level){ 10 + i, i };
    wire_book_end(&event.book_delta);
    wire_dump(&event.header, line, sizeof(line));
    CHECK(strstr(line, "\"bids\":[[\"10\",\"0\"]],\"asks\":[[\"11\",\"1\"],[\"12\",\"2\"]]}") !=
          NULL);
}

/* Whatever bytes a venue puts into a text: the line stays JSON, and UTF-8. */
static void any_text_stays_json(void)
{
    struct scan_value whole;
    uint64_t state = 1;

    CHECK(setlocale(LC_CTYPE, "C.UTF-8") != NULL);
    for (int i = 0; i < 50000; i++) {
        WIRE_BEGIN(&event.trade, trade);
        for (size_t k = 0; k + 1 < sizeof(event.trade.venue_trade_id); k++) {
            state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
            event.trade.venue_trade_id[k] = (char)(state >> 56);
        }
        int len = wire_dump(&event.header, line, sizeof(line));
        bool is_json_in_utf8 =
            scan_whole(line, (size_t)len, &whole) == 0 && mbstowcs(NULL, line, 0) != (size_t)-1;
        CHECK(is_json_in_utf8);
        if (!is_json_in_utf8)
            return;
    }
}

static void utf8_is_kept_and_only_utf8(void)
{
    static const struct {
        const char *text;
        bool is_kept;
    } cases[] = {
        { "\x7e", true },
        { "\xc2\x80", true },
        { "\xdf\xbf", true },
        { "\xe0\xa0\x80", true },
        { "\xed\x9f\xbf", true },
        { "\xee\x80\x80", true },
        { "\xef\xbf\xbf", true },
        { "\xf0\x90\x80\x80", true },
        { "\xf1\x80\x80\x80", true },
        { "\xf4\x8f\xbf\xbf", true },
        { "\xc1\xbf", false },
        { "\xe0\x9f\xbf", false },
        { "\xed\xa0\x80", false },
        { "\xf0\x8f\xbf\xbf", false },
        { "\xf4\x90\x80\x80", false },
        { "\xf5\x80\x80\x80", false },
        { "\x80", false },
        { "\xc2", false },
        { "\xe0\xa0", false },
        { "\xf0\x90\x80", false },
        { "\xc2\x41", false },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        WIRE_BEGIN(&event.trade, trade);
        strcpy(event.trade.venue_trade_id, cases[i].text);
        wire_dump(&event.header, line, sizeof(line));
        CHECK_INT(strstr(line, cases[i].text) != NULL, cases[i].is_kept);
        CHECK_INT(strstr(line, "\\ufffd") == NULL, cases[i].is_kept);
    }
}

int main(void)
{
    CASE(a_trade_reads_like_a_trade);
    CASE(every_field_of_every_event_is_shown);
    CASE(longest_dump_says_its_length_and_short_room_gets_its_beginning);
    CASE(asks_follow_bids);
    CASE(any_text_stays_json);
    CASE(utf8_is_kept_and_only_utf8);
    DONE();
}
