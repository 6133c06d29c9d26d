/* topology.h - one table of streams: who binds which port, who connects, what a loss means.
 *
 * Config defaults, endpoint lists, health checks, the doctor and the documentation come from it.
 * Ports never change; the host part of an endpoint does. */
#ifndef TICKPIPE_COMMON_PURE_TOPOLOGY_H
#define TICKPIPE_COMMON_PURE_TOPOLOGY_H

#include "common/leaf/base.h"

/* Roles: value, name, 1: one process per venue instance (0: one of it). */
#define ROLES(X)                                     \
    X(ROLE_MARKET_GATEWAY, 1, "market_gateway", 1)   \
    X(ROLE_SIGNAL_ENGINE, 2, "signal_engine", 0)     \
    X(ROLE_STRATEGY_RUNNER, 3, "strategy_runner", 0) \
    X(ROLE_TRADING_ENGINE, 4, "trading_engine", 1)   \
    X(ROLE_POSITION_SERVER, 5, "position_server", 0) \
    X(ROLE_RISK_MONITOR, 6, "risk_monitor", 0)       \
    X(ROLE_VENUE_SIMULATOR, 7, "venue_simulator", 0) \
    X(ROLE_OPERATOR, 8, "tickpipe", 0)

#define ROLE_AS_ENUM(name, value, text, per_venue) name = (value),
enum role { ROLE_NONE = 0, ROLES(ROLE_AS_ENUM) };

/* The header's publisher field. */
#define PUBLISHER(role, instance)     ((uint16_t)((unsigned)(role) << 8 | ((unsigned)(instance)&0xff)))
#define PUBLISHER_ROLE(publisher)     ((enum role)((publisher) >> 8))
#define PUBLISHER_INSTANCE(publisher) ((publisher)&0xff)

enum stream_loss {
    LOSS_EVIDENT,   /* Seen as a gap; repaired by a snapshot, or simply old. */
    LOSS_RECOVERED, /* Asked again from the publisher until it is here. */
    LOSS_RESENT,    /* State: the next one replaces it. */
};

enum stream_bind { PUBLISHER_BINDS, SUBSCRIBER_BINDS };

/* port, key of its endpoint in the ini files, publisher, who binds, loss, high-water mark,
 * 1: CURVE even on loopback, what it carries. */
#define STREAMS(X)                                                                              \
    X(6001, MARKET_DATA, ROLE_MARKET_GATEWAY, PUBLISHER_BINDS, LOSS_EVIDENT, 4096, 0,           \
      "market data")                                                                            \
    X(6002, ORDER_EVENTS, ROLE_TRADING_ENGINE, PUBLISHER_BINDS, LOSS_RECOVERED, 65536, 0,       \
      "order events")                                                                           \
    X(6003, POSITIONS, ROLE_POSITION_SERVER, PUBLISHER_BINDS, LOSS_RESENT, 65536, 0,            \
      "positions, balances, PnL")                                                               \
    X(6004, STRATEGY_EVENTS, ROLE_STRATEGY_RUNNER, PUBLISHER_BINDS, LOSS_RESENT, 65536, 0,      \
      "strategy events")                                                                        \
    X(6008, SIGNALS, ROLE_SIGNAL_ENGINE, PUBLISHER_BINDS, LOSS_EVIDENT, 65536, 0,               \
      "signals and opportunities")                                                              \
    X(6017, TRADE_EVENTS, ROLE_TRADING_ENGINE, PUBLISHER_BINDS, LOSS_RECOVERED, 65536, 0,       \
      "executions and account events")                                                          \
    X(6018, ORDER_STATUS, ROLE_TRADING_ENGINE, PUBLISHER_BINDS, LOSS_RESENT, 65536, 0,          \
      "order and engine state")                                                                 \
    X(6020, RISK, ROLE_RISK_MONITOR, PUBLISHER_BINDS, LOSS_RESENT, 65536, 1,                    \
      "halt, kill and limit state")                                                             \
    X(7003, ORDERS, ROLE_STRATEGY_RUNNER, PUBLISHER_BINDS, LOSS_RECOVERED, 65536, 1, "intents") \
    X(7004, POSITION_UPDATES, ROLE_POSITION_SERVER, PUBLISHER_BINDS, LOSS_RECOVERED, 65536, 1,  \
      "position updates, replay requests")                                                      \
    X(7005, OPERATOR, ROLE_OPERATOR, SUBSCRIBER_BINDS, LOSS_RECOVERED, 65536, 1,                \
      "operator commands")

#define STREAM_AS_ENUM(port, name, role, bind, loss, hwm, curve, doc) STREAM_##name = (port),
enum stream_port { STREAMS(STREAM_AS_ENUM) };

/* What each role subscribes to: role, port. */
#define SUBSCRIPTIONS(X)          \
    X(ROLE_MARKET_GATEWAY, 6020)  \
    X(ROLE_SIGNAL_ENGINE, 6001)   \
    X(ROLE_SIGNAL_ENGINE, 6020)   \
    X(ROLE_STRATEGY_RUNNER, 6001) \
    X(ROLE_STRATEGY_RUNNER, 6002) \
    X(ROLE_STRATEGY_RUNNER, 6003) \
    X(ROLE_STRATEGY_RUNNER, 6008) \
    X(ROLE_STRATEGY_RUNNER, 6018) \
    X(ROLE_STRATEGY_RUNNER, 6020) \
    X(ROLE_TRADING_ENGINE, 6001)  \
    X(ROLE_TRADING_ENGINE, 6020)  \
    X(ROLE_TRADING_ENGINE, 7003)  \
    X(ROLE_TRADING_ENGINE, 7004)  \
    X(ROLE_POSITION_SERVER, 6001) \
    X(ROLE_POSITION_SERVER, 6017) \
    X(ROLE_POSITION_SERVER, 6018) \
    X(ROLE_POSITION_SERVER, 6020) \
    X(ROLE_RISK_MONITOR, 6001)    \
    X(ROLE_RISK_MONITOR, 6002)    \
    X(ROLE_RISK_MONITOR, 6003)    \
    X(ROLE_RISK_MONITOR, 6004)    \
    X(ROLE_RISK_MONITOR, 6017)    \
    X(ROLE_RISK_MONITOR, 6018)    \
    X(ROLE_RISK_MONITOR, 7005)

struct stream {
    uint16_t port;
    const char *name; /* "MARKET_DATA" */
    enum role publisher;
    enum stream_bind bind;
    enum stream_loss loss;
    int high_water_mark;
    bool is_curve; /* CURVE on loopback too. Off loopback every stream needs it. */
    const char *doc;
};

/* stream_of gives the row of a port, or NULL. stream_at the i-th row, NULL after the last. */
const struct stream *stream_of(unsigned port);
const struct stream *stream_at(size_t i);

/* role_subscribes says whether a role reads a port. */
bool role_subscribes(enum role role, unsigned port);

/* role_name gives "trading_engine", "?" for none; role_from the role of a name, ROLE_NONE where
 * there is none. */
const char *role_name(enum role role);
enum role role_from(const char *name);
bool role_is_per_venue(enum role role);

#endif
