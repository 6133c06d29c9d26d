#include "venue_simulator/sim.h"

#include <strings.h>

#define ENTRY_SIMULATED(name) &sim_##name,
#define ENTRY_NOT_SIMULATED(name)
#define AS_ENTRY(name, simulated) ENTRY_##simulated(name)
static const struct sim_venue *const venues[] = { VENUES(AS_ENTRY) };

const struct sim_venue *sim_venue_at(size_t i)
{
    return i < COUNT(venues) ? venues[i] : NULL;
}

const struct sim_venue *sim_venue_find(const char *name)
{
    for (size_t i = 0; i < COUNT(venues); i++)
        if (strcasecmp(venues[i]->name, name) == 0)
            return venues[i];
    return NULL;
}
