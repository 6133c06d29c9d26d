/* fixtures.h - the recorded payloads of one venue against what tests/replay/NAME_fixtures.tsv says
 * of them. A file that no row fits fails, a row that fits no file fails, a row without an
 * expectation fails.
 *
 * A row: FILE <tab> HOW <tab> WHAT THE CODEC SAYS, or FILE <tab> not read: REASON. FILE may be a
 * pattern; the first row that fits holds. What the codec says is the text of payload_text.h,
 * "nothing" where it says nothing. HOW:
 *
 *     feed [N]                a frame of public connection N (0)
 *     http [URL]              an answer of public REST, told by its url
 *     event [N]               a frame of private connection N (0)
 *     place, cancel, ...      the answer to that command (the names are in fixture_ops below): of
 *                             REST for files in rest/, else of the WebSocket, the codec's own
 *                             request id put in its place; "rest place", "ws place": whatever the
 *                             folder; behind it "400": with that HTTP status, "id=X", "cid=X",
 *                             "symbol=X": of the command
 *     after @NAME HOW         behind the step @NAME, which is a row of its own: @NAME <tab> HOW
 *                             <tab> TEXT, or <tab> < FILE
 *     in @NAME HOW            inside the text of @NAME, for %
 *     another word            the venue's own, by its hook run
 *
 * SHOW=1 prints the rows as the codec would have them: to be read against the payload, never to be
 * copied. When all holds, the proof lines of what was read are printed. */
#ifndef TICKPIPE_TESTS_UNIT_FIXTURES_H
#define TICKPIPE_TESTS_UNIT_FIXTURES_H

#include "tests/unit/capture.h"
#include "tests/unit/check.h"
#include "tests/unit/payload_text.h"

#include <dirent.h>
#include <fnmatch.h>
#include <unistd.h>

enum { FIXTURE_ROWS_MAX = 2000 };

struct fixture;

struct fixture_venue {
    const struct venue *venue;
    const char *folder; /* Below ../shared/fixtures; NULL: the venue's name. */
    const struct venue_feed_config *feed_config;   /* NULL: any symbol. */
    const struct venue_order_config *order_config; /* NULL: key, secret, BTC-USDT and ETH-USDT. */
    const char *symbol;                            /* Of commands. NULL: BTCUSDT. */
    wire_instrument_kind symbol_kind;
    int64_t wall_ms; /* 0: 1660801720000 */
    /* Each may be NULL. */
    /* The order side before a row: its instruments, its login. What it says is not part of the
     * row. */
    void (*prepare)(struct fixture *fixture);
    /* Words of HOW that the harness does not know. Returns whether it knew them. */
    bool (*run)(struct fixture *fixture, const char *how, const char *text);
    /* Changes a command of a row before it is given. */
    void (*command)(struct fixture *fixture, struct venue_command *command);
    /* The HTTP status that the venue sends a body with, where the row states none. */
    int (*status)(const char *text);
};

struct fixture_row {
    char *path, *how, *want;
    unsigned used;
};

struct fixture {
    const struct fixture_venue *of;
    const char *path;   /* Of the payload that is read. */
    void *feed, *order; /* States; NULL until needed. */
    struct said said;
    struct venue_out out;
    struct venue_clock clock;
    struct venue_request request; /* The last one. */
    uint64_t tag;
    char sent[VENUE_FRAME_MAX]; /* The last frame. */
    unsigned sent_on;
    const char *words; /* Behind the command of the row. */
    char *table;
    struct fixture_row rows[FIXTURE_ROWS_MAX];
    size_t row_count;
    unsigned proved[PROOF_OPERATION_COUNT];
    const char *first[PROOF_OPERATION_COUNT]; /* A file that proved it. */
    unsigned failed;
};

