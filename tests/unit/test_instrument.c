/* Identity and registry of instruments. */
#include "common/leaf/err.h"
#include "common/pure/instrument.h"
#include "tests/unit/check.h"

/* printf 'binance|spot|BTCUSDT' | sha256sum, first 8 bytes read as little endian. */
static void id_is_the_same_everywhere(void)
{
    CHECK(instrument_id("binance", INSTRUMENT_SPOT, "BTCUSDT") == UINT64_C(0xf7e8aea064b48306));
}

int main(void)
{
    CASE(id_is_the_same_everywhere);
    DONE();
}
