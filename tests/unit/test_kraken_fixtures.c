/* Every payload of ../shared/fixtures/kraken/{market,private,rest} that the Kraken codecs are meant
 * to read decodes to what stands here; every other one stands here with the reason why not. A file
 * that is in neither list, or a name without a file, fails. */
#include "tests/unit/capture.h"
#include "tests/unit/check.h"
#include "tests/unit/order_world.h"
#include "venues/kraken/feed.h"
#include "venues/kraken/order.h"

#include <dirent.h>
#include <stdarg.h>
#include <unistd.h>

extern const struct venue venue_kraken;

/* ---- one line of what happened ---- */

struct summary {
    char text[1024];
    size_t len;
    unsigned count; /* Entries, also those that the line has no room for. */
};

enum { SUMMARY_SHOWN = 4 };

static void say(struct summary *summary, const char *format, ...) PRINTF_LIKE(2, 3);
static void say(struct summary *summary, const char *format, ...)
{
    va_list arguments;

    if (summary->count++ >= SUMMARY_SHOWN)
        return;
    if (summary->len)
        summary->len += (size_t)snprintf(summary->text + summary->len,
                                         sizeof(summary->text) - summary->len, "; ");
    va_start(arguments, format);
    summary->len += (size_t)vsnprintf(summary->text + summary->len,
                                      sizeof(summary->text) - summary->len, format, arguments);
    va_end(arguments);
}

static const char *finish(struct summary *summary)
{
    if (summary->count > SUMMARY_SHOWN)
        snprintf(summary->text + summary->len, sizeof(summary->text) - summary->len, "; ... %u",
                 summary->count);
    return summary->text;
}

static const char *decimal(int64_t value, int exp)
{
    static char texts[8][FIXED_TEXT_MAX];
    static unsigned next;
    char *text = texts[next++ % COUNT(texts)];

    (void)fixed_format_trim(value, exp, text, FIXED_TEXT_MAX);
    return text;
}

/* ---- the feed ---- */

struct feed_view {
    struct summary summary;
    struct kraken_feed *feed;
    unsigned invalid;
};

static const char *symbol_of(const struct feed_view *view, uint64_t instrument)
{
    for (unsigned i = 0; i < view->feed->market_count; i++)
        if (view->feed->markets[i].instrument == instrument)
            return view->feed->markets[i].symbol;
    return "?";
}

static void on_event(void *ctx, struct wire_header *header)
{
    struct feed_view *view = ctx;
    struct summary *out = &view->summary;
    const void *event = header;
    const char *symbol = symbol_of(view, header->instrument);

    view->invalid += wire_check(header, header->size) != 0;
    if (header->type == WIRE_instrument) {
        const struct wire_instrument *e = event;
        say(out, "%s tick %s lot %s min %s notional %s fees %d/%d %s", e->name,
            decimal(e->tick_size, e->price_exp), decimal(e->lot_size, e->qty_exp),
            decimal(e->min_qty, e->qty_exp), decimal(e->min_notional, e->amount_exp),
            e->maker_fee_ppm, e->taker_fee_ppm, wire_trading_state_str(e->state));
    } else if (header->type == WIRE_book_snapshot || header->type == WIRE_book_delta) {
        const struct wire_book_delta *e = event;
        say(out, "%s %s %u+%u", header->type == WIRE_book_delta ? "delta" : "book", symbol,
            e->bid_count, e->ask_count);
    } else if (header->type == WIRE_best_quote) {
        const struct wire_best_quote *e = event;
        say(out, "quote %s %s@%s %s@%s", symbol, decimal(e->bid_qty, e->qty_exp),
            decimal(e->bid_price, e->price_exp), decimal(e->ask_qty, e->qty_exp),
            decimal(e->ask_price, e->price_exp));
    } else if (header->type == WIRE_trade) {
        const struct wire_trade *e = event;
        say(out, "trade %s %s %s@%s #%s", symbol, wire_side_str(e->aggressor),
            decimal(e->qty, e->qty_exp), decimal(e->price, e->price_exp), e->venue_trade_id);
    } else if (header->type == WIRE_feed_status) {
        const struct wire_feed_status *e = event;
        if (header->instrument) /* That of the whole feed follows from it. */
            say(out, "%s is %s: %s", symbol, wire_feed_state_str(e->state),
                wire_reason_str(e->why));
        else if (e->state == FEED_MAINTENANCE)
            say(out, "feed is %s", wire_feed_state_str(e->state));
    }
}

