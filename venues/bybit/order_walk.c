/* Commands that take several calls. Their scopes (category, coin, symbol) are gone through one
 * after the other; in each the venue's windows of time, in each window its pages. */
#include "common/leaf/fixed.h"
#include "venues/bybit/order.h"

#include <stdio.h>

/* The venue takes no longer ones. */
#define WINDOW_NS (7 * 86400 * NS_PER_S)
/* One call cancels at most 500 of linear: repeated until one finds nothing. */
enum { CANCELS_MAX = 10, FEES_PER_S = 4 };
#define LISTING_EVERY_NS (3600 * NS_PER_S)
#define LISTING_WAIT_NS  (60 * NS_PER_S)
#define FEES_EVERY_NS    (3600 * NS_PER_S)

bool bybit_is_walk(enum venue_op op)
{
    return op == OP_OPEN_ORDERS || op == OP_CANCEL_ALL || op == OP_BALANCES ||
           op == OP_EXECUTIONS || op == OP_POSITIONS || op == OP_ACCOUNT_MODE || op == OP_FUNDING ||
           op == OP_DEAD_MAN || op == OP_INSTRUMENTS;
}

/* ---- scopes ---- */

static bool coin_scope(struct bybit_side *side, unsigned i, struct bybit_scope *out)
{
    *out = (struct bybit_scope){ .category = BYBIT_LINEAR };
    if (!side->has[BYBIT_LINEAR] || i >= side->coin_count)
        return false;
    out->coin = side->coins[i];
    return true;
}

static bool category_scope(const struct bybit_side *side, unsigned i, struct bybit_scope *out)
{
    *out = (struct bybit_scope){ .category = BYBIT_SPOT };
    for (enum bybit_category c = BYBIT_SPOT; c < BYBIT_CATEGORIES; c++)
        if (side->has[c] && i-- == 0) {
            out->category = c;
            return true;
        }
    return false;
}

static bool linear_symbol_scope(const struct bybit_side *side, unsigned i, struct bybit_scope *out)
{
    *out = (struct bybit_scope){ .category = BYBIT_LINEAR };
    for (unsigned n = 0; n < side->listed_count; n++)
        if (side->listed[n].is_defined && side->listed[n].category == BYBIT_LINEAR && i-- == 0) {
            out->symbol = side->listed[n].definition.symbol;
            return true;
        }
    return false;
}

/* Spot's conditional orders are cancelled by filters of their own; of linear, one call takes all.
 */
static bool cancel_scope(struct bybit_side *side, unsigned i, struct bybit_scope *out)
{
    static const char *const filters[] = { NULL, "StopOrder", "tpslOrder" };
    unsigned spots = side->has[BYBIT_SPOT] ? COUNT(filters) : 0;

    if (i >= spots)
        return coin_scope(side, i - spots, out);
    *out = (struct bybit_scope){ .category = BYBIT_SPOT, .filter = filters[i] };
    return true;
}

static bool open_scope(struct bybit_side *side, unsigned i, struct bybit_scope *out)
{
    unsigned spots = side->has[BYBIT_SPOT];

    *out = (struct bybit_scope){ .category = BYBIT_SPOT };
    return i < spots || coin_scope(side, i - spots, out);
}

/* The i-th scope of a command; false: there are no more. */
static bool scope_at(struct bybit_side *side, const struct venue_command *command, unsigned i,
                     struct bybit_scope *out)
{
    if (*command->symbol && command->op != OP_ACCOUNT_MODE) {
        *out = (struct bybit_scope){ .category = bybit_category_of(command->instrument_kind),
                                     .symbol = command->symbol };
        return i == 0;
    }
    switch (command->op) {
    case OP_OPEN_ORDERS:
        return open_scope(side, i, out);
    case OP_CANCEL_ALL:
        return cancel_scope(side, i, out);
    case OP_POSITIONS:
        return coin_scope(side, i, out);
    case OP_EXECUTIONS:
    case OP_DEAD_MAN:
    case OP_INSTRUMENTS:
        return category_scope(side, i, out);
    case OP_ACCOUNT_MODE: /* First the account itself, then each contract's position mode. */
        *out = (struct bybit_scope){ .category = BYBIT_SPOT };
        return i == 0 || linear_symbol_scope(side, i - 1, out);
    case OP_FUNDING:
        *out = (struct bybit_scope){ .category = BYBIT_LINEAR };
        return i == 0 && side->has[BYBIT_LINEAR];
    default:
        *out = (struct bybit_scope){ .category = BYBIT_SPOT };
        return i == 0;
    }
}

