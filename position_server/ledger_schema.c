#include "position_server/ledger_schema.h"

#include "common/edge/log.h"
#include "common/leaf/err.h"

#include <string.h>

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS counter(id INTEGER PRIMARY KEY CHECK(id=1), next INTEGER NOT NULL);"
    "INSERT OR IGNORE INTO counter VALUES(1,1);"
    "CREATE TABLE IF NOT EXISTS instruments(instrument INTEGER PRIMARY KEY, venue TEXT, symbol "
    "TEXT, name TEXT,"
    " base TEXT, quote TEXT, record BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS trades(n INTEGER PRIMARY KEY, account INTEGER NOT NULL,"
    " trade_number INTEGER NOT NULL, order_id TEXT, strategy INTEGER, instrument INTEGER, side "
    "TEXT, price TEXT,"
    " qty TEXT, fee TEXT, fee_asset TEXT, liquidity TEXT, venue_trade_id TEXT, exchange_order_id "
    "TEXT,"
    " exchange_ns INTEGER, simulated INTEGER, realised_pnl TEXT, record BLOB NOT NULL, "
    "UNIQUE(account,trade_number));"
    "CREATE TABLE IF NOT EXISTS repeated(n INTEGER PRIMARY KEY, account INTEGER NOT NULL,"
    " trade_number INTEGER NOT NULL, of_trade_number INTEGER NOT NULL, record BLOB NOT NULL,"
    " UNIQUE(account,trade_number));"
    "CREATE TABLE IF NOT EXISTS account_events(n INTEGER PRIMARY KEY, account INTEGER NOT NULL,"
    " event_number INTEGER, kind TEXT, asset TEXT, total TEXT, free TEXT, locked TEXT, "
    "margin TEXT, unrealised_pnl TEXT, change TEXT, instrument INTEGER, reference TEXT,"
    " exchange_ns INTEGER, record BLOB NOT NULL, UNIQUE(account,event_number));"
    "CREATE TABLE IF NOT EXISTS venue_positions(account INTEGER, instrument INTEGER, qty TEXT, "
    "avg_price TEXT, mark_price TEXT, liquidation_price TEXT, unrealised_pnl TEXT, "
    "realised_pnl TEXT, margin TEXT, leverage TEXT, exchange_ns INTEGER, record BLOB NOT NULL,"
    " PRIMARY KEY(account,instrument));"
    "CREATE TABLE IF NOT EXISTS day(account INTEGER, strategy INTEGER, instrument INTEGER, day "
    "INTEGER,"
    " base INTEGER, PRIMARY KEY(account,strategy,instrument));"
    "CREATE TRIGGER IF NOT EXISTS count_trades AFTER INSERT ON trades BEGIN UPDATE counter SET "
    "next=next+1; END;"
    "CREATE TRIGGER IF NOT EXISTS count_repeated AFTER INSERT ON repeated BEGIN UPDATE counter SET "
    "next=next+1; END;"
    "CREATE TRIGGER IF NOT EXISTS count_events AFTER INSERT ON account_events BEGIN UPDATE counter "
    "SET next=next+1;"
    " END;"
    "CREATE UNIQUE INDEX IF NOT EXISTS identity ON trades(account,instrument,exchange_order_id,"
    "venue_trade_id,side);"
    "PRAGMA user_version=3;";

/* What version 2 lacks. An execution that it has twice goes to `repeated`: from now on it counts
 * once. */
static const char from_2[] =
    "ALTER TABLE trades ADD COLUMN realised_pnl TEXT;"
    "ALTER TABLE account_events ADD COLUMN margin TEXT;"
    "ALTER TABLE account_events ADD COLUMN unrealised_pnl TEXT;"
    "ALTER TABLE account_events ADD COLUMN instrument INTEGER;"
    "ALTER TABLE account_events ADD COLUMN reference TEXT;"
    "CREATE TABLE repeated(n INTEGER PRIMARY KEY, account INTEGER NOT NULL,"
    " trade_number INTEGER NOT NULL, of_trade_number INTEGER NOT NULL, record BLOB NOT NULL,"
    " UNIQUE(account,trade_number));"
    "INSERT INTO repeated SELECT t.n,t.account,t.trade_number,f.trade_number,t.record FROM trades t"
    " JOIN (SELECT min(n) AS n,min(trade_number) AS trade_number,account,instrument,"
    "exchange_order_id,venue_trade_id,side FROM trades GROUP BY account,instrument,"
    "exchange_order_id,venue_trade_id,side) f ON f.account=t.account AND f.instrument=t.instrument"
    " AND f.exchange_order_id=t.exchange_order_id AND f.venue_trade_id=t.venue_trade_id AND "
    "f.side=t.side WHERE t.n>f.n;"
    "DELETE FROM trades WHERE n IN (SELECT n FROM repeated);";