static void on_feed_note(void *ctx, const char *event, const char *text)
{
    struct feed_view *view = ctx;

    say(&view->summary, "%s: %s", event, text);
}

static int no_send(void *ctx, unsigned connection, const char *frame, size_t len)
{
    (void)ctx;
    (void)connection;
    (void)frame;
    (void)len;
    return ERR_CLOSED;
}

static int no_request(void *ctx, const struct venue_request *request)
{
    (void)ctx;
    (void)request;
    return ERR_FULL;
}

static void no_reconnect(void *ctx, unsigned connection, wire_reason why)
{
    struct feed_view *view = ctx;

    (void)connection;
    say(&view->summary, "reconnect: %s", wire_reason_str(why));
}

enum how {
    FRAME,        /* A frame of the public connection. */
    FRAME_PRIMED, /* A book update: after a book without checksum that has the level meant. */
    PUBLIC_REST,  /* An answer of public REST, told by its url. */
    STREAM,       /* A frame of the private connection, its sequence taken as the next one. */
    ACK,          /* The answer to the subscription of balances. */
    TOKEN,        /* The answer to the request of a token. */
    ANSWER,       /* The answer to a WebSocket request; its request id is taken for ours. */
    REST,         /* The answer to a REST request. */
    REST_CLOSED,  /* The same, to the second half of a query by client id. */
};

struct payload {
    const char *name; /* "market/book_update_ka.json" */
    enum how how;
    enum venue_op op;           /* ANSWER, REST: of the request. */
    const char *key;            /* PUBLIC_REST: the url. REST query: the order asked for. */
    const char *before, *after; /* What stands around a payload that is a part of a frame. */
    const char *expected;
};

static void read_public(const struct payload *payload, struct file_text text, char *out, size_t cap)
{
    struct feed_view view = { .invalid = 0 };
    struct kraken_feed *feed = calloc(1, sizeof(*feed));
    struct venue_feed_config config = { .venue = "kraken", .takes_any_symbol = true };
    struct venue_out to = { .ctx = &view,
                            .event = on_event,
                            .send = no_send,
                            .request = no_request,
                            .reconnect = no_reconnect,
                            .note = on_feed_note };
    struct venue_clock clock = { .now_ns = 1, .wall_ns = 1 };
    int err;

    if (!feed || kraken_feed_ops.init(feed, &config) != 0)
        abort();
    view.feed = feed;
    if (payload->how == PUBLIC_REST) {
        struct venue_response response = { .url = payload->key,
                                           .status = 200,
                                           .was_sent = true,
                                           .body = text.text,
                                           .body_len = text.len };
        err = kraken_feed_ops.http(feed, &response, &clock, &to);
    } else {
        if (payload->how == FRAME_PRIMED) {
            (void)kraken_feed_ops.frame(feed, 0, payload->key, strlen(payload->key), &clock, &to);
            view.summary = (struct summary){ .len = 0 };
        }
        err = kraken_feed_ops.frame(feed, 0, text.text, text.len, &clock, &to);
    }
    snprintf(out, cap, "%s%s%s", finish(&view.summary), err && view.summary.len ? "; " : "",
             err ? err_str(err) : "");
    CHECK_INT(view.invalid, 0);
    kraken_feed_ops.fini(feed);
    free(feed);
}

/* ---- the order side ---- */

struct order_view {
    struct summary summary;
    uint64_t tag;
};

