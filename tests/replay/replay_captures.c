/* Real captures through the gateway: the counts and final books of an independent rebuild, and what
 * happens when a frame is lost. Run by tests/check.d/20-replay with the gateway's path. */
#include "market_gateway/replay.h"

#include "common/edge/bus.h"
#include "common/leaf/err.h"
#include "common/leaf/fixed.h"
#include "common/pure/book.h"
#include "tests/unit/check.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIXTURES "../shared/fixtures/"

enum {
    INSTRUMENTS_MAX = 16,
    LEVELS_MAX = 8192,
    ALL_UP_TO = 600, /* Captures with more book frames than this are sampled. */
    SAMPLES = 120,
    CHECKSUM_LEVELS = 10,
};

static const char *gateway_path;
static cJSON *expected; /* Array of the lines of expected_books.jsonl. */

/* ---- captures ---- */

static const struct {
    const char *venue, *prefix;
} wanted[] = { { "binance", "spot_" }, { "binance", "us_spot_" }, { "kraken", "ws_v2_" } };

static void each_capture(void (*run)(const char *venue, const char *name, const char *path))
{
    unsigned count = 0;

    for (size_t i = 0; i < COUNT(wanted); i++) {
        char folder[256], path[600];
        snprintf(folder, sizeof(folder), FIXTURES "%s/captures", wanted[i].venue);
        DIR *dir = opendir(folder);
        for (struct dirent *entry; dir && (entry = readdir(dir));) {
            if (strncmp(entry->d_name, wanted[i].prefix, strlen(wanted[i].prefix)) != 0)
                continue;
            snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
            run(wanted[i].venue, entry->d_name, path);
            count++;
        }
        if (dir)
            closedir(dir);
    }
    CHECK(count >= 7);
}

static cJSON *expectation(const char *name)
{
    cJSON *line;

    cJSON_ArrayForEach(line, expected)
    {
        const char *capture = cJSON_GetStringValue(cJSON_GetObjectItem(line, "capture"));
        if (capture && strcmp(capture, name) == 0)
            return line;
    }
    return NULL;
}

static void load_expected(void)
{
    FILE *file = fopen(FIXTURES "expected_books.jsonl", "re");
    char *line = NULL;
    size_t cap = 0;

    expected = cJSON_CreateArray();
    while (file && getline(&line, &cap, file) > 0)
        cJSON_AddItemToArray(expected, cJSON_Parse(line));
    free(line);
    if (file)
        fclose(file);
}

/* ---- the program's own words against the independent rebuild ---- */

static double number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(object, name);

    return cJSON_IsNumber(item) ? item->valuedouble : -1;
}

static void check_number(const cJSON *have, const char *name, double want)
{
    if (number(have, name) != want)
        fprintf(stderr, "%s: ", name);
    CHECK_INT(number(have, name), want);
}

