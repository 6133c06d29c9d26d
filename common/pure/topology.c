#include "common/pure/topology.h"

#include <string.h>

#define AS_ROW(port_, name_, role_, bind_, loss_, hwm_, curve_, doc_) \
    { .port = (port_),                                                \
      .name = #name_,                                                 \
      .publisher = (role_),                                           \
      .bind = (bind_),                                                \
      .loss = (loss_),                                                \
      .high_water_mark = (hwm_),                                      \
      .is_curve = (curve_),                                           \
      .doc = (doc_) },
static const struct stream streams[] = { STREAMS(AS_ROW) };

#define AS_PAIR(role_, port_) { (role_), (port_) },
static const struct {
    enum role role;
    uint16_t port;
} subscriptions[] = { SUBSCRIPTIONS(AS_PAIR) };

#define AS_ROLE(role_, value_, text_, per_venue_) { (role_), (text_), (per_venue_) },
static const struct role_row {
    enum role role;
    const char *name;
    bool is_per_venue;
} roles[] = { ROLES(AS_ROLE) };

const struct stream *stream_of(unsigned port)
{
    for (size_t i = 0; i < COUNT(streams); i++)
        if (streams[i].port == port)
            return &streams[i];
    return NULL;
}

const struct stream *stream_at(size_t i)
{
    return i < COUNT(streams) ? &streams[i] : NULL;
}

bool role_subscribes(enum role role, unsigned port)
{
    for (size_t i = 0; i < COUNT(subscriptions); i++)
        if (subscriptions[i].role == role && subscriptions[i].port == port)
            return true;
    return false;
}

static const struct role_row *row_of(enum role role)
{
    for (size_t i = 0; i < COUNT(roles); i++)
        if (roles[i].role == role)
            return &roles[i];
    return NULL;
}

const char *role_name(enum role role)
{
    const struct role_row *row = row_of(role);

    return row ? row->name : "?";
}

enum role role_from(const char *name)
{
    for (size_t i = 0; i < COUNT(roles); i++)
        if (strcmp(roles[i].name, name) == 0)
            return roles[i].role;
    return ROLE_NONE;
}

bool role_is_per_venue(enum role role)
{
    const struct role_row *row = row_of(role);

    return row && row->is_per_venue;
}