static const struct {
    const char *word;
    enum venue_op op;
    enum proof_operation rest, ws;
} fixture_ops[] = {
    { "place", OP_PLACE, PROOF_place_limit, PROOF_place_limit_ws },
    { "cancel", OP_CANCEL, PROOF_cancel, PROOF_cancel_ws },
    { "replace", OP_REPLACE, PROOF_amend, PROOF_amend_ws },
    { "query", OP_QUERY, PROOF_query, PROOF_query_ws },
    { "open_orders", OP_OPEN_ORDERS, PROOF_open_orders, PROOF_open_orders_ws },
    { "cancel_all", OP_CANCEL_ALL, PROOF_cancel_all, PROOF_cancel_all_ws },
    { "balances", OP_BALANCES, PROOF_balances, PROOF_balances_ws },
    { "executions", OP_EXECUTIONS, PROOF_executions, PROOF_executions_ws },
    { "time", OP_SERVER_TIME, PROOF_server_time, PROOF_server_time },
    { "instruments", OP_INSTRUMENTS, PROOF_instruments, PROOF_instruments },
    { "dead_man", OP_DEAD_MAN, PROOF_dead_man, PROOF_dead_man },
    { "positions", OP_POSITIONS, PROOF_positions, PROOF_positions },
    { "account_mode", OP_ACCOUNT_MODE, PROOF_account_mode, PROOF_account_mode },
    { "funding", OP_FUNDING, PROOF_funding_payments, PROOF_funding_payments },
};

/* ---- what the codecs are given ---- */

static int fixture_send(void *ctx, unsigned connection, const char *frame, size_t len)
{
    struct fixture *f = (struct fixture *)((char *)ctx - offsetof(struct fixture, said));

    snprintf(f->sent, sizeof(f->sent), "%.*s", (int)len, frame);
    f->sent_on = connection;
    return 0;
}

static int fixture_request(void *ctx, const struct venue_request *request)
{
    struct fixture *f = (struct fixture *)((char *)ctx - offsetof(struct fixture, said));

    f->request = *request;
    f->tag = request->tag;
    return 0;
}

static void fixture_forget(struct fixture *f)
{
    f->said.len = f->said.entries = 0;
    f->said.text[0] = '\0';
    f->said.is_bad = false;
    memset(f->said.has, 0, sizeof(f->said.has));
}

static void fixture_error(struct fixture *f, int err)
{
    if (!err)
        return;
    say_begin(&f->said, "error");
    say(&f->said, ": %s", err_str(err));
    f->said.is_bad = true;
}

static void *fixture_feed(struct fixture *f)
{
    const struct venue *venue = f->of->venue;
    const struct venue_feed_config any = { .venue = venue->name, .takes_any_symbol = true };

    if (!f->feed) {
        f->feed = calloc(1, venue->feed->state_size);
        if (!f->feed ||
            venue->feed->init(f->feed, f->of->feed_config ? f->of->feed_config : &any) != 0)
            abort();
        f->said.feed = venue->feed;
        f->said.feed_state = f->feed;
    }
    return f->feed;
}

static void *fixture_order(struct fixture *f)
{
    const struct venue *venue = f->of->venue;
    static const char *const names[] = { "BTC-USDT", "ETH-USDT" };
    const struct venue_order_config usual = { .venue = venue->name,
                                              .names = names,
                                              .name_count = COUNT(names),
                                              .api_key = "key",
                                              .api_secret = "c2VjcmV0",
                                              .api_passphrase = "phrase",
                                              .maker_fee_ppm = 1000,
                                              .taker_fee_ppm = 1000 };

    if (!f->order) {
        f->order = calloc(1, venue->order->state_size);
        if (!f->order ||
            venue->order->init(f->order, f->of->order_config ? f->of->order_config : &usual) != 0)
            abort();
        if (f->of->prepare)
            f->of->prepare(f);
        fixture_forget(f);
    }
    return f->order;
}

static void fixture_over(struct fixture *f)
{
    if (f->feed)
        f->of->venue->feed->fini(f->feed);
    if (f->order)
        f->of->venue->order->fini(f->order);
    free(f->feed);
    free(f->order);
    f->feed = f->order = NULL;
}