static void on_report(void *ctx, const struct venue_report *r)
{
    struct summary *out = &((struct order_view *)ctx)->summary;
    const char *end = r->request_id ? "" : " (news)";

    switch (r->kind) {
    case REPORT_LIMITS:
    case REPORT_CHANNEL:
        break;
    case REPORT_ACCEPTED:
        say(out, "accepted %s%s", r->exchange_order_id, end);
        break;
    case REPORT_FILL:
        say(out, "fill %s %s %s %s@%s fee %s %s %s of %s%s", r->venue_trade_id, r->symbol,
            wire_side_str(r->side), decimal(r->last_qty, r->qty_exp),
            decimal(r->last_price, r->price_exp), decimal(r->fee, r->amount_exp), r->fee_asset,
            wire_liquidity_str(r->liquidity), r->exchange_order_id, end);
        break;
    case REPORT_BALANCE:
        say(out, "%s total %s locked %s%s", r->asset, decimal(r->total, r->amount_exp),
            decimal(r->locked, r->amount_exp), end);
        break;
    case REPORT_DONE:
        say(out, "done");
        break;
    case REPORT_NO_SUCH_ORDER:
        say(out, "no such order");
        break;
    case REPORT_DEAD_MAN:
    case REPORT_SERVER_TIME:
        say(out, "time %lld s", (long long)(r->exchange_ns / NS_PER_S));
        break;
    case REPORT_BACK_OFF:
        say(out, "back off");
        break;
    default:
        if (r->kind == REPORT_ORDER || r->kind == REPORT_NEW || r->kind == REPORT_CANCELLED) {
            say(out, "%s %s%s%s %s %s %s %s of %s@%s%s%s",
                r->kind == REPORT_NEW         ? "new"
                : r->kind == REPORT_CANCELLED ? "cancelled"
                                              : "order",
                r->exchange_order_id, *r->client_order_id ? "=" : "", r->client_order_id, r->symbol,
                wire_side_str(r->side), wire_order_state_str(r->state),
                r->cum_qty < 0 ? "?" : decimal(r->cum_qty, r->qty_exp), decimal(r->qty, r->qty_exp),
                decimal(r->price, r->price_exp), r->why ? " " : "",
                r->why ? wire_reason_str(r->why) : "");
            break;
        }
        say(out, "%s: %s%s%s",
            r->kind == REPORT_REPLACED           ? "replaced"
            : r->kind == REPORT_OUTCOME_UNKNOWN  ? "unknown"
            : r->kind == REPORT_REJECTED         ? "rejected"
            : r->kind == REPORT_CANCEL_REJECTED  ? "cancel rejected"
            : r->kind == REPORT_REPLACE_REJECTED ? "replace rejected"
            : r->kind == REPORT_FAILED           ? "failed"
                                                 : "other",
            wire_reason_str(r->why), *r->text ? ": " : "", r->text);
        break;
    }
}

static int keep_send(void *ctx, unsigned connection, const char *frame, size_t len)
{
    (void)ctx;
    (void)connection;
    (void)frame;
    (void)len;
    return 0;
}

static int keep_request(void *ctx, const struct venue_request *request)
{
    ((struct order_view *)ctx)->tag = request->tag;
    return 0;
}

static void no_note(void *ctx, const char *event, const char *text)
{
    (void)ctx;
    (void)event;
    (void)text;
}

/* Puts another number behind the name of a member. */
static char *renumber(const char *text, const char *name, uint64_t number)
{
    const char *at = strstr(text, name);
    char *made = malloc(strlen(text) + 32);

    if (!at || !made)
        abort();
    at += strlen(name);
    sprintf(made, "%.*s%llu%s", (int)(at - text), text, (unsigned long long)number,
            at + strspn(at, " 0123456789"));
    return made;
}

struct order_desk {
    struct kraken_side *side;
    struct venue_out to;
    struct venue_clock clock;
    struct order_view *view;
};

static const struct venue_order_config order_config = {
    .venue = "kraken",
    .names = (const char *const[]){ "BTC-USD" },
    .name_count = 1,
    .api_key = "key",
    .api_secret = "c2VjcmV0",
};

static int desk_http(struct order_desk *desk, const char *body, size_t len)
{
    struct venue_response response = {
        .tag = desk->view->tag, .status = 200, .was_sent = true, .body = body, .body_len = len
    };

    desk->clock.nonce++;
    return kraken_order_ops.http(desk->side, &response, &desk->clock, &desk->to);
}

/* Metadata known, connected, the token asked for and not yet there. */
static void desk_begin(struct order_desk *desk, struct order_view *view)
{
    struct file_text pairs = file_read(SHARED "fixtures/kraken/rest/assetpairs_data_xc.json");

    *desk = (struct order_desk){
        .side = calloc(1, sizeof(struct kraken_side)),
        .to = { view, NULL, on_report, keep_send, keep_request, no_reconnect, no_note },
        .clock = { 1, INT64_C(1777975200000000000), 1 },
        .view = view,
    };
    if (!desk->side || kraken_order_ops.init(desk->side, &order_config) != 0)
        abort();
    kraken_order_ops.start(desk->side, &desk->clock, &desk->to);
    CHECK(desk_http(desk, pairs.text, pairs.len) == 0);
    free(pairs.text);
    kraken_order_ops.opened(desk->side, 0, &desk->clock, &desk->to);
    view->summary = (struct summary){ .len = 0 };
}