/* ---- what is asked ---- */

struct text {
    char *out;
    size_t len, cap;
    bool is_full;
};

static void add(struct text *text, const char *name, const char *value)
{
    int len = snprintf(text->out + text->len, text->cap - text->len, "%s%s", name, value);

    if (len < 0 || (size_t)len >= text->cap - text->len)
        text->is_full = true;
    else
        text->len += (size_t)len;
}

static void add_ms(struct text *text, const char *name, int64_t wall_ns)
{
    char digits[24];

    snprintf(digits, sizeof(digits), "%lld", (long long)(wall_ns / NS_PER_MS));
    add(text, name, digits);
}

static void add_cursor(struct text *text, const struct bybit_walk *walk)
{
    char encoded[3 * BYBIT_CURSOR_MAX + 1];

    if (!*walk->cursor)
        return;
    if (bybit_encode(walk->cursor, encoded, sizeof(encoded)) != 0)
        text->is_full = true;
    else
        add(text, "&cursor=", encoded);
}

/* A window's begin, and its end where that has gone by. */
static void add_window(struct text *text, const struct bybit_walk *walk, int64_t wall_ns)
{
    if (walk->from_ns == 0)
        return;
    add_ms(text, "&startTime=", walk->from_ns);
    if (walk->from_ns + WINDOW_NS <= wall_ns)
        add_ms(text, "&endTime=", walk->from_ns + WINDOW_NS - NS_PER_MS);
    add(text, "&limit=100", "");
}

static void write_orders(struct text *text, const struct bybit_scope *scope)
{
    add(text, "/v5/order/realtime?", "");
    if (scope->symbol) {
        add(text, "symbol=", scope->symbol);
        add(text, "&", "");
    }
    add(text, "category=", bybit_category_str(scope->category));
    if (scope->coin)
        add(text, "&settleCoin=", scope->coin);
    if (!scope->symbol)
        add(text, "&openOnly=0&limit=50", "");
}

/* Since a time: every kind of execution, liquidations too; else the last trades. */
static void write_executions(struct text *text, const struct bybit_scope *scope,
                             const struct bybit_walk *walk, bool is_funding, int64_t wall_ns)
{
    const char *separator = "";

    add(text, "/v5/execution/list?", "");
    if (is_funding || walk->from_ns == 0) {
        add(text, "execType=", is_funding ? "Funding" : "Trade");
        separator = "&";
    }
    if (scope->symbol) {
        add(text, separator, "symbol=");
        add(text, scope->symbol, "");
        separator = "&";
    }
    add(text, separator, "category=");
    add(text, bybit_category_str(scope->category), "");
    add_window(text, walk, wall_ns);
}

