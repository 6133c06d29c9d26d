#include "common/edge/durable_file.h"

#include "common/leaf/err.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static int sync_folder(const char *path)
{
    char copy[PATH_MAX];

    if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy)
        return ERR_SYS;
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return ERR_SYS;
    int err = fsync(fd) == 0 ? 0 : ERR_SYS;
    close(fd);
    return err;
}

int durable_file_write(const char *path, const void *data, size_t len)
{
    char temporary[PATH_MAX];

    if (snprintf(temporary, sizeof temporary, "%s.new", path) >= (int)sizeof temporary)
        return ERR_SYS;
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return ERR_SYS;
    bool is_written = write(fd, data, len) == (ssize_t)len && fsync(fd) == 0;
    close(fd);
    if (!is_written || rename(temporary, path) != 0)
        return ERR_SYS;
    return sync_folder(path);
}
