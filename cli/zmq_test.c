/* zmq_test CONFIG: is each endpoint of an ini well formed, does somebody bind it, and is its
 * heartbeat heard?
 *
 * It listens as the operator does; where a stream is CURVE it needs the keys that `tickpipe keys`
 * made. */
#include "common/edge/ini.h"
#include "common/edge/role.h"
#include "common/leaf/err.h"
#include "common/leaf/version.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LISTEN_MS = 1500, CONNECT_MS = 500, CHECKS_MAX = 256, ENDPOINT_MAX = 256, HEARD_MAX = 4 };

struct check {
    const struct stream *stream;
    char key[64];
    char endpoint[ENDPOINT_MAX]; /* One of the list. */
    bool is_from_file, binds;    /* binds: the role of the ini does. */
    bool is_connectable, is_heard, is_subscribed;
    const char *why_not; /* Of the connection. */
    struct wire_heartbeat beat;
    struct bus_sub *sub;
};

static struct tester {
    struct role_runtime rt;
    struct role_app app;
    struct ini ini;
    struct check checks[CHECKS_MAX];
    size_t count;
    unsigned malformed;
} tester;

/* ---- what is to be checked ---- */

/* "config/trading_engine_binance.ini": the role, and the venue behind it. */
static void read_name(struct tester *t, const char *path, char *venue, size_t cap)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const struct ini_entry *process = ini_find(&t->ini, "GLOBAL", "PROCESS_NAME");

    for (int i = 0; i < 2 && t->app.role == ROLE_NONE; i++, name = process ? process->value : "") {
        for (enum role role = ROLE_MARKET_GATEWAY; role <= ROLE_OPERATOR; role++) {
            size_t n = strlen(role_name(role));
            if (strncasecmp(name, role_name(role), n) != 0)
                continue;
            t->app.role = role;
            if (role_is_per_venue(role) && (name[n] == '_' || name[n] == '@'))
                snprintf(venue, cap, "%.*s", (int)strcspn(name + n + 1, "."), name + n + 1);
        }
    }
}

static void add(struct tester *t, const struct stream *stream, bool is_publisher, const char *list,
                bool is_from_file)
{
    char copy[ROLE_ENDPOINTS_MAX], *rest = copy, *one;

    snprintf(copy, sizeof(copy), "%s", list);
    while ((one = strtok_r(rest, " ,\t", &rest)) != NULL && t->count < CHECKS_MAX) {
        struct check *check = &t->checks[t->count++];
        check->stream = stream;
        role_endpoint_key(stream, is_publisher, check->key, sizeof(check->key));
        snprintf(check->endpoint, sizeof(check->endpoint), "%s", one);
        check->is_from_file = is_from_file;
        check->binds = is_publisher == (stream->bind == PUBLISHER_BINDS);
    }
}

/* One line of [ZMQ]. */
static void read_entry(struct tester *t, const struct ini_entry *entry)
{
    static const struct config_key kind = {
        .section = "ZMQ", .type = CONFIG_ENDPOINT, .offset = SIZE_MAX, .fallback = ""
    };
    const struct stream *stream;
    char key[64], value[CONFIG_TEXT_MAX], why[256];

    for (size_t row = 0; (stream = stream_at(row)) != NULL; row++)
        for (int is_publisher = 0; is_publisher < 2; is_publisher++) {
            role_endpoint_key(stream, is_publisher, key, sizeof(key));
            if (strcasecmp(key, entry->key) != 0)
                continue;
            if (config_expand(entry->value, value, sizeof(value), why, sizeof(why)) != 0 ||
                config_convert(&kind, value, NULL, why, sizeof(why)) != 0) {
                printf("%-30s line %u: %s\n", entry->key, entry->line, why);
                t->malformed++;
                return;
            }
            snprintf(t->rt.common.endpoints[row], CONFIG_TEXT_MAX, "%s", value);
            add(t, stream, is_publisher, value, true);
            return;
        }
    printf("%-30s line %u: no stream has this key\n", entry->key, entry->line);
    t->malformed++;
}

/* What the file leaves out follows from venues.ini. */
static void derive(struct tester *t)
{
    const struct stream *stream;
    char list[ROLE_ENDPOINTS_MAX];

    for (size_t row = 0; t->app.role != ROLE_NONE && (stream = stream_at(row)) != NULL; row++)
        if (!t->rt.common.endpoints[row][0] &&
            role_endpoint(&t->rt, stream->port, list, sizeof(list)) == 0)
            add(t, stream, stream->publisher == t->app.role, list, false);
}

/* ---- looking ---- */

