/* Events for people and for programs. */
#include "cli/cli.h"

#include "common/pure/scan.h"

#include <stdlib.h>

enum { DUMP_MAX = 512 * 1024 };

void cli_who(const struct cli *cli, uint16_t publisher, char *out, size_t cap)
{
    enum role role = PUBLISHER_ROLE(publisher);
    const char *name = role_name(role);

    if (!name)
        snprintf(out, cap, "publisher %u", publisher);
    else if (role_is_per_venue(role))
        snprintf(out, cap, "%s@%s", name, cli_account(cli, PUBLISHER_INSTANCE(publisher)));
    else
        snprintf(out, cap, "%s", name);
}

const char *cli_account(const struct cli *cli, unsigned account)
{
    const struct venue_instance *instance = venues_by_id(&cli->rt.venues, account);

    return instance ? instance->name : "-";
}

/* The dump in a buffer kept for the process: a full book is long. */
static const char *dump(const struct wire_header *event, size_t *len)
{
    static char text[DUMP_MAX];
    int wanted = wire_dump(event, text, sizeof(text));

    *len = wanted < 0 ? 0 : MIN((size_t)wanted, sizeof(text) - 1);
    return text;
}

void cli_json(const struct wire_header *event)
{
    size_t len;
    const char *text = dump(event, &len);

    fwrite(text, 1, len, stdout);
}

void cli_text(const struct wire_header *event)
{
    struct scan_value object, key, value;
    struct scan_iter iter;
    size_t len;
    const char *text = dump(event, &len);

    printf("%s", wire_name(event->type));
    if (scan_whole(text, len, &object) == 0 && scan_begin(&iter, &object) == 0)
        while (scan_member(&iter, &key, &value) == 0)
            if (value.len > 0 && !scan_is(&key, "type") && !scan_is(&key, "event"))
                printf(" %.*s=%.*s", (int)key.len, key.text, (int)value.len, value.text);
}
