/* The dump: one line of JSON that any reader takes. */
#include "common/leaf/err.h"
#include "common/pure/topology.h"
#include "common/pure/wire.h"
#include "tests/unit/check.h"

static void a_trade_reads_like_a_trade(void)
{
    struct wire_trade trade;
    char line[1024];

    WIRE_BEGIN(&trade, trade);
    trade.header.flags = WIRE_REPLAY | WIRE_SIMULATED;
    trade.header.publisher = PUBLISHER(ROLE_MARKET_GATEWAY, 1);
    trade.header.account = 1;
    trade.header.epoch = UINT64_MAX;
    trade.header.seq = 7;
    trade.header.instrument = 0xab;
    trade.header.origin_ns = -1;
    trade.exchange_ns = 1700000000000000000;
    trade.price = -6160201000000;
    trade.qty = 50;
    trade.price_exp = 8;
    trade.qty_exp = -2;
    trade.aggressor = SIDE_SELL;
    strcpy(trade.venue_trade_id, "a\"\\\n\x01\xc3\xa4\xff\xed\xa0\x80");
    CHECK_INT(wire_check(&trade, sizeof(trade)), 0);
    int len = wire_dump(&trade.header, line, sizeof(line));
    CHECK_INT(len, strlen(line));
    CHECK_STR(line,
              "{\"type\":\"trade\",\"flags\":[\"replay\",\"simulated\"],"
              "\"publisher\":\"market_gateway/1\",\"account\":1,"
              "\"epoch\":\"18446744073709551615\",\"seq\":\"7\","
              "\"instrument\":\"00000000000000ab\",\"origin_ns\":\"-1\",\"sent_ns\":\"0\","
              "\"cause\":\"0000000000000000\",\"exchange_ns\":\"1700000000000000000\","
              "\"price\":\"-61602.01\",\"qty\":\"5000\","
              "\"venue_trade_id\":\"a\\\"\\\\\\u000a\\u0001\xc3\xa4\\ufffd\\ufffd\\ufffd\\ufffd\","
              "\"price_exp\":8,\"qty_exp\":-2,\"aggressor\":\"sell\"}");
}

int main(void)
{
    CASE(a_trade_reads_like_a_trade);
    DONE();
}
