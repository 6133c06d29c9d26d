/* agree - whether the pipeline and the simulated venues are of one mind at this moment.
 *
 *     agree CONFIG_DIR CONTROL_URL SECONDS
 *
 * For each instance of CONFIG_DIR/venues.ini, from the bus alone: its books level by level (6001)
 * against the simulator's own, the orders that its engine holds open and what they executed (6018),
 * and positions (6003) against the venue's ledger. The market should stand still. What does not
 * agree is looked at again until SECONDS are over. Prints one line for each instance,
 *
 *     INSTANCE VENUE books=ok orders=ok positions=ok
 *
 * or what differs instead of ok. Exit 0: all agree. */
#include "common/edge/bus.h"
#include "common/edge/venues_ini.h"
#include "common/leaf/err.h"
#include "common/leaf/fixed.h"
#include "common/pure/book.h"

#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    INSTRUMENTS_MAX = 64,
    ORDERS_MAX = 8192,
    LEVELS_MAX = 4096,
    LEVELS_LEAST = 10, /* A feed of few levels shows at least so many. */
    EXP = 8,           /* Of the simulator's figures. */
};

static const int64_t SETTLE_NS = 40 * NS_PER_MS, LOOK_AGAIN_NS = 20 * NS_PER_MS,
                     ASK_AGAIN_NS = 3 * NS_PER_S;

struct listing {
    struct wire_instrument definition;
    struct book book;
    bool has_book, is_inside; /* The events of one message are not all here. */
    wire_feed_state state;
    int64_t position; /* At EXP, of the whole account. */
};

struct mind {
    const struct venue_instance *instance;
    struct listing listings[INSTRUMENTS_MAX];
    size_t listing_count;
    struct wire_order_status orders[ORDERS_MAX];
    size_t order_count;
    char books[160], live[160], positions[160]; /* What differs; "": nothing. */
    bool is_agreed;
};

static struct venues venues;
static struct mind *minds;
static const char *control_url;

/* ---- what the bus says ---- */

static struct mind *mind_of(unsigned account)
{
    for (size_t i = 0; i < venues.count; i++)
        if (venues.at[i].id == account)
            return &minds[i];
    return NULL;
}

static struct listing *listing_of(struct mind *mind, uint64_t instrument)
{
    for (size_t i = 0; i < mind->listing_count; i++)
        if (mind->listings[i].definition.header.instrument == instrument)
            return &mind->listings[i];
    return NULL;
}

static void take_definition(struct mind *mind, const struct wire_instrument *definition)
{
    struct listing *listing = listing_of(mind, definition->header.instrument);

    if (!listing && mind->listing_count < INSTRUMENTS_MAX) {
        listing = &mind->listings[mind->listing_count++];
        if (book_init(&listing->book, LEVELS_MAX, EXP, EXP) != 0)
            abort();
    }
    if (listing)
        listing->definition = *definition;
}

static void take_book(struct listing *listing, const struct wire_header *event)
{
    const struct wire_book_delta *delta = (const void *)event;

    if (event->type == WIRE_book_snapshot) {
        listing->book.price_exp = delta->price_exp;
        listing->book.qty_exp = delta->qty_exp;
        listing->has_book = true;
    }
    if (listing->has_book && book_apply(&listing->book, event) != 0)
        listing->has_book = false; /* Until the next snapshot. */
    listing->is_inside = !delta->is_last;
}

static void on_market(void *ctx, const struct wire_header *event)
{
    struct mind *mind = mind_of(event->account);
    static union wire_event copy;

    (void)ctx;
    if (!mind || event->size > sizeof(copy))
        return;
    memcpy(&copy, event, event->size);
    if (event->type == WIRE_instrument) {
        take_definition(mind, &copy.instrument);
        return;
    }
    struct listing *listing = listing_of(mind, event->instrument);
    if (!listing)
        return;
    if (event->type == WIRE_feed_status)
        listing->state = copy.feed_status.state;
    else
        take_book(listing, &copy.header);
}

static void on_order(void *ctx, const struct wire_header *event)
{
    const struct wire_order_status *order = (const void *)event;
    struct mind *mind = mind_of(event->account);
    size_t i = 0;

    (void)ctx;
    if (!mind || event->type != WIRE_order_status || !order->client_order_id[0])
        return;
    /* A replaced order keeps its number, and may have a new client id. */
    while (i < mind->order_count &&
           (order->order_id ? mind->orders[i].order_id != order->order_id
                            : strcmp(mind->orders[i].client_order_id, order->client_order_id) != 0))
        i++;
    if (i == ORDERS_MAX)
        return;
    mind->order_count += i == mind->order_count;
    mind->orders[i] = *order;
}

