/* The two sides of Binance futures face to face: the client codecs and the simulator, written apart
 * from the dossier, in one process without sockets. Random trading with answers lost, connections
 * broken and listen keys dead; in the end the client's figures are the exchange's. */
#include "common/pure/book.h"
#include "common/pure/instrument.h"
#include "tests/unit/pair_wire.h"
#include "tests/unit/proof_talk.h"

extern const struct venue venue_binance_futures;

#define UNITS(units) ((int64_t)((double)(units)*1e8 + 0.5))
#define KEY          "simMainKeyOfBinanceFutures00000000000000000000000000000000000001"
#define ID           instrument_id("binance_futures", INSTRUMENT_PERPETUAL, "BTCUSDT")

enum { MARKET, ALICE, ACCOUNTS, ORDERS = 512, FILLS = 8192, SEEDS = 10, STEPS = 400 };

/* What the client knows of one of its orders. */
struct known {
    char client_id[40];
    int64_t filled; /* Of distinct executions. */
    bool is_final, is_gone;
};

static struct {
    struct known known[ORDERS];
    size_t known_count;
    struct {
        char id[40];
        int64_t fee, pnl;
        bool is_buy;
    } fills[FILLS];
    size_t fill_count;
    char payments[64][40];
    int64_t paid;
    size_t payment_count;
    struct venue_report balance, position;
    uint64_t next_request;
    unsigned char answers[8192];
    enum venue_op ops[8192];
    struct book book;
    wire_feed_state book_state;
    struct wire_mark_price mark;
    struct wire_funding funding;
    unsigned invalid, doubled, unknown, accepted, rejected, replaced, cancelled, liquidations;
    unsigned fills_without_pnl;
    bool is_stream_up, has_mode;
    wire_reason mode_why;
} seen;

static struct proof_talk talk;

/* ---- the client's view ---- */

static struct known *known_of(const char *client_id)
{
    for (size_t i = 0; i < seen.known_count; i++)
        if (strcmp(seen.known[i].client_id, client_id) == 0)
            return &seen.known[i];
    return NULL;
}

static struct known *known_by_exchange_id(const char *id)
{
    const struct exchange_order *order = exchange_order(&pair.exchange, strtoull(id, NULL, 10));

    return order ? known_of(order->client_id) : NULL;
}

static void on_fill(const struct venue_report *r)
{
    for (size_t i = 0; i < seen.fill_count; i++)
        if (strcmp(seen.fills[i].id, r->venue_trade_id) == 0)
            return;
    snprintf(seen.fills[seen.fill_count].id, sizeof(seen.fills[0].id), "%s", r->venue_trade_id);
    seen.fills[seen.fill_count].fee = r->fee;
    seen.fills[seen.fill_count++].pnl = r->realised_pnl;
    seen.fills_without_pnl += !r->has_realised_pnl;
    struct known *order = known_by_exchange_id(r->exchange_order_id);
    if (order)
        order->filled += r->last_qty;
    else
        seen.invalid += !r->is_liquidation;
}

static void on_payment(const struct venue_report *r)
{
    for (size_t i = 0; i < seen.payment_count; i++)
        if (strcmp(seen.payments[i], r->reference) == 0)
            return;
    seen.invalid += r->instrument != ID || strcmp(r->asset, "USDT") != 0 || !r->reference[0];
    snprintf(seen.payments[seen.payment_count++], 40, "%s", r->reference);
    seen.paid += r->change;
}

static bool is_answer(const struct venue_report *r)
{
    switch (r->kind) {
    case REPORT_FILL:
    case REPORT_BALANCE:
    case REPORT_INSTRUMENT:
    case REPORT_POSITION:
    case REPORT_FUNDING:
        return false;
    case REPORT_ORDER:
        return r->op == OP_QUERY;
    default:
        return true;
    }
}