static void write_path(const struct bybit_turn *turn, const struct venue_command *command,
                       const struct bybit_walk *walk, const struct bybit_scope *scope,
                       struct text *path)
{
    switch (command->op) {
    case OP_OPEN_ORDERS:
        write_orders(path, scope);
        break;
    case OP_EXECUTIONS:
    case OP_FUNDING:
        write_executions(path, scope, walk, command->op == OP_FUNDING, turn->clock->wall_ns);
        break;
    case OP_BALANCES:
        add(path, "/v5/account/wallet-balance?accountType=UNIFIED", "");
        break;
    case OP_POSITIONS:
        add(path, "/v5/position/list?category=linear", "");
        add(path,
            scope->coin ? "&settleCoin=" : "&symbol=", scope->coin ? scope->coin : scope->symbol);
        add(path, "&limit=200", "");
        break;
    case OP_ACCOUNT_MODE:
        if (walk->scope == 0)
            add(path, "/v5/account/info", "");
        else
            add(path, "/v5/position/list?category=linear&symbol=", scope->symbol);
        break;
    case OP_CANCEL_ALL:
        add(path, "/v5/order/cancel-all", "");
        break;
    default:
        add(path, "/v5/order/disconnected-cancel-all", "");
        break;
    }
    add_cursor(path, walk);
}

static void write_body(const struct venue_command *command, const struct bybit_scope *scope,
                       struct text *body)
{
    char window[16];

    if (command->op == OP_DEAD_MAN) {
        snprintf(window, sizeof(window), "%lld", (long long)(command->timeout_ns / NS_PER_S));
        add(body, "{\"product\":\"",
            scope->category == BYBIT_SPOT ? "SPOT\",\"timeWindow\":"
                                          : "DERIVATIVES\",\"timeWindow\":");
        add(body, window, "}");
        return;
    }
    add(body, "{", "");
    if (scope->symbol) {
        add(body, "\"symbol\":\"", scope->symbol);
        add(body, "\",", "");
    }
    add(body, "\"category\":\"", bybit_category_str(scope->category));
    if (scope->coin)
        add(body, "\",\"settleCoin\":\"", scope->coin);
    if (scope->filter)
        add(body, "\",\"orderFilter\":\"", scope->filter);
    add(body, "\"}", "");
}

static struct bybit_walk *walk_of(struct bybit_side *side, const struct bybit_pending *pending)
{
    return pending->walk ? &side->walks[pending->walk - 1] : NULL;
}

/* Sends the call that the walk stands at. */
static int send_call(const struct bybit_turn *turn, struct bybit_pending *pending)
{
    struct bybit_side *side = turn->side;
    struct venue_request *request = &side->request;
    struct bybit_walk *walk = walk_of(side, pending);
    const struct venue_command *command = &pending->command;
    struct bybit_scope scope;

    if (!scope_at(side, command, walk->scope, &scope))
        return ERR_NOT_FOUND;
    if (command->op == OP_INSTRUMENTS) {
        if (bybit_info_path(scope.category, walk->cursor, request->path, sizeof(request->path)))
            return ERR_RANGE;
        request->method = "GET";
        request->body_len = 0;
        return bybit_call_send(turn, pending, false);
    }
    struct text path = { request->path, 0, sizeof(request->path), false };
    struct text body = { request->body, 0, sizeof(request->body), false };
    bool is_post = command->op == OP_CANCEL_ALL || command->op == OP_DEAD_MAN;
    write_path(turn, command, walk, &scope, &path);
    if (is_post)
        write_body(command, &scope, &body);
    if (path.is_full || body.is_full)
        return ERR_RANGE;
    request->method = is_post ? "POST" : "GET";
    request->body_len = body.len;
    return bybit_call_send(turn, pending, true);
}

/* ---- a walk's life ---- */

int bybit_walk_begin(const struct bybit_turn *turn, const struct venue_command *command)
{
    struct bybit_side *side = turn->side;
    struct bybit_pending *pending = bybit_pending_new(turn, command);
    unsigned i = 0;

    if (!pending)
        return ERR_FULL;
    while (i < BYBIT_WALKS_MAX && side->walks[i].is_used)
        i++;
    if (i == BYBIT_WALKS_MAX) {
        bybit_pending_end(side, pending);
        return ERR_FULL;
    }
    bool has_since = command->op == OP_EXECUTIONS || command->op == OP_FUNDING;
    side->walks[i] =
        (struct bybit_walk){ .is_used = true, .from_ns = has_since ? command->since_wall_ns : 0 };
    pending->walk = (uint8_t)(i + 1);
    pending->is_rest = true;
    int err = send_call(turn, pending);
    if (err == ERR_NOT_FOUND) { /* Of no category that we trade: there is nothing. */
        struct venue_command done = pending->command;
        bybit_pending_end(side, pending);
        bybit_report_done(turn, &done);
        return 0;
    }
    if (err)
        bybit_pending_end(side, pending);
    return err;
}

