/* The ledger's file: what is stored comes back, an execution counts once, an older file is brought
 * to the present version or left as it was. */
#include "common/leaf/err.h"
#include "position_server/ledger.h"
#include "tests/unit/check.h"
#include "tests/unit/market_fixture.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

static char path[64];
static struct market market;
static struct position_core core;

static void begin(void)
{
    static unsigned count;

    snprintf(path, sizeof path, "/tmp/test_ledger_%d_%u.ledger", (int)getpid(), ++count);
    unlink(path);
}

static void end(void)
{
    char other[80];

    for (int i = 0; i < 3; i++) {
        snprintf(other, sizeof other, "%s%s", path, i == 0 ? "" : i == 1 ? "-wal" : "-shm");
        unlink(other);
    }
}

static void load(void)
{
    static const struct position_config config = { .reporting = "USDT" };
    static const struct position_out out; /* Nothing is called while loading. */
    struct ledger *ledger = NULL;

    market_fini(&market);
    CHECK_INT(market_init(&market, 8, 10), 0);
    position_core_init(&core, &config, &market, &out);
    CHECK_INT(ledger_open(&ledger, path), 0);
    CHECK_INT(ledger_load(ledger, &core), 0);
    ledger_close(&ledger);
}

static struct wire_trade_event execution(uint64_t number, const char *id, wire_side side,
                                         int64_t qty)
{
    struct wire_trade_event t;

    WIRE_BEGIN(&t, trade_event);
    t.header.account = 1;
    t.header.instrument = fixture_id(1);
    t.trade_number = number;
    t.price = PRICE(5000000);
    t.qty = qty;
    t.side = side;
    t.price_exp = t.qty_exp = t.amount_exp = 8;
    strcpy(t.exchange_order_id, "O1");
    strcpy(t.venue_trade_id, id);
    strcpy(t.fee_asset, "USDT");
    t.fee = AMOUNT(1);
    t.realised_pnl = 7;
    t.has_realised_pnl = 1;
    return t;
}

static struct wire_account_event transfer(uint64_t number, int64_t change)
{
    struct wire_account_event e;

    WIRE_BEGIN(&e, account_event);
    e.header.account = 1;
    e.event_number = number;
    e.kind = ACCOUNT_TRANSFER;
    e.change = change;
    strcpy(e.asset, "USDT");
    strcpy(e.reference, "R");
    e.amount_exp = 8;
    return e;
}

static struct wire_account_position position(int64_t qty)
{
    struct wire_account_position p;

    WIRE_BEGIN(&p, account_position);
    p.header.account = 1;
    p.header.instrument = fixture_id(1);
    p.qty = qty;
    p.avg_price = PRICE(5000000);
    strcpy(p.settle, "USDT");
    p.price_exp = p.qty_exp = p.amount_exp = 8;
    return p;
}

static int64_t number_of(const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *s;
    int64_t number = -1;

    CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
        number = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return number;
}

static void store_all(struct ledger *ledger)
{
    struct wire_instrument d;
    struct wire_account_event e = transfer(1, AMOUNT(5));
    struct wire_account_position p = position(QTY(100));

    fixture_define(&d, 1, 1000);
    CHECK_INT(ledger_store_definition(ledger, &d), 0);
    CHECK_INT(ledger_store_account(ledger, &e), 0);
    CHECK_INT(ledger_store_position(ledger, &p), 0);
    p = position(QTY(200));
    CHECK_INT(ledger_store_position(ledger, &p), 0); /* The last one holds. */
}

static void what_is_stored_comes_back(void)
{
    struct ledger *ledger = NULL;
    struct wire_trade_event t = execution(1, "T1", SIDE_BUY, QTY(100));

    begin();
    CHECK_INT(ledger_open(&ledger, path), 0);
    store_all(ledger);
    CHECK_INT(ledger_store_trade(ledger, &t), 0);
    CHECK_INT(ledger_commit(ledger), 0);
    ledger_close(&ledger);
    load();
    CHECK_INT(core.position_count, 1);
    CHECK_INT(core.positions[0].holding.qty, QTY(100));
    CHECK_INT(core.positions[0].venue_qty, QTY(200));
    CHECK_INT(core.accounts[0].applied_trade_number, 1);
    CHECK_INT(core.accounts[0].applied_event_number, 1);
    CHECK_INT(number_of("SELECT count(*) FROM trades WHERE realised_pnl='0.00000007'"), 1);
    CHECK_INT(number_of("SELECT count(*) FROM venue_positions"), 1);
    end();
}

