#include "market_gateway/stats.h"

#include "common/leaf/fixed.h"

static void write_price(bool has_price, int64_t price, const struct venue_feed_top *top, FILE *out)
{
    char text[FIXED_TEXT_MAX];

    if (!has_price || top->is_stale) {
        fputs("null", out);
        return;
    }
    if (fixed_format_at(price, top->price_exp, top->price_decimals, text, sizeof(text)) < 0)
        (void)fixed_format_trim(price, top->price_exp, text, sizeof(text));
    fprintf(out, "\"%s\"", text);
}

/* Symbols come from outside: whatever would break the line is left out. */
static void write_symbol(const char *symbol, FILE *out)
{
    fputc('"', out);
    for (; *symbol; symbol++)
        if (*symbol >= ' ' && *symbol <= '~' && *symbol != '"' && *symbol != '\\')
            fputc(*symbol, out);
    fputc('"', out);
}

static void write_tops(const struct venue_feed_top *tops, size_t count, FILE *out)
{
    fputs("\"top\":{", out);
    for (size_t i = 0; i < count; i++) {
        fputs(i ? "," : "", out);
        write_symbol(tops[i].symbol, out);
        fputs(":[", out);
        write_price(tops[i].has_bid, tops[i].bid_price, &tops[i], out);
        fputc(',', out);
        write_price(tops[i].has_ask, tops[i].ask_price, &tops[i], out);
        fputc(']', out);
    }
    fputs("},\"levels\":{", out);
    for (size_t i = 0; i < count; i++) {
        fputs(i ? "," : "", out);
        write_symbol(tops[i].symbol, out);
        fprintf(out, ":[%u,%u]", tops[i].bid_count, tops[i].ask_count);
    }
    fputs("},\"stale\":[", out);
    const char *comma = "";
    for (size_t i = 0; i < count; i++) {
        if (!tops[i].is_stale)
            continue;
        fputs(comma, out);
        write_symbol(tops[i].symbol, out);
        comma = ",";
    }
    fputc(']', out);
}

void stats_write(const struct venue_feed_stats *stats, const struct venue_feed_top *tops,
                 size_t count, uint64_t bad_lines, FILE *out)
{
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {
        { "messages", stats->messages },
        { "events", stats->events },
        { "snapshots", stats->snapshots },
        { "deltas", stats->deltas },
        { "trades", stats->trades },
        { "gaps", stats->gaps },
        { "resyncs", stats->resyncs },
        { "checksum_ok", stats->checksum_ok },
        { "checksum_failed", stats->checksum_failed },
        { "crossed", stats->crossed },
        { "rejected", stats->rejected },
        { "dropped_old", stats->dropped_old },
        { "bad_lines", bad_lines },
    };

    fputc('{', out);
    for (size_t i = 0; i < COUNT(numbers); i++)
        fprintf(out, "\"%s\":%llu,", numbers[i].name, (unsigned long long)numbers[i].value);
    write_tops(tops, count, out);
    fputs("}\n", out);
}
