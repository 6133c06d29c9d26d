#include "venues/venue.h"

#include "venues/registry.h"

#include <strings.h>

#define AS_EXTERN(name, simulated) extern const struct venue venue_##name;
VENUES(AS_EXTERN)

#define AS_ENTRY(name, simulated) &venue_##name,
static const struct venue *const venues[] = { VENUES(AS_ENTRY) };

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
