/* Books compared with REST. The checksum proves the ten best levels and nothing below: a change
 * lost down there would stand until it comes near the top. So each deeper book is held, once a
 * minute, against Depth, at most its 500 best levels.
 *
 * Depth rounds quantities to three decimals and says no time, and what answers may be a cache: one
 * comparison that differs is only a suspicion. The same price found different again a few seconds
 * later, by a fresh answer and untouched all the while, is a lost change. */
#include "common/leaf/fixed.h"
#include "venues/kraken/feed.h"

#include <stdio.h>
#include <string.h>

#define CHECK_EVERY_NS  (60 * NS_PER_S) /* Per market, in turn. */
#define CHECK_AGAIN_NS  (5 * NS_PER_S)  /* A suspicion is looked at again. */
#define CHECK_PAUSE_NS  (2 * NS_PER_S)  /* The venue allows about one public request a second. */
#define CHECK_HOLD_NS   (1 * NS_PER_S)  /* By then the stream has said all that REST knew. */
#define CHECK_ANSWER_NS (15 * NS_PER_S)

enum { DEPTH_LEVELS_MAX = 500, TOUCHED_MAX = 4096, ROUNDED_DECIMALS = 3 };

int kraken_check_init(struct kraken_check *check)
{
    check->stage = KRAKEN_CHECK_NONE;
    return book_check_init(&check->book, DEPTH_LEVELS_MAX, TOUCHED_MAX);
}

void kraken_check_fini(struct kraken_check *check)
{
    book_check_fini(&check->book);
}

static void end(struct kraken_feed *feed, struct kraken_market *market, int64_t again_ns)
{
    market->check_at_ns = again_ns;
    feed->check.stage = KRAKEN_CHECK_NONE;
    feed->check.market = NULL;
}

void kraken_check_drop(struct kraken_feed *feed, struct kraken_market *market)
{
    market->suspect_price = 0;
    if (feed->check.market == market)
        end(feed, market, market->check_at_ns);
}

/* ---- asking ---- */

static void ask(const struct kraken_call *call, struct kraken_market *market)
{
    struct kraken_feed *feed = call->feed;
    struct kraken_check *check = &feed->check;
    char pair[32];

    check->next_ns = call->clock->now_ns + CHECK_PAUSE_NS;
    market->check_at_ns = call->clock->now_ns + CHECK_AGAIN_NS;
    if (kraken_rest_pair(&feed->names, market->symbol, pair) != 0)
        return;
    check->levels = MIN(market->depth, DEPTH_LEVELS_MAX);
    feed->request = (struct venue_request){ .method = "GET",
                                            .tag = KRAKEN_TAG_DEPTH + ++check->generation,
                                            .weight = 1 };
    snprintf(feed->request.path, sizeof(feed->request.path), "/0/public/Depth?pair=%s&count=%u",
             pair, check->levels);
    if (call->out->request(call->out->ctx, &feed->request) != 0)
        return;
    book_check_begin(&check->book);
    check->stage = KRAKEN_CHECK_ASKED;
    check->market = market;
    check->since_ns = call->clock->now_ns;
}

static void ask_next(const struct kraken_call *call)
{
    struct kraken_feed *feed = call->feed;
    struct kraken_market *due = NULL;

    for (unsigned i = 0; i < feed->market_count; i++) {
        struct kraken_market *market = &feed->markets[i];
        if (market->is_subscribed && market->state == FEED_LIVE && !market->is_refreshing &&
            market->depth > KRAKEN_CHECKSUM_LEVELS && call->clock->now_ns >= market->check_at_ns &&
            (!due || market->check_at_ns < due->check_at_ns))
            due = market;
    }
    if (due)
        ask(call, due);
}

/* ---- the answer ---- */

static int read_side(struct kraken_check *check, const struct scan_value *list, wire_side side)
{
    const struct book *book = &check->market->book;
    struct book_check_side *to = side == SIDE_BUY ? &check->book.bids : &check->book.asks;
    struct scan_iter levels, fields;
    struct scan_value level, price, qty;
    int64_t at, size;
    int err = list->type == SCAN_ARRAY ? scan_begin(&levels, list) : ERR_PROTO;

    while (!err && (err = scan_item(&levels, &level)) == 0) {
        if (level.type != SCAN_ARRAY || scan_begin(&fields, &level) != 0 ||
            scan_item(&fields, &price) != 0 || scan_item(&fields, &qty) != 0 ||
            scan_decimal(&price, book->price_exp, &at) != 0 ||
            scan_decimal(&qty, book->qty_exp, &size) != 0 || at <= 0 || size < 0)
            return ERR_PROTO;
        if (book_check_say(&check->book, side, at, size) != 0)
            return ERR_PROTO; /* More than was asked for. */
    }
    to->is_cut = to->count >= check->levels;
    return err == ERR_NOT_FOUND ? 0 : ERR_PROTO;
}

