/* Real captures through the gateway: the counts and final books of an independent rebuild, and what
 * happens when a frame is lost. Run by tests/check.d/20-replay with the gateway's path; further
 * words are names of venues: only those. */
#include "market_gateway/replay.h"

#include "common/edge/bus.h"
#include "common/leaf/err.h"
#include "common/leaf/fixed.h"
#include "common/pure/book.h"
#include "tests/proof.h"
#include "tests/replay/captures.h"
#include "tests/unit/check.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIXTURES "../shared/fixtures/"

enum {
    INSTRUMENTS_MAX = 64, /* As many as a feed knows. */
    LEVELS_MAX = 8192,
    ALL_UP_TO = 600, /* Captures with more book frames than this are sampled. */
    SAMPLES = 120,
    FRAMES_MAX = 1000000, /* Played in all for one capture: fewer samples of a long one. */
    SAMPLES_MIN = 20,
};

static const char *gateway_path;

/* ---- captures: tests/replay/captures.h ---- */

static struct capture_row rows[CAPTURE_ROWS_MAX];
static size_t row_count;

static void every_capture_of_a_registered_venue_stands_in_its_table(void)
{
    unsigned missing = 0;

    row_count = capture_rows(rows, FIXTURES, &missing);
    CHECK(row_count > 0);
    CHECK_INT(missing, 0);
}

static void each_capture(void (*run)(const struct capture_row *row))
{
    unsigned count = 0;

    for (size_t i = 0; i < row_count; i++) {
        if (!rows[i].words)
            continue;
        if (!rows[i].want)
            fprintf(stderr, "%s: no independent rebuild of it\n", rows[i].name);
        CHECK(rows[i].want != NULL);
        if (rows[i].want)
            run(&rows[i]);
        count++;
    }
    CHECK(count > 0);
}

/* ---- the program's own words against the independent rebuild ---- */

static double number(const cJSON *object, const char *name)
{
    const cJSON *item = name ? cJSON_GetObjectItem(object, name) : object;

    return cJSON_IsNumber(item) ? item->valuedouble : -1;
}

/* What a number of the gateway must be: usual, unless the row says "stat=N", "stat=FIELD" of the
 * rebuild, or "stat=any". */
static void check_number(const struct capture_row *row, const cJSON *stats, const char *stat,
                         double usual)
{
    char said[32];

    if (capture_word(row, stat, said, sizeof(said))) {
        if (strcmp(said, "any") == 0)
            return;
        usual = strspn(said, "0123456789") == strlen(said) ? atof(said) : number(row->want, said);
    }
    if (number(stats, stat) != usual)
        fprintf(stderr, "%s: %s: ", row->name, stat);
    CHECK_INT(number(stats, stat), usual);
}

/* The same decimal: a rebuild may have written it otherwise than the venue ("9.62", "7.4E-7"). */
static bool is_price(const char *have, const char *want)
{
    int64_t a, b;
    int a_exp, b_exp;

    if (!have || !want)
        return have == want;
    return fixed_parse_natural(have, strlen(have), &a, &a_exp) == 0 &&
           fixed_parse_natural(want, strlen(want), &b, &b_exp) == 0 &&
           fixed_compare(a, a_exp, b, b_exp) == 0;
}

static bool is_top(const cJSON *prices, const cJSON *counts, const cJSON *want)
{
    for (int side = 0; side < 2; side++) {
        const char *have = cJSON_GetStringValue(cJSON_GetArrayItem(prices, side));
        const char *price = cJSON_GetStringValue(cJSON_GetArrayItem(want, side));
        if (!is_price(have, price) || (int)number(cJSON_GetArrayItem(counts, side), NULL) !=
                                          (int)number(cJSON_GetArrayItem(want, side + 2), NULL))
            return false;
    }
    return true;
}

/* {"BTCUSDT": [bid, ask, bid levels, ask levels]}; ONLY is the capture's only symbol. A rebuild of
 * several connections names them before the symbol, and there a symbol may stand twice. */
