/* Every payload of ../shared/fixtures/okx is read into what tests/replay/okx_fixtures.tsv states;
 * fixtures.h says how. */
#include "tests/unit/fixtures.h"
#include "venues/okx/order.h"

extern const struct venue venue_okx;

static bool is_before_login; /* The row is the login's answer. */

/* Lists known, connected, logged in, channels acknowledged. */
static void prepare(struct fixture *f)
{
    static const char *const channels[] = {
        "{\"channel\":\"orders\",\"instType\":\"ANY\"}",
        "{\"channel\":\"account\"}",
        "{\"channel\":\"balance_and_position\"}",
        "{\"channel\":\"positions\",\"instType\":\"SWAP\"}",
    };
    static const char spot[] =
        "{\"code\":\"0\",\"msg\":\"\",\"data\":[{\"instId\":\"BTC-USDT\",\"instIdCode\":3,"
        "\"instType\":"
        "\"SPOT\",\"baseCcy\":\"BTC\",\"quoteCcy\":\"USDT\",\"tickSz\":\"0.1\",\"lotSz\":\"0."
        "00000001\","
        "\"minSz\":\"0.00001\",\"maxLmtSz\":\"9999999999\",\"state\":\"live\"}]}";
    char *swap = fixture_text(f, "rest/get_instruments_swap_nt.json"), ack[160];

    okx_order_ops.start(f->order, &f->clock, &f->out);
    fixture_order_http(f, 200, spot);
    fixture_order_http(f, 200, swap);
    okx_order_ops.opened(f->order, 0, &f->clock, &f->out);
    free(swap);
    if (is_before_login)
        return;
    fixture_order_frame(f, 0, "{\"event\":\"login\",\"code\":\"0\",\"msg\":\"\"}");
    for (size_t i = 0; i < COUNT(channels); i++) {
        snprintf(ack, sizeof(ack), "{\"event\":\"subscribe\",\"arg\":%s}", channels[i]);
        fixture_order_frame(f, 0, ack);
    }
}

/* "news STATE COMMAND ...": an answer that accepts a cancel or an amendment, and then the order's
 * own news, which tell what became of it. */
static void with_news(struct fixture *f, const char *how, const char *text)
{
    char state[64], word[64], id[64] = "", news[512];
    const char *rest = how;

    fixture_word(&rest, state, sizeof(state));
    fixture_word(&rest, word, sizeof(word));
    fixture_answer(f, word, rest, text);
    for (const char *at = rest; *at;)
        if (strncmp(fixture_word(&at, word, sizeof(word)), "id=", 3) == 0)
            snprintf(id, sizeof(id), "%s", word + 3);
    snprintf(news, sizeof(news),
             "{\"arg\":{\"channel\":\"orders\",\"instType\":\"ANY\"},\"data\":[{\"instId\":"
             "\"BTC-USDT\",\"instType\":\"SPOT\",\"ordId\":\"%s\",\"clOrdId\":\"\",\"side\":"
             "\"buy\",\"ordType\":\"limit\",\"px\":\"1\",\"sz\":\"1\",\"accFillSz\":\"0\","
             "\"fillSz\":\"0\",\"state\":\"%s\",\"amendResult\":\"%s\",\"cancelSource\":\"%s\","
             "\"uTime\":\"1695190491500\"}]}",
             id, state, strcmp(state, "live") == 0 ? "0" : "",
             strcmp(state, "canceled") == 0 ? "1" : "");
    fixture_order_frame(f, 0, news);
    bool is_cancel = strstr(how, "cancel") != NULL && strstr(how, "replace") == NULL;
    bool is_rest = strncmp(f->path, "rest/", 5) == 0;
    f->said.has[is_cancel ? (is_rest ? PROOF_cancel : PROOF_cancel_ws)
                          : (is_rest ? PROOF_amend : PROOF_amend_ws)] = !f->said.is_bad;
}

static bool run(struct fixture *f, const char *how, const char *text)
{
    if (strncmp(how, "news ", 5) == 0) {
        with_news(f, how + 5, text);
    } else if (strcmp(how, "login") == 0) {
        is_before_login = true;
        (void)fixture_order(f);
        is_before_login = false;
        fixture_order_frame(f, 0, text);
        f->said.has[PROOF_errors] = true;
    } else if (strncmp(how, "history ", 8) == 0) { /* The second half of a query. */
        f->words = how + 8;
        fixture_ask(f, OP_QUERY, true);
        fixture_order_http(f, 200,
                           "{\"code\":\"51603\",\"msg\":\"Order does not exist\","
                           "\"data\":[]}");
        fixture_forget(f);
        fixture_order_http(f, 200, text);
        f->said.has[PROOF_query] = true;
    } else if (strcmp(how, "sweep") == 0) { /* Cancels in batches, between two lists. */
        fixture_ask(f, OP_CANCEL_ALL, true);
        fixture_order_http(f, 200,
                           "{\"code\":\"0\",\"msg\":\"\",\"data\":[{\"instId\":\"BTC-USDT\","
                           "\"ordId\":\"12345689\"},{\"instId\":\"BTC-USDT\",\"ordId\":"
                           "\"12344\"}]}");
        CHECK_STR(f->request.path, "/api/v5/trade/cancel-batch-orders");
        fixture_order_http(f, 200, text);
        f->clock.now_ns += NS_PER_S;
        okx_order_ops.tick(f->order, &f->clock, &f->out);
        fixture_order_http(f, 200, "{\"code\":\"0\",\"msg\":\"\",\"data\":[]}");
        f->said.has[PROOF_cancel_all] = f->said.has[PROOF_batch] = true;
    } else {
        return false;
    }
    return true;
}

int main(void)
{
    static const char *const names[] = { "BTC-USDT", "ETH-USDT", "BTC-USDT-PERP", "ETH-USDT-PERP" };
    static const struct venue_order_config config = { .venue = "okx",
                                                      .names = names,
                                                      .name_count = COUNT(names),
                                                      .api_key = "key",
                                                      .api_secret = "secret",
                                                      .api_passphrase = "phrase" };
    static const struct fixture_venue okx = { .venue = &venue_okx,
                                              .order_config = &config,
                                              .symbol = "BTC-USDT",
                                              .wall_ms = INT64_C(1695190491000),
                                              .prepare = prepare,
                                              .run = run };

    return fixtures_main(&okx);
}