static const char *try_connect(int domain, const struct sockaddr *address, socklen_t len)
{
    int fd = socket(domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error = 0;
    socklen_t error_len = sizeof(error);

    if (fd < 0)
        return strerror(errno);
    if (connect(fd, address, len) != 0) {
        struct pollfd wait = { .fd = fd, .events = POLLOUT };
        if (errno != EINPROGRESS)
            error = errno;
        else if (poll(&wait, 1, CONNECT_MS) != 1)
            error = ETIMEDOUT;
        else
            (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_len);
    }
    close(fd);
    return error ? strerror(error) : NULL;
}

static const char *probe_tcp(const char *endpoint)
{
    char host[ENDPOINT_MAX];
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;

    snprintf(host, sizeof(host), "%s", endpoint + strlen("tcp://"));
    host[strcspn(host, "@")] = '\0';
    char *colon = strrchr(host, ':');
    *colon = '\0';
    int rc = getaddrinfo(strcmp(host, "*") == 0 ? "127.0.0.1" : host, colon + 1, &hints, &found);
    if (rc != 0)
        return gai_strerror(rc);
    const char *why = try_connect(found->ai_family, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return why;
}

static const char *probe(const char *endpoint)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    if (strncmp(endpoint, "tcp://", 6) == 0)
        return probe_tcp(endpoint);
    memcpy(address.sun_path, endpoint + 6, MIN(strlen(endpoint + 6), sizeof(address.sun_path) - 1));
    return try_connect(AF_UNIX, (struct sockaddr *)&address, sizeof(address));
}

static void on_event(void *ctx, const struct wire_header *event)
{
    (void)ctx;
    (void)event;
}

static void on_heartbeat(void *ctx, const struct wire_heartbeat *beat)
{
    struct check *check = ctx;

    check->beat = *beat;
    check->is_heard = true;
}

static void look(struct tester *t)
{
    static const uint16_t types[] = { WIRE_heartbeat };

    for (size_t i = 0; i < t->count; i++) {
        struct check *check = &t->checks[i];
        struct bus_handler handler = { .ctx = check, .event = on_event, .heartbeat = on_heartbeat };
        check->why_not = probe(check->endpoint);
        check->is_connectable = !check->why_not;
        if (check->is_connectable && check->stream->bind == PUBLISHER_BINDS)
            check->is_subscribed = bus_subscribe(t->rt.bus, check->stream->port, check->endpoint,
                                                 types, 1, &handler, &check->sub) == 0;
    }
    for (int64_t until = loop_now_ns() + LISTEN_MS * NS_PER_MS; loop_now_ns() < until;)
        (void)loop_turn(t->rt.loop, 20 * NS_PER_MS);
}

/* ---- saying ---- */

static bool port_differs(const struct check *check)
{
    const char *colon = strrchr(check->endpoint, ':');

    return strncmp(check->endpoint, "tcp://", 6) == 0 && atoi(colon + 1) != check->stream->port;
}

static bool say(const struct check *check)
{
    const struct wire_header *from = &check->beat.header;
    bool is_fine = check->is_heard && from->publisher >> 8 == (unsigned)check->stream->publisher;

    printf("%-30s %s %s%s: ", check->key, check->binds ? "binds   " : "connects", check->endpoint,
           check->is_from_file ? "" : " (derived)");
    if (!check->is_connectable)
        printf("nobody there: %s", check->why_not);
    else if (check->stream->bind == SUBSCRIBER_BINDS)
        printf("somebody binds it; commands go that way, no heartbeat comes back");
    else if (!check->is_subscribed)
        printf("somebody binds it, but this program cannot listen: keys? (`tickpipe keys`)");
    else if (!check->is_heard)
        printf("somebody binds it, but no heartbeat within %d ms%s", LISTEN_MS,
               check->stream->is_curve ? ": another set of keys?" : "");
    else
        printf("heartbeat of %s/%u, pid %u, epoch %" PRIu64 "%s",
               role_name(PUBLISHER_ROLE(from->publisher)), PUBLISHER_INSTANCE(from->publisher),
               check->beat.pid, from->epoch, is_fine ? "" : ": not who publishes this");
    if (port_differs(check))
        printf(" (the stream's port is %u)", check->stream->port);
    putchar('\n');
    return is_fine || (check->is_connectable && check->stream->bind == SUBSCRIBER_BINDS);
}

/* ---- life ---- */

static void take_dir(const struct tester *t, const char *key, char *out)
{
    const struct ini_entry *entry = ini_find(&t->ini, "GLOBAL", key);
    char why[256];

    if (entry && entry->value[0])
        (void)config_expand(entry->value, out, CONFIG_TEXT_MAX, why, sizeof(why));
}

/* Directories and venues as the role itself would find them. */
static int open_all(struct tester *t, const char *path)
{
    char venue[64] = "";
    struct role_dirs dirs = { 0 };
    int err = ini_open(&t->ini, path, stderr);

    if (err)
        return err;
    read_name(t, path, venue, sizeof(venue));
    take_dir(t, "RUN_DIR", dirs.run);
    take_dir(t, "KEYS_DIR", dirs.keys);
    take_dir(t, "VENUES_FILE", dirs.venues);
    err = role_tool_open_for(&t->rt, path, &dirs, stderr);
    t->rt.app = &t->app;
    if (!err && venue[0])
        t->rt.instance = venues_find(&t->rt.venues, venue);
    if (!err && role_is_per_venue(t->app.role) && !t->rt.instance)
        t->app.role = ROLE_NONE; /* Nothing to derive from: only what the file says. */
    return err;
}

int main(int argc, char **argv)
{
    struct tester *t = &tester;
    unsigned bad = 0;

    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("zmq_test %s\n", tickpipe_version);
        return ROLE_EXIT_OK;
    }
    if (argc != 2 || argv[1][0] == '-') {
        fputs("usage: zmq_test CONFIG\n", stderr);
        return ROLE_EXIT_USAGE;
    }
    log_set_level(LOG_LEVEL_ERROR);
    int err = open_all(t, argv[1]);
    for (size_t i = 0; !err && i < t->ini.count; i++)
        if (strcasecmp(t->ini.entries[i].section, "ZMQ") == 0)
            read_entry(t, &t->ini.entries[i]);
    if (!err) {
        derive(t);
        look(t);
    }
    for (size_t i = 0; !err && i < t->count; i++)
        bad += !say(&t->checks[i]);
    if (!err)
        printf("%zu endpoints: %zu heard, %u not, %u malformed\n", t->count, t->count - bad, bad,
               t->malformed);
    role_tool_close(&t->rt);
    ini_close(&t->ini);
    if (err || t->malformed)
        return ROLE_EXIT_CONFIG;
    return bad || t->count == 0 ? ROLE_EXIT_FAILURE : ROLE_EXIT_OK;
}
