/* Every payload of ../shared/fixtures/binance/{market,private,rest} is read into the events that
 * tests/replay/binance_fixtures.tsv states, or is listed there as not meant for these codecs. A
 * file that the table does not know fails. The table's expectations were written from the payloads,
 * not from the codec. */
#include "common/leaf/fixed.h"
#include "tests/unit/capture.h"
#include "tests/unit/check.h"
#include "venues/venue.h"

#include <dirent.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <unistd.h>

extern const struct venue venue_binance;

#define TABLE    "tests/replay/binance_fixtures.tsv"
#define FIXTURES SHARED "fixtures/binance/"

enum { LINES_MAX = 400, TEXT_MAX = 16384 };

/* ---- what the codec said, as one line ---- */

static char said[TEXT_MAX];
static size_t said_len;
static unsigned invalid;
static uint64_t last_tag;

static void say(const char *format, ...) PRINTF_LIKE(1, 2);
static void say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (said_len < sizeof(said))
        said_len += (size_t)vsnprintf(said + said_len, sizeof(said) - said_len, format, args);
    va_end(args);
}

static void begin(const char *word)
{
    say("%s%s", said_len ? "; " : "", word);
}

static const char *decimal(int64_t value, int exp)
{
    static char texts[8][FIXED_TEXT_MAX];
    static unsigned next;
    char *text = texts[next++ % COUNT(texts)];

    return fixed_format_trim(value, exp, text, FIXED_TEXT_MAX) < 0 ? "?" : text;
}

static void say_levels(const struct wire_book_delta *book, unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++)
        say("%s%sx%s", i == first ? "" : ",", decimal(book->levels[i].price, book->price_exp),
            decimal(book->levels[i].qty, book->qty_exp));
}

static void on_event(void *ctx, struct wire_header *event)
{
    const void *body = event;

    (void)ctx;
    invalid += wire_check(event, event->size) != 0;
    if (event->type == WIRE_best_quote) {
        const struct wire_best_quote *q = body;
        begin("quote");
        say(" %llu %sx%s %sx%s", (unsigned long long)q->venue_seq,
            decimal(q->bid_price, q->price_exp), decimal(q->bid_qty, q->qty_exp),
            decimal(q->ask_price, q->price_exp), decimal(q->ask_qty, q->qty_exp));
    } else if (event->type == WIRE_trade) {
        const struct wire_trade *t = body;
        begin("trade");
        say(" %s %sx%s id %s at %lld", wire_side_str(t->aggressor), decimal(t->price, t->price_exp),
            decimal(t->qty, t->qty_exp), t->venue_trade_id, (long long)t->exchange_ns);
    } else if (event->type == WIRE_book_delta || event->type == WIRE_book_snapshot) {
        const struct wire_book_delta *b = body;
        begin(event->type == WIRE_book_delta ? "delta" : "snapshot");
        say(" %llu [", (unsigned long long)b->venue_seq);
        say_levels(b, 0, b->bid_count);
        say("] [");
        say_levels(b, b->bid_count, b->ask_count);
        say("]");
    } else if (event->type == WIRE_instrument) {
        const struct wire_instrument *i = body;
        begin("instrument");
        say(" %s %s tick %s lot %s min %s max %s notional %s %s", i->symbol, i->name,
            decimal(i->tick_size, i->price_exp), decimal(i->lot_size, i->qty_exp),
            decimal(i->min_qty, i->qty_exp), decimal(i->max_qty, i->qty_exp),
            decimal(i->min_notional, i->amount_exp), wire_trading_state_str(i->state));
    }
}