static void check_tops(const char *name, const cJSON *stats, const cJSON *want)
{
    const cJSON *top = cJSON_GetObjectItem(stats, "top");
    const cJSON *levels = cJSON_GetObjectItem(stats, "levels");
    bool is_taken[INSTRUMENTS_MAX] = { false };
    const cJSON *symbol;

    CHECK_INT(cJSON_GetArraySize(top), cJSON_GetArraySize(want));
    CHECK(cJSON_GetArraySize(top) <= INSTRUMENTS_MAX);
    cJSON_ArrayForEach(symbol, want)
    {
        const cJSON *prices = top->child, *counts = levels->child;
        bool is_found = false;
        for (int i = 0; prices && counts && i < INSTRUMENTS_MAX && !is_found; i++) {
            bool is_named = strcmp(symbol->string, "ONLY") == 0 ||
                            strcmp(symbol->string, prices->string) == 0 ||
                            (symbol->string[0] == '(' && strstr(symbol->string, prices->string));
            is_found = is_named && !is_taken[i] && is_top(prices, counts, symbol);
            is_taken[i] = is_taken[i] || is_found;
            prices = prices->next;
            counts = counts->next;
        }
        if (!is_found) {
            char *text = cJSON_PrintUnformatted(symbol);
            fprintf(stderr, "%s: no book %s %s\n", name, symbol->string, text);
            free(text);
        }
        CHECK(is_found);
    }
}

static cJSON *run_gateway(const char *venue, const char *path)
{
    char command[1024], *line = NULL;
    size_t cap = 0;
    cJSON *stats = NULL;

    snprintf(command, sizeof(command), "%s %s --replay %s --stats 2>/dev/null", gateway_path, venue,
             path);
    FILE *pipe = popen(command, "re");
    while (pipe && getline(&line, &cap, pipe) > 0) {
        cJSON_Delete(stats);
        stats = cJSON_Parse(line); /* The last line counts. */
    }
    CHECK(pipe && pclose(pipe) == 0);
    free(line);
    return stats;
}

static void compare(const struct capture_row *row)
{
    cJSON *stats = run_gateway(row->venue, row->path);
    const cJSON *want = row->want;

    CHECK(stats != NULL);
    if (!stats)
        return;
    bool has_checksum = cJSON_GetObjectItem(want, "crc_ok");
    bool has_applied = cJSON_GetObjectItem(want, "applied");
    double snapshots = number(want, "snapshots");
    check_number(row, stats, "messages", number(want, "records"));
    check_number(row, stats, "snapshots", snapshots);
    check_number(row, stats, "crossed", number(want, "crossed"));
    check_number(row, stats, "checksum_ok", has_checksum ? number(want, "crc_ok") : 0);
    check_number(row, stats, "checksum_failed", 0);
    /* The rebuild of a checksummed feed counts its snapshots as updates. */
    check_number(row, stats, "deltas",
                 has_applied    ? number(want, "applied")
                 : has_checksum ? number(want, "updates") - snapshots
                                : number(want, "updates"));
    check_number(row, stats, "dropped_old",
                 cJSON_GetObjectItem(want, "dropped_old") ? number(want, "dropped_old") : 0);
    check_number(row, stats, "gaps", 0);
    check_number(row, stats, "resyncs", 0);
    check_number(row, stats, "rejected", 0);
    check_number(row, stats, "bad_lines", 0);
    CHECK_INT(cJSON_GetArraySize(cJSON_GetObjectItem(stats, "stale")), 0);
    check_tops(row->name, stats, cJSON_GetObjectItem(want, "top"));
    cJSON_Delete(stats);
    if (!check_failed_in_case) {
        proof_of(row->venue, PROOF_book_snapshot, BY_fixture, row->name);
        proof_of(row->venue, PROOF_book_delta, BY_fixture, row->name);
    }
}

static void replays_agree_with_an_independent_rebuild(void)
{
    each_capture(compare);
}

/* ---- what a subscriber of the events has ---- */

struct seen_book {
    uint64_t instrument;
    struct book book;
    wire_feed_state state;
    bool is_inside; /* The events of one message are not all here. */
};

static struct observer {
    struct seen_book books[INSTRUMENTS_MAX];
    size_t count;
    unsigned invalid, crossed_live, stales;
    unsigned events, prices; /* Quotes and trades among the events. */
    uint64_t last_book;      /* Instrument of the last event of a book; 0: none. */
} observer;