/* Public and private frames and answers: for the venue's hooks too. */
static void fixture_feed_frame(struct fixture *f, unsigned connection, const char *text)
{
    void *state = fixture_feed(f);

    fixture_error(
        f, f->of->venue->feed->frame(state, connection, text, strlen(text), &f->clock, &f->out));
}

static void fixture_feed_http(struct fixture *f, const char *url, const char *text)
{
    void *state = fixture_feed(f);
    struct venue_response response = {
        .url = url, .status = 200, .was_sent = true, .body = text, .body_len = strlen(text)
    };

    fixture_error(f, f->of->venue->feed->http(state, &response, &f->clock, &f->out));
}

static void fixture_order_frame(struct fixture *f, unsigned connection, const char *text)
{
    void *state = fixture_order(f);

    fixture_error(
        f, f->of->venue->order->frame(state, connection, text, strlen(text), &f->clock, &f->out));
}

static void fixture_order_http(struct fixture *f, int status, const char *text)
{
    void *state = fixture_order(f);
    struct venue_response response = {
        .tag = f->tag, .status = status, .was_sent = true, .body = text, .body_len = strlen(text)
    };

    f->clock.nonce++;
    fixture_error(f, f->of->venue->order->http(state, &response, &f->clock, &f->out));
}

/* The text of a member, "" where there is none; of the first one, through "data" as well. */
static void fixture_member(const char *text, const char *name, char *value, size_t cap)
{
    struct scan_value top, found;

    value[0] = '\0';
    if (scan_whole(text, strlen(text), &top) != 0 || top.type != SCAN_OBJECT)
        return;
    if (scan_find(&top, name, &found) == 0 ||
        (scan_find(&top, "data", &top) == 0 && top.type == SCAN_OBJECT &&
         scan_find(&top, name, &found) == 0))
        (void)scan_text(&found, value, cap);
}

/* Puts another value in the place of a member's, quoted as it was. The caller frees. */
static char *fixture_with(const char *text, const char *name, const char *value)
{
    struct scan_value top, found;
    char *made = malloc(strlen(text) + strlen(value) + 1);

    if (!made)
        abort();
    if (scan_whole(text, strlen(text), &top) != 0 || top.type != SCAN_OBJECT ||
        scan_find(&top, name, &found) != 0)
        return strcpy(made, text);
    size_t before = (size_t)(found.text - text);
    memcpy(made, text, before);
    strcpy(made + before, value);
    strcat(made, found.text + found.len);
    return made;
}

/* An answer's request id is that of the request that it was recorded for: ours instead. */
static char *fixture_as_answer(struct fixture *f, const char *text)
{
    static const char *const names[] = { "id", "req_id", "reqId" };
    char ours[128];

    for (size_t i = 0; i < COUNT(names); i++) {
        fixture_member(f->sent, names[i], ours, sizeof(ours));
        if (ours[0])
            return fixture_with(text, names[i], ours);
    }
    return fixture_with(text, "id", "");
}

static const char *fixture_word(const char **how, char *word, size_t cap)
{
    size_t len = strcspn(*how, " ");

    snprintf(word, cap, "%.*s", (int)len, *how);
    *how += len + strspn(*how + len, " ");
    return word;
}

static void fixture_command_words(struct fixture *f, struct venue_command *command)
{
    char word[128];

    for (const char *rest = f->words ? f->words : ""; *rest;) {
        fixture_word(&rest, word, sizeof(word));
        if (strncmp(word, "id=", 3) == 0) {
            snprintf(command->exchange_order_id, sizeof(command->exchange_order_id), "%.70s",
                     word + 3);
            command->client_order_id[0] = '\0';
        } else if (strncmp(word, "cid=", 4) == 0) {
            snprintf(command->client_order_id, sizeof(command->client_order_id), "%.39s", word + 4);
        } else if (strncmp(word, "symbol=", 7) == 0) {
            snprintf(command->symbol, sizeof(command->symbol), "%.31s", word + 7);
        }
    }
}