static int ask(struct order_desk *desk, const struct payload *payload)
{
    struct venue_command command = { .op = payload->op,
                                     .request_id = 1,
                                     .transport =
                                         payload->how == ANSWER ? TRANSPORT_WS : TRANSPORT_REST,
                                     .side = SIDE_BUY,
                                     .type = ORDER_LIMIT,
                                     .price = 1,
                                     .qty = 1 };
    bool is_one = payload->op <= OP_QUERY;

    if (is_one)
        snprintf(command.symbol, sizeof(command.symbol), "BTC/USD");
    if (payload->key)
        snprintf(command.exchange_order_id, sizeof(command.exchange_order_id), "%s", payload->key);
    else if (is_one)
        snprintf(command.client_order_id, sizeof(command.client_order_id), "ours");
    return kraken_order_ops.command(desk->side, &command, &desk->clock, &desk->to);
}

static int read_rest(struct order_desk *desk, const struct payload *payload, struct file_text text)
{
    static const char none[] = "{\"error\":[],\"result\":{\"open\":{}}}";

    CHECK_INT(ask(desk, payload), 0);
    if (payload->how == REST_CLOSED)
        CHECK(desk_http(desk, none, sizeof(none) - 1) == 0);
    return desk_http(desk, text.text, text.len);
}

static int read_private_frame(struct order_desk *desk, const struct payload *payload,
                              struct file_text text)
{
    uint64_t number = 1; /* STREAM: the sequence of a channel begins with it. */

    if (payload->how == ANSWER) {
        CHECK_INT(ask(desk, payload), 0);
        number = desk->side->req_id;
    } else if (payload->how == ACK) {
        number = desk->side->channels[CHANNEL_BALANCES].req_id;
    }
    char *frame =
        renumber(text.text, payload->how == STREAM ? "\"sequence\":" : "\"req_id\":", number);
    int err = kraken_order_ops.frame(desk->side, 0, frame, strlen(frame), &desk->clock, &desk->to);
    free(frame);
    return err;
}

static void read_private(const struct payload *payload, struct file_text text, char *out,
                         size_t cap)
{
    static const char token[] = "{\"error\":[],\"result\":{\"token\":\"T\"}}";
    struct order_view view = { .tag = 0 };
    struct order_desk desk;
    int err;

    desk_begin(&desk, &view);
    if (payload->how == TOKEN) {
        err = desk_http(&desk, text.text, text.len);
        say(&view.summary, "token %s", desk.side->token);
    } else {
        CHECK(desk_http(&desk, token, sizeof(token) - 1) == 0);
        err = payload->how == REST || payload->how == REST_CLOSED
                  ? read_rest(&desk, payload, text)
                  : read_private_frame(&desk, payload, text);
        if (payload->how == ACK)
            say(&view.summary, "balances %s",
                desk.side->channels[CHANNEL_BALANCES].is_up ? "up" : "down");
    }
    snprintf(out, cap, "%s%s%s", finish(&view.summary), err ? "; " : "", err ? err_str(err) : "");
    kraken_order_ops.fini(desk.side);
    free(desk.side);
}

/* ---- the lists ---- */

#define PRIME(symbol, levels)                                                     \
    "{\"channel\":\"book\",\"type\":\"snapshot\",\"data\":[{\"symbol\":\"" symbol \
    "\",\"bids\":[" levels "],\"asks\":[]}]}"
#define PAIRS_URL     "https://api.kraken.com/0/public/AssetPairs"
#define IN_EXECUTIONS "{\"channel\":\"executions\",\"type\":\"update\",\"data\":["
#define END_SEQUENCE  "],\"sequence\":1}"

static const struct payload payloads[] = {
#include "tests/unit/kraken_payloads.inc"
};