static void end_walk(const struct bybit_turn *turn, struct bybit_pending *pending)
{
    struct venue_command command = pending->command;
    struct venue_report report;

    bybit_pending_end(turn->side, pending);
    if (command.op == OP_DEAD_MAN) {
        bybit_report_begin(turn, &report, REPORT_DEAD_MAN, &command);
        report.exchange_ns = turn->clock->wall_ns + command.timeout_ns;
        bybit_report(turn, &report);
        return;
    }
    bybit_report_done(turn, &command);
}

/* Goes to the next call of the walk: the cursor's page, the next window, the next scope. */
static void advance(const struct bybit_turn *turn, struct bybit_pending *pending,
                    const struct bybit_answer *answer)
{
    struct bybit_side *side = turn->side;
    struct bybit_walk *walk = walk_of(side, pending);
    bool is_repeated = pending->command.op == OP_CANCEL_ALL && walk->rows > 0;

    walk->rows = 0;
    bybit_cursor_read(&answer->result, walk->cursor);
    if ((*walk->cursor || is_repeated) && ++walk->page < BYBIT_PAGES_MAX &&
        (!is_repeated || walk->page < CANCELS_MAX)) {
        /* The same scope again. */
    } else if (walk->from_ns && walk->from_ns + WINDOW_NS <= turn->clock->wall_ns) {
        walk->from_ns += WINDOW_NS;
        walk->page = 0;
        walk->cursor[0] = '\0';
    } else {
        walk->scope++;
        walk->page = 0;
        walk->cursor[0] = '\0';
        walk->from_ns = walk->from_ns ? pending->command.since_wall_ns : 0;
    }
    pending->is_waiting = false;
    int err = send_call(turn, pending);
    if (err == ERR_NOT_FOUND)
        end_walk(turn, pending);
    else if (err)
        pending->is_waiting = true; /* Tried again as time passes. */
}

void bybit_walk_retry(const struct bybit_turn *turn, struct bybit_pending *pending)
{
    pending->is_waiting = send_call(turn, pending) != 0;
}

/* ---- what is answered ---- */

static int take_order(const struct bybit_turn *turn, struct bybit_pending *pending,
                      const struct scan_value *item, enum bybit_category category)
{
    struct bybit_order_row row;
    struct venue_report report;

    bybit_report_begin(turn, &report, REPORT_ORDER, &pending->command);
    int err = bybit_read_order(turn, item, category, &row, &report);
    if (!err)
        bybit_report(turn, &report);
    return err == ERR_UNSUPPORTED ? 0 : err;
}

static int take_execution(const struct bybit_turn *turn, struct bybit_pending *pending,
                          const struct scan_value *item, enum bybit_category category)
{
    struct venue_report report;
    enum venue_report_kind wanted =
        pending->command.op == OP_FUNDING ? REPORT_FUNDING : REPORT_FILL;

    bybit_report_begin(turn, &report, wanted, &pending->command);
    int err = bybit_read_execution(turn, item, category, &report);
    if (!err && report.kind == wanted)
        bybit_report(turn, &report);
    return err == ERR_UNSUPPORTED ? 0 : err;
}