static void on_order_report(const struct venue_report *r)
{
    struct known *order = known_of(r->client_order_id);

    if (r->kind == REPORT_OUTCOME_UNKNOWN && pair.loss_percent == 0)
        fprintf(stderr, "# unknown: %d %s %s\n", r->op, wire_reason_str(r->why), r->text);
    seen.unknown += r->kind == REPORT_OUTCOME_UNKNOWN;
    seen.accepted += r->kind == REPORT_ACCEPTED;
    seen.rejected += r->kind == REPORT_REJECTED;
    seen.replaced += r->kind == REPORT_REPLACED;
    seen.cancelled += r->kind == REPORT_CANCELLED && r->request_id;
    if (!order)
        return;
    if (r->kind == REPORT_CANCELLED || r->kind == REPORT_EXPIRED ||
        (r->kind == REPORT_ORDER && r->state >= ORDER_FILLED))
        order->is_final = true;
    else if (r->kind == REPORT_REJECTED || r->kind == REPORT_NO_SUCH_ORDER)
        order->is_gone = true;
}

static void on_report(void *ctx, const struct venue_report *r)
{
    (void)ctx;
    proof_talk_report(&talk, r);
    if (r->request_id && is_answer(r)) {
        seen.doubled += seen.answers[r->request_id]++ > 0;
        seen.invalid += r->op != seen.ops[r->request_id];
    }
    if (r->kind == REPORT_FILL)
        on_fill(r);
    else if (r->kind == REPORT_FUNDING)
        on_payment(r);
    else if (r->kind == REPORT_BALANCE && strcmp(r->asset, "USDT") == 0)
        seen.balance = *r;
    else if (r->kind == REPORT_POSITION)
        seen.position = *r;
    else if (r->kind == REPORT_CHANNEL)
        seen.is_stream_up = r->is_private_stream_up;
    else
        on_order_report(r);
    if (r->op == OP_ACCOUNT_MODE && r->request_id) {
        seen.has_mode = r->kind == REPORT_DONE;
        seen.mode_why = r->why;
    }
}

static void on_event(void *ctx, struct wire_header *event)
{
    const void *body = event;

    (void)ctx;
    proof_talk_event(&talk, event);
    seen.invalid += wire_check(event, event->size) != 0;
    if (event->instrument != ID)
        return;
    if (event->type == WIRE_feed_status)
        seen.book_state = ((const struct wire_feed_status *)body)->state;
    else if (event->type == WIRE_book_snapshot || event->type == WIRE_book_delta)
        seen.invalid += book_apply(&seen.book, event) != 0;
    else if (event->type == WIRE_mark_price)
        seen.mark = *(const struct wire_mark_price *)body;
    else if (event->type == WIRE_funding)
        seen.funding = *(const struct wire_funding *)body;
    seen.liquidations += event->type == WIRE_liquidation;
}

static void on_way(bool is_ws)
{
    proof_talk_way(&talk, is_ws);
}

static const struct venue_out order_out = { .report = on_report,
                                            .send = pair_order_sends,
                                            .request = pair_order_requests,
                                            .reconnect = pair_order_reconnects,
                                            .note = pair_notes };
static const struct venue_out feed_out = { .event = on_event,
                                           .send = pair_feed_sends,
                                           .request = pair_feed_requests,
                                           .reconnect = pair_feed_reconnects,
                                           .note = pair_notes };

/* ---- begin and end ---- */