/* {"BTCUSDT": [bid, ask, bid levels, ask levels]}; ONLY is the capture's only symbol. */
static void check_tops(const cJSON *stats, const cJSON *want)
{
    const cJSON *top = cJSON_GetObjectItem(stats, "top");
    const cJSON *levels = cJSON_GetObjectItem(stats, "levels");
    const cJSON *symbol;

    CHECK_INT(cJSON_GetArraySize(top), cJSON_GetArraySize(want));
    cJSON_ArrayForEach(symbol, want)
    {
        bool is_only = strcmp(symbol->string, "ONLY") == 0;
        const cJSON *prices = is_only ? top->child : cJSON_GetObjectItem(top, symbol->string);
        const cJSON *counts = is_only ? levels->child : cJSON_GetObjectItem(levels, symbol->string);
        CHECK(prices && counts);
        for (int side = 0; side < 2 && prices && counts; side++) {
            const char *have = cJSON_GetStringValue(cJSON_GetArrayItem(prices, side));
            const char *price = cJSON_GetStringValue(cJSON_GetArrayItem(symbol, side));
            CHECK_STR(have ? have : "null", price ? price : "null");
            CHECK_INT(cJSON_GetArrayItem(counts, side)->valuedouble,
                      cJSON_GetArrayItem(symbol, side + 2)->valuedouble);
        }
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

static void compare(const char *venue, const char *name, const char *path)
{
    cJSON *stats = run_gateway(venue, path);
    const cJSON *want = expectation(name);

    CHECK(stats && want);
    if (!stats || !want)
        return;
    bool has_checksum = cJSON_GetObjectItem(want, "crc_ok");
    double snapshots = number(want, "snapshots");
    check_number(stats, "messages", number(want, "records"));
    check_number(stats, "snapshots", snapshots);
    check_number(stats, "crossed", number(want, "crossed"));
    check_number(stats, "checksum_ok", has_checksum ? number(want, "crc_ok") : 0);
    check_number(stats, "checksum_failed", 0);
    /* The rebuild of a checksummed feed counts its snapshots as updates. */
    check_number(stats, "deltas",
                 has_checksum ? number(want, "updates") - snapshots : number(want, "applied"));
    check_number(stats, "dropped_old", has_checksum ? 0 : number(want, "dropped_old"));
    check_number(stats, "gaps", 0);
    check_number(stats, "resyncs", 0);
    check_number(stats, "rejected", 0);
    check_number(stats, "bad_lines", 0);
    CHECK_INT(cJSON_GetArraySize(cJSON_GetObjectItem(stats, "stale")), 0);
    check_tops(stats, cJSON_GetObjectItem(want, "top"));
    cJSON_Delete(stats);
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
    if (event->instrument == 0)
        return;
    struct seen_book *at = seen(event->instrument);
    if (event->type == WIRE_feed_status) {
        at->state = ((const struct wire_feed_status *)body)->state;
        observer.stales += at->state == FEED_STALE;
    }
    if (event->type == WIRE_book_snapshot || event->type == WIRE_book_delta) {
        const struct wire_book_delta *delta = body;
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
    size_t *books;                  /* Indices of the book frames among them. */
    size_t count, book_count;
};

static bool is_book(const char *venue, const struct capture_record *record)
{
    if (record->kind != CAPTURE_RECV)
        return false;
    return strstr(record->data, strcmp(venue, "kraken") == 0 ? "\"channel\":\"book\",\"type\""
                                                             : "\"depthUpdate\"");
}

static bool matters(const struct capture_record *record)
{
    return record->kind == CAPTURE_HTTP || record->kind == CAPTURE_CONNECT ||
           strstr(record->data, "\"subscribe\"");
}

static void load(struct frames *frames, const char *venue, const char *path)
{
    struct capture *capture = NULL;
    struct capture_record record;
    size_t cap = 1 << 14;

    *frames = (struct frames){ .records = calloc(cap, sizeof(record)),
                               .books = calloc(cap, sizeof(size_t)) };
    CHECK_INT(capture_open(&capture, path), 0);
    while (capture && capture_next(capture, &record) == 0) {
        bool is_one = is_book(venue, &record);
        if ((!is_one && !matters(&record)) || frames->count == cap)
            continue;
        if (is_one)
            frames->books[frames->book_count++] = frames->count;
        char *data = malloc(record.len + 1);
        memcpy(data, record.data, record.len + 1);
        record.data = data;
        frames->records[frames->count++] = record;
    }
    CHECK(frames->count < cap && frames->book_count > 0);
    capture_close(&capture);
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
    const struct replay_config config = { .venue = venue_find(venue), .event = observe };
    struct replay *replay = NULL;
    struct venue_feed_stats stats = { 0 };

    observer_clear(&observer);
    if (replay_open(&replay, &config) != 0)
        abort();
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

/* A frame after which no other of its symbol comes cannot be missed by anybody. */
static bool is_last_of_symbol(const struct frames *frames, const char *venue, size_t nth)
{
    const char *key = strcmp(venue, "kraken") == 0 ? "\"symbol\":\"" : "\"s\":\"";
    const char *at = strstr(frames->records[frames->books[nth]].data, key);
    char symbol[64];

    if (!at)
        return true;
    snprintf(symbol, sizeof(symbol), "%.*s", (int)(strcspn(at + strlen(key), "\"") + strlen(key)),
             at);
    for (size_t i = nth + 1; i < frames->book_count; i++)
        if (strstr(frames->records[frames->books[i]].data, symbol))
            return false;
    return true;
}

static void lose_one(const char *venue, const char *name, const char *path)
{
    struct frames frames;
    struct observer whole;
    uint64_t random = 20240808;
    unsigned lost = 0, noticed = 0, harmless = 0;

    load(&frames, venue, path);
    struct venue_feed_stats stats = play(&frames, venue, SIZE_MAX);
    CHECK_INT(observer.invalid + observer.crossed_live + stats.gaps + stats.checksum_failed, 0);
    whole = observer;
    memset(&observer, 0, sizeof(observer));

    size_t runs = frames.book_count <= ALL_UP_TO ? frames.book_count : SAMPLES;
    bool has_checksum = stats.checksum_ok > 0;
    for (size_t run = 0; run < runs; run++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        size_t nth = runs == frames.book_count ? run : (random >> 33) % frames.book_count;
        if (is_last_of_symbol(&frames, venue, nth))
            continue;
        lost++;
        stats = play(&frames, venue, frames.books[nth]);
        CHECK_INT(observer.crossed_live + observer.invalid, 0);
        if (stats.gaps + stats.checksum_failed + observer.stales > 0 || stats.snapshots == 0)
            noticed++;
        else if (is_same(&whole, has_checksum ? CHECKSUM_LEVELS : 0))
            harmless++; /* Older than the snapshot, or below the levels that a checksum covers. */
        else
            fprintf(stderr, "%s: book frame %zu: its loss goes unseen\n", name, nth);
    }
    printf("# %s: %u frames left out: %u noticed, %u without effect\n", name, lost, noticed,
           harmless);
    CHECK_INT(noticed + harmless, lost);
    CHECK(noticed > lost / 2);
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
    const cJSON *want = cJSON_GetObjectItem(expectation(name), "top"), *symbol;
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
    if (argc != 2) {
        fprintf(stderr, "usage: replay_captures GATEWAY\n");
        return 2;
    }
    if (access(FIXTURES, R_OK) != 0) {
        printf("ok replays # skipped: no ../shared\n");
        return 0;
    }
    gateway_path = argv[1];
    load_expected();
    CASE(replays_agree_with_an_independent_rebuild);
    CASE(a_late_subscriber_has_the_final_books);
    CASE(a_lost_frame_is_noticed_wherever_it_is_covered);
    cJSON_Delete(expected);
    DONE();
}