static int fixture_status(const struct fixture *f, const char *text)
{
    char word[128];

    for (const char *rest = f->words; *rest;)
        if (atoi(fixture_word(&rest, word, sizeof(word))) > 0)
            return atoi(word);
    return f->of->status ? f->of->status(text) : 200;
}

static struct venue_command fixture_command(struct fixture *f, enum venue_op op, bool is_rest)
{
    struct venue_command command = { .op = op,
                                     .transport = is_rest ? TRANSPORT_REST : TRANSPORT_WS,
                                     .request_id = 7,
                                     .side = SIDE_BUY,
                                     .type = ORDER_LIMIT,
                                     .time_in_force = TIF_GTC,
                                     .price = 1,
                                     .qty = 1,
                                     .timeout_ns = 60 * NS_PER_S };

    if (op <= OP_OPEN_ORDERS || op == OP_CANCEL_ALL || op == OP_EXECUTIONS) {
        snprintf(command.symbol, sizeof(command.symbol), "%s",
                 f->of->symbol ? f->of->symbol : "BTCUSDT");
        command.instrument_kind = f->of->symbol_kind ? f->of->symbol_kind : INSTRUMENT_SPOT;
    }
    if (op <= OP_QUERY) {
        snprintf(command.client_order_id, sizeof(command.client_order_id), "mine");
        snprintf(command.new_client_order_id, sizeof(command.new_client_order_id), "mine2");
    }
    fixture_command_words(f, &command);
    if (f->of->command)
        f->of->command(f, &command);
    return command;
}

/* The command, given; the answer is the caller's. */
static void fixture_ask(struct fixture *f, enum venue_op op, bool is_rest)
{
    void *state = fixture_order(f);
    struct venue_command command = fixture_command(f, op, is_rest);

    f->tag = 0;
    f->sent[0] = '\0';
    int err = f->of->venue->order->command(state, &command, &f->clock, &f->out);
    if (err) {
        fprintf(stderr, "%s: the command is refused: %s\n", f->path, err_str(err));
        fixture_error(f, err);
    }
}

/* ---- one row ---- */

static bool fixture_answer(struct fixture *f, const char *word, const char *how, const char *text)
{
    bool is_rest = strncmp(f->path, "rest/", 5) == 0;
    char next[64];

    snprintf(next, sizeof(next), "%s", word);
    if (strcmp(word, "rest") == 0 || strcmp(word, "ws") == 0) {
        is_rest = word[0] == 'r';
        fixture_word(&how, next, sizeof(next));
    }
    for (size_t i = 0; i < COUNT(fixture_ops); i++) {
        if (strcmp(fixture_ops[i].word, next) != 0)
            continue;
        f->words = how;
        fixture_ask(f, fixture_ops[i].op, is_rest);
        if (is_rest) {
            fixture_order_http(f, fixture_status(f, text), text);
        } else {
            char *framed = fixture_as_answer(f, text);
            fixture_order_frame(f, f->sent_on, framed);
            free(framed);
        }
        enum proof_operation shown = is_rest ? fixture_ops[i].rest : fixture_ops[i].ws;
        f->said.has[f->said.is_bad ? PROOF_errors : shown] = f->said.entries > 0;
        return true;
    }
    return false;
}

static void fixture_run(struct fixture *f, const char *how, const char *text);

static struct fixture_row *fixture_row_find(struct fixture *f, const char *path)
{
    for (size_t i = 0; i < f->row_count; i++)
        if (path[0] == '@' ? strcmp(f->rows[i].path, path) == 0
                           : fnmatch(f->rows[i].path, path, FNM_PATHNAME) == 0)
            return &f->rows[i];
    return NULL;
}