static void world_begin(unsigned seed, unsigned loss_percent)
{
    static const struct exchange_instrument_config instruments[] = {
        { .symbol = "BTCUSDT",
          .base = "BTC",
          .quote = "USDT",
          .tick = 10000000,
          .lot = 100000,
          .min_qty = 100000,
          .max_qty = INT64_C(100000000000),
          .min_notional = 500000000,
          .band_ppm = 200000,
          .max_orders = 200,
          .price_decimals = 2,
          .qty_decimals = 3,
          .start_price = INT64_C(10000000000),
          .kind = INSTRUMENT_PERPETUAL,
          .leverage = 20,
          .max_leverage = 50,
          .funding_interval_ns = 3 * NS_PER_S,
          .interest_ppb = 100000 }
    };
    static const struct exchange_account_config accounts[] = {
        { .name = "market", .is_background = true },
        { .name = "alice", .maker_fee_ppm = 200, .taker_fee_ppm = 500 },
    };
    const struct exchange_config config = { .venue = "binance_futures",
                                            .instruments = instruments,
                                            .instrument_count = 1,
                                            .accounts = accounts,
                                            .account_count = ACCOUNTS,
                                            .fee_asset = FEE_IN_QUOTE,
                                            .orders_max = 4096,
                                            .background_orders_max = 4096,
                                            .executions_max = 8192,
                                            .levels_max = 2048,
                                            .first_order_id = 1000,
                                            .first_trade_id = 500,
                                            .first_update_id = 100 };
    static const struct sim_account account = {
        .name = "alice", .key = KEY, .secret = "secret", .account = ALICE
    };
    static const char *const names[] = { "BTC-USDT-PERP" };
    static const struct venue_order_config order = { .venue = "binance_futures",
                                                     .ws_url = "wss://ws_api",
                                                     .stream_url = "wss://stream",
                                                     .names = names,
                                                     .name_count = 1,
                                                     .api_key = KEY,
                                                     .api_secret = "secret",
                                                     .recv_window_ms = 5000,
                                                     .order_timeout_ns = NS_PER_S };
    static const struct venue_feed_config feed = { .venue = "binance_futures",
                                                   .ws_url = "wss://stream",
                                                   .names = names,
                                                   .name_count = 1,
                                                   .levels_max = 2048 };

    memset(&seen, 0, sizeof(seen));
    memset(&pair, 0, sizeof(pair));
    pair.random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    pair.order_out = &order_out;
    pair.feed_out = &feed_out;
    pair.way = on_way;
    CHECK_INT(book_init(&seen.book, 4096, 8, 8), 0);
    pair_begin(&venue_binance_futures, &sim_binance_futures, &config, &account, &order, &feed);
    exchange_transfer(&pair.exchange, MARKET, 0, 0, 1);
    for (uint32_t who = 0; who < ACCOUNTS; who++)
        exchange_transfer(&pair.exchange, who, exchange_asset(&pair.exchange, "USDT"),
                          UNITS(1000000), pair.sim.now_ns);
    for (unsigned i = 0; i < 10; i++)
        pair_pass(100 * NS_PER_MS);
    pair.loss_percent = loss_percent;
}

static void world_end(void)
{
    pair_end();
    book_fini(&seen.book);
}

/* ---- trading ---- */

static int give(struct venue_command *command)
{
    command->request_id = ++seen.next_request;
    seen.ops[command->request_id] = command->op;
    proof_talk_command(&talk, command);
    int err = pair.venue->order->command(pair.order, command, &pair.clock, &order_out);
    if (err)
        seen.answers[command->request_id] = 1;
    if (pair_chance(3))
        pair_pump(); /* Else more is under way at once. */
    return err;
}

static struct venue_command command_of(enum venue_op op)
{
    return (struct venue_command){ .op = op,
                                   .transport = pair_chance(3) ? TRANSPORT_BEST : TRANSPORT_REST,
                                   .instrument = ID,
                                   .symbol = "BTCUSDT",
                                   .instrument_kind = INSTRUMENT_PERPETUAL,
                                   .price_exp = 8,
                                   .qty_exp = 8,
                                   .price_decimals = 1,
                                   .qty_decimals = 3 };
}

static struct known *known_add(void)
{
    struct known *made = &seen.known[seen.known_count];

    if (seen.known_count == ORDERS)
        abort();
    snprintf(made->client_id, sizeof(made->client_id), "T%05zu", seen.known_count++);
    return made;
}

static int64_t some_price(void)
{
    return (9950 + pair_chance(100)) * INT64_C(1000000) / 10000000 * 10000000;
}

static void place_some(void)
{
    struct venue_command command = command_of(OP_PLACE);

    command.side = pair_chance(2) ? SIDE_BUY : SIDE_SELL;
    command.type = pair_chance(5) ? ORDER_LIMIT : ORDER_MARKET;
    command.time_in_force = (wire_time_in_force)(TIF_GTC + (pair_chance(2) ? 0 : pair_chance(3)));
    command.is_post_only =
        command.type == ORDER_LIMIT && command.time_in_force == TIF_GTC && pair_chance(4) == 0;
    command.is_reduce_only = pair_chance(6) == 0;
    command.price = some_price();
    command.qty = (100 + pair_chance(2000)) * INT64_C(100000);
    snprintf(command.client_order_id, sizeof(command.client_order_id), "%s",
             known_add()->client_id);
    CHECK_INT(give(&command), 0);
}

