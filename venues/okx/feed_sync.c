/* Should the venue send updates and no snapshot (announced in 2026, not seen yet): the book comes
 * from REST with its seqId, updates are kept meanwhile, and the first one beyond it must go on
 * where it ends. One market at a time: the memory for it is there once. */
#include "venues/okx/feed.h"

#include <stdio.h>
#include <stdlib.h>

int okx_buffer_init(struct okx_buffer *buffer)
{
    *buffer = (struct okx_buffer){
        .tag = TAG_BOOK,
        .heads = calloc(OKX_BUFFER_HEADS, sizeof(*buffer->heads)),
        .levels = calloc(OKX_BUFFER_LEVELS, sizeof(*buffer->levels)),
    };
    return buffer->heads && buffer->levels ? 0 : ERR_SYS;
}

void okx_buffer_fini(struct okx_buffer *buffer)
{
    free(buffer->heads);
    free(buffer->levels);
    *buffer = (struct okx_buffer){ 0 };
}

void okx_sync_drop(struct okx_feed *feed, const struct okx_market *market)
{
    if (feed->buffer.market == market)
        feed->buffer.market = NULL;
}

int okx_sync_begin(const struct okx_call *call, struct okx_market *market)
{
    struct okx_buffer *buffer = &call->feed->buffer;
    char path[128];

    if (buffer->market)
        return ERR_AGAIN;
    snprintf(path, sizeof(path), "/api/v5/market/books?instId=%s&sz=400&source=0", market->symbol);
    if (okx_feed_request(call, buffer->tag + 1, path) != 0)
        return ERR_AGAIN;
    buffer->tag++;
    buffer->market = market;
    buffer->asked_ns = call->clock->now_ns;
    buffer->head_count = buffer->level_count = 0;
    buffer->is_overfull = false;
    return 0;
}

void okx_sync_hold(struct okx_feed *feed, const struct okx_book_message *message)
{
    struct okx_buffer *buffer = &feed->buffer;
    uint32_t need = message->bid_count + message->ask_count;

    if (buffer->head_count == OKX_BUFFER_HEADS || need > OKX_BUFFER_LEVELS - buffer->level_count ||
        !message->has_prev || message->seq < 0) {
        buffer->is_overfull = true;
        return;
    }
    struct wire_level *levels = buffer->levels + buffer->level_count;
    memcpy(levels, feed->bids, message->bid_count * sizeof(*levels));
    memcpy(levels + message->bid_count, feed->asks, message->ask_count * sizeof(*levels));
    buffer->heads[buffer->head_count++] =
        (struct okx_held){ message->prev,       message->seq,       message->exchange_ns,
                           buffer->level_count, message->bid_count, message->ask_count };
    buffer->level_count += need;
}

/* Applies what the buffer holds beyond the snapshot. ERR_STALE: it does not go on where that ends.
 */
static int apply_held(struct okx_feed *feed, struct okx_market *market)
{
    const struct okx_buffer *buffer = &feed->buffer;
    bool is_first = true;

    market->is_joining = true;
    for (uint32_t i = 0; i < buffer->head_count; i++) {
        const struct okx_held *held = &buffer->heads[i];
        const struct wire_level *levels = buffer->levels + held->at;
        if (is_first && held->seq <= market->sequence) {
            feed->stats.dropped_old++;
            continue;
        }
        if (is_first ? held->prev > market->sequence : held->prev != market->sequence)
            return ERR_STALE;
        market->is_joining = is_first = false;
        memcpy(feed->bids, levels, held->bid_count * sizeof(*levels));
        memcpy(feed->asks, levels + held->bid_count, held->ask_count * sizeof(*levels));
        okx_book_apply(feed, market,
                       &(struct okx_book_message){ .prev = held->prev,
                                                   .seq = held->seq,
                                                   .exchange_ns = held->exchange_ns,
                                                   .bid_count = held->bid_count,
                                                   .ask_count = held->ask_count });
        feed->stats.deltas++;
    }
    return 0;
}

/* data[0] of the answer, as an iterator inside it. */
static int enter_book(const struct venue_response *response, struct scan_iter *members)
{
    struct scan_value root, code, data, row;
    struct scan_iter rows;

    if (response->status != 200 || scan_whole(response->body, response->body_len, &root) != 0 ||
        root.type != SCAN_OBJECT || scan_find(&root, "code", &code) != 0 || !scan_is(&code, "0") ||
        scan_find(&root, "data", &data) != 0 || data.type != SCAN_ARRAY ||
        scan_begin(&rows, &data) != 0 || scan_item(&rows, &row) != 0 || row.type != SCAN_OBJECT)
        return ERR_PROTO;
    return scan_begin(members, &row);
}

int okx_sync_answer(const struct okx_call *call, const struct venue_response *response)
{
    struct okx_feed *feed = call->feed;
    struct okx_market *market = feed->buffer.market;
    struct okx_book_message message;
    struct scan_iter members;

    if (!market || response->tag != feed->buffer.tag || !market->is_awaiting)
        return 0; /* Its snapshot has come meanwhile, or its connection went. */
    if (enter_book(response, &members) != 0 ||
        okx_book_read(feed, market, &members, &message) != 0 || message.seq < 0 ||
        feed->buffer.is_overfull) {
        /* Without a seqId nothing can be joined to it. */
        okx_feed_note(call, "no_snapshot", "%s: none by stream nor by REST", market->symbol);
        okx_market_lost(call, market, FEED_STALE, REASON_RESYNC);
        return ERR_PROTO;
    }
    int err = okx_book_take_snapshot(call, market, &message);
    if (!err && (apply_held(feed, market) != 0 || book_is_crossed(&market->book))) {
        okx_market_lost(call, market, FEED_STALE, REASON_SEQUENCE_GAP);
        err = ERR_STALE;
    }
    if (!err)
        okx_book_is_live(call, market);
    return err;
}