static int failed(sqlite3 *db, const char *what)
{
    log_error("ledger", "%s: %s", what, sqlite3_errmsg(db));
    return ERR_SYS;
}

static int execute(sqlite3 *db, const char *what, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : failed(db, what);
}

static int64_t number_of(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement;
    int64_t number = -1;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        return -1;
    if (sqlite3_step(statement) == SQLITE_ROW)
        number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return number;
}

/* ---- records of the events' first layout ---- */

/* Where the second layout has bytes that the first had not. The last byte of a trade_event was
 * reserved and 0: it now says that no profit is stated. */
static const struct layout {
    uint16_t type;
    uint32_t old_size, new_size;
    size_t at; /* of the new bytes */
} layouts[] = {
    { WIRE_instrument, 256, 256, 256 },
    { WIRE_trade_event, 256, 264, offsetof(struct wire_trade_event, realised_pnl) },
    { WIRE_account_event, 184, 200, offsetof(struct wire_account_event, margin) },
};

static int upgrade(const uint8_t *old, size_t size, union wire_event *out)
{
    struct wire_header header;

    if (size < sizeof header)
        return ERR_PROTO;
    memcpy(&header, old, sizeof header);
    for (size_t i = 0; i < COUNT(layouts); i++) {
        const struct layout *l = &layouts[i];
        uint8_t *to = (uint8_t *)out;
        if (header.type != l->type || header.version != 1 || size != l->old_size)
            continue;
        memset(to, 0, l->new_size);
        memcpy(to, old, l->at);
        memcpy(to + l->at + (l->new_size - l->old_size), old + l->at, l->old_size - l->at);
        out->header.version = 2;
        out->header.size = l->new_size;
        return wire_check(out, l->new_size);
    }
    return ERR_PROTO;
}

static int upgrade_table(sqlite3 *db, const char *select, const char *update)
{
    static union wire_event record; /* 32 KiB: not on the stack. */
    sqlite3_stmt *from = NULL, *to = NULL;
    int rc = SQLITE_ERROR, err = 0;

    if (sqlite3_prepare_v2(db, select, -1, &from, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, update, -1, &to, NULL) != SQLITE_OK)
        err = failed(db, select);
    while (!err && (rc = sqlite3_step(from)) == SQLITE_ROW) {
        const void *blob = sqlite3_column_blob(from, 1);
        if (!blob || upgrade(blob, (size_t)sqlite3_column_bytes(from, 1), &record) != 0) {
            log_error("ledger", "a record of version 2 cannot be read: %s", select);
            err = ERR_PROTO;
            break;
        }
        sqlite3_bind_int64(to, 1, sqlite3_column_int64(from, 0));
        sqlite3_bind_blob(to, 2, &record, (int)record.header.size, SQLITE_TRANSIENT);
        if (sqlite3_step(to) != SQLITE_DONE)
            err = failed(db, update);
        sqlite3_reset(to);
    }
    if (!err && rc != SQLITE_DONE)
        err = failed(db, select);
    sqlite3_finalize(from);
    sqlite3_finalize(to);
    return err;
}

static int migrate(sqlite3 *db)
{
    static const char *const tables[][2] = {
        { "SELECT instrument,record FROM instruments",
          "UPDATE instruments SET record=?2 WHERE instrument=?1" },
        { "SELECT n,record FROM trades", "UPDATE trades SET record=?2 WHERE n=?1" },
        { "SELECT n,record FROM repeated", "UPDATE repeated SET record=?2 WHERE n=?1" },
        { "SELECT n,record FROM account_events", "UPDATE account_events SET record=?2 WHERE n=?1" },
    };
    int err = execute(db, "tables of version 2", from_2);

    for (size_t i = 0; i < COUNT(tables) && !err; i++)
        err = upgrade_table(db, tables[i][0], tables[i][1]);
    if (!err)
        log_info("ledger",
                 "version 2 is brought to 3: %lld executions, %lld told twice and no more counted",
                 (long long)number_of(db, "SELECT count(*) FROM trades"),
                 (long long)number_of(db, "SELECT count(*) FROM repeated"));
    return err;
}

int ledger_schema(sqlite3 *db)
{
    int64_t version = number_of(db, "PRAGMA user_version");

    if (version != 0 && version != 2 && version != LEDGER_VERSION) {
        log_error("ledger", "is of version %lld; this build reads 2 and %d: docs/ledger.md",
                  (long long)version, LEDGER_VERSION);
        return ERR_VERSION;
    }
    int err = execute(db, "begin", "BEGIN IMMEDIATE");
    if (err)
        return err;
    if (version == 2)
        err = migrate(db);
    if (!err)
        err = execute(db, "schema", schema);
    if (!err)
        err = execute(db, "commit", "COMMIT");
    if (err)
        (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return err;
}