static struct known *some_order(void)
{
    struct known *order =
        seen.known_count ? &seen.known[pair_chance((unsigned)seen.known_count)] : NULL;

    for (size_t i = 0; order && order->is_final && i < 20; i++)
        order = &seen.known[pair_chance((unsigned)seen.known_count)];
    return order;
}

static void change_some(enum venue_op op)
{
    struct venue_command command = command_of(op);
    struct known *order = some_order();

    if (!order)
        return;
    snprintf(command.client_order_id, sizeof(command.client_order_id), "%s", order->client_id);
    if (op == OP_REPLACE) {
        const struct exchange_order *real =
            exchange_order_by_client(&pair.exchange, ALICE, order->client_id);
        if (!real || real->type != ORDER_LIMIT)
            return;
        command.side = real->match.side;
        command.type = ORDER_LIMIT;
        command.time_in_force = TIF_GTC;
        command.price = some_price();
        command.qty = (100 + pair_chance(2000)) * INT64_C(100000);
    }
    CHECK_INT(give(&command), 0);
}

/* The rest of the market trades too, and has an index. */
static void market_acts(void)
{
    struct exchange_request request = { .account = MARKET,
                                        .instrument = 0,
                                        .side = pair_chance(2) ? SIDE_BUY : SIDE_SELL,
                                        .type = ORDER_LIMIT,
                                        .time_in_force = pair_chance(3) ? TIF_GTC : TIF_IOC,
                                        .price = some_price() + (pair_chance(7) - 3) * 10000000,
                                        .qty = (100 + pair_chance(3000)) * INT64_C(100000) };

    (void)exchange_place(&pair.exchange, &request, pair.sim.now_ns, NULL);
    exchange_mark(&pair.exchange, 0, UNITS(100), pair.sim.now_ns);
}

static void step(void)
{
    switch (pair_chance(12)) {
    case 0:
    case 1:
    case 2:
        place_some();
        break;
    case 3:
        change_some(OP_CANCEL);
        break;
    case 4:
        change_some(OP_REPLACE);
        break;
    case 5:
        change_some(OP_QUERY);
        break;
    case 6: /* The WebSocket API, or the user stream, is lost. */
        if (pair.loss_percent && pair_chance(6) == 0)
            pair.links[VENUE_CONNECTIONS_MAX + pair_chance(2)].is_asked_anew = true;
        break;
    case 7:
        pair_pass(10 * NS_PER_MS * (1 + pair_chance(40)));
        break;
    default:
        market_acts();
        break;
    }
}

/* ---- what must hold in the end ---- */

static void settle(unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        exchange_mark(&pair.exchange, 0, UNITS(100), pair.sim.now_ns);
        pair_pass(100 * NS_PER_MS);
    }
}

static void ask(enum venue_op op, bool is_of_symbol)
{
    struct venue_command command = command_of(op);

    if (!is_of_symbol) {
        command.symbol[0] = '\0';
        command.instrument = 0;
    }
    if (op == OP_EXECUTIONS || op == OP_FUNDING)
        command.since_wall_ns = INT64_C(1700000000) * NS_PER_S;
    if (op == OP_DEAD_MAN)
        command.timeout_ns = 5 * NS_PER_S;
    CHECK_INT(give(&command), 0);
    pair_pump();
    for (unsigned i = 0; i < 3; i++) { /* Pages. */
        pair.venue->order->tick(pair.order, &pair.clock, &order_out);
        pair_pump();
    }
}

static void orders_compare(void)
{
    const struct exchange_order *real;
    uint32_t cursor = 0;
    unsigned compared = 0;

    while ((real = exchange_next_order(&pair.exchange, ALICE, &cursor))) {
        const struct known *order = known_of(real->client_id);
        CHECK(order != NULL);
        if (!order)
            continue;
        if (order->filled != real->filled_qty)
            fprintf(stderr, "%s: %lld, not %lld\n", order->client_id, (long long)order->filled,
                    (long long)real->filled_qty);
        CHECK_INT(order->filled, real->filled_qty);
        CHECK(!order->is_final || !exchange_is_open(real)); /* Never told an end that is none. */
        CHECK(!order->is_gone || pair.loss_percent || !exchange_is_open(real));
        compared++;
    }
    CHECK(compared > 20);
}

