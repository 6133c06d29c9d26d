#include "risk_monitor/saved.h"

#include "common/edge/durable_file.h"
#include "common/leaf/err.h"
#include "common/pure/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char magic[8] = "tprisk\n";
enum { SAVED_VERSION = 1 };

struct saved_file {
    char magic[8];
    uint32_t version, size;
    struct risk_saved saved;
    uint32_t crc, reserved;
};

static uint32_t checksum(const struct saved_file *file)
{
    return crc32_ieee(file, offsetof(struct saved_file, crc));
}

int saved_read(const char *path, struct risk_saved *saved)
{
    struct saved_file file;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_SYS;
    ssize_t size = read(fd, &file, sizeof file);
    close(fd);
    if (size < (ssize_t)offsetof(struct saved_file, saved) ||
        memcmp(file.magic, magic, sizeof magic) != 0)
        return ERR_CHECKSUM;
    if (file.version != SAVED_VERSION || file.size != sizeof file)
        return ERR_VERSION;
    if (size != (ssize_t)sizeof file || file.crc != checksum(&file) ||
        file.saved.entry_count > WIRE_SCOPES_MAX)
        return ERR_CHECKSUM;
    *saved = file.saved;
    return 0;
}

int saved_write(const char *path, const struct risk_saved *saved)
{
    struct saved_file file;

    memset(&file, 0, sizeof file); /* Padding too: it is checksummed. */
    memcpy(file.magic, magic, sizeof magic);
    file.version = SAVED_VERSION;
    file.size = sizeof file;
    memcpy(&file.saved, saved, sizeof file.saved);
    file.crc = checksum(&file);
    return durable_file_write(path, &file, sizeof file);
}