/* What the codecs do not read, by the beginning of the name. */
static const struct {
    const char *name, *reason;
} others[] = {
    { "market/futures_", "Kraken Futures: another venue, another protocol" },
    { "private/futures_", "Kraken Futures" },
    { "rest/futures_", "Kraken Futures" },
    { "rest/kraken_futures_", "Kraken Futures" },
    { "market/other_pi_bchusd_td.json", "Kraken Futures" },
    { "rest/cancel_order_futures_nt.json", "Kraken Futures" },
    { "rest/send_order_futures_", "Kraken Futures" },
    { "rest/l2_snapshot_inverse_future_cmp.json", "Kraken Futures" },
    { "market/v1_", "WebSocket v1: frozen, replaced by v2" },
    { "private/v1_", "WebSocket v1" },
    { "market/req_", "a request: ours to write, in test_kraken_feed and test_kraken_order" },
    { "private/req_", "a request" },
    { "market/expected_", "a request" },
    { "private/expected_", "a request" },
    { "market/amend_order_request_nt.json", "a request" },
    { "market/cancel_order_request_nt.json", "a request" },
    { "private/add_order_ka.json", "a request" },
    { "private/batch_add_ka.json", "a request" },
    { "private/batch_cancel_ka.json", "a request" },
    { "private/cancel_all_orders_ka.json", "a request" },
    { "private/cancel_on_disconnect_ka.json", "a request" },
    { "private/cancel_order_by_client_order_id_ka.json", "a request" },
    { "private/edit_order_ka.json", "a request" },
    { "market/batch_add_response_partial_nt.json", "orders go one by one: no batch is ever sent" },
    { "private/v2_response_batch_add_jk.json", "no batch is ever sent" },
    { "private/batch_cancel_2_ka.json", "no batch is ever sent" },
    { "rest/add_order_batch_json_ka.json", "no batch is ever sent" },
    { "rest/cancel_order_batch_json_ka.json", "no batch is ever sent" },
    { "rest/spot_trading_place_multiple_orders.json", "no batch is ever sent" },
    { "private/v2_response_edit_order_jk.json", "amend is used, edit never: it makes a new order" },
    { "private/error_messages_6_ka.json", "answers edit_order, which is never sent" },
    { "rest/edit_order_json_ka.json", "edit is never sent" },
    { "rest/spot_trading_edit_order.json", "edit is never sent" },
    { "rest/account_transfer_json_ka.json", "no funds are moved" },
    { "rest/deposit_", "no funds are moved" },
    { "rest/spot_account_get_deposit_", "no funds are moved" },
    { "rest/spot_account_get_withdraw_", "no funds are moved" },
    { "rest/spot_account_withdraw.json", "no funds are moved" },
    { "rest/status_of_recent_deposits_json_ka.json", "no funds are moved" },
    { "rest/withdrawal_addresses_json_ka.json", "no funds are moved" },
    { "rest/list_earn_", "no earn products" },
    { "rest/spot_earn_get_allocations.json", "no earn products" },
    { "rest/open_positions_", "margin is not traded" },
    { "rest/spot_open_positions_nt.json", "margin is not traded" },
    { "rest/trade_balance_json_ka.json", "margin is not traded" },
    { "rest/tradebalanceinfo_data_xc.json", "margin is not traded" },
    { "rest/spot_trade_balance_nt.json", "margin is not traded" },
    { "rest/spot_account_get_trade_balance.json", "margin is not traded" },
    { "rest/spot_account_get_trade_volume.json", "fees come from AssetPairs and each execution" },
    { "rest/trade_volume_", "fees come from AssetPairs and each execution" },
    { "rest/tradevolume_data_", "fees come from AssetPairs and each execution" },
    { "rest/ledgerinfo_data_xc.json", "ledger entries come over channel balances" },
    { "rest/query_ledgers_json_ka.json", "ledger entries come over channel balances" },
    { "rest/spot_account_get_ledger", "ledger entries come over channel balances" },
    { "rest/export_report_status_json_ka.json", "no reports are exported" },
    { "rest/request_export_report_json_ka.json", "no reports are exported" },
    { "rest/spot_account_get_api_key_info.json", "the key is not asked about" },
    { "rest/assets_data_xc.json", "assets are named by AssetPairs" },
    { "rest/spot_exchange_data_get_assets.json", "assets are named by AssetPairs" },
    { "rest/ohlc_data_", "no candles" },
    { "rest/spot_exchange_data_get_klines.json", "no candles" },
    { "rest/recent_spreads_json_ka.json", "no spread history" },
    { "rest/spot_exchange_data_get_recent_spread.json", "no spread history" },
    { "rest/spreads_data_xc.json", "no spread history" },
    { "rest/recent_trades_json_ka.json", "trades come over channel trade" },
    { "rest/spot_exchange_data_get_trade_history.json", "trades come over channel trade" },
    { "rest/trades_data_xc.json", "trades come over channel trade" },
    { "rest/spot_exchange_data_get_ticker", "no REST ticker" },
    { "rest/ticker_", "no REST ticker" },
    { "rest/test_extract_price_valid_kx1.json", "no REST ticker" },
    { "rest/spot_public_get_retries_on_5xx_then_succeeds_kx13.json", "no REST ticker" },
    { "rest/order_amends_json_ka.json", "amends come over channel executions" },
    { "rest/query_trades_info_json_ka.json", "executions are listed, not asked for one by one" },
    { "rest/spot_trading_get_user_trade_details",
      "executions are listed, not asked for one by one" },
    { "rest/deserialize_state_", "a client's own file, not the venue's" },
    { "rest/execute_kx1.json", "a client's own file" },
    { "rest/paper_market_sell_", "a client's own file" },
};