static void an_identity_is_taken_once_over_restarts(void)
{
    struct ledger *ledger = NULL;
    struct wire_trade_event t = execution(1, "T1", SIDE_BUY, QTY(100));

    begin();
    CHECK_INT(ledger_open(&ledger, path), 0);
    store_all(ledger);
    CHECK_INT(ledger_store_trade(ledger, &t), 0);
    ledger_close(&ledger);
    CHECK_INT(ledger_open(&ledger, path), 0);
    t.trade_number = 2;
    CHECK_INT(ledger_store_trade(ledger, &t), ERR_EXISTS);
    t.side = SIDE_SELL; /* Another: a trade with ourselves has both sides. */
    t.trade_number = 3;
    CHECK_INT(ledger_store_trade(ledger, &t), 0);
    t.header.account = 2;
    t.trade_number = 1;
    CHECK_INT(ledger_store_trade(ledger, &t), 0);
    CHECK_INT(ledger_store_trade(ledger, &t), ERR_EXISTS); /* Also with its number. */
    ledger_close(&ledger);
    load();
    CHECK_INT(core.accounts[0].applied_trade_number, 3);
    CHECK_INT(core.positions[0].holding.qty, 0);
    CHECK_INT(core.positions[0].trades, 2);
    CHECK_INT(number_of("SELECT of_trade_number FROM repeated WHERE account=1 AND trade_number=2"),
              1);
    end();
}

static void a_number_with_another_execution_is_an_error(void)
{
    struct ledger *ledger = NULL;
    struct wire_trade_event t = execution(1, "T1", SIDE_BUY, QTY(100));

    begin();
    CHECK_INT(ledger_open(&ledger, path), 0);
    CHECK_INT(ledger_store_trade(ledger, &t), 0);
    strcpy(t.venue_trade_id, "T2");
    CHECK_INT(ledger_store_trade(ledger, &t), ERR_SYS);
    ledger_close(&ledger);
    end();
}

/* ---- version 2 ---- */

static const char version_2[] =
    "CREATE TABLE counter(id INTEGER PRIMARY KEY CHECK(id=1), next INTEGER NOT NULL);"
    "INSERT INTO counter VALUES(1,1);"
    "CREATE TABLE instruments(instrument INTEGER PRIMARY KEY, venue TEXT, symbol TEXT, name TEXT,"
    " base TEXT, quote TEXT, record BLOB NOT NULL);"
    "CREATE TABLE trades(n INTEGER PRIMARY KEY, account INTEGER NOT NULL,"
    " trade_number INTEGER NOT NULL, order_id TEXT, strategy INTEGER, instrument INTEGER, side "
    "TEXT, price TEXT, qty TEXT, fee TEXT, fee_asset TEXT, liquidity TEXT, venue_trade_id TEXT,"
    " exchange_order_id TEXT, exchange_ns INTEGER, simulated INTEGER, record BLOB NOT NULL,"
    " UNIQUE(account,trade_number));"
    "CREATE TABLE account_events(n INTEGER PRIMARY KEY, account INTEGER NOT NULL,"
    " event_number INTEGER, kind TEXT, asset TEXT, total TEXT, free TEXT, locked TEXT, change TEXT,"
    " exchange_ns INTEGER, record BLOB NOT NULL, UNIQUE(account,event_number));"
    "CREATE TABLE day(account INTEGER, strategy INTEGER, instrument INTEGER, day INTEGER,"
    " base INTEGER, PRIMARY KEY(account,strategy,instrument));"
    "CREATE TRIGGER count_trades AFTER INSERT ON trades BEGIN UPDATE counter SET next=next+1; END;"
    "CREATE TRIGGER count_events AFTER INSERT ON account_events BEGIN UPDATE counter SET "
    "next=next+1; END;"
    "PRAGMA user_version=2;";

/* The layout of version 1 of an event: without some bytes in its middle. */
static size_t old_layout(const void *event, size_t size, size_t at, size_t less, uint8_t *out)
{
    memcpy(out, event, at);
    memcpy(out + at, (const uint8_t *)event + at + less, size - at - less);
    struct wire_header header;
    memcpy(&header, out, sizeof header);
    header.version = 1;
    header.size = (uint32_t)(size - less);
    memcpy(out, &header, sizeof header);
    return size - less;
}

