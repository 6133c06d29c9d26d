#include "position_server/ledger_schema.h"

#include "common/edge/log.h"
#include "common/leaf/err.h"
#include "common/leaf/fixed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUSY_MS = 300 };

enum statement {
    BEGIN,
    COMMIT,
    ADD_TRADE,
    ADD_REPEATED,
    ADD_EVENT,
    PUT_INSTRUMENT,
    PUT_POSITION,
    PUT_DAY,
    STATEMENTS,
};

static const char *const sql[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ADD_TRADE] =
        "INSERT INTO trades(n,account,trade_number,order_id,strategy,instrument,side,price,qty,fee,"
        "fee_asset,liquidity,venue_trade_id,exchange_order_id,exchange_ns,simulated,realised_pnl,"
        "record) VALUES((SELECT next FROM "
        "counter),?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17)",
    /* ?1 to ?6: what makes an execution the same. */
    [ADD_REPEATED] =
        "INSERT INTO repeated(n,account,trade_number,of_trade_number,record) SELECT (SELECT next "
        "FROM counter),?1,?2,trade_number,?7 FROM trades WHERE account=?1 AND instrument=?3 AND "
        "exchange_order_id=?4 AND venue_trade_id=?5 AND side=?6",
    [ADD_EVENT] =
        "INSERT INTO account_events(n,account,event_number,kind,asset,total,free,locked,margin,"
        "unrealised_pnl,change,instrument,reference,exchange_ns,record) VALUES((SELECT next FROM "
        "counter),?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14)",
    [PUT_POSITION] =
        "INSERT OR REPLACE INTO venue_positions(account,instrument,qty,avg_price,mark_price,"
        "liquidation_price,unrealised_pnl,realised_pnl,margin,leverage,exchange_ns,record)"
        " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)",
    [PUT_INSTRUMENT] =
        "INSERT OR REPLACE INTO instruments(instrument,venue,symbol,name,base,quote,record)"
        " VALUES(?1,?2,?3,?4,?5,?6,?7)",
    [PUT_DAY] =
        "INSERT OR REPLACE INTO day(account,strategy,instrument,day,base) VALUES(?1,?2,?3,?4,?5)",
};

struct ledger {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    unsigned pending;
    bool is_open; /* A transaction. */
};

static int failed(const struct ledger *ledger, const char *what)
{
    log_error("ledger", "%s: %s", what, sqlite3_errmsg(ledger->db));
    return ERR_SYS;
}

static int prepare(struct ledger *ledger)
{
    char *message = NULL;
    int rc = sqlite3_exec(
        ledger->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; BEGIN IMMEDIATE; COMMIT;",
        NULL, NULL, &message);

    sqlite3_free(message);
    if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
        return ERR_LOCKED;
    if (rc != SQLITE_OK)
        return failed(ledger, "open");
    int err = ledger_schema(ledger->db);
    if (err)
        return err;
    for (int i = 0; i < STATEMENTS; i++)
        if (sqlite3_prepare_v2(ledger->db, sql[i], -1, &ledger->statements[i], NULL) != SQLITE_OK)
            return failed(ledger, sql[i]);
    return 0;
}

int ledger_open(struct ledger **out, const char *path)
{
    struct ledger *ledger = calloc(1, sizeof *ledger);
    int err;

    if (!ledger)
        return ERR_SYS;
    err = sqlite3_open(path, &ledger->db) == SQLITE_OK ? prepare(ledger) : failed(ledger, path);
    if (err) {
        ledger_close(&ledger);
        return err;
    }
    /* Somebody else's short write is waited for; a long one ends us, and the next start goes on. */
    (void)sqlite3_busy_timeout(ledger->db, BUSY_MS);
    *out = ledger;
    return 0;
}

void ledger_close(struct ledger **ledger)
{
    if (!*ledger)
        return;
    if ((*ledger)->is_open)
        (void)ledger_commit(*ledger);
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize((*ledger)->statements[i]);
    sqlite3_close((*ledger)->db);
    free(*ledger);
    *ledger = NULL;
}

static int run(struct ledger *ledger, enum statement which)
{
    sqlite3_stmt *statement = ledger->statements[which];
    int rc = sqlite3_step(statement);

    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    if (rc == SQLITE_DONE)
        return 0;
    return rc == SQLITE_CONSTRAINT ? ERR_EXISTS : failed(ledger, sql[which]);
}

static int begin(struct ledger *ledger)
{
    int err = ledger->is_open ? 0 : run(ledger, BEGIN);

    ledger->is_open = ledger->is_open || err == 0;
    return err;
}

static int finish(struct ledger *ledger, enum statement which)
{
    int err = begin(ledger);

    if (!err)
        err = run(ledger, which);
    if (!err)
        ledger->pending++;
    return err;
}

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    sqlite3_bind_text(statement, at, text, -1, SQLITE_TRANSIENT);
}

