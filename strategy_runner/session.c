#include "strategy_runner/session.h"

#include "common/edge/durable_file.h"
#include "common/leaf/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { SESSION_MAX = (1 << 20) - 1 };

static int read_number(const char *path, unsigned long *out)
{
    char text[32];
    char *end;
    FILE *file = fopen(path, "re");

    if (!file) {
        *out = 0;
        return errno == ENOENT ? 0 : ERR_SYS;
    }
    char *line = fgets(text, sizeof text, file);
    fclose(file);
    if (!line)
        return ERR_PROTO;
    errno = 0;
    *out = strtoul(text, &end, 10);
    return errno == 0 && end != text && (*end == '\n' || *end == '\0') && *out <= SESSION_MAX
               ? 0
               : ERR_PROTO;
}

static int write_number(const char *path, unsigned long number)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%lu\n", number);

    return durable_file_write(path, text, (size_t)len);
}

int session_next(const char *path, uint32_t *session)
{
    unsigned long number;
    int err = read_number(path, &number);

    if (err)
        return err;
    number = number >= SESSION_MAX ? 1 : number + 1;
    err = write_number(path, number);
    if (!err)
        *session = (uint32_t)number;
    return err;
}
