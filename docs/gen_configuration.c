/* Writes docs/configuration.md from the tables that the roles read their files by: the page cannot
 * drift. The Makefile passes KEYS_ROLES, an X-macro list of the roles that have a keys.c. */
#include "common/edge/role.h"

#include <string.h>

#define AS_EXTERN(name)                           \
    extern const struct config_key name##_keys[]; \
    extern const size_t name##_key_count;
KEYS_ROLES(AS_EXTERN)

static void introduce(FILE *out)
{
    fputs(
        "# Configuration\n\n"
        "Made by `make docs` from the key tables in the code; not edited by hand.\n\n"
        "Each process reads one ini file, `config/ROLE.ini`, or `config/ROLE_VENUE.ini` where "
        "there is one\n"
        "process per venue; another file may be named on the command line. `$TICKPIPE_CONFIG_DIR` "
        "names another\n"
        "directory. `ROLE [VENUE] [CONFIG] --check-config` says how each key of a file is honoured "
        "and starts\n"
        "nothing.\n\n"
        "- `[SECTION]`, then `KEY=VALUE`; names in any case. Lines that begin with `#` or `;` are "
        "comments.\n"
        "- A value with `;` or `#` in it stands in double quotes. A line holds at most 1,000 "
        "bytes.\n"
        "- `${NAME}` is replaced from the environment; a name that is not set is refused.\n"
        "- Unknown sections and keys, duplicates, values out of range and anything that the ini "
        "library would\n"
        "  drop silently are refused with file, line, section, key and what is allowed. Exit code "
        "78.\n"
        "- Secrets do not belong in the file: `VENUE_API_KEY`, `VENUE_API_SECRET`, "
        "`VENUE_API_PASSPHRASE` are\n"
        "  read from the environment, then from systemd credentials, then from files in KEYS_DIR "
        "with mode 0600.\n"
        "- Endpoints derive from `venues.ini` and the stream table; a key in `[ZMQ]` overrides "
        "one. Away from\n"
        "  loopback a venue's endpoint carries `@INSTANCE`, which names the owner's CURVE key.\n\n",
        out);
}

static void document_shared(FILE *out)
{
    struct config_key keys[ROLE_KEYS_MAX], shared[ROLE_KEYS_MAX];
    size_t count = role_keys(ROLE_NONE, keys), kept = 0;

    for (size_t i = 0; i < count; i++)
        if (keys[i].offset != SIZE_MAX)
            shared[kept++] = keys[i];
    config_document("Every role", shared, kept, out);
}

/* The role's own keys, then its endpoints. */
static void document_role(enum role role, const struct config_key *keys, size_t count, FILE *out)
{
    struct config_key shared[ROLE_KEYS_MAX], endpoints[ROLE_KEYS_MAX];
    size_t shared_count = role_keys(role, shared), kept = 0;

    for (size_t i = 0; i < shared_count; i++)
        if (shared[i].type == CONFIG_ENDPOINT)
            endpoints[kept++] = shared[i];
    config_document(role_name(role), keys, count, out);
    config_document(NULL, endpoints, kept, out);
}

int main(void)
{
    size_t count;

    introduce(stdout);
    fputs("## config/venues.ini\n\nOne section per venue instance, and [CORE].\n", stdout);
    const struct config_key *keys = venues_ini_keys(true, &count);
    config_document(NULL, keys, count, stdout);
    keys = venues_ini_keys(false, &count);
    config_document(NULL, keys, count, stdout);
    document_shared(stdout);
#define AS_DOCUMENT(name) document_role(role_from(#name), name##_keys, name##_key_count, stdout);
    KEYS_ROLES(AS_DOCUMENT)
    return fflush(stdout) == 0 ? 0 : 1;
}