static void insert(sqlite3 *db, const char *sql, const void *blob, size_t size)
{
    sqlite3_stmt *s;

    CHECK_INT(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    sqlite3_bind_blob(s, 1, blob, (int)size, SQLITE_TRANSIENT);
    CHECK_INT(sqlite3_step(s), SQLITE_DONE);
    sqlite3_finalize(s);
}

static void put_trade(sqlite3 *db, uint64_t number, const char *id, wire_side side, int64_t qty)
{
    struct wire_trade_event t = execution(number, id, side, qty);
    uint8_t old[512];
    char sql[512];

    t.has_realised_pnl = 0; /* Was reserved. */
    size_t size = old_layout(&t, sizeof t, offsetof(struct wire_trade_event, realised_pnl), 8, old);
    CHECK_INT(size, 256);
    snprintf(sql, sizeof sql,
             "INSERT INTO trades(n,account,trade_number,instrument,side,exchange_order_id,"
             "venue_trade_id,record) VALUES((SELECT next FROM counter),1,%llu,%lld,'%s','O1','%s',"
             "?1)",
             (unsigned long long)number, (long long)t.header.instrument, wire_side_str(side), id);
    insert(db, sql, old, size);
}

static void make_version_2(bool is_broken)
{
    sqlite3 *db;
    struct wire_instrument d;
    struct wire_account_event e = transfer(1, AMOUNT(5));
    uint8_t old[512];
    char sql[256];

    CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
    CHECK_INT(sqlite3_exec(db, version_2, NULL, NULL, NULL), SQLITE_OK);
    fixture_define(&d, 1, 1000);
    d.header.version = 1;
    snprintf(sql, sizeof sql, "INSERT INTO instruments(instrument,record) VALUES(%lld,?1)",
             (long long)d.header.instrument);
    insert(db, sql, &d, sizeof d);
    put_trade(db, 1, "T1", SIDE_BUY, QTY(300));
    size_t size = old_layout(&e, sizeof e, offsetof(struct wire_account_event, margin), 16, old);
    CHECK_INT(size, 184);
    insert(db,
           "INSERT INTO account_events(n,account,event_number,kind,asset,record)"
           " VALUES((SELECT next FROM counter),1,1,'transfer','USDT',?1)",
           old, is_broken ? size - 1 : size);
    put_trade(db, 2, "T2", SIDE_SELL, QTY(100));
    put_trade(db, 3, "T1", SIDE_BUY, QTY(300)); /* What version 2 let pass. */
    sqlite3_close(db);
}

static void version_2_becomes_3_with_every_record(void)
{
    struct ledger *ledger = NULL;

    begin();
    make_version_2(false);
    load();
    CHECK_INT(number_of("PRAGMA user_version"), 3);
    CHECK_INT(core.positions[0].holding.qty, QTY(200));
    CHECK_INT(core.positions[0].fees, AMOUNT(2));
    CHECK_INT(core.positions[0].trades, 2);
    CHECK_INT(core.accounts[0].applied_trade_number, 3);
    CHECK_INT(core.accounts[0].applied_event_number, 1);
    CHECK_INT(number_of("SELECT of_trade_number FROM repeated WHERE trade_number=3"), 1);
    CHECK_INT(number_of("SELECT count(*) FROM trades"), 2);
    /* It goes on from there. */
    struct wire_trade_event t = execution(4, "T4", SIDE_SELL, QTY(200));
    CHECK_INT(ledger_open(&ledger, path), 0);
    CHECK_INT(ledger_store_trade(ledger, &t), 0);
    ledger_close(&ledger);
    load();
    CHECK_INT(core.positions[0].holding.qty, 0);
    CHECK_INT(number_of("SELECT n FROM trades WHERE trade_number=4"), 5);
    end();
}

static void a_migration_that_fails_leaves_the_file_as_it_was(void)
{
    struct ledger *ledger = NULL;

    begin();
    make_version_2(true);
    CHECK(ledger_open(&ledger, path) != 0);
    CHECK(ledger == NULL);
    CHECK_INT(number_of("PRAGMA user_version"), 2);
    CHECK_INT(number_of("SELECT count(*) FROM trades"), 3);
    CHECK_INT(number_of("SELECT count(*) FROM trades WHERE length(record)=256"), 3);
    CHECK_INT(number_of("SELECT count(*) FROM repeated"), -1);
    end();
}

static void other_versions_are_refused(void)
{
    struct ledger *ledger = NULL;
    sqlite3 *db;

    for (int version = 1; version < 5; version += 3) {
        char sql[64];
        begin();
        CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
        snprintf(sql, sizeof sql, "PRAGMA user_version=%d", version);
        CHECK_INT(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        CHECK_INT(ledger_open(&ledger, path), ERR_VERSION);
        CHECK_INT(number_of("PRAGMA user_version"), version);
        end();
    }
}

int main(void)
{
    CASE(what_is_stored_comes_back);
    CASE(an_identity_is_taken_once_over_restarts);
    CASE(a_number_with_another_execution_is_an_error);
    CASE(version_2_becomes_3_with_every_record);
    CASE(a_migration_that_fails_leaves_the_file_as_it_was);
    CASE(other_versions_are_refused);
    market_fini(&market);
    DONE();
}