static void bind_decimal(sqlite3_stmt *statement, int at, int64_t value, int exp)
{
    char text[FIXED_TEXT_MAX] = "";

    (void)fixed_format(value, exp, text, sizeof text);
    bind_text(statement, at, text);
}

static void bind_trade(sqlite3_stmt *s, const struct wire_trade_event *trade)
{
    char order_id[24];

    /* SQLite's integers are signed: ids beyond 2^63 are kept as text. */
    snprintf(order_id, sizeof order_id, "%llu", (unsigned long long)trade->order_id);
    sqlite3_bind_int(s, 1, trade->header.account);
    sqlite3_bind_int64(s, 2, (sqlite3_int64)trade->trade_number);
    bind_text(s, 3, order_id);
    sqlite3_bind_int(s, 4, trade->strategy);
    sqlite3_bind_int64(s, 5, (sqlite3_int64)trade->header.instrument);
    bind_text(s, 6, wire_side_str(trade->side));
    bind_decimal(s, 7, trade->price, trade->price_exp);
    bind_decimal(s, 8, trade->qty, trade->qty_exp);
    bind_decimal(s, 9, trade->fee, trade->amount_exp);
    bind_text(s, 10, trade->fee_asset);
    bind_text(s, 11, wire_liquidity_str(trade->liquidity));
    bind_text(s, 12, trade->venue_trade_id);
    bind_text(s, 13, trade->exchange_order_id);
    sqlite3_bind_int64(s, 14, trade->exchange_ns);
    sqlite3_bind_int(s, 15, (trade->header.flags & WIRE_SIMULATED) != 0);
    if (trade->has_realised_pnl)
        bind_decimal(s, 16, trade->realised_pnl, trade->amount_exp);
    else
        sqlite3_bind_null(s, 16);
    sqlite3_bind_blob(s, 17, trade, sizeof *trade, SQLITE_TRANSIENT);
}

/* The number is taken in any case: kept where it can be found, with the number of the first. */
static int store_repeated(struct ledger *ledger, const struct wire_trade_event *trade)
{
    sqlite3_stmt *s = ledger->statements[ADD_REPEATED];
    int before = sqlite3_total_changes(ledger->db);

    sqlite3_bind_int(s, 1, trade->header.account);
    sqlite3_bind_int64(s, 2, (sqlite3_int64)trade->trade_number);
    sqlite3_bind_int64(s, 3, (sqlite3_int64)trade->header.instrument);
    bind_text(s, 4, trade->exchange_order_id);
    bind_text(s, 5, trade->venue_trade_id);
    bind_text(s, 6, wire_side_str(trade->side));
    sqlite3_bind_blob(s, 7, trade, sizeof *trade, SQLITE_TRANSIENT);
    int err = finish(ledger, ADD_REPEATED);
    if (err)
        return err == ERR_EXISTS ? ERR_SYS : err;
    /* Nothing with that identity: then it was the number that is there already. */
    return sqlite3_total_changes(ledger->db) == before ? ERR_SYS : ERR_EXISTS;
}

int ledger_store_trade(struct ledger *ledger, const struct wire_trade_event *trade)
{
    bind_trade(ledger->statements[ADD_TRADE], trade);
    int err = finish(ledger, ADD_TRADE);

    return err == ERR_EXISTS ? store_repeated(ledger, trade) : err;
}

int ledger_store_account(struct ledger *ledger, const struct wire_account_event *event)
{
    sqlite3_stmt *s = ledger->statements[ADD_EVENT];

    sqlite3_bind_int(s, 1, event->header.account);
    if (event->kind == ACCOUNT_BALANCE) /* Not counted: several have the same. */
        sqlite3_bind_null(s, 2);
    else
        sqlite3_bind_int64(s, 2, (sqlite3_int64)event->event_number);
    bind_text(s, 3, wire_account_event_kind_str(event->kind));
    bind_text(s, 4, event->asset);
    bind_decimal(s, 5, event->total, event->amount_exp);
    bind_decimal(s, 6, event->free, event->amount_exp);
    bind_decimal(s, 7, event->locked, event->amount_exp);
    bind_decimal(s, 8, event->margin, event->amount_exp);
    bind_decimal(s, 9, event->unrealised_pnl, event->amount_exp);
    bind_decimal(s, 10, event->change, event->amount_exp);
    if (event->header.instrument)
        sqlite3_bind_int64(s, 11, (sqlite3_int64)event->header.instrument);
    else
        sqlite3_bind_null(s, 11);
    bind_text(s, 12, event->reference);
    sqlite3_bind_int64(s, 13, event->exchange_ns);
    sqlite3_bind_blob(s, 14, event, sizeof *event, SQLITE_TRANSIENT);
    return finish(ledger, ADD_EVENT);
}