static struct seen_book *seen(uint64_t instrument)
{
    for (size_t i = 0; i < observer.count; i++)
        if (observer.books[i].instrument == instrument)
            return &observer.books[i];
    if (observer.count == INSTRUMENTS_MAX)
        abort();
    struct seen_book *made = &observer.books[observer.count++];
    *made = (struct seen_book){ .instrument = instrument };
    if (book_init(&made->book, LEVELS_MAX, 8, 8) != 0)
        abort();
    return made;
}

static void observe(void *ctx, struct wire_header *event)
{
    const void *body = event;

    (void)ctx;
    observer.invalid += wire_check(event, event->size) != 0;
    observer.events++;
    observer.prices += event->type == WIRE_best_quote || event->type == WIRE_trade ||
                       event->type == WIRE_mark_price || event->type == WIRE_funding ||
                       event->type == WIRE_liquidation;
    if (event->instrument == 0)
        return;
    struct seen_book *at = seen(event->instrument);
    if (event->type == WIRE_feed_status) {
        at->state = ((const struct wire_feed_status *)body)->state;
        observer.stales += at->state == FEED_STALE;
    }
    if (event->type == WIRE_book_snapshot || event->type == WIRE_book_delta) {
        const struct wire_book_delta *delta = body;
        observer.last_book = event->instrument;
        if (event->type == WIRE_book_snapshot) {
            at->book.price_exp = delta->price_exp;
            at->book.qty_exp = delta->qty_exp;
        }
        observer.invalid += book_apply(&at->book, event) != 0;
        at->is_inside = !delta->is_last;
    }
    observer.crossed_live += at->state == FEED_LIVE && !at->is_inside && book_is_crossed(&at->book);
}

static void observer_clear(struct observer *which)
{
    for (size_t i = 0; i < which->count; i++)
        book_fini(&which->books[i].book);
    memset(which, 0, sizeof(*which));
}

/* ---- a capture in memory ---- */

struct frames {
    struct capture_record *records; /* What books are made of; data is ours. */
    struct {
        size_t record;
        uint64_t instrument;
    } * books; /* The frames among them that changed a book. */
    size_t count, book_count;
};

static struct replay *open_replay(const char *venue)
{
    const struct replay_config config = { .venue = venue_find(venue), .event = observe };
    struct replay *replay = NULL;

    observer_clear(&observer);
    if (replay_open(&replay, &config) != 0)
        abort();
    return replay;
}

static void keep(struct frames *frames, const struct capture_record *record)
{
    struct capture_record copy = *record;
    char *data = malloc(record->len + 1);

    if (!data)
        abort();
    memcpy(data, record->data, record->len + 1);
    copy.data = data;
    frames->records[frames->count++] = copy;
}

/* Plays it once: which frames change a book shows in what they lead to. Those that bring nothing
 * but prices and trades are left out: they make no book and there are many. */
static void load(struct frames *frames, const char *venue, const char *path)
{
    struct replay *replay = open_replay(venue);
    struct capture *capture = NULL;
    struct capture_record record;
    size_t cap = 1 << 17;

    *frames = (struct frames){ .records = calloc(cap, sizeof(record)),
                               .books = calloc(cap, sizeof(frames->books[0])) };
    CHECK_INT(capture_open(&capture, path), 0);
    while (capture && frames->count < cap && capture_next(capture, &record) == 0) {
        observer.events = observer.prices = 0;
        observer.last_book = 0;
        replay_play(replay, &record, 0);
        bool is_book = record.kind == CAPTURE_RECV && observer.last_book != 0;
        if (!is_book && observer.events > 0 && observer.prices == observer.events)
            continue;
        if (is_book) {
            frames->books[frames->book_count].record = frames->count;
            frames->books[frames->book_count++].instrument = observer.last_book;
        }
        keep(frames, &record);
    }
    CHECK(frames->count < cap && frames->book_count > 0);
    capture_close(&capture);
    replay_close(&replay);
}