static int take_position(const struct bybit_turn *turn, struct bybit_pending *pending,
                         const struct scan_value *item, const struct bybit_scope *scope)
{
    struct venue_report report;
    bool is_hedge;

    bybit_report_begin(turn, &report, REPORT_POSITION, &pending->command);
    int err = bybit_read_position(turn, item, &report, &is_hedge);
    if (!err && !*report.asset && scope->coin)
        bybit_copy(report.asset, sizeof(report.asset), scope->coin);
    if (!err && report.qty != 0)
        bybit_report(turn, &report);
    return err == ERR_UNSUPPORTED ? 0 : err;
}

static int take_row(const struct bybit_turn *turn, struct bybit_pending *pending,
                    const struct scan_value *item, const struct bybit_scope *scope, int64_t time_ns)
{
    switch (pending->command.op) {
    case OP_OPEN_ORDERS:
        return take_order(turn, pending, item, scope->category);
    case OP_EXECUTIONS:
    case OP_FUNDING:
        return take_execution(turn, pending, item, scope->category);
    case OP_POSITIONS:
        return take_position(turn, pending, item, scope);
    case OP_BALANCES:
        return bybit_report_wallet(turn, item, &pending->command, time_ns);
    default: /* CANCEL_ALL: what is cancelled, the stream tells. */
        return 0;
    }
}

/* The account itself: only the unified one has spot and contracts under one wallet. 0, or FAILED
 * has been said. */
static int take_account(const struct bybit_turn *turn, struct bybit_pending *pending,
                        const struct bybit_answer *answer)
{
    static const struct bybit_error other = { BYBIT_REJECT, REASON_UNSUPPORTED };
    struct scan_value value;
    char text[96];
    uint64_t status;

    if (answer->result.type != SCAN_OBJECT ||
        scan_find(&answer->result, "unifiedMarginStatus", &value) != 0 ||
        scan_u64(&value, &status) != 0)
        return ERR_PROTO;
    if (status >= 3) {
        advance(turn, pending, answer);
        return 0;
    }
    snprintf(text, sizeof(text),
             "the account must be a unified trading account (UNIFIED); it is classic (%llu)",
             (unsigned long long)status);
    bybit_fail(turn, pending, &other, text);
    return 0;
}

/* One row of a symbol is one-way mode, two are the sides of hedge mode. */
static int take_mode(const struct bybit_turn *turn, struct bybit_pending *pending,
                     const struct bybit_answer *answer)
{
    static const struct bybit_error hedge = { BYBIT_REJECT, REASON_HEDGE_MODE };
    struct venue_report report;
    struct scan_iter iter;
    struct scan_value item;
    bool is_hedge = false;
    char text[96];
    int err = bybit_list_begin(&answer->result, &iter);

    while (!err && !is_hedge && (err = scan_item(&iter, &item)) == 0) {
        bybit_report_begin(turn, &report, REPORT_POSITION, NULL);
        err = bybit_read_position(turn, &item, &report, &is_hedge);
    }
    if (err && err != ERR_NOT_FOUND)
        return ERR_PROTO;
    if (!is_hedge) {
        advance(turn, pending, answer);
        return 0;
    }
    snprintf(text, sizeof(text), "%s is in hedge mode; one-way mode is required (switch-mode 0)",
             report.symbol);
    bybit_fail(turn, pending, &hedge, text);
    return 0;
}

static int take_list(const struct bybit_turn *turn, struct bybit_pending *pending,
                     const struct bybit_answer *answer)
{
    struct bybit_walk *walk = walk_of(turn->side, pending);
    struct bybit_scope scope;
    struct scan_iter iter;
    struct scan_value item;
    int err = bybit_list_begin(&answer->result, &iter);

    (void)scope_at(turn->side, &pending->command, walk->scope, &scope);
    while (!err && (err = scan_item(&iter, &item)) == 0) {
        err = take_row(turn, pending, &item, &scope, answer->time_ns);
        walk->rows++;
    }
    if (err != ERR_NOT_FOUND)
        return ERR_PROTO;
    advance(turn, pending, answer);
    return 0;
}

