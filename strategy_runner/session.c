#include "strategy_runner/session.h"

#include "common/leaf/err.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static int sync_folder(const char *path)
{
    char copy[4096];
    int fd, err;

    if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy)
        return ERR_SYS;
    fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return ERR_SYS;
    err = fsync(fd) == 0 ? 0 : ERR_SYS;
    close(fd);
    return err;
}

static int write_number(const char *path, unsigned long number)
{
    char temporary[4096], text[32];
    int len = snprintf(text, sizeof text, "%lu\n", number);

    if (snprintf(temporary, sizeof temporary, "%s.new", path) >= (int)sizeof temporary)
        return ERR_SYS;
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return ERR_SYS;
    bool is_written = write(fd, text, (size_t)len) == len && fsync(fd) == 0;
    close(fd);
    if (!is_written || rename(temporary, path) != 0)
        return ERR_SYS;
    return sync_folder(path);
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