static const char *kind_text(enum venue_report_kind kind)
{
    static const char *const names[] = {
        [REPORT_ACCEPTED] = "accepted",
        [REPORT_REJECTED] = "rejected",
        [REPORT_CANCEL_REJECTED] = "cancel_rejected",
        [REPORT_REPLACED] = "replaced",
        [REPORT_REPLACE_REJECTED] = "replace_rejected",
        [REPORT_REPLACE_LOST] = "replace_lost",
        [REPORT_OUTCOME_UNKNOWN] = "unknown",
        [REPORT_NEVER_SENT] = "never_sent",
        [REPORT_ORDER] = "order",
        [REPORT_NO_SUCH_ORDER] = "no_such_order",
        [REPORT_DONE] = "done",
        [REPORT_FAILED] = "failed",
        [REPORT_NEW] = "new",
        [REPORT_FILL] = "fill",
        [REPORT_CANCELLED] = "cancelled",
        [REPORT_EXPIRED] = "expired",
        [REPORT_BALANCE] = "balance",
        [REPORT_TRANSFER] = "transfer",
        [REPORT_INSTRUMENT] = "instrument",
        [REPORT_SERVER_TIME] = "server_time",
        [REPORT_DEAD_MAN] = "dead_man",
        [REPORT_CHANNEL] = "channel",
        [REPORT_LIMITS] = "limits",
        [REPORT_BACK_OFF] = "back_off",
    };
    return names[kind];
}

static bool is_order_kind(enum venue_report_kind kind)
{
    return kind == REPORT_ACCEPTED || kind == REPORT_REPLACED || kind == REPORT_ORDER ||
           kind == REPORT_NEW || kind == REPORT_CANCELLED || kind == REPORT_EXPIRED;
}

static void on_report(void *ctx, const struct venue_report *r)
{
    (void)ctx;
    if (r->kind == REPORT_LIMITS)
        return; /* Has a test of its own. */
    begin(kind_text(r->kind));
    if (r->kind == REPORT_FILL) {
        say(" %s %s oid=%s cid=%s %s %sx%s id %s", r->symbol, wire_side_str(r->side),
            r->exchange_order_id, r->client_order_id, wire_liquidity_str(r->liquidity),
            decimal(r->last_price, r->price_exp), decimal(r->last_qty, r->qty_exp),
            r->venue_trade_id);
        if (r->fee_asset[0])
            say(" fee %s %s", decimal(r->fee, r->amount_exp), r->fee_asset);
        if (r->cum_qty >= 0)
            say(" cum %s", decimal(r->cum_qty, r->qty_exp));
    } else if (is_order_kind(r->kind)) {
        say(" %s %s %s %s %s oid=%s cid=%s %sx%s cum %s%s at %lld", r->symbol,
            wire_side_str(r->side), wire_order_type_str(r->type),
            wire_time_in_force_str(r->time_in_force), wire_order_state_str(r->state),
            r->exchange_order_id, r->client_order_id, decimal(r->price, r->price_exp),
            decimal(r->qty, r->qty_exp), r->cum_qty < 0 ? "?" : decimal(r->cum_qty, r->qty_exp),
            r->is_post_only ? " post_only" : "", (long long)r->exchange_ns);
    } else if (r->kind == REPORT_BALANCE) {
        say(" %s %s free %s locked %s", r->asset, decimal(r->total, 8), decimal(r->free, 8),
            decimal(r->locked, 8));
    } else if (r->kind == REPORT_TRANSFER) {
        say(" %s %s", r->asset, decimal(r->change, 8));
    } else if (r->kind == REPORT_SERVER_TIME) {
        say(" %lld", (long long)r->exchange_ns);
    } else if (r->kind == REPORT_INSTRUMENT) {
        say(" %s fees %d %d", r->definition->symbol, r->definition->maker_fee_ppm,
            r->definition->taker_fee_ppm);
    } else if (r->kind == REPORT_CHANNEL) {
        say(" order=%d stream=%d", r->is_order_channel_up, r->is_private_stream_up);
    }
    if (r->why != REASON_NONE)
        say(" why %s", wire_reason_str(r->why));
    say("%s", r->request_id != 0 ? " !" : "");
}

