/* What the feed asks by REST: the lists of instruments, the time, maintenance; and books that the
 * stream does not begin. */
#include "venues/okx/feed.h"

#include <stdio.h>

#define LIST_EVERY_NS (3600 * NS_PER_S)
#define TIME_EVERY_NS (60 * NS_PER_S)
#define HTTP_LOST_NS  (60 * NS_PER_S)

enum { LIST_ATTEMPTS_MAX = 6 };

int okx_feed_request(const struct okx_call *call, uint64_t tag, const char *path)
{
    struct venue_request *request = &call->feed->request;

    *request = (struct venue_request){ .method = "GET", .tag = tag, .weight = 1 };
    snprintf(request->path, sizeof(request->path), "%s", path);
    return call->out->request(call->out->ctx, request);
}

void okx_feed_ask_list(const struct okx_call *call, enum okx_list list)
{
    struct okx_list_state *state = &call->feed->lists[list];
    char path[80];

    snprintf(path, sizeof(path), "/api/v5/public/instruments?instType=%s", okx_list_types[list]);
    int err = okx_feed_request(call, (uint64_t)TAG_LIST + list, path);
    state->at_ns = call->clock->now_ns + (err ? NS_PER_S : HTTP_LOST_NS);
}

void okx_feed_ask_time(const struct okx_call *call)
{
    struct okx_feed *feed = call->feed;

    feed->time_at_ns = call->clock->now_ns + TIME_EVERY_NS;
    feed->time_sent_wall_ns = call->clock->wall_ns;
    (void)okx_feed_request(call, TAG_TIME, "/api/v5/public/time");
}

void okx_feed_ask_status(const struct okx_call *call)
{
    call->feed->status_ask_ns = call->clock->now_ns + TIME_EVERY_NS;
    (void)okx_feed_request(call, TAG_STATUS, "/api/v5/system/status?state=ongoing");
}

/* The envelope of every REST answer: data of a "code":"0". 0 or ERR_PROTO. */
static int answer_data(const struct venue_response *response, struct scan_value *data)
{
    struct scan_value root, code;

    return response->status == 200 && scan_whole(response->body, response->body_len, &root) == 0 &&
                   root.type == SCAN_OBJECT && scan_find(&root, "code", &code) == 0 &&
                   scan_is(&code, "0") && scan_find(&root, "data", data) == 0 &&
                   data->type == SCAN_ARRAY
               ? 0
               : ERR_PROTO;
}

static int on_list(const struct okx_call *call, enum okx_list list,
                   const struct venue_response *response)
{
    struct okx_feed *feed = call->feed;
    struct okx_list_state *state = &feed->lists[list];
    struct scan_value data;
    int err = answer_data(response, &data);

    if (!err)
        err = okx_read_instruments(&data, okx_feed_on_meta, (void *)call, &feed->metadata_bad);
    if (err) {
        state->attempt = MIN(state->attempt + 1, LIST_ATTEMPTS_MAX);
        state->at_ns = call->clock->now_ns + (NS_PER_S << state->attempt);
        feed->stats.rejected += response->status == 200;
        return err;
    }
    state->has_answer = true;
    state->attempt = 0;
    state->at_ns = call->clock->now_ns + LIST_EVERY_NS;
    for (unsigned i = 0; feed->lists[LIST_SPOT].has_answer && feed->lists[LIST_SWAP].has_answer &&
                         i < feed->market_count;
         i++)
        if (feed->markets[i].is_wanted && !*feed->markets[i].symbol)
            okx_feed_note(call, "instrument_unknown", "%s: not on the venue's lists",
                          feed->markets[i].name);
    for (unsigned i = 0; i < feed->connection_count; i++)
        okx_feed_subscribe(call, i);
    return 0;
}

/* Half of the way there and back lies between our send and the venue's clock. */
static int on_time(const struct okx_call *call, const struct venue_response *response)
{
    struct okx_feed *feed = call->feed;
    struct scan_value data, row, ts;
    struct scan_iter rows;
    int64_t venue_ns;

    if (answer_data(response, &data) != 0 || scan_begin(&rows, &data) != 0 ||
        scan_item(&rows, &row) != 0)
        return ERR_PROTO;
    okx_find(&row, "ts", &ts);
    if (okx_time(&ts, &venue_ns) != 0 || venue_ns == 0)
        return ERR_PROTO;
    if (response->received_ns > response->sent_ns && feed->time_sent_wall_ns > 0)
        feed->clock_offset_ns =
            venue_ns - (feed->time_sent_wall_ns + (response->received_ns - response->sent_ns) / 2);
    return 0;
}

static bool is_about(const struct venue_response *response, uint64_t tag, const char *path)
{
    return response->tag == tag ||
           (response->tag == 0 && response->url && strstr(response->url, path) != NULL);
}

int okx_feed_http(void *state, const struct venue_response *response,
                  const struct venue_clock *clock, const struct venue_out *out)
{
    struct okx_feed *feed = state;
    struct okx_call call = { feed, clock, out };
    struct scan_value data;

    if (is_about(response, TAG_LIST + LIST_SWAP, "instType=SWAP"))
        return on_list(&call, LIST_SWAP, response);
    if (is_about(response, TAG_LIST + LIST_SPOT, "/public/instruments"))
        return on_list(&call, LIST_SPOT, response);
    if (is_about(response, TAG_TIME, "/public/time"))
        return on_time(&call, response);
    if (is_about(response, TAG_STATUS, "/system/status"))
        return answer_data(response, &data) == 0 ? okx_feed_status(&call, &data, true) : ERR_PROTO;
    if (response->tag >= TAG_BOOK)
        return okx_sync_answer(&call, response);
    return 0; /* A book by REST in a recording: there it belongs to no stream. */
}
