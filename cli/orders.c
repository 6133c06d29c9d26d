/* tickpipe orders: what the engines say of their orders. */
#include "cli/gather.h"

#include "common/leaf/fixed.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT_MS = 2000, NAMES_MS = 1000 };

struct wanted {
    const struct venue_instance *instance;
    long strategy; /* -1: any. */
    bool wants_all;
};

static bool is_wanted(const void *ctx, const struct wire_header *event)
{
    const struct wanted *wanted = ctx;
    const struct wire_order_status *order = (const void *)event;

    if (event->type != WIRE_order_status)
        return event->type == WIRE_instrument;
    if (wanted->instance && PUBLISHER_INSTANCE(order->header.publisher) != wanted->instance->id)
        return false;
    if (wanted->strategy >= 0 && order->strategy != wanted->strategy)
        return false;
    return wanted->wants_all || (order->state != ORDER_NONE && order->state < ORDER_FILLED);
}

static void decimal(int64_t value, int exp, char out[FIXED_TEXT_MAX])
{
    if (fixed_format_trim(value, exp, out, FIXED_TEXT_MAX) < 0)
        strcpy(out, "?");
}

static void print_order(const struct gather *gather, const struct wire_order_status *order,
                        bool is_first)
{
    char name[32], price[FIXED_TEXT_MAX], qty[FIXED_TEXT_MAX], filled[FIXED_TEXT_MAX], id[24];

    if (is_first)
        printf("%-10s %-12s %-5s %-7s %-4s %16s %16s %16s %-16s %8s %-16s %s\n", "venue",
               "instrument", "side", "type", "tif", "price", "qty", "filled", "state", "strategy",
               "order", "exchange order");
    decimal(order->price, order->price_exp, price);
    decimal(order->qty, order->qty_exp, qty);
    decimal(order->filled_qty, order->qty_exp, filled);
    snprintf(id, sizeof(id), order->order_id ? "%016" PRIx64 : "foreign", order->order_id);
    printf("%-10s %-12s %-5s %-7s %-4s %16s %16s %16s %-16s %8u %-16s %s\n",
           cli_account(gather->cli, PUBLISHER_INSTANCE(order->header.publisher)),
           gather_name(gather, order->header.instrument, name), wire_side_str(order->side),
           wire_order_type_str(order->order_type), wire_time_in_force_str(order->time_in_force),
           price, qty, filled, wire_order_state_str(order->state), order->strategy, id,
           order->exchange_order_id);
}

static void print_orders(const struct gather *gather, bool is_complete)
{
    const struct wire_header *event;
    bool is_first = true;

    if (gather->cli->is_json) {
        printf("{\"complete\":%s,", is_complete ? "true" : "false");
        gather_print_json(gather, "orders", WIRE_order_status);
        puts("}");
        return;
    }
    for (size_t at = 0; (event = gather_next(gather, WIRE_order_status, &at)) != NULL;
         is_first = false)
        print_order(gather, (const void *)event, is_first);
    if (is_first)
        puts("no orders");
}

int cli_orders(struct cli *cli)
{
    static const uint16_t orders[] = { WIRE_order_status, WIRE_engine_status },
                          names[] = { WIRE_instrument };
    struct wanted wanted = { .strategy = -1, .wants_all = cli->wants_all };
    struct gather gather;
    bool is_bad, is_complete = false;

    wanted.instance = cli_venue(cli, &is_bad);
    if (is_bad)
        return CLI_USAGE;
    if (cli->strategy)
        wanted.strategy = strtol(cli->strategy, NULL, 10);
    if (gather_init(&gather, cli) != 0)
        return CLI_FAILURE;
    if (gather_add(&gather, STREAM_ORDER_STATUS, orders, COUNT(orders), true, REQUEST_STATE) == 0)
        is_complete = gather_run(&gather, 0, WAIT_MS * NS_PER_MS);
    gather_missing(&gather);
    if (!cli->is_json && gather.event_count > 0 &&
        gather_add(&gather, STREAM_MARKET_DATA, names, COUNT(names), true, REQUEST_SNAPSHOT) == 0)
        (void)gather_run(&gather, 0, NAMES_MS * NS_PER_MS);
    gather_keep(&gather, is_wanted, &wanted);
    print_orders(&gather, is_complete);
    gather_fini(&gather);
    return is_complete ? CLI_OK : CLI_FAILURE;
}
