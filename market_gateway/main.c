/* market_gateway: a venue's market data, or a recording of it, onto the bus. */
#include "market_gateway/gateway.h"

static struct gateway_settings settings;
static struct gateway_options options;

static const struct role_option option_table[] = {
    { "--replay", "FILE", "play a recording (plain, .gz, .zst) instead of connecting", NULL,
      &options.replay },
    { "--stats", NULL, "end with one line of JSON: counters and the final best bid and ask",
      &options.wants_stats, NULL },
    { "--dump", NULL, "print every event as one line of JSON", &options.wants_dump, NULL },
    { "--publish", NULL, "with --replay: onto the bus, in the recording's own time",
      &options.wants_publish, NULL },
    { "--speed", "X", "with --publish: X times as fast", NULL, &options.speed },
};

int main(int argc, char **argv)
{
    struct gateway *gateway = gateway_new(&settings, &options);

    if (!gateway)
        return ROLE_EXIT_FAILURE;
    const struct role_app app = {
        .role = ROLE_MARKET_GATEWAY,
        .summary = "publishes one venue's market data",
        .keys = market_gateway_keys,
        .key_count = market_gateway_key_count,
        .config = &settings,
        .options = option_table,
        .option_count = COUNT(option_table),
        .state = gateway,
        .runs_without_config = true,
        .check = gateway_check,
        .once = gateway_once,
        .init = gateway_init,
        .start = gateway_start,
        .tick = gateway_tick,
        .metrics = gateway_metrics,
        .stop = gateway_stop,
        .fini = gateway_fini,
    };
    int code = role_main(&app, argc, argv);
    gateway_free(gateway);
    return code;
}
