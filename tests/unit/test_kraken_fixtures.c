/* Every payload of ../shared/fixtures/kraken is read into what tests/replay/kraken_fixtures.tsv
 * states; fixtures.h says how. */
#include "tests/unit/fixtures.h"
#include "venues/kraken/order.h"

extern const struct venue venue_kraken;

static bool is_without_token; /* The row is the answer that has it. */

/* Metadata known, connected, the token there. */
static void prepare(struct fixture *f)
{
    static const char token[] = "{\"error\":[],\"result\":{\"token\":\"T\"}}";
    char *pairs = fixture_text(f, "rest/assetpairs_data_xc.json");

    kraken_order_ops.start(f->order, &f->clock, &f->out);
    fixture_order_http(f, 200, pairs);
    kraken_order_ops.opened(f->order, 0, &f->clock, &f->out);
    if (!is_without_token)
        fixture_order_http(f, 200, token);
    free(pairs);
}

static void renumbered(struct fixture *f, const char *text, const char *name, uint64_t number)
{
    char digits[24];

    snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);
    char *frame = fixture_with(text, name, digits);
    fixture_order_frame(f, 0, frame);
    free(frame);
}

static bool run(struct fixture *f, const char *how, const char *text)
{
    static const char none[] = "{\"error\":[],\"result\":{\"open\":{}}}";

    if (strcmp(how, "stream") == 0) { /* The sequence of a channel begins with 1. */
        (void)fixture_order(f);
        renumbered(f, text, "sequence", 1);
    } else if (strcmp(how, "ack") == 0) { /* Of the subscription to balances. */
        struct kraken_side *side = fixture_order(f);
        renumbered(f, text, "req_id", side->channels[CHANNEL_BALANCES].req_id);
        say_begin(&f->said, "balances");
        say(&f->said, " %s", side->channels[CHANNEL_BALANCES].is_up ? "up" : "down");
    } else if (strcmp(how, "token") == 0) {
        is_without_token = true;
        struct kraken_side *side = fixture_order(f);
        is_without_token = false;
        fixture_order_http(f, 200, text);
        say_begin(&f->said, "token");
        say(&f->said, " %s", side->token);
        f->said.has[PROOF_login] = true;
    } else if (strcmp(how, "closed") == 0) { /* The second half of a query by client id. */
        fixture_ask(f, OP_QUERY, true);
        fixture_order_http(f, 200, none);
        fixture_order_http(f, 200, text);
        f->said.has[f->said.is_bad ? PROOF_errors : PROOF_query] = true;
    } else {
        return false;
    }
    return true;
}

/* Lists are asked for of the whole account. */
static void without_symbol(struct fixture *f, struct venue_command *command)
{
    (void)f;
    if (command->op > OP_QUERY)
        command->symbol[0] = '\0';
}

int main(void)
{
    static const char *const names[] = { "BTC-USD" };
    static const struct venue_order_config config = { .venue = "kraken",
                                                      .names = names,
                                                      .name_count = COUNT(names),
                                                      .api_key = "key",
                                                      .api_secret = "c2VjcmV0" };
    static const struct fixture_venue kraken = { .venue = &venue_kraken,
                                                 .order_config = &config,
                                                 .symbol = "BTC/USD",
                                                 .wall_ms = INT64_C(1777975200000),
                                                 .prepare = prepare,
                                                 .command = without_symbol,
                                                 .run = run };

    return fixtures_main(&kraken);
}