static bool is_other(const char *name)
{
    for (size_t i = 0; i < COUNT(others); i++)
        if (strncmp(name, others[i].name, strlen(others[i].name)) == 0)
            return true;
    return false;
}

static const struct payload *payload_of(const char *name)
{
    for (size_t i = 0; i < COUNT(payloads); i++)
        if (strcmp(payloads[i].name, name) == 0)
            return &payloads[i];
    return NULL;
}

static void check_payload(const struct payload *payload)
{
    char path[256], out[1400];
    struct file_text text;

    snprintf(path, sizeof(path), SHARED "fixtures/kraken/%s", payload->name);
    text = file_read(path);
    CHECK(text.text != NULL);
    if (!text.text)
        return;
    if (payload->before) {
        size_t cap = text.len + strlen(payload->before) + strlen(payload->after) + 1;
        char *whole = malloc(cap);
        if (!whole)
            abort();
        text.len =
            (size_t)snprintf(whole, cap, "%s%s%s", payload->before, text.text, payload->after);
        free(text.text);
        text.text = whole;
    }
    if (payload->how <= PUBLIC_REST)
        read_public(payload, text, out, sizeof(out));
    else
        read_private(payload, text, out, sizeof(out));
    if (strcmp(out, payload->expected) != 0)
        fprintf(stderr, "# %s\n", payload->name);
    CHECK_STR(out, payload->expected);
    free(text.text);
}

static void each_payload_decodes_to_what_stands_here(void)
{
    for (size_t i = 0; i < COUNT(payloads); i++)
        check_payload(&payloads[i]);
}

static void each_file_stands_in_one_of_the_lists(void)
{
    static const char *const folders[] = { "market", "private", "rest" };
    unsigned files = 0;

    for (size_t i = 0; i < COUNT(folders); i++) {
        char path[256], name[512];
        snprintf(path, sizeof(path), SHARED "fixtures/kraken/%s", folders[i]);
        DIR *dir = opendir(path);
        CHECK(dir != NULL);
        for (struct dirent *entry; dir && (entry = readdir(dir));) {
            if (entry->d_name[0] == '.')
                continue;
            snprintf(name, sizeof(name), "%s/%s", folders[i], entry->d_name);
            bool is_listed = payload_of(name) != NULL, is_not_meant = is_other(name);
            if (is_listed == is_not_meant)
                fprintf(stderr, "# %s: %s\n", name, is_listed ? "in both lists" : "in no list");
            CHECK(is_listed != is_not_meant);
            files++;
        }
        if (dir)
            closedir(dir);
    }
    CHECK(files >= COUNT(payloads));
}

int main(void)
{
    if (access(SHARED "fixtures/kraken/rest", R_OK) != 0) {
        printf("ok kraken fixtures # skipped: no ../shared\n");
        return 0;
    }
    CASE(each_payload_decodes_to_what_stands_here);
    CASE(each_file_stands_in_one_of_the_lists);
    DONE();
}