static int on_send(void *ctx, unsigned connection, const char *frame, size_t len)
{
    (void)ctx;
    (void)connection;
    (void)frame;
    (void)len;
    return 0;
}

static int on_request(void *ctx, const struct venue_request *request)
{
    (void)ctx;
    last_tag = request->tag;
    return 0;
}

static void on_reconnect(void *ctx, unsigned connection, wire_reason why)
{
    (void)ctx;
    (void)connection;
    begin("reconnect");
    say(" why %s", wire_reason_str(why));
}

static void on_note(void *ctx, const char *event, const char *text)
{
    (void)ctx;
    (void)text;
    begin("note");
    say(" %s", event);
}

static const struct venue_out out = { NULL,       on_event,     on_report, on_send,
                                      on_request, on_reconnect, on_note };
static const struct venue_clock at = { NS_PER_S, INT64_C(1660801720000) * NS_PER_MS, 1 };

/* ---- the feed ---- */

static void member_text(const char *text, const char *name, char *value, size_t cap)
{
    struct scan_value top, found;

    value[0] = '\0';
    if (scan_whole(text, strlen(text), &top) != 0)
        return;
    if (scan_find(&top, "data", &found) == 0)
        top = found;
    if (scan_find(&top, name, &found) == 0)
        (void)scan_text(&found, value, cap);
}

static void feed_http(void *state, const char *url, const char *body)
{
    struct venue_response response = {
        .url = url, .status = 200, .body = body, .body_len = strlen(body)
    };

    if (venue_binance.feed->http(state, &response, &at, &out) != 0)
        begin("error");
}

/* feed: a frame. depth: the same, behind a snapshot that it continues. snapshot: a REST body, and
 * then a quote that names its symbol. */
static void run_feed(const char *how, const char *text)
{
    static const char names_it[] =
        "{\"u\":1,\"s\":\"NAMED\",\"b\":\"1\",\"B\":\"0\",\"a\":\"2\",\"A\":\"0\"}";
    const struct venue_feed_config config = { .venue = "binance", .takes_any_symbol = true };
    void *state = calloc(1, venue_binance.feed->state_size);
    char symbol[32], first[32], url[64], body[256];

    CHECK(venue_binance.feed->init(state, &config) == 0);
    if (strcmp(how, "depth") == 0) {
        member_text(text, "s", symbol, sizeof(symbol));
        member_text(text, "U", first, sizeof(first));
        snprintf(url, sizeof(url), "/api/v3/depth?symbol=%s", symbol);
        snprintf(body, sizeof(body), "{\"lastUpdateId\":%lld,\"bids\":[],\"asks\":[]}",
                 atoll(first) - 1);
        feed_http(state, url, body);
        said_len = 0;
    }
    if (strcmp(how, "snapshot") == 0) {
        feed_http(state, "", text);
        (void)venue_binance.feed->frame(state, 0, names_it, strlen(names_it), &at, &out);
    } else if (strcmp(how, "definitions") == 0) {
        char quote[160];
        struct scan_value top, list, item, name;
        struct scan_iter iter;
        feed_http(state, "", text);
        CHECK(scan_whole(text, strlen(text), &top) == 0 && scan_find(&top, "symbols", &list) == 0 &&
              scan_begin(&iter, &list) == 0);
        while (scan_item(&iter, &item) == 0 && scan_find(&item, "symbol", &name) == 0) {
            snprintf(quote, sizeof(quote),
                     "{\"u\":1,\"s\":\"%.*s\",\"b\":\"0\",\"B\":\"0\",\"a\":\"0\",\"A\":\"0\"}",
                     (int)name.len, name.text);
            (void)venue_binance.feed->frame(state, 0, quote, strlen(quote), &at, &out);
        }
    } else if (venue_binance.feed->frame(state, 0, text, strlen(text), &at, &out) != 0) {
        begin("error");
    }
    venue_binance.feed->fini(state);
    free(state);
}

/* ---- the order side ---- */

