/* gateway.h - the role's callbacks; main.c hangs them into the runtime. */
#ifndef TICKPIPE_MARKET_GATEWAY_GATEWAY_H
#define TICKPIPE_MARKET_GATEWAY_GATEWAY_H

#include "common/edge/role.h"
#include "market_gateway/settings.h"

/* The command line's part. */
struct gateway_options {
    const char *replay; /* Capture; NULL: live. */
    const char *speed;  /* "10", "0.5"; NULL: 1 */
    bool wants_stats, wants_dump, wants_publish;
};

struct gateway;

/* gateway_new makes the role's state; settings and options are read by the callbacks. NULL: no
 * memory. */
struct gateway *gateway_new(const struct gateway_settings *settings,
                            const struct gateway_options *options);
void gateway_free(struct gateway *gateway);

int gateway_check(struct role_runtime *rt, FILE *out, FILE *errors);
int gateway_once(struct role_runtime *rt);
int gateway_init(struct role_runtime *rt);
int gateway_start(struct role_runtime *rt);
void gateway_tick(struct role_runtime *rt, int64_t now_ns);
void gateway_metrics(struct role_runtime *rt);
void gateway_stop(struct role_runtime *rt);
void gateway_fini(struct role_runtime *rt);

#endif
