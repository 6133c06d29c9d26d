/* tickpipe tail: events of one stream, as they come. */
#include "cli/cli.h"

#include <ctype.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

struct tail {
    struct cli *cli;
    int64_t left; /* Events still to print; -1: no end. */
    bool is_for_beats;
    uint64_t missed;
};

static void print(struct tail *tail, const struct wire_header *event)
{
    char who[64];

    if (tail->left == 0)
        return;
    if (tail->cli->is_json) {
        cli_json(event);
    } else {
        cli_who(tail->cli, event->publisher, who, sizeof(who));
        printf("%s ", who);
        cli_text(event);
    }
    putchar('\n');
    fflush(stdout);
    if (tail->left > 0 && --tail->left == 0)
        loop_stop(tail->cli->rt.loop);
}

static void on_event(void *ctx, const struct wire_header *event)
{
    print(ctx, event);
}

static void on_heartbeat(void *ctx, const struct wire_heartbeat *beat)
{
    struct tail *tail = ctx;

    if (tail->is_for_beats)
        print(tail, &beat->header);
}

static void on_gap(void *ctx, uint16_t publisher, uint16_t type, uint64_t from_seq, uint64_t to_seq)
{
    struct tail *tail = ctx;
    char who[64];

    tail->missed += to_seq - from_seq + 1;
    cli_who(tail->cli, publisher, who, sizeof(who));
    fprintf(stderr, "gap: %s %s %" PRIu64 " to %" PRIu64 "\n", who, wire_name(type), from_seq,
            to_seq);
}

static void on_end_of_time(struct loop_timer *timer, int64_t now_ns)
{
    (void)now_ns;
    loop_stop(timer->ctx);
}

static void on_signal(void *ctx, int signal)
{
    (void)signal;
    loop_stop(ctx);
}

/* A port's number, or the name of its stream in any case, with - or _. */
static const struct stream *find_stream(const char *text)
{
    const struct stream *stream;
    char name[64];

    snprintf(name, sizeof(name), "%s", text);
    for (char *at = name; *at; at++)
        *at = *at == '-' ? '_' : *at;
    for (size_t i = 0; (stream = stream_at(i)) != NULL; i++)
        if (strcasecmp(stream->name, name) == 0 ||
            (unsigned long)stream->port == strtoul(text, NULL, 10))
            return stream;
    return NULL;
}

static int refuse_stream(const char *word)
{
    const struct stream *stream;

    fprintf(stderr, "tickpipe tail: \"%s\" is no stream; allowed:", word ? word : "");
    for (size_t i = 0; (stream = stream_at(i)) != NULL; i++)
        if (stream->bind == PUBLISHER_BINDS) {
            fprintf(stderr, " %u ", stream->port);
            for (const char *at = stream->name; *at; at++)
                fputc(tolower((unsigned char)*at), stderr);
        }
    fputc('\n', stderr);
    return CLI_USAGE;
}

static int find_type(const char *name, unsigned port)
{
    for (unsigned type = 1; type < 1024; type++) {
        const char *known = wire_name((uint16_t)type);
        if (known && strcasecmp(known, name) == 0 &&
            (wire_port((uint16_t)type) == 0 || wire_port((uint16_t)type) == (int)port))
            return (int)type;
    }
    fprintf(stderr, "tickpipe tail: no event \"%s\" on %u; allowed: heartbeat", name, port);
    for (unsigned type = 1; type < 1024; type++)
        if (wire_name((uint16_t)type) && wire_port((uint16_t)type) == (int)port)
            fprintf(stderr, " %s", wire_name((uint16_t)type));
    fputc('\n', stderr);
    return -1;
}

static void run(struct cli *cli, struct bus_sub *sub, const struct stream *stream)
{
    static const int signals[] = { SIGINT, SIGTERM };
    struct loop_timer timer = { .fire = on_end_of_time, .ctx = cli->rt.loop };
    struct wire_state_request request;

    (void)loop_signals(cli->rt.loop, signals, COUNT(signals), on_signal, cli->rt.loop);
    if (cli->seconds)
        (void)loop_timer_at(cli->rt.loop, &timer, loop_now_ns() + cli->seconds * NS_PER_S);
    if (cli->wants_state) {
        /* Connections need a moment; a request before that reaches nobody. */
        for (int64_t until = loop_now_ns() + 300 * NS_PER_MS; loop_now_ns() < until;)
            (void)loop_turn(cli->rt.loop, 20 * NS_PER_MS);
        WIRE_BEGIN(&request, state_request);
        request.kind = stream->port == STREAM_MARKET_DATA ? REQUEST_SNAPSHOT : REQUEST_STATE;
        (void)bus_request(sub, &request);
    }
    (void)loop_run(cli->rt.loop);
    loop_timer_stop(cli->rt.loop, &timer);
}

int cli_tail(struct cli *cli)
{
    struct tail tail = { .cli = cli, .left = cli->count ? cli->count : -1 };
    const struct stream *stream = cli->arg_count == 2 ? find_stream(cli->args[1]) : NULL;
    struct bus_handler handler = {
        .ctx = &tail, .event = on_event, .gap = on_gap, .heartbeat = on_heartbeat
    };
    struct bus_sub *sub;
    uint16_t type = 0;

    if (!stream || stream->bind != PUBLISHER_BINDS)
        return refuse_stream(cli->arg_count == 2 ? cli->args[1] : NULL);
    if (cli->type) {
        int found = find_type(cli->type, stream->port);
        if (found < 0)
            return CLI_USAGE;
        type = (uint16_t)found;
    }
    tail.is_for_beats = type == WIRE_heartbeat;
    if (role_subscribe(&cli->rt, stream->port, &type, type ? 1 : 0, &handler, &sub) != 0)
        return CLI_FAILURE;
    run(cli, sub, stream);
    if (tail.missed)
        fprintf(stderr, "%" PRIu64 " events were missed\n", tail.missed);
    return tail.missed ? CLI_FAILURE : CLI_OK;
}