static char *fixture_text(struct fixture *f, const char *path)
{
    char name[600];

    snprintf(name, sizeof(name), SHARED "fixtures/%s/%s",
             f->of->folder ? f->of->folder : f->of->venue->name, path);
    char *text = file_read(name).text;
    if (!text)
        fprintf(stderr, "%s cannot be read\n", name);
    CHECK(text != NULL);
    return text ? text : calloc(1, 1);
}

/* The text of a step: in the row, or in a file. The caller frees. */
static char *fixture_step_text(struct fixture *f, const struct fixture_row *step)
{
    return step->want[0] == '<' ? fixture_text(f, step->want + 1 + strspn(step->want + 1, " "))
                                : strdup(step->want);
}

static void fixture_with_step(struct fixture *f, bool is_frame, const char *name, const char *how,
                              const char *text)
{
    struct fixture_row *step = fixture_row_find(f, name);

    CHECK(step != NULL);
    if (!step) {
        fprintf(stderr, "%s: no step %s\n", f->path, name);
        return;
    }
    step->used++;
    char *own = fixture_step_text(f, step);
    char *place = is_frame ? strchr(own, '%') : NULL;
    if (place) {
        char *whole = malloc(strlen(own) + strlen(text) + 1);
        if (!whole)
            abort();
        sprintf(whole, "%.*s%s%s", (int)(place - own), own, text, place + 1);
        fixture_run(f, how, whole);
        free(whole);
    } else {
        CHECK(!is_frame);
        fixture_run(f, step->how, own);
        fixture_forget(f);
        fixture_run(f, how, text);
    }
    free(own);
}

static void fixture_run(struct fixture *f, const char *how, const char *text)
{
    const char *rest = how;
    char word[64], name[64];

    fixture_word(&rest, word, sizeof(word));
    if (strcmp(word, "after") == 0 || strcmp(word, "in") == 0) {
        fixture_word(&rest, name, sizeof(name));
        fixture_with_step(f, word[0] == 'i', name, rest, text);
    } else if (f->of->run && f->of->run(f, how, text)) {
        return;
    } else if (strcmp(word, "feed") == 0) {
        fixture_feed_frame(f, (unsigned)atoi(rest), text);
    } else if (strcmp(word, "http") == 0) {
        fixture_feed_http(f, rest, text);
    } else if (strcmp(word, "event") == 0) {
        (void)fixture_order(f);
        fixture_order_frame(f, (unsigned)atoi(rest), text);
    } else if (!fixture_answer(f, word, rest, text)) {
        fprintf(stderr, "%s: no such way: %s\n", f->path, how);
        CHECK(false);
    }
}

static void fixture_row_check(struct fixture *f, struct fixture_row *row, const char *text)
{
    f->feed = f->order = NULL;
    f->words = "";
    fixture_forget(f);
    fixture_run(f, row->how, text);
    const char *said = say_end(&f->said);
    if (getenv("SHOW"))
        printf("%s\t%s\t%s\n", f->path, row->how, said);
    bool is_same = strcmp(said, row->want) == 0;
    if (!is_same)
        fprintf(stderr, "%s (%s):\n  says %s\n  not  %s\n", f->path, row->how, said, row->want);
    CHECK(is_same);
    for (size_t i = 0; i < PROOF_OPERATION_COUNT && is_same; i++) {
        f->proved[i] += f->said.has[i];
        if (f->said.has[i] && f->proved[i] == 1)
            f->first[i] = strdup(f->path);
    }
    fixture_over(f);
}

/* ---- the table ---- */

static struct fixture *fixture_now; /* Of the cases. */

