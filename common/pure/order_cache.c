#include "common/pure/order_cache.h"

#include "common/leaf/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int order_cache_init(struct order_cache *cache)
{
    *cache = (struct order_cache){
        .orders = calloc(ORDER_CACHE_MAX, sizeof(struct order_known)),
        .buckets = calloc(ORDER_CACHE_BUCKETS, sizeof(uint16_t)),
    };
    if (cache->orders && cache->buckets)
        return 0;
    order_cache_fini(cache);
    return ERR_SYS;
}

void order_cache_fini(struct order_cache *cache)
{
    free(cache->orders);
    free(cache->buckets);
    *cache = (struct order_cache){ 0 };
}

static uint16_t *bucket_of(struct order_cache *cache, const char *order_id)
{
    uint32_t hash = 2166136261u;

    for (; *order_id; order_id++)
        hash = (hash ^ (unsigned char)*order_id) * 16777619u;
    return &cache->buckets[hash % ORDER_CACHE_BUCKETS];
}

static uint16_t number_of(const struct order_cache *cache, const struct order_known *known)
{
    return (uint16_t)(known - cache->orders + 1);
}

static void list_remove(struct order_cache *cache, struct order_known *known)
{
    if (known->older)
        cache->orders[known->older - 1].newer = known->newer;
    else
        cache->oldest = known->newer;
    if (known->newer)
        cache->orders[known->newer - 1].older = known->older;
    else
        cache->newest = known->older;
    known->older = known->newer = 0;
}

static void list_append(struct order_cache *cache, struct order_known *known)
{
    known->older = cache->newest;
    known->newer = 0;
    if (cache->newest)
        cache->orders[cache->newest - 1].newer = number_of(cache, known);
    else
        cache->oldest = number_of(cache, known);
    cache->newest = number_of(cache, known);
}

struct order_known *order_cache_find(struct order_cache *cache, const char *order_id)
{
    for (uint16_t at = *bucket_of(cache, order_id); at; at = cache->orders[at - 1].bucket_next)
        if (strcmp(cache->orders[at - 1].order_id, order_id) == 0)
            return &cache->orders[at - 1];
    return NULL;
}

/* Ended orders go first. They are the longest untouched, so the search is short; where all are live
 * it walks the whole list once, some microseconds. */
static struct order_known *make_room(struct order_cache *cache)
{
    struct order_known *known = &cache->orders[cache->oldest - 1];
    struct order_known *victim = known;

    for (int i = 0; i < ORDER_CACHE_MAX; i++) {
        if (known->state >= ORDER_FILLED) {
            victim = known;
            break;
        }
        if (known->newer == 0)
            break;
        known = &cache->orders[known->newer - 1];
    }
    cache->evicted++;
    cache->evicted_live += victim->state < ORDER_FILLED;
    uint16_t *link = bucket_of(cache, victim->order_id);
    while (*link != number_of(cache, victim))
        link = &cache->orders[*link - 1].bucket_next;
    *link = victim->bucket_next;
    list_remove(cache, victim);
    return victim;
}

struct order_known *order_cache_put(struct order_cache *cache, const char *order_id)
{
    struct order_known *known = order_cache_find(cache, order_id);

    if (known) {
        list_remove(cache, known);
        list_append(cache, known);
        return known;
    }
    known = cache->used < ORDER_CACHE_MAX ? &cache->orders[cache->used++] : make_room(cache);
    *known = (struct order_known){
        .is_used = true, .cum_qty = -1, .price_exp = ORDER_CACHE_EXP, .qty_exp = ORDER_CACHE_EXP
    };
    snprintf(known->order_id, sizeof(known->order_id), "%s", order_id);
    uint16_t *bucket = bucket_of(cache, known->order_id);
    known->bucket_next = *bucket;
    *bucket = number_of(cache, known);
    list_append(cache, known);
    return known;
}

struct order_known *order_cache_by_client_id(struct order_cache *cache, const char *id)
{
    for (uint16_t at = *id ? cache->newest : 0; at; at = cache->orders[at - 1].older)
        if (strcmp(cache->orders[at - 1].client_order_id, id) == 0)
            return &cache->orders[at - 1];
    return NULL;
}