int ledger_store_position(struct ledger *ledger, const struct wire_account_position *position)
{
    sqlite3_stmt *s = ledger->statements[PUT_POSITION];
    const struct wire_account_position *p = position;

    sqlite3_bind_int(s, 1, p->header.account);
    sqlite3_bind_int64(s, 2, (sqlite3_int64)p->header.instrument);
    bind_decimal(s, 3, p->qty, p->qty_exp);
    bind_decimal(s, 4, p->avg_price, p->price_exp);
    bind_decimal(s, 5, p->mark_price, p->price_exp);
    bind_decimal(s, 6, p->liquidation_price, p->price_exp);
    bind_decimal(s, 7, p->unrealised_pnl, p->amount_exp);
    bind_decimal(s, 8, p->realised_pnl, p->amount_exp);
    bind_decimal(s, 9, p->margin, p->amount_exp);
    bind_decimal(s, 10, p->leverage_ppm, 6);
    sqlite3_bind_int64(s, 11, p->exchange_ns);
    sqlite3_bind_blob(s, 12, p, sizeof *p, SQLITE_TRANSIENT);
    return finish(ledger, PUT_POSITION);
}

int ledger_store_definition(struct ledger *ledger, const struct wire_instrument *definition)
{
    sqlite3_stmt *s = ledger->statements[PUT_INSTRUMENT];

    sqlite3_bind_int64(s, 1, (sqlite3_int64)definition->header.instrument);
    bind_text(s, 2, definition->venue);
    bind_text(s, 3, definition->symbol);
    bind_text(s, 4, definition->name);
    bind_text(s, 5, definition->base);
    bind_text(s, 6, definition->quote);
    sqlite3_bind_blob(s, 7, definition, sizeof *definition, SQLITE_TRANSIENT);
    return finish(ledger, PUT_INSTRUMENT);
}

int ledger_store_day(struct ledger *ledger, const struct position_core *core)
{
    int err = 0;

    for (uint32_t i = 0; i < core->position_count && !err; i++) {
        const struct position *position = &core->positions[i];
        sqlite3_stmt *s = ledger->statements[PUT_DAY];

        sqlite3_bind_int(s, 1, position->account);
        sqlite3_bind_int(s, 2, position->strategy);
        sqlite3_bind_int64(s, 3, (sqlite3_int64)position->instrument);
        sqlite3_bind_int64(s, 4, core->day);
        sqlite3_bind_int64(s, 5, position->day_base);
        err = finish(ledger, PUT_DAY);
    }
    return err;
}

unsigned ledger_pending(const struct ledger *ledger)
{
    return ledger->pending;
}

int ledger_commit(struct ledger *ledger)
{
    int err = ledger->is_open ? run(ledger, COMMIT) : 0;

    if (!err) {
        ledger->is_open = false;
        ledger->pending = 0;
    }
    return err;
}

/* Rows of a record, and whether it only takes a number (1). */
static int load_records(struct ledger *ledger, struct position_core *core, const char *query)
{
    static union wire_event record; /* 32 KiB: not on the stack. */
    sqlite3_stmt *statement;
    int rc;

    if (sqlite3_prepare_v2(ledger->db, query, -1, &statement, NULL) != SQLITE_OK)
        return failed(ledger, query);
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        size_t size = (size_t)sqlite3_column_bytes(statement, 0);

        if (size > sizeof record || wire_check(sqlite3_column_blob(statement, 0), size) != 0) {
            log_error("ledger", "a record cannot be read: %s", query);
            sqlite3_finalize(statement);
            return ERR_PROTO;
        }
        memcpy(&record, sqlite3_column_blob(statement, 0), size);
        if (sqlite3_column_int(statement, 1) == 0)
            position_core_load(core, &record.header);
        else
            position_core_load_repeated(core, record.header.account,
                                        record.trade_event.trade_number);
    }
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE ? 0 : failed(ledger, query);
}

static int load_day(struct ledger *ledger, struct position_core *core)
{
    sqlite3_stmt *s;

    if (sqlite3_prepare_v2(ledger->db, "SELECT day,account,strategy,instrument,base FROM day", -1,
                           &s, NULL) != SQLITE_OK)
        return failed(ledger, "day");
    while (sqlite3_step(s) == SQLITE_ROW)
        position_core_set_day(core, sqlite3_column_int64(s, 0), (uint16_t)sqlite3_column_int(s, 1),
                              (uint16_t)sqlite3_column_int(s, 2),
                              (uint64_t)sqlite3_column_int64(s, 3), sqlite3_column_int64(s, 4));
    sqlite3_finalize(s);
    return 0;
}

int ledger_load(struct ledger *ledger, struct position_core *core)
{
    int err = load_records(ledger, core, "SELECT record,0 FROM instruments");

    if (!err)
        err = load_records(ledger, core,
                           "SELECT record,is_repeated FROM (SELECT n,record,0 AS is_repeated FROM "
                           "trades UNION ALL SELECT n,record,1 FROM repeated UNION ALL"
                           " SELECT n,record,0 FROM account_events) ORDER BY n");
    if (!err)
        err = load_records(ledger, core, "SELECT record,0 FROM venue_positions");
    if (!err)
        err = load_day(ledger, core);
    return err;
}
