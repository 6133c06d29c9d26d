/* venues_ini.h - config/venues.ini: which venue instances there are and where they live.
 *
 *   [BINANCE]            instance, as on the command line
 *   ID=1                 account number on the bus, 1..255, never reused
 *   VENUE=binance        adapter
 *   ACCOUNT=main
 *   HOST=127.0.0.1       where its gateway and its engine bind
 *   ENGINE=no            market data only
 *
 * Endpoint lists of the roles that connect to every venue derive from it. */
#ifndef TICKPIPE_COMMON_EDGE_VENUES_INI_H
#define TICKPIPE_COMMON_EDGE_VENUES_INI_H

#include "common/leaf/base.h"

#include <stdio.h>

enum { VENUES_MAX = 64 };

struct venue_instance {
    char name[32];    /* "BINANCE" */
    char venue[32];   /* "binance" */
    char account[32]; /* "main" */
    char host[128];
    uint16_t id;
    bool has_engine;       /* false: market data only, nobody trades there. */
    int32_t maker_fee_ppm; /* Used where the venue's metadata states none. */
    int32_t taker_fee_ppm;
};

struct venues {
    struct venue_instance at[VENUES_MAX];
    size_t count;
    char core_host[128]; /* [CORE] HOST: where the roles that are not per venue bind. Default
                            127.0.0.1. */
};

/* The keys of the file, for docs/configuration.md: of [CORE], or of an instance. */
struct config_key;
const struct config_key *venues_ini_keys(bool is_core, size_t *count);

int venues_load(struct venues *venues, const char *path, FILE *errors); /* 0 or ERR_CONFIG */
const struct venue_instance *venues_find(const struct venues *venues,
                                         const char *name); /* any case */
const struct venue_instance *venues_by_id(const struct venues *venues, unsigned id);

/* venues_endpoints writes "tcp://HOST:PORT tcp://..." of every publisher of a stream ("": none).
 * ERR_FULL. */
int venues_endpoints(const struct venues *venues, unsigned port, char *out, size_t cap);

/* venues_endpoint_of writes the endpoint of one instance (NULL: the core's host), for connecting.
 */
int venues_endpoint_of(const struct venues *venues, const struct venue_instance *instance,
                       unsigned port, char *out, size_t cap);

/* venues_bind_endpoint writes where role (of instance, or NULL) binds port; a host name as its
 * address (looked up now: at start only). */
int venues_bind_endpoint(const struct venues *venues, const struct venue_instance *instance,
                         unsigned port, char *out, size_t cap);

#endif
