#include "venues/venue.h"

#include <strings.h>

extern const struct venue venue_binance;
extern const struct venue venue_kraken;

static const struct venue *const venues[] = { &venue_binance, &venue_kraken };

const struct venue *venue_at(size_t i)
{
    return i < COUNT(venues) ? venues[i] : NULL;
}

const struct venue *venue_find(const char *name)
{
    for (size_t i = 0; i < COUNT(venues); i++)
        if (strcasecmp(venues[i]->name, name) == 0)
            return venues[i];
    return NULL;
}