/* Each fill once, whatever came twice; fee and profit are the venue's. */
static void fills_compare(void)
{
    unsigned count = 0;
    int64_t fees = 0, pnl = 0, known_fees = 0, known_pnl = 0;

    for (uint32_t i = 0; i < pair.exchange.execution_count; i++) {
        const struct exchange_execution *execution = exchange_execution(&pair.exchange, i);
        if (execution->account != ALICE)
            continue;
        count++;
        fees += execution->fee;
        pnl += execution->realised_pnl;
    }
    for (size_t i = 0; i < seen.fill_count; i++) {
        known_fees += seen.fills[i].fee;
        known_pnl += seen.fills[i].pnl;
    }
    CHECK_INT(seen.fill_count, count);
    CHECK_INT(known_fees, fees);
    CHECK_INT(known_pnl, pnl);
    CHECK_INT(seen.fills_without_pnl, 0);
    CHECK(count > 20 && pnl != 0);
}

static void account_compare(void)
{
    const struct exchange_position *position = &pair.exchange.accounts[ALICE].positions[0];
    struct exchange_margin margin;

    seen.position = (struct venue_report){ 0 };
    ask(OP_BALANCES, false);
    ask(OP_POSITIONS, false);
    exchange_margin(&pair.exchange, ALICE, exchange_asset(&pair.exchange, "USDT"), &margin);
    CHECK_INT(seen.balance.total, margin.wallet);
    CHECK_INT(seen.balance.free, margin.available);
    CHECK_INT(seen.balance.margin, margin.position_margin);
    CHECK_INT(seen.balance.locked, margin.order_margin);
    CHECK_INT(seen.balance.unrealised_pnl, margin.unrealised);
    CHECK_INT(seen.position.qty, position->qty);
    if (position->qty == 0)
        return;
    CHECK_INT(seen.position.price, exchange_entry_price(position));
    CHECK_INT(seen.position.mark_price, pair.exchange.instruments[0].perpetual.mark_price);
    CHECK_INT(seen.position.leverage_ppm, 20 * 1000000);
    CHECK_INT(seen.position.liquidation_price,
              exchange_liquidation_price(&pair.exchange, ALICE, 0));
}

static void payments_compare(void)
{
    struct exchange_funding funding;
    uint64_t cursor = 0;
    int64_t paid = 0;
    unsigned count = 0;

    while (exchange_next_funding(&pair.exchange, ALICE, &cursor, &funding)) {
        paid += funding.amount;
        count++;
    }
    CHECK_INT(seen.payment_count, count);
    CHECK_INT(seen.paid, paid);
    CHECK_INT(paid, pair.exchange.accounts[ALICE].positions[0].funding);
}

static void side_compare(const struct book_side *have, const struct match_side *want)
{
    CHECK_INT(have->count, want->count);
    for (uint32_t i = 0; i < have->count && i < want->count; i++) {
        CHECK_INT(book_level(have, i)->price, match_level_at(want, i)->price);
        CHECK_INT(book_level(have, i)->qty, match_level_at(want, i)->qty);
    }
}

static void market_compare(void)
{
    const struct exchange_perpetual *perpetual = &pair.exchange.instruments[0].perpetual;

    CHECK_INT(seen.book_state, FEED_LIVE);
    side_compare(&seen.book.bids, &pair.exchange.instruments[0].book.bids);
    side_compare(&seen.book.asks, &pair.exchange.instruments[0].book.asks);
    CHECK_INT(seen.mark.index_price, perpetual->index_price);
    CHECK(seen.mark.mark_price > UNITS(50) && seen.mark.mark_price < UNITS(200));
    /* Told once a second. */
    CHECK(perpetual->next_funding_ns - seen.funding.next_funding_ns <= 3 * NS_PER_S);
}