static void on_position(void *ctx, const struct wire_header *event)
{
    const struct wire_position *position = (const void *)event;
    struct mind *mind = mind_of(event->account);
    struct listing *listing = mind ? listing_of(mind, event->instrument) : NULL;

    (void)ctx;
    if (listing && event->type == WIRE_position && position->strategy == 0)
        (void)fixed_rescale(position->qty, position->qty_exp, EXP, FIXED_EXACT, &listing->position);
}

/* ---- what the venue says ---- */

struct text {
    char *at;
    size_t len;
};

static size_t take_body(char *data, size_t size, size_t count, void *ctx)
{
    struct text *text = ctx;
    char *grown = realloc(text->at, text->len + size * count + 1);

    if (!grown)
        return 0;
    text->at = grown;
    memcpy(text->at + text->len, data, size * count);
    text->len += size * count;
    text->at[text->len] = '\0';
    return size * count;
}

static cJSON *ask(const char *format, ...) PRINTF_LIKE(1, 2);
static cJSON *ask(const char *format, ...)
{
    static CURL *curl;
    struct text text = { 0 };
    char url[512], path[256];
    va_list args;

    va_start(args, format);
    vsnprintf(path, sizeof(path), format, args);
    va_end(args);
    snprintf(url, sizeof(url), "%s%s", control_url, path);
    if (!curl)
        curl = curl_easy_init();
    if (!curl)
        abort();
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 3000L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &text);
    cJSON *json = curl_easy_perform(curl) == CURLE_OK && text.at ? cJSON_Parse(text.at) : NULL;
    free(text.at);
    return json;
}

static int64_t decimal_of(const cJSON *item)
{
    const char *text = cJSON_GetStringValue(item);
    int64_t value = INT64_MIN;

    if (text)
        (void)fixed_parse(text, strlen(text), EXP, &value);
    return value;
}

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    return text ? text : "";
}

/* ---- comparison ---- */

static void differs(char out[160], const char *format, ...) PRINTF_LIKE(2, 3);
static void differs(char out[160], const char *format, ...)
{
    va_list args;

    if (out[0])
        return; /* The first one is enough. */
    va_start(args, format);
    vsnprintf(out, 160, format, args);
    va_end(args);
}

/* Of a feed that keeps fewer levels than the venue has, the best ones must be there. */
static void compare_side(struct mind *mind, const struct listing *listing, const char *name,
                         const struct book_side *ours, const cJSON *theirs)
{
    uint32_t count = (uint32_t)cJSON_GetArraySize(theirs), i = 0;
    const cJSON *level;

    if (ours->count > count || ours->count < MIN(count, (uint32_t)LEVELS_LEAST))
        differs(mind->books, "%s:%s:%u_levels_not_%u", listing->definition.name, name, ours->count,
                count);
    cJSON_ArrayForEach(level, theirs)
    {
        if (i == ours->count)
            break;
        const struct wire_level *own = book_level(ours, i++);
        int64_t price = 0, qty = 0;
        if (fixed_rescale(own->price, listing->book.price_exp, EXP, FIXED_EXACT, &price) != 0 ||
            fixed_rescale(own->qty, listing->book.qty_exp, EXP, FIXED_EXACT, &qty) != 0 ||
            price != decimal_of(cJSON_GetArrayItem(level, 0)) ||
            qty != decimal_of(cJSON_GetArrayItem(level, 1)))
            differs(mind->books, "%s:%s:level_%u_is_%lldx%lld_not_%sx%s", listing->definition.name,
                    name, i, (long long)price, (long long)qty,
                    cJSON_GetStringValue(cJSON_GetArrayItem(level, 0)),
                    cJSON_GetStringValue(cJSON_GetArrayItem(level, 1)));
    }
}

static void compare_books(struct mind *mind)
{
    if (mind->listing_count == 0)
        differs(mind->books, "no_instrument");
    for (size_t i = 0; i < mind->listing_count; i++) {
        const struct listing *listing = &mind->listings[i];
        const struct wire_instrument *definition = &listing->definition;
        if (!listing->has_book || listing->is_inside || listing->state != FEED_LIVE) {
            differs(mind->books, "%s:is_%s", definition->name, wire_feed_state_str(listing->state));
            continue;
        }
        char symbol[96];
        char *escaped = curl_easy_escape(NULL, definition->symbol, 0);
        snprintf(symbol, sizeof(symbol), "%s", escaped ? escaped : "");
        curl_free(escaped);
        cJSON *book = ask("/book?venue=%s&symbol=%s&kind=%s", mind->instance->venue, symbol,
                          definition->kind == INSTRUMENT_SPOT ? "spot" : "perpetual");
        if (!book)
            differs(mind->books, "%s:the_simulator_does_not_answer", definition->name);
        compare_side(mind, listing, "bid", &listing->book.bids, cJSON_GetObjectItem(book, "bids"));
        compare_side(mind, listing, "ask", &listing->book.asks, cJSON_GetObjectItem(book, "asks"));
        cJSON_Delete(book);
    }
}