static const struct {
    const char *how;
    enum venue_op op;
} answers[] = {
    { "place", OP_PLACE },
    { "cancel", OP_CANCEL },
    { "replace", OP_REPLACE },
    { "query", OP_QUERY },
    { "open_orders", OP_OPEN_ORDERS },
    { "cancel_all", OP_CANCEL_ALL },
    { "balances", OP_BALANCES },
    { "executions", OP_EXECUTIONS },
    { "time", OP_SERVER_TIME },
    { "instruments", OP_INSTRUMENTS },
};

static struct venue_command command_of(enum venue_op op)
{
    struct venue_command command = { .op = op,
                                     .request_id = 7,
                                     .symbol = "BTCUSDT",
                                     .side = SIDE_BUY,
                                     .type = ORDER_LIMIT,
                                     .price = 1,
                                     .qty = 1,
                                     .client_order_id = "mine",
                                     .new_client_order_id = "mine2" };
    if (op == OP_BALANCES)
        command.symbol[0] = '\0';
    return command;
}

/* The payload as an answer to request 1: its own id replaced. */
static void with_our_id(const char *text, char *framed, size_t cap)
{
    struct scan_value top, id;

    framed[0] = '\0';
    if (scan_whole(text, strlen(text), &top) != 0 || scan_find(&top, "id", &id) != 0)
        return;
    size_t before = (size_t)(id.text - text) - (id.type == SCAN_STRING);
    const char *after = id.text + id.len + (id.type == SCAN_STRING);
    snprintf(framed, cap, "%.*s1%s", (int)before, text, after);
}

/* What the venue sends a body with: errors have a code at their top. */
static int status_of(const char *text)
{
    struct scan_value top, code;

    if (scan_whole(text, strlen(text), &top) != 0 || top.type != SCAN_OBJECT ||
        scan_find(&top, "code", &code) != 0)
        return 200;
    return scan_is(&code, "-2021") ? 409 : scan_is(&code, "-1015") ? 429 : 400;
}

static void run_order(const char *how, const char *text, bool is_rest)
{
    static const char *const names[] = { "BTC-USDT", "ETH-BTC" };
    const struct venue_order_config config = { .venue = "binance",
                                               .names = names,
                                               .name_count = COUNT(names),
                                               .api_key = "key",
                                               .api_secret = "secret",
                                               .maker_fee_ppm = 1000,
                                               .taker_fee_ppm = 1000 };
    static char framed[65536];
    void *state = calloc(1, venue_binance.order->state_size);
    struct venue_response response = { .status = status_of(text),
                                       .body = text,
                                       .body_len = strlen(text) };
    int err = 0;

    CHECK(venue_binance.order->init(state, &config) == 0);
    last_tag = 0;
    if (strcmp(how, "event") == 0) {
        err = venue_binance.order->frame(state, 0, text, strlen(text), &at, &out);
    } else if (strcmp(how, "subscribe") == 0) {
        venue_binance.order->opened(state, 0, &at, &out);
        said_len = 0;
        with_our_id(text, framed, sizeof(framed));
        err = venue_binance.order->frame(state, 0, framed, strlen(framed), &at, &out);
    } else {
        for (size_t i = 0; i < COUNT(answers); i++) {
            struct venue_command command = command_of(answers[i].op);
            command.transport = is_rest ? TRANSPORT_REST : TRANSPORT_WS;
            if (strcmp(answers[i].how, how) == 0)
                CHECK_INT(venue_binance.order->command(state, &command, &at, &out), 0);
        }
        response.tag = last_tag;
        with_our_id(text, framed, sizeof(framed));
        err = is_rest ? venue_binance.order->http(state, &response, &at, &out)
                      : venue_binance.order->frame(state, 0, framed, strlen(framed), &at, &out);
    }
    if (err)
        begin("error");
    venue_binance.order->fini(state);
    free(state);
}

/* ---- the table ---- */

