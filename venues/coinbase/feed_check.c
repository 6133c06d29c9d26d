/* Books compared with REST. level2 numbers nothing and sums up nothing: a frame lost on the way
 * would leave a wrong level until that level changes again. So each book is held, once a minute,
 * against a fresh /book?level=2 of the venue, level by level.
 *
 * The two are never of the same moment. From the moment of asking we write down each price that the
 * stream changes; the REST book must be no older than that moment by the venue's own time (an edge
 * cache may be), and is judged a second later, when the stream has surely said all that REST knew.
 * Levels at prices that nobody touched meanwhile must be equal. */
#include "venues/coinbase/feed.h"

#define CHECK_EVERY_NS  (60 * NS_PER_S) /* Per product, in turn. */
#define CHECK_PAUSE_NS  (2 * NS_PER_S)  /* Between two of them. */
#define CHECK_HOLD_NS   (1 * NS_PER_S)  /* level2_batch is 50 ms behind, REST's path is another. */
#define CHECK_ANSWER_NS (15 * NS_PER_S)
#define CHECK_AGAIN_NS  (1 * NS_PER_S) /* The answer was a cached one: ask again then. */
#define CHECK_RETRIES   5
#define TOP_DIFFERS_NS  (1 * NS_PER_S) /* A ticker comes by another path than the batch. */
#define TOP_DIFFERS_MIN 3
#define TOP_PAUSE_NS    (5 * NS_PER_S)

int coinbase_check_init(struct feed_check *check)
{
    return book_check_init(&check->book, FEED_LEVELS_MAX, FEED_TOUCHED_MAX);
}

void coinbase_check_fini(struct feed_check *check)
{
    book_check_fini(&check->book);
}

static void check_begin(struct feed_check *check, size_t product, int64_t exchange_ns,
                        int64_t now_ns)
{
    book_check_begin(&check->book);
    check->stage = CHECK_ASKED;
    check->product = product;
    check->generation++;
    check->asked_ns = now_ns;
    check->asked_exchange_ns = exchange_ns;
}

static void check_end(struct coinbase_feed *feed)
{
    feed->check.stage = CHECK_NONE;
    feed->check.retries = 0;
}

void coinbase_check_drop(struct coinbase_feed *feed, const struct feed_product *product)
{
    if (coinbase_check_wants(feed, product))
        check_end(feed);
}

/* ---- judging ---- */

static int64_t differs(const struct coinbase_feed *feed, const struct feed_product *product,
                       wire_side side)
{
    const struct feed_floor *floor = side == SIDE_BUY ? &product->bid_floor : &product->ask_floor;

    return book_check_differs(&feed->check.book, &product->book, side, 0, floor->is_set);
}

static void judge(const struct coinbase_turn *turn)
{
    struct coinbase_feed *feed = turn->feed;
    struct feed_product *product = &feed->products[feed->check.product];
    bool is_overrun = feed->check.book.is_overrun;
    int64_t bid = is_overrun ? 0 : differs(feed, product, SIDE_BUY);
    int64_t ask = is_overrun ? 0 : differs(feed, product, SIDE_SELL);

    check_end(feed);
    product->checked_ns = turn->clock->now_ns;
    product->check_at_ns = product->checked_ns + CHECK_EVERY_NS;
    if (is_overrun) {
        feed->checks_given_up++;
        return;
    }
    feed->checks++;
    product->top_differs = 0;
    if (bid == 0 && ask == 0)
        return;
    feed->checks_failed++;
    feed->stats.gaps++;
    product->gaps++;
    coinbase_feed_note(turn, "book_differs", "%s: from REST at a %s of %lld e-%d", product->symbol,
                       bid ? "bid" : "ask", (long long)(bid ? bid : ask), product->book.price_exp);
    coinbase_book_lost(turn, product, FEED_STALE, REASON_DEPTH_COMPARE);
}

/* ---- asking ---- */

static int ask(const struct coinbase_turn *turn, size_t i)
{
    struct coinbase_feed *feed = turn->feed;
    struct feed_product *product = &feed->products[i];

    check_begin(&feed->check, i, product->exchange_ns, turn->clock->now_ns);
    int err = coinbase_feed_ask(turn, feed_tag_make(TAG_BOOK, i, feed->check.generation),
                                "/products/%s/book?level=2", product->symbol);
    if (err)
        check_end(feed);
    return err;
}