static bool is_open(const cJSON *order)
{
    const char *state = text_of(order, "state");

    return strcmp(state, "new") == 0 || strcmp(state, "partially_filled") == 0;
}

static const struct wire_order_status *our_order(const struct mind *mind, const char *client_id)
{
    for (size_t i = 0; i < mind->order_count; i++)
        if (strcmp(mind->orders[i].client_order_id, client_id) == 0)
            return &mind->orders[i];
    return NULL;
}

static void compare_orders(struct mind *mind, const cJSON *account)
{
    unsigned theirs = 0, ours = 0;
    const cJSON *order;

    cJSON_ArrayForEach(order, cJSON_GetObjectItem(account, "orders"))
    {
        if (!is_open(order))
            continue;
        const char *id = text_of(order, "client_id");
        const struct wire_order_status *own = our_order(mind, id);
        int64_t filled = 0;
        theirs++;
        if (!own || own->state == ORDER_NONE || own->state >= ORDER_FILLED)
            differs(mind->live, "%s:open_there_%s_here", id,
                    own ? wire_order_state_str(own->state) : "unknown");
        else if (fixed_rescale(own->filled_qty, own->qty_exp, EXP, FIXED_EXACT, &filled) != 0 ||
                 filled != decimal_of(cJSON_GetObjectItem(order, "executed")))
            differs(mind->live, "%s:%s_executed_there", id, text_of(order, "executed"));
    }
    for (size_t i = 0; i < mind->order_count; i++) {
        const struct wire_order_status *own = &mind->orders[i];
        ours += own->state != ORDER_NONE && own->state < ORDER_FILLED;
        if (own->state == ORDER_UNKNOWN)
            differs(mind->live, "%s:outcome_unknown", own->client_order_id);
    }
    if (ours != theirs)
        differs(mind->live, "%u_open_here_%u_there", ours, theirs);
}

static void compare_positions(struct mind *mind, const cJSON *account)
{
    const cJSON *position;

    cJSON_ArrayForEach(position, cJSON_GetObjectItem(account, "positions"))
    {
        bool is_spot = strcmp(text_of(position, "kind"), "perpetual") != 0;
        int64_t net = decimal_of(cJSON_GetObjectItem(position, "net"));
        for (size_t i = 0; i < mind->listing_count; i++) {
            const struct listing *listing = &mind->listings[i];
            if (strcmp(listing->definition.symbol, text_of(position, "symbol")) == 0 &&
                (listing->definition.kind == INSTRUMENT_SPOT) == is_spot &&
                listing->position != net)
                differs(mind->positions, "%s:%lld_here_%s_there", listing->definition.name,
                        (long long)listing->position, text_of(position, "net"));
        }
    }
}

/* The bus is heard for a moment more than the ledger is asked for: news of what is in the ledger
 * are on their way. */
static void settle(struct loop *loop)
{
    for (int64_t until_ns = loop_now_ns() + SETTLE_NS; loop_now_ns() < until_ns;)
        loop_turn(loop, 5 * NS_PER_MS);
}

static bool agrees(struct mind *mind, struct loop *loop)
{
    mind->books[0] = mind->live[0] = mind->positions[0] = '\0';
    compare_books(mind);
    cJSON *ledger = ask("/ledger?venue=%s", mind->instance->venue);
    settle(loop);
    const cJSON *account = NULL, *each;
    char name[80]; /* Accounts of the simulator are named after their venue. */

    snprintf(name, sizeof(name), "%s_%s", mind->instance->venue, mind->instance->account);
    cJSON_ArrayForEach(each, cJSON_GetObjectItem(ledger, "accounts"))
    {
        if (strcmp(text_of(each, "name"), name) == 0)
            account = each;
    }
    if (!account)
        differs(mind->live, "no_ledger");
    compare_orders(mind, account);
    compare_positions(mind, account);
    cJSON_Delete(ledger);
    return !mind->books[0] && !mind->live[0] && !mind->positions[0];
}

/* ---- the run ---- */