int bybit_walk_on(const struct bybit_turn *turn, struct bybit_pending *pending,
                  const struct bybit_answer *answer)
{
    const struct bybit_walk *walk = walk_of(turn->side, pending);

    switch (pending->command.op) {
    case OP_ACCOUNT_MODE:
        return walk->scope == 0 ? take_account(turn, pending, answer)
                                : take_mode(turn, pending, answer);
    case OP_DEAD_MAN:
        advance(turn, pending, answer);
        return 0;
    case OP_INSTRUMENTS:
        return bybit_on_listing(turn, pending, answer);
    default:
        return take_list(turn, pending, answer);
    }
}

/* ---- instruments and fees ---- */

void bybit_ask_listing(const struct bybit_turn *turn, enum bybit_category category)
{
    struct bybit_side *side = turn->side;
    struct venue_command own = { .op = OP_INSTRUMENTS };

    own.instrument_kind = bybit_kind(category);
    side->listing_at_ns[category] = turn->clock->now_ns + LISTING_WAIT_NS;
    struct bybit_pending *pending = bybit_pending_new(turn, &own);
    int err = pending ? bybit_info_path(category, side->listing_cursor[category],
                                        side->request.path, sizeof(side->request.path))
                      : ERR_FULL;
    if (!err) {
        pending->kind = CALL_LISTING;
        pending->is_rest = true;
        side->request.method = "GET";
        side->request.body_len = 0;
        err = bybit_call_send(turn, pending, false);
    }
    if (err) {
        if (pending)
            bybit_pending_end(side, pending);
        side->listing_at_ns[category] = turn->clock->now_ns + NS_PER_S;
    }
}

static void announce(const struct bybit_turn *turn, const struct bybit_listed *listed)
{
    struct venue_report report;

    bybit_report_begin(turn, &report, REPORT_INSTRUMENT, NULL);
    bybit_report_place(turn->side, &report, listed->category, listed->definition.symbol);
    report.definition = &listed->definition;
    bybit_report(turn, &report);
}

static void take_definition(const struct bybit_turn *turn, enum bybit_category category,
                            const struct scan_value *object)
{
    struct bybit_side *side = turn->side;
    struct wire_instrument made;
    int64_t interval_ns;

    if (bybit_definition_read(object, category, NULL, &made, &interval_ns) != 0)
        return;
    for (unsigned i = 0; i < side->listed_count; i++) {
        struct bybit_listed *listed = &side->listed[i];
        const struct wire_instrument *known = listed->is_defined ? &listed->definition : NULL;
        if (listed->category != category || strcmp(listed->name, made.name) != 0 ||
            (known && bybit_definition_read(object, category, known, &made, &interval_ns) != 0))
            continue;
        made.maker_fee_ppm = known ? known->maker_fee_ppm : side->maker_ppm;
        made.taker_fee_ppm = known ? known->taker_fee_ppm : side->taker_ppm;
        for (enum bybit_form f = FORM_GTC; f < FORM_COUNT; f++)
            if (bybit_template_make(&listed->place[0][f], made.symbol, SIDE_BUY, f) != 0 ||
                bybit_template_make(&listed->place[1][f], made.symbol, SIDE_SELL, f) != 0)
                return;
        listed->definition = made;
        listed->is_defined = true;
        announce(turn, listed);
    }
}

static void tell_missing(const struct bybit_turn *turn, enum bybit_category category)
{
    for (unsigned i = 0; i < turn->side->listed_count; i++)
        if (turn->side->listed[i].category == category && !turn->side->listed[i].is_defined)
            bybit_note(turn, "no_such_instrument", "%s", turn->side->listed[i].name);
}

