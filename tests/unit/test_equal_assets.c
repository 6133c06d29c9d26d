#include "common/pure/equal_assets.h"

#include "common/leaf/err.h"
#include "tests/unit/check.h"

#include <string.h>

static struct equal_asset list[EQUAL_ASSETS_MAX];

static void reads_a_list(void)
{
    CHECK_INT(equal_assets_parse("", list), 0);
    CHECK_INT(equal_assets_parse(" USD=USDT:500, USDC=USDT:200 DAI=USDT", list), 3);
    CHECK(strcmp(list[1].asset, "USDC") == 0 && strcmp(list[1].as, "USDT") == 0);
    CHECK_INT(list[0].haircut_ppm, 500);
    CHECK_INT(list[2].haircut_ppm, 0);
}

static void refuses_what_is_not_one(void)
{
    static const char *const bad[] = { "USD",
                                       "USD=",
                                       "=USDT",
                                       "USD=USDT:",
                                       "USD=USDT:x",
                                       "USD=USDT:1000001",
                                       "USD=USDT:5x",
                                       "USD=USDT=EUR",
                                       "ABCDEFGHIJKLMNOP=USDT",
                                       "USD=USDT:-1",
                                       "USD=USDT:99999999999" };
    char many[512] = "";

    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK_INT(equal_assets_parse(bad[i], list), ERR_RANGE);
    for (int i = 0; i <= EQUAL_ASSETS_MAX; i++)
        strcat(many, "USD=USDT:1 ");
    CHECK_INT(equal_assets_parse(many, list), ERR_RANGE);
}

static void different_unless_said_equal(void)
{
    CHECK_INT(equal_assets_haircut(list, 0, "USD", "USD"), 0);
    CHECK_INT(equal_assets_haircut(list, 0, "USD", "USDT"), -1);
    int count = equal_assets_parse("USD=USDT:500 USDC=USDT:200", list);
    CHECK_INT(equal_assets_haircut(list, (unsigned)count, "USD", "USDT"), 500);
    CHECK_INT(equal_assets_haircut(list, (unsigned)count, "USDT", "USD"), 500);
    CHECK_INT(equal_assets_haircut(list, (unsigned)count, "USD", "USDC"), 700); /* Both ways. */
    CHECK_INT(equal_assets_haircut(list, (unsigned)count, "USD", "EUR"), -1);
    CHECK_INT(equal_assets_haircut(list, (unsigned)count, "USD", "USD"), 0);
}

int main(void)
{
    CASE(reads_a_list);
    CASE(refuses_what_is_not_one);
    CASE(different_unless_said_equal);
    DONE();
}