static void unload(struct frames *frames)
{
    for (size_t i = 0; i < frames->count; i++)
        free((char *)(uintptr_t)frames->records[i].data);
    free(frames->records);
    free(frames->books);
}

static struct venue_feed_stats play(const struct frames *frames, const char *venue, size_t without)
{
    struct replay *replay = open_replay(venue);
    struct venue_feed_stats stats = { 0 };

    for (size_t i = 0; i < frames->count; i++)
        if (i != without)
            replay_play(replay, &frames->records[i], 0);
    replay_stats(replay, &stats);
    replay_close(&replay);
    return stats;
}

/* Whether the best levels (0: all) of every book of whole are the observer's. */
static bool is_same(const struct observer *whole, unsigned levels)
{
    for (size_t i = 0; i < whole->count; i++) {
        const struct book *want = &whole->books[i].book;
        const struct book *have = &seen(whole->books[i].instrument)->book;
        const struct book_side *sides[2][2] = { { &want->bids, &have->bids },
                                                { &want->asks, &have->asks } };
        for (int s = 0; s < 2; s++) {
            uint32_t count = MAX(sides[s][0]->count, sides[s][1]->count);
            for (uint32_t n = 0; n < (levels ? MIN(levels, count) : count); n++) {
                const struct wire_level *a = book_level(sides[s][0], n);
                const struct wire_level *b = book_level(sides[s][1], n);
                if (!a || !b || a->price != b->price || a->qty != b->qty)
                    return false;
            }
        }
    }
    return true;
}

/* ---- the law ---- */

/* A frame after which no other of its instrument comes cannot be missed by anybody. */
static bool is_last_of_instrument(const struct frames *frames, size_t nth)
{
    for (size_t i = nth + 1; i < frames->book_count; i++)
        if (frames->books[i].instrument == frames->books[nth].instrument)
            return false;
    return true;
}

struct losses {
    unsigned lost, noticed, harmless;
};

/* Leaves out frame nth. covered: levels of a book that the venue's own sum covers; 0: all. */
static void lose_frame(const struct capture_row *row, const struct frames *frames, size_t nth,
                       const struct observer *whole, unsigned covered, struct losses *losses)
{
    struct venue_feed_stats stats = play(frames, row->venue, frames->books[nth].record);

    losses->lost++;
    CHECK_INT(observer.crossed_live + observer.invalid, 0);
    if (stats.gaps + stats.checksum_failed + observer.stales > 0 || stats.snapshots == 0)
        losses->noticed++;
    else if (is_same(whole, covered))
        losses->harmless++; /* Older than the snapshot, or below the levels that are covered. */
    else
        fprintf(stderr, "%s: book frame %zu: its loss goes unseen\n", row->name, nth);
}

static void lose_one(const struct capture_row *row)
{
    struct frames frames;
    struct observer whole;
    struct losses losses = { 0 };
    uint64_t random = 20240808;
    char said[32];
    int failed_before = check_failed_in_case;

    if (capture_word(row, "loss", said, sizeof(said))) {
        printf("# %s: %s has no way to notice a lost frame\n", row->name, row->venue);
        return;
    }
    unsigned covered = capture_word(row, "covers", said, sizeof(said)) ? (unsigned)atoi(said) : 0;
    load(&frames, row->venue, row->path);
    struct venue_feed_stats stats = play(&frames, row->venue, SIZE_MAX);
    CHECK_INT(observer.invalid + observer.crossed_live + stats.gaps + stats.checksum_failed, 0);
    whole = observer;
    memset(&observer, 0, sizeof(observer));

    bool is_each = frames.book_count <= ALL_UP_TO;
    size_t runs = is_each
                      ? frames.book_count
                      : MAX((size_t)SAMPLES_MIN, MIN((size_t)SAMPLES, FRAMES_MAX / frames.count));
    for (size_t run = 0; run < runs; run++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        size_t nth = is_each ? run : (random >> 33) % frames.book_count;
        if (!is_last_of_instrument(&frames, nth))
            lose_frame(row, &frames, nth, &whole, covered, &losses);
    }
    printf("# %s: %u frames left out: %u noticed, %u without effect\n", row->name, losses.lost,
           losses.noticed, losses.harmless);
    CHECK_INT(losses.noticed + losses.harmless, losses.lost);
    CHECK(losses.noticed > losses.lost / 2);
    if (check_failed_in_case == failed_before)
        proof_of(row->venue, PROOF_book_integrity, BY_fixture, row->name);
    observer_clear(&observer);
    observer_clear(&whole);
    unload(&frames);
}