static void trade(unsigned seed, unsigned loss_percent)
{
    world_begin(seed, loss_percent);
    for (unsigned i = 0; i < 60; i++)
        market_acts();
    for (unsigned i = 0; i < STEPS; i++)
        step();
    pair.loss_percent = 0;
    settle(60);
    CHECK(seen.is_stream_up);
    ask(OP_FUNDING, false);
    payments_compare();
    if (loss_percent) {
        ask(OP_EXECUTIONS, true); /* Without losses the stream and the answers have told all. */
        settle(3);
    }
    orders_compare();
    fills_compare();
    account_compare();
    ask(OP_OPEN_ORDERS, true);
    ask(OP_CANCEL_ALL, false);
    settle(3);
    CHECK(pair.exchange.accounts[ALICE].first_open == NULL);
    market_compare();
    for (uint64_t i = 1; i <= seen.next_request; i++)
        CHECK_INT(seen.answers[i], 1);
    CHECK_INT(seen.doubled, 0);
    CHECK_INT(seen.invalid + pair.invalid, 0);
    if (check_failed_in_case)
        fprintf(stderr, "seed %u\n", seed);
}

static void all_is_told_when_nothing_is_lost(void)
{
    unsigned unknown = 0, accepted = 0, replaced = 0, cancelled = 0, rejected = 0;
    size_t payments = 0;

    for (unsigned seed = 1; seed <= SEEDS && !check_failed_in_case; seed++) {
        trade(seed, 0);
        CHECK_INT(pair.reconnects, 0);
        unknown += seen.unknown;
        accepted += seen.accepted;
        replaced += seen.replaced;
        cancelled += seen.cancelled;
        rejected += seen.rejected;
        payments += seen.payment_count;
        world_end();
    }
    printf("# %u accepted, %u rejected, %u replaced, %u cancelled, %zu payments\n", accepted,
           rejected, replaced, cancelled, payments);
    CHECK_INT(unknown, 0);
    CHECK(accepted > 200 && replaced > 20 && cancelled > 20 && rejected > 5 && payments > 5);
    proof_talk_end(&talk, "binance_futures");
}

static void all_is_found_again_when_answers_and_connections_are_lost(void)
{
    unsigned unknown = 0;

    for (unsigned seed = 101; seed <= 100 + SEEDS && !check_failed_in_case; seed++) {
        trade(seed, 15);
        unknown += seen.unknown;
        world_end();
    }
    printf("# %u outcomes unknown on the way\n", unknown);
    CHECK(unknown > 50);
    proof_talk_end(&talk, "binance_futures");
}

/* ---- listen keys ---- */

static struct pair_link *stream_link(void)
{
    return &pair.links[VENUE_CONNECTIONS_MAX + 1];
}

static void a_listen_key_is_asked_for_kept_and_replaced(void)
{
    char first[256];

    world_begin(7, 0);
    CHECK(seen.is_stream_up && stream_link()->is_open);
    CHECK(strncmp(stream_link()->ws.query, "listenKey=", 10) == 0);
    snprintf(first, sizeof(first), "%.255s", stream_link()->ws.query);
    /* Two hours: it lives for one, and is kept alive twice in each. */
    for (unsigned i = 0; i < 7200; i++) {
        if (i % 60 == 0) { /* A quiet market, not a dead one. */
            const struct exchange_request quiet = { .account = MARKET,
                                                    .side = SIDE_BUY,
                                                    .type = ORDER_LIMIT,
                                                    .time_in_force = TIF_GTC,
                                                    .price = UNITS(95),
                                                    .qty = UNITS(1) };
            (void)exchange_place(&pair.exchange, &quiet, pair.sim.now_ns, NULL);
            (void)exchange_cancel_all(&pair.exchange, MARKET, 0, CAUSE_REQUESTED, pair.sim.now_ns);
        }
        exchange_mark(&pair.exchange, 0, UNITS(100), pair.sim.now_ns);
        pair_pass(NS_PER_S);
    }
    CHECK(seen.is_stream_up);
    CHECK(strncmp(stream_link()->ws.query, first, sizeof(first) - 1) == 0);
    CHECK_INT(pair.reconnects, 0);
    /* It ends: another one, and the stream tells again. */
    sim_binance_futures.fault(&pair.sim, SIM_FAULT_EXPIRE_SESSION);
    pair_pump();
    for (unsigned i = 0; i < 5; i++)
        pair_pass(100 * NS_PER_MS);
    CHECK_INT(pair.reconnects, 1);
    CHECK(seen.is_stream_up && stream_link()->is_open);
    CHECK(strncmp(stream_link()->ws.query, first, sizeof(first) - 1) != 0);
    exchange_transfer(&pair.exchange, ALICE, exchange_asset(&pair.exchange, "USDT"), UNITS(5),
                      pair.sim.now_ns);
    pair_pump();
    CHECK_INT(seen.balance.total, UNITS(1000005));
    world_end();
    proof("binance_futures", login, simulator);
    proof("binance_futures", renewal, simulator);
    proof("binance_futures", keepalive, simulator);
}

