/* tickpipe keys: a CURVE certificate for each process that the topology and venues.ini know. */
#include "cli/cli.h"

#include "common/edge/bus_keys.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAMES_MAX = 2 * VENUES_MAX + 16 };

static size_t list_names(const struct venues *venues, char names[][BUS_KEYS_NAME_MAX])
{
    size_t count = 0;

    for (enum role role = ROLE_MARKET_GATEWAY; role <= ROLE_OPERATOR; role++) {
        if (role == ROLE_VENUE_SIMULATOR) /* Not on the bus. */
            continue;
        size_t of_role = role_is_per_venue(role) ? venues->count : 1;
        for (size_t i = 0; i < of_role; i++)
            if (bus_keys_name(role, role_is_per_venue(role) ? venues->at[i].name : NULL,
                              names[count]) == 0)
                count++;
    }
    return count;
}

int cli_keys(struct cli *cli)
{
    static char names[NAMES_MAX][BUS_KEYS_NAME_MAX];
    const char *missing[NAMES_MAX];
    const char *dir = cli->rt.common.keys_dir;
    size_t count = list_names(&cli->rt.venues, names), missing_count = 0;
    char path[CONFIG_TEXT_MAX + BUS_KEYS_NAME_MAX + 32];

    for (size_t i = 0; i < count; i++) {
        const char *name = names[i];
        snprintf(path, sizeof(path), "%s/%.*s.cert_secret", dir, BUS_KEYS_NAME_MAX, name);
        if (access(path, F_OK) != 0)
            missing[missing_count++] = names[i];
    }
    int err = role_make_parents(dir);
    if (!err)
        err = bus_keys_make(dir, missing, missing_count);
    if (err) {
        fprintf(stderr, "tickpipe keys: %s: %s\n", dir, err_str(err));
        return CLI_FAILURE;
    }
    for (size_t i = 0; i < missing_count; i++)
        printf("made %s/%s.cert_secret\n", dir, missing[i]);
    printf("%zu keys in %s, %zu of them new\n", count, dir, missing_count);
    return CLI_OK;
}