static void a_lost_frame_is_noticed_wherever_it_is_covered(void)
{
    each_capture(lose_one);
}

/* ---- onto the bus ---- */

static struct {
    char dir[64], endpoint[128];
    unsigned answers, snapshots_asked;
    struct { /* Symbols, as the definitions name them. */
        uint64_t instrument;
        char symbol[32];
    } names[INSTRUMENTS_MAX];
    size_t name_count;
    wire_feed_state whole;
} joined;

static void on_bus_event(void *ctx, const struct wire_header *event)
{
    static union wire_event copy;

    memcpy(&copy, event, event->size);
    observe(ctx, &copy.header);
    joined.snapshots_asked += event->type == WIRE_book_snapshot && (event->flags & WIRE_SNAPSHOT);
    CHECK_INT(event->account, 1);
    if (event->type == WIRE_feed_status && event->instrument == 0)
        joined.whole = copy.feed_status.state;
    if (event->type == WIRE_instrument && joined.name_count < INSTRUMENTS_MAX) {
        joined.names[joined.name_count].instrument = event->instrument;
        memcpy(joined.names[joined.name_count++].symbol, copy.instrument.symbol, 32);
    }
}

static void on_recovery_end(void *ctx, const struct wire_recovery_end *recovery)
{
    (void)ctx, (void)recovery;
    joined.answers++;
}

static void write_text(const char *name, const char *format, ...)
{
    char path[160];
    va_list args;

    snprintf(path, sizeof(path), "%s/%s", joined.dir, name);
    FILE *file = fopen(path, "we");
    va_start(args, format);
    if (!file || vfprintf(file, format, args) < 0 || fclose(file) != 0)
        abort();
    va_end(args);
}

static pid_t start_gateway(const char *capture)
{
    char config[160], log[160];

    snprintf(config, sizeof(config), "%s/gateway.ini", joined.dir);
    snprintf(log, sizeof(log), "%s/log", joined.dir);
    pid_t pid = fork();
    if (pid == 0) {
        if (!freopen("/dev/null", "w", stdout) || !freopen(log, "w", stderr))
            _exit(1);
        execl(gateway_path, gateway_path, "BINANCE", config, "--replay", capture, "--publish",
              "--speed", "20", "--stats", NULL);
        _exit(127);
    }
    return pid;
}

/* Joins in the middle, asks for what it missed, and stays until the publisher is gone. */
static void follow(pid_t pid, int *status)
{
    struct bus_config config = { .role = ROLE_SIGNAL_ENGINE, .run_dir = joined.dir };
    const struct bus_handler handler = { .event = on_bus_event, .recovery_end = on_recovery_end };
    struct wire_state_request request;
    struct loop *loop = NULL;
    struct bus *bus = NULL;
    struct bus_sub *sub = NULL;

    usleep(500000); /* A third of the capture has gone by. */
    CHECK_INT(loop_open(&loop), 0);
    config.loop = loop;
    CHECK_INT(bus_open(&bus, &config), 0);
    CHECK_INT(bus_subscribe(bus, STREAM_MARKET_DATA, joined.endpoint, NULL, 0, &handler, &sub), 0);
    WIRE_BEGIN(&request, state_request);
    request.kind = REQUEST_SNAPSHOT;
    int64_t ask_ns = loop_now_ns() + 200 * NS_PER_MS, until_ns = loop_now_ns() + 20 * NS_PER_S;
    bool is_running;
    while ((is_running = waitpid(pid, status, WNOHANG) == 0) && loop_now_ns() < until_ns) {
        loop_turn(loop, 5 * NS_PER_MS);
        if (ask_ns && loop_now_ns() > ask_ns) {
            CHECK_INT(bus_request(sub, &request), 0);
            ask_ns = 0;
        }
    }
    if (is_running) { /* It hangs: it must not outlive the test. */
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, status, 0);
    }
    bus_close(&bus);
    loop_close(&loop);
}