/* Nobody said that the key is dead: an order is taken, and the stream is silent. */
static void a_stream_that_says_nothing_of_an_order_is_opened_anew(void)
{
    struct venue_command command;

    world_begin(8, 0);
    /* The venue forgets the connection's key. */
    memset(stream_link()->ws.state, 0, sim_binance_futures.ws_state_size);
    command = command_of(OP_PLACE);
    command.side = SIDE_BUY;
    command.type = ORDER_LIMIT;
    command.time_in_force = TIF_GTC;
    command.price = UNITS(90);
    command.qty = UNITS(1);
    snprintf(command.client_order_id, sizeof(command.client_order_id), "%s",
             known_add()->client_id);
    CHECK_INT(give(&command), 0);
    pair_pump();
    for (unsigned i = 0; i < 90; i++)
        pair_pass(100 * NS_PER_MS);
    CHECK_INT(pair.reconnects, 0);
    for (unsigned i = 0; i < 20; i++)
        pair_pass(100 * NS_PER_MS);
    CHECK_INT(pair.reconnects, 1);
    CHECK(seen.is_stream_up);
    world_end();
}

/* ---- the account ---- */

static void hedge_mode_is_refused_in_words(void)
{
    world_begin(9, 0);
    ask(OP_ACCOUNT_MODE, false);
    CHECK(seen.has_mode);
    CHECK_INT(exchange_set_hedge_mode(&pair.exchange, ALICE, true), CAUSE_NONE);
    ask(OP_ACCOUNT_MODE, false);
    CHECK(!seen.has_mode);
    CHECK_INT(seen.mode_why, REASON_HEDGE_MODE);
    world_end();
    proof("binance_futures", account_mode, simulator);
}

static void resting(int64_t price)
{
    struct venue_command command = command_of(OP_PLACE);

    command.side = SIDE_BUY;
    command.type = ORDER_LIMIT;
    command.time_in_force = TIF_GTC;
    command.price = price;
    command.qty = UNITS(1);
    snprintf(command.client_order_id, sizeof(command.client_order_id), "%s",
             known_add()->client_id);
    CHECK_INT(give(&command), 0);
    pair_pump();
}

static void the_venues_switch_cancels_what_rests(void)
{
    world_begin(10, 0);
    resting(UNITS(90));
    CHECK(pair.exchange.accounts[ALICE].first_open != NULL);
    ask(OP_DEAD_MAN, false);
    settle(40);
    ask(OP_DEAD_MAN, false); /* Refreshed in time: nothing happens. */
    settle(40);
    CHECK(pair.exchange.accounts[ALICE].first_open != NULL);
    settle(15);
    CHECK(pair.exchange.accounts[ALICE].first_open == NULL);
    CHECK(seen.known[0].is_final);
    world_end();
    proof("binance_futures", dead_man, simulator);
}