static void ask_next(const struct coinbase_turn *turn)
{
    struct coinbase_feed *feed = turn->feed;
    size_t due = feed->product_count;

    for (size_t i = 0; i < feed->product_count; i++) {
        const struct feed_product *product = &feed->products[i];
        if (product->is_whole && !product->book.is_stale && product->resync_at_ns == 0 &&
            product->exchange_ns > 0 && turn->clock->now_ns >= product->check_at_ns &&
            (due == feed->product_count || product->check_at_ns < feed->products[due].check_at_ns))
            due = i;
    }
    if (due == feed->product_count)
        return;
    feed->check_at_ns = turn->clock->now_ns + CHECK_PAUSE_NS;
    (void)ask(turn, due);
}

/* The same again, after a pause: the answer was no use. */
static void ask_again(const struct coinbase_turn *turn)
{
    struct coinbase_feed *feed = turn->feed;
    struct feed_product *product = &feed->products[feed->check.product];

    if (++feed->check.retries > CHECK_RETRIES) {
        feed->checks_given_up++;
        product->check_at_ns = turn->clock->now_ns + CHECK_EVERY_NS;
        check_end(feed);
        return;
    }
    product->check_at_ns = turn->clock->now_ns + CHECK_AGAIN_NS;
    feed->check.stage = CHECK_NONE; /* retries stay: the same product is the next that is due. */
}

int coinbase_check_answer(const struct coinbase_turn *turn, const struct venue_response *response)
{
    static const char *const names[] = { "bids", "asks", "time" };
    struct coinbase_feed *feed = turn->feed;
    struct feed_check *check = &feed->check;
    struct scan_value root, found[COUNT(names)];

    if (check->stage != CHECK_ASKED ||
        response->tag != feed_tag_make(TAG_BOOK, check->product, check->generation))
        return 0; /* Given up meanwhile. */
    if (response->status != 200) {
        ask_again(turn);
        return 0;
    }
    const struct book *book = &feed->products[check->product].book;
    if (scan_whole(response->body, response->body_len, &root) != 0 ||
        coinbase_members(&root, names, found, COUNT(names)) != 0 ||
        coinbase_levels(&found[0], book, true, check->book.bids.levels, &check->book.bids.count,
                        &check->book.bids.is_cut) != 0 ||
        coinbase_levels(&found[1], book, false, check->book.asks.levels, &check->book.asks.count,
                        &check->book.asks.is_cut) != 0 ||
        coinbase_time_read(&found[2], &check->rest_exchange_ns) != 0) {
        ask_again(turn);
        return ERR_PROTO;
    }
    if (check->rest_exchange_ns < check->asked_exchange_ns) {
        ask_again(turn); /* Older than what we write down: a cached one. */
        return 0;
    }
    check->stage = CHECK_HELD;
    check->held_ns = turn->clock->now_ns;
    return 0;
}

void coinbase_check_tick(const struct coinbase_turn *turn)
{
    struct coinbase_feed *feed = turn->feed;
    const struct feed_check *check = &feed->check;
    int64_t now = turn->clock->now_ns;

    if (check->stage == CHECK_ASKED && now - check->asked_ns > CHECK_ANSWER_NS)
        ask_again(turn);
    if (check->stage == CHECK_HELD && now - check->held_ns >= CHECK_HOLD_NS) {
        /* Heartbeats come every second: the stream is past REST's moment by now, or it is dead. */
        if (feed->products[check->product].exchange_ns > check->rest_exchange_ns)
            judge(turn);
        else if (now - check->held_ns > CHECK_ANSWER_NS)
            ask_again(turn);
    }
    if (check->stage == CHECK_NONE && now >= feed->check_at_ns)
        ask_next(turn);
}

void coinbase_check_top(const struct coinbase_turn *turn, struct feed_product *product, int64_t bid,
                        int64_t ask)
{
    const struct wire_level *have_bid = book_best(&product->book.bids);
    const struct wire_level *have_ask = book_best(&product->book.asks);
    int64_t now = turn->clock->now_ns;

    if (!product->is_whole ||
        ((have_bid ? have_bid->price : 0) == bid && (have_ask ? have_ask->price : 0) == ask)) {
        product->top_differs = 0;
        return;
    }
    if (product->top_differs++ == 0)
        product->differs_ns = now;
    if (product->top_differs < TOP_DIFFERS_MIN || now - product->differs_ns < TOP_DIFFERS_NS)
        return;
    product->top_differs = 0;
    product->check_at_ns = MIN(product->check_at_ns, MAX(now, product->checked_ns + TOP_PAUSE_NS));
}