static int read_answer(struct kraken_check *check, const struct venue_response *response)
{
    struct scan_value root, errors, first, result, key, depth, asks, bids;
    struct scan_iter iter;

    if (response->status != 200 || scan_whole(response->body, response->body_len, &root) != 0 ||
        root.type != SCAN_OBJECT || scan_find(&root, "error", &errors) != 0 ||
        kraken_first_error(&errors, &first) != ERR_NOT_FOUND ||
        scan_find(&root, "result", &result) != 0 || result.type != SCAN_OBJECT ||
        scan_begin(&iter, &result) != 0 || scan_member(&iter, &key, &depth) != 0 ||
        depth.type != SCAN_OBJECT || scan_find(&depth, "asks", &asks) != 0 ||
        scan_find(&depth, "bids", &bids) != 0)
        return ERR_PROTO;
    return read_side(check, &bids, SIDE_BUY) != 0 || read_side(check, &asks, SIDE_SELL) != 0
               ? ERR_PROTO
               : 0;
}

int kraken_check_answer(const struct kraken_call *call, const struct venue_response *response)
{
    struct kraken_check *check = &call->feed->check;

    if (check->stage != KRAKEN_CHECK_ASKED || response->tag != KRAKEN_TAG_DEPTH + check->generation)
        return 0; /* Given up meanwhile. */
    if (read_answer(check, response) != 0) {
        check->unanswered++;
        end(call->feed, check->market, call->clock->now_ns + CHECK_EVERY_NS);
        return response->status == 200 ? ERR_PROTO : 0;
    }
    check->stage = KRAKEN_CHECK_HELD;
    check->since_ns = call->clock->now_ns;
    return 0;
}

/* ---- judging ---- */

static int64_t differs(const struct kraken_check *check, wire_side side)
{
    const struct book *book = &check->market->book;
    const struct book_side *have = side == SIDE_BUY ? &book->bids : &book->asks;
    int64_t rounded = fixed_pow10(MAX(book->qty_exp - ROUNDED_DECIMALS, 0));

    return book_check_differs(&check->book, book, side, rounded,
                              have->count >= check->market->depth);
}

static void judge(const struct kraken_call *call)
{
    struct kraken_feed *feed = call->feed;
    struct kraken_market *market = feed->check.market;
    int64_t now = call->clock->now_ns, bid = differs(&feed->check, SIDE_BUY);
    int64_t ask_price = bid ? 0 : differs(&feed->check, SIDE_SELL);
    int64_t found = bid ? bid : -ask_price; /* One number tells the side too. */

    if (feed->check.book.is_overrun) {
        feed->check.unanswered++;
        end(feed, market, now + CHECK_EVERY_NS);
        return;
    }
    feed->check.done++;
    bool is_lost = found != 0 && found == market->suspect_price;
    market->suspect_price = found;
    end(feed, market, now + (found && !is_lost ? CHECK_AGAIN_NS : CHECK_EVERY_NS));
    if (!is_lost)
        return;
    market->suspect_price = 0;
    market->gaps++;
    feed->stats.gaps++;
    feed->check.failed++;
    kraken_feed_note(call, "book_differs", "%s: from REST at a %s of %lld e-%d", market->symbol,
                     bid ? "bid" : "ask", (long long)(bid ? bid : ask_price),
                     market->book.price_exp);
    kraken_market_lost(call, market, FEED_STALE, REASON_DEPTH_COMPARE);
}

void kraken_check_tick(const struct kraken_call *call)
{
    struct kraken_feed *feed = call->feed;
    struct kraken_check *check = &feed->check;
    int64_t now = call->clock->now_ns;

    if (check->stage == KRAKEN_CHECK_ASKED && now - check->since_ns > CHECK_ANSWER_NS) {
        check->unanswered++;
        end(feed, check->market, now + CHECK_EVERY_NS);
    }
    /* Only a stream that speaks has told all that it had to: the venue does at least each second.
     */
    if (check->stage == KRAKEN_CHECK_HELD && now - check->since_ns >= CHECK_HOLD_NS &&
        feed->last_message_ns > check->since_ns)
        judge(call);
    if (check->stage == KRAKEN_CHECK_NONE && now >= check->next_ns)
        ask_next(call);
}