static void each_row_of_the_table_says_what_is_expected(void)
{
    struct fixture *f = fixture_now;
    char name[200], *rest = NULL;

    snprintf(name, sizeof(name), "tests/replay/%s_fixtures.tsv", f->of->venue->name);
    f->table = file_read(name).text;
    CHECK(f->table != NULL);
    for (char *line = f->table ? strtok_r(f->table, "\n", &rest) : NULL; line;
         line = strtok_r(NULL, "\n", &rest)) {
        struct fixture_row row = { .path = line, .how = strchr(line, '\t') };
        if (line[0] == '#')
            continue;
        if (f->row_count == FIXTURE_ROWS_MAX)
            abort();
        row.want = row.how ? strchr(row.how + 1, '\t') : NULL;
        bool is_read = row.how && strncmp(row.how + 1, "not read: ", 10) != 0;
        if (!row.how || (is_read && (!row.want || !row.want[1]))) {
            fprintf(stderr, "%s: no expectation in: %s\n", name, line);
            CHECK(false);
            continue;
        }
        *row.how++ = '\0';
        if (is_read)
            *row.want++ = '\0';
        else
            row.want = NULL;
        f->rows[f->row_count++] = row;
    }
}

static void fixture_folder(const char *folder)
{
    struct fixture *f = fixture_now;
    char path[600];

    snprintf(path, sizeof(path), SHARED "fixtures/%s/%s",
             f->of->folder ? f->of->folder : f->of->venue->name, folder);
    DIR *dir = opendir(path);
    if (!dir)
        return; /* Not every venue has every folder. */
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        struct fixture_row *row = fixture_row_find(f, path);
        if (!row)
            fprintf(stderr, "%s: no row of the table fits\n", path);
        CHECK(row != NULL);
        if (!row)
            continue;
        row->used++;
        f->path = path;
        if (row->want) {
            char *text = fixture_text(f, path);
            fixture_row_check(f, row, text);
            free(text);
        }
    }
    closedir(dir);
}

static void market_payloads_are_read_as_the_table_says(void)
{
    fixture_folder("market");
}

static void private_payloads_are_read_as_the_table_says(void)
{
    fixture_folder("private");
}

static void rest_payloads_are_read_as_the_table_says(void)
{
    fixture_folder("rest");
}

static void each_row_of_the_table_has_a_payload_and_each_event_is_valid(void)
{
    unsigned read = 0;

    for (size_t i = 0; i < fixture_now->row_count; i++) {
        const struct fixture_row *row = &fixture_now->rows[i];
        if (row->used == 0)
            fprintf(stderr, "nothing is read by the row of %s\n", row->path);
        CHECK(row->used > 0);
        read += row->want != NULL;
    }
    CHECK(read > 0);
    CHECK_INT(fixture_now->said.invalid, 0);
}

/* fixtures_main is the test's main: 0 or 1. Without ../shared it says so and does nothing. */
static int fixtures_main(const struct fixture_venue *of)
{
    char path[400];
    static struct fixture f;

    snprintf(path, sizeof(path), SHARED "fixtures/%s", of->folder ? of->folder : of->venue->name);
    if (access(path, R_OK) != 0) {
        printf("ok %s fixtures # skipped: no ../shared\n", of->venue->name);
        return 0;
    }
    f = (struct fixture){
        .of = of,
        .out = { &f.said, said_event, said_report, fixture_send, fixture_request, said_reconnect,
                 said_note },
        .clock = { NS_PER_S, (of->wall_ms ? of->wall_ms : INT64_C(1660801720000)) * NS_PER_MS, 1 },
    };
    fixture_now = &f;
    CASE(each_row_of_the_table_says_what_is_expected);
    CASE(market_payloads_are_read_as_the_table_says);
    CASE(private_payloads_are_read_as_the_table_says);
    CASE(rest_payloads_are_read_as_the_table_says);
    CASE(each_row_of_the_table_has_a_payload_and_each_event_is_valid);
    for (size_t i = 0; i < PROOF_OPERATION_COUNT && !check_failed_cases; i++) {
        snprintf(path, sizeof(path), "%u payloads, as %s", f.proved[i],
                 f.first[i] ? f.first[i] : "");
        if (f.proved[i])
            proof_of(of->venue->name, (enum proof_operation)i, BY_fixture, path);
    }
    for (size_t i = 0; i < PROOF_OPERATION_COUNT; i++)
        free((char *)(uintptr_t)f.first[i]);
    free(f.table);
    DONE();
}

#endif
