/* Law: whatever a recording holds, reading it ends, stays within its memory, and gives records
 * whose data is ended by a NUL; a line is read the same whether it comes alone or from a file. The
 * first byte chooses: the rest as it is, or packed by zstd, then cut and damaged. */
#include "common/leaf/err.h"
#include "market_gateway/capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

static void must(bool claim)
{
    if (!claim)
        abort();
}

static void read_file(const void *data, size_t size)
{
    struct capture *capture = NULL;
    struct capture_record record;
    char path[32];
    int err = 0, fd = memfd_create("capture", MFD_CLOEXEC);

    must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    must(capture_open(&capture, path) == 0);
    for (size_t records = 0; err == 0 || err == ERR_PROTO || err == ERR_UNSUPPORTED; records++) {
        err = capture_next(capture, &record);
        must(err != 0 || record.data[record.len] == '\0');
        must(err != 0 || record.ts_ns >= 0);
        must(records < 1 << 20);
    }
    must(capture_next(capture, &record) == err); /* The end stays the end. */
    capture_close(&capture);
    close(fd);
}

static void read_line(const char *line, size_t len)
{
    char *exact = malloc(len + 1), *scratch = malloc(len + 1);
    struct capture_record record;

    memcpy(exact, line, len); /* No NUL behind it: a read past the end is seen. */
    if (capture_parse(exact, len, scratch, &record) == 0)
        must(record.data[record.len] == '\0' && record.len <= len);
    free(exact);
    free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char packed[1 << 16];

    if (size < 3 || size > 16384)
        return 0;
    uint8_t way = data[0], damage = data[1];
    data += 2;
    size -= 2;
    read_line((const char *)data, size);
    if (way & 1) {
        size_t n = ZSTD_compress(packed, sizeof(packed), data, size, 1);
        must(!ZSTD_isError(n));
        if (way & 2)
            n -= MIN(n, damage);
        if (n && way & 4)
            packed[damage % n] ^= (char)way;
        read_file(packed, n);
    } else {
        read_file(data, size);
    }
    return 0;
}