int bybit_on_listing(const struct bybit_turn *turn, struct bybit_pending *pending,
                     const struct bybit_answer *answer)
{
    struct bybit_side *side = turn->side;
    bool is_command = pending->kind == CALL_COMMAND;
    struct bybit_scope scope = { .category = bybit_category_of(pending->command.instrument_kind) };
    struct scan_iter iter;
    struct scan_value object;
    int err = bybit_list_begin(&answer->result, &iter);

    if (is_command)
        (void)scope_at(side, &pending->command, walk_of(side, pending)->scope, &scope);
    enum bybit_category category = scope.category;
    while (!err && (err = scan_item(&iter, &object)) == 0)
        take_definition(turn, category, &object);
    if (err != ERR_NOT_FOUND)
        return ERR_PROTO;
    if (is_command) {
        advance(turn, pending, answer);
        return 0;
    }
    bybit_pending_end(side, pending);
    bybit_cursor_read(&answer->result, side->listing_cursor[category]);
    if (*side->listing_cursor[category] && ++side->listing_page[category] < BYBIT_PAGES_MAX) {
        bybit_ask_listing(turn, category);
        return 0;
    }
    tell_missing(turn, category);
    side->listing_page[category] = 0;
    side->listing_cursor[category][0] = '\0';
    side->listing_at_ns[category] = turn->clock->now_ns + LISTING_EVERY_NS;
    if (side->keys.is_set) { /* New ones may have come. */
        side->fees_next = 0;
        side->fees_at_ns = turn->clock->now_ns;
    }
    return 0;
}

/* The account's own rates, symbol by symbol, a few a second. */
void bybit_ask_fees(const struct bybit_turn *turn)
{
    struct bybit_side *side = turn->side;
    struct venue_command own = { .op = OP_INSTRUMENTS };
    unsigned i = side->fees_next;

    while (i < side->listed_count && !side->listed[i].is_defined)
        i++;
    side->fees_next = i;
    side->fees_at_ns = turn->clock->now_ns + NS_PER_S / FEES_PER_S;
    if (i >= side->listed_count) {
        side->fees_next = 0;
        side->fees_at_ns = turn->clock->now_ns + FEES_EVERY_NS;
        return;
    }
    struct bybit_pending *pending = bybit_pending_new(turn, &own);
    if (!pending)
        return;
    snprintf(side->request.path, sizeof(side->request.path),
             "/v5/account/fee-rate?category=%s&symbol=%s",
             bybit_category_str(side->listed[i].category), side->listed[i].definition.symbol);
    pending->kind = CALL_FEES;
    pending->is_rest = true;
    pending->listed = (uint8_t)i;
    side->request.method = "GET";
    side->request.body_len = 0;
    if (bybit_call_send(turn, pending, true) != 0)
        bybit_pending_end(side, pending);
    else
        side->fees_next++;
}

static int rate_read(const struct scan_value *object, const char *name, int32_t *out)
{
    struct scan_value value;
    int64_t fine; /* At 12 decimals; rounded up to millionths. */

    if (scan_find(object, name, &value) != 0 || scan_decimal(&value, 12, &fine) != 0 ||
        fine < -fixed_pow10(12) || fine > fixed_pow10(12))
        return ERR_PROTO;
    *out = (int32_t)(fine > 0 ? (fine + 999999) / 1000000 : fine / 1000000);
    return 0;
}

int bybit_on_fees(const struct bybit_turn *turn, struct bybit_pending *pending,
                  const struct bybit_answer *answer)
{
    struct bybit_listed *listed = &turn->side->listed[pending->listed];
    struct scan_iter iter;
    struct scan_value object;
    int32_t maker, taker;

    if (bybit_list_begin(&answer->result, &iter) != 0 || scan_item(&iter, &object) != 0 ||
        rate_read(&object, "makerFeeRate", &maker) != 0 ||
        rate_read(&object, "takerFeeRate", &taker) != 0)
        return ERR_PROTO;
    bybit_pending_end(turn->side, pending);
    if (listed->definition.maker_fee_ppm == maker && listed->definition.taker_fee_ppm == taker)
        return 0;
    listed->definition.maker_fee_ppm = maker;
    listed->definition.taker_fee_ppm = taker;
    announce(turn, listed);
    return 0;
}