static void a_late_subscriber_has_the_final_books(void)
{
    static const char name[] = "us_spot_20211012_31s_with_snapshot.jsonl.zst";
    int status = -1;

    memset(&joined, 0, sizeof(joined));
    joined.whole = FEED_MAINTENANCE;
    observer_clear(&observer);
    snprintf(joined.dir, sizeof(joined.dir), "/tmp/tickpipe-replay-XXXXXX");
    CHECK(mkdtemp(joined.dir) != NULL);
    snprintf(joined.endpoint, sizeof(joined.endpoint), "ipc://%s/6001", joined.dir);
    write_text("venues.ini", "[CORE]\nHOST=127.0.0.1\n[BINANCE]\nID=1\nVENUE=binance\n"
                             "ACCOUNT=main\nHOST=127.0.0.1\n");
    write_text("gateway.ini",
               "[GLOBAL]\nRUN_DIR=%s\nKEYS_DIR=%s/keys\n[ZMQ]\n"
               "MARKET_DATA_PUB_ENDPOINT=%s\n",
               joined.dir, joined.dir, joined.endpoint);
    int64_t start_ns = loop_now_ns();
    follow(start_gateway(FIXTURES "binance/captures/us_spot_20211012_31s_with_snapshot.jsonl.zst"),
           &status);
    int64_t lasted_ns = loop_now_ns() - start_ns;

    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(lasted_ns > 1400 * NS_PER_MS && lasted_ns < 15 * NS_PER_S); /* 31 s at 20 times. */
    CHECK(joined.answers >= 1 && joined.snapshots_asked >= 4);
    /* The recording is over: nobody may trade on it. */
    CHECK(joined.whole == FEED_STALE || joined.whole == FEED_DOWN);
    CHECK_INT(observer.invalid + observer.crossed_live, 0);
    CHECK_INT(joined.name_count >= 4, 1);
    const cJSON *want = cJSON_GetObjectItem(capture_expectation(name), "top"), *symbol;
    unsigned found = 0;
    cJSON_ArrayForEach(symbol, want)
    {
        for (size_t i = 0; i < joined.name_count; i++) {
            if (strcmp(joined.names[i].symbol, symbol->string) != 0)
                continue;
            const struct book *book = &seen(joined.names[i].instrument)->book;
            const struct book_side *sides[] = { &book->bids, &book->asks };
            for (int side = 0; side < 2; side++) {
                const char *text = cJSON_GetStringValue(cJSON_GetArrayItem(symbol, side));
                int64_t price = 0;
                CHECK_INT(fixed_parse(text, strlen(text), book->price_exp, &price), 0);
                CHECK(sides[side]->count > 0);
                if (sides[side]->count > 0)
                    CHECK_INT(book_best(sides[side])->price, price);
                CHECK_INT(sides[side]->count, cJSON_GetArrayItem(symbol, side + 2)->valuedouble);
            }
            found++;
            break;
        }
    }
    CHECK_INT(found, 4);
    observer_clear(&observer);
    char command[192];
    if (check_failed_in_case) {
        fprintf(stderr, "wait status %#x, log:\n", (unsigned)status);
        snprintf(command, sizeof(command), "cut -c1-300 %s/log >&2", joined.dir);
        CHECK_INT(system(command), 0);
    }
    snprintf(command, sizeof(command), "rm -rf %s", joined.dir);
    CHECK_INT(system(command), 0);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: replay_captures GATEWAY [VENUE...]\n");
        return 2;
    }
    if (access(FIXTURES, R_OK) != 0) {
        printf("ok replays # skipped: no ../shared\n");
        return 0;
    }
    gateway_path = argv[1];
    capture_only(argv + 2);
    CASE(every_capture_of_a_registered_venue_stands_in_its_table);
    CASE(replays_agree_with_an_independent_rebuild);
    CASE(a_lost_frame_is_noticed_wherever_it_is_covered);
    if (argc == 2)
        CASE(a_late_subscriber_has_the_final_books);
    capture_rows_free(rows, row_count);
    DONE();
}