struct subscriptions {
    struct bus_sub *market, *orders, *positions;
};

static void request(struct bus_sub *sub, wire_state_request_kind kind)
{
    struct wire_state_request request;

    WIRE_BEGIN(&request, state_request);
    request.kind = kind;
    (void)bus_request(sub, &request);
}

static int subscribe(struct bus *bus, struct subscriptions *subs)
{
    static const uint16_t market[] = { WIRE_instrument, WIRE_book_snapshot, WIRE_book_delta,
                                       WIRE_feed_status };
    static const uint16_t orders[] = { WIRE_order_status }, positions[] = { WIRE_position };
    static const struct bus_handler on[] = { { .event = on_market },
                                             { .event = on_order },
                                             { .event = on_position } };
    char endpoints[8192];
    int err = venues_endpoints(&venues, STREAM_MARKET_DATA, endpoints, sizeof(endpoints));

    if (!err)
        err = bus_subscribe(bus, STREAM_MARKET_DATA, endpoints, market, COUNT(market), &on[0],
                            &subs->market);
    if (!err)
        err = venues_endpoints(&venues, STREAM_ORDER_STATUS, endpoints, sizeof(endpoints));
    if (!err)
        err = bus_subscribe(bus, STREAM_ORDER_STATUS, endpoints, orders, COUNT(orders), &on[1],
                            &subs->orders);
    if (!err)
        err = venues_endpoint_of(&venues, NULL, STREAM_POSITIONS, endpoints, sizeof(endpoints));
    if (!err)
        err = bus_subscribe(bus, STREAM_POSITIONS, endpoints, positions, COUNT(positions), &on[2],
                            &subs->positions);
    return err;
}

static bool look(struct loop *loop, struct subscriptions *subs, int64_t until_ns)
{
    int64_t look_ns = loop_now_ns() + NS_PER_S, ask_ns = loop_now_ns() + 300 * NS_PER_MS;
    size_t agreed = 0;

    while (agreed < venues.count && loop_now_ns() < until_ns) {
        loop_turn(loop, 20 * NS_PER_MS);
        if (loop_now_ns() >= ask_ns) {
            request(subs->market, REQUEST_SNAPSHOT);
            request(subs->orders, REQUEST_STATE);
            request(subs->positions, REQUEST_STATE);
            ask_ns += ASK_AGAIN_NS;
        }
        if (loop_now_ns() < look_ns)
            continue;
        for (size_t i = 0; i < venues.count; i++)
            if (!minds[i].is_agreed && agrees(&minds[i], loop)) {
                minds[i].is_agreed = true;
                agreed++;
            }
        look_ns = loop_now_ns() + LOOK_AGAIN_NS;
    }
    return agreed == venues.count;
}

int main(int argc, char **argv)
{
    char path[512], run_dir[] = "/tmp/tickpipe-agree-XXXXXX";
    struct subscriptions subs = { 0 };
    struct loop *loop = NULL;
    struct bus *bus = NULL;

    if (argc != 4 || !mkdtemp(run_dir)) {
        fprintf(stderr, "usage: agree CONFIG_DIR CONTROL_URL SECONDS\n");
        return 2;
    }
    snprintf(path, sizeof(path), "%s/venues.ini", argv[1]);
    control_url = argv[2];
    int err = venues_load(&venues, path, stderr);
    minds = calloc(venues.count + 1, sizeof(*minds));
    for (size_t i = 0; minds && i < venues.count; i++)
        minds[i].instance = &venues.at[i];
    if (!err)
        err = loop_open(&loop);
    const struct bus_config config = { .loop = loop, .role = ROLE_OPERATOR, .run_dir = run_dir };
    if (!err)
        err = bus_open(&bus, &config);
    if (!err)
        err = subscribe(bus, &subs);
    bool is_good = !err && look(loop, &subs, loop_now_ns() + atoll(argv[3]) * NS_PER_S);
    if (err)
        fprintf(stderr, "agree: %s\n", err_str(err));
    for (size_t i = 0; i < venues.count; i++) {
        const struct mind *mind = &minds[i];
        printf("%s %s books=%s orders=%s positions=%s\n", mind->instance->name,
               mind->instance->venue, mind->books[0] ? mind->books : "ok",
               mind->live[0] ? mind->live : "ok", mind->positions[0] ? mind->positions : "ok");
    }
    bus_close(&bus);
    loop_close(&loop);
    snprintf(path, sizeof(path), "rm -rf %s", run_dir);
    if (system(path) != 0)
        fprintf(stderr, "agree: %s is left\n", run_dir);
    return is_good ? 0 : 1;
}