struct row {
    char *path, *how, *want;
    unsigned used;
};
static struct row rows[LINES_MAX];
static size_t row_count;

static void table_read(char *text)
{
    for (char *line = strtok(text, "\n"); line && row_count < LINES_MAX;
         line = strtok(NULL, "\n")) {
        struct row *row = &rows[row_count];
        if (line[0] == '#')
            continue;
        row->path = line;
        row->how = strchr(line, '\t');
        row->want = row->how ? strchr(row->how + 1, '\t') : NULL;
        if (!row->want) {
            fprintf(stderr, "%s: not a row: %s\n", TABLE, line);
            CHECK(false);
            continue;
        }
        *row->how++ = *row->want++ = '\0';
        row_count++;
    }
}

static struct row *row_find(const char *path)
{
    for (size_t i = 0; i < row_count; i++)
        if (fnmatch(rows[i].path, path, FNM_PATHNAME) == 0)
            return &rows[i];
    return NULL;
}

static bool is_request(const char *text)
{
    char method[64];

    member_text(text, "method", method, sizeof(method));
    return method[0] != '\0';
}

static void file_check(const char *path)
{
    char name[512];
    struct row *row = row_find(path);

    snprintf(name, sizeof(name), FIXTURES "%s", path);
    struct file_text file = file_read(name);
    CHECK(file.text != NULL);
    if (!row && !is_request(file.text)) { /* What clients send is no message of the venue. */
        fprintf(stderr, "%s is not in the table\n", path);
        CHECK(false);
    }
    if (row)
        row->used++;
    if (row && strcmp(row->how, "ignored") != 0) {
        said_len = 0;
        said[0] = '\0';
        if (strcmp(row->how, "feed") == 0 || strcmp(row->how, "depth") == 0 ||
            strcmp(row->how, "snapshot") == 0 || strcmp(row->how, "definitions") == 0)
            run_feed(row->how, file.text);
        else
            run_order(row->how, file.text, strncmp(path, "rest/", 5) == 0);
        if (getenv("SHOW"))
            printf("# %s\t%s\t%s\n", path, row->how, said);
        if (strcmp(said, row->want) != 0)
            fprintf(stderr, "%s (%s):\n  says %s\n  not  %s\n", path, row->how, said, row->want);
        CHECK(strcmp(said, row->want) == 0);
    }
    free(file.text);
}

static void folder_check(const char *folder, unsigned files_min)
{
    char path[400];
    unsigned files = 0;

    snprintf(path, sizeof(path), FIXTURES "%s", folder);
    DIR *dir = opendir(path);
    CHECK(dir != NULL);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        file_check(path);
        files++;
    }
    if (dir)
        closedir(dir);
    CHECK(files >= files_min);
}

static void market_payloads_are_read_as_the_table_says(void)
{
    folder_check("market", 50);
}

static void private_payloads_are_read_as_the_table_says(void)
{
    folder_check("private", 200);
}

static void rest_payloads_are_read_as_the_table_says(void)
{
    folder_check("rest", 200);
}

static void each_row_of_the_table_has_a_payload_and_each_event_is_valid(void)
{
    for (size_t i = 0; i < row_count; i++) {
        if (rows[i].used == 0)
            fprintf(stderr, "%s: no payload for %s\n", TABLE, rows[i].path);
        CHECK(rows[i].used > 0);
    }
    CHECK_INT(invalid, 0);
}

int main(void)
{
    struct file_text table = file_read(TABLE);

    if (access(FIXTURES "market", R_OK) != 0) {
        printf("ok binance fixtures # skipped: no ../shared\n");
        return 0;
    }
    if (table.text)
        table_read(table.text);
    CASE(market_payloads_are_read_as_the_table_says);
    CASE(private_payloads_are_read_as_the_table_says);
    CASE(rest_payloads_are_read_as_the_table_says);
    CASE(each_row_of_the_table_has_a_payload_and_each_event_is_valid);
    free(table.text);
    DONE();
}