/* Somebody else's position is closed by force: the market hears of it. */
static void a_liquidation_is_told_to_the_market_and_to_its_owner(void)
{
    struct exchange_request sell = { .account = MARKET,
                                     .instrument = 0,
                                     .side = SIDE_SELL,
                                     .type = ORDER_LIMIT,
                                     .time_in_force = TIF_GTC,
                                     .price = UNITS(100),
                                     .qty = UNITS(1000) };
    struct venue_command command;

    world_begin(11, 0);
    exchange_transfer(&pair.exchange, ALICE, exchange_asset(&pair.exchange, "USDT"), -UNITS(999400),
                      pair.sim.now_ns);
    exchange_mark(&pair.exchange, 0, UNITS(100), pair.sim.now_ns);
    (void)exchange_place(&pair.exchange, &sell, pair.sim.now_ns, NULL);
    sell.side = SIDE_BUY;
    sell.price = UNITS(50);
    (void)exchange_place(&pair.exchange, &sell, pair.sim.now_ns, NULL);
    command = command_of(OP_PLACE);
    command.side = SIDE_BUY;
    command.type = ORDER_LIMIT;
    command.time_in_force = TIF_IOC;
    command.price = UNITS(100);
    command.qty = UNITS(100);
    snprintf(command.client_order_id, sizeof(command.client_order_id), "%s",
             known_add()->client_id);
    CHECK_INT(give(&command), 0);
    pair_pump();
    CHECK_INT(pair.exchange.accounts[ALICE].positions[0].qty, UNITS(100));
    for (unsigned i = 0; i < 60 && pair.exchange.accounts[ALICE].positions[0].qty; i++) {
        exchange_mark(&pair.exchange, 0, UNITS(60), pair.sim.now_ns);
        pair_pass(200 * NS_PER_MS);
    }
    settle(20);
    CHECK_INT(pair.exchange.accounts[ALICE].positions[0].qty, 0);
    CHECK(seen.liquidations > 0);
    CHECK_INT(seen.position.qty, 0);
    CHECK_INT(seen.invalid + pair.invalid, 0);
    world_end();
    proof("binance_futures", liquidation, simulator);
}

/* ---- the feed ---- */

static void live_again(void)
{
    for (unsigned i = 0; i < 40; i++) {
        market_acts();
        settle(1);
    }
    CHECK_INT(seen.book_state, FEED_LIVE);
    settle(2);
    market_compare();
}

static void a_book_in_doubt_is_right_again(void)
{
    static const enum sim_fault_kind faults[] = { SIM_FAULT_SKIP_SEQUENCE,
                                                  SIM_FAULT_CORRUPT_CHECKSUM,
                                                  SIM_FAULT_CROSS_BOOK };

    world_begin(12, 0);
    live_again();
    for (size_t i = 0; i < COUNT(faults); i++) {
        struct venue_feed_stats before, after;
        pair.venue->feed->stats(pair.feed, &before);
        pair.sim.faults[faults[i]] = (struct sim_fault){ .count = 1 };
        live_again();
        pair.venue->feed->stats(pair.feed, &after);
        CHECK_INT(pair.sim.faults[faults[i]].count, 0);
        CHECK(after.gaps + after.crossed > before.gaps + before.crossed);
        CHECK(after.resyncs > before.resyncs);
    }
    world_end();
    proof("binance_futures", book_integrity, simulator);
}

/* Subscribed on the wrong part of the path the venue acknowledges, and sends nothing. */
static void a_connection_that_brings_nothing_is_left(void)
{
    world_begin(13, 0);
    settle(30);
    CHECK_INT(pair.reconnects, 0);
    memset(pair.links[1].ws.state, 0, sim_binance_futures.ws_state_size);
    settle(160);
    CHECK_INT(pair.reconnects, 1);
    settle(30);
    CHECK(pair.clock.wall_ns - seen.mark.exchange_ns < 2 * NS_PER_S);
    world_end();
}

int main(void)
{
    CASE(all_is_told_when_nothing_is_lost);
    CASE(all_is_found_again_when_answers_and_connections_are_lost);
    CASE(a_listen_key_is_asked_for_kept_and_replaced);
    CASE(a_stream_that_says_nothing_of_an_order_is_opened_anew);
    CASE(hedge_mode_is_refused_in_words);
    CASE(the_venues_switch_cancels_what_rests);
    CASE(a_liquidation_is_told_to_the_market_and_to_its_owner);
    CASE(a_book_in_doubt_is_right_again);
    CASE(a_connection_that_brings_nothing_is_left);
    DONE();
}
