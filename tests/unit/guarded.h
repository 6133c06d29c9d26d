/* guarded.h - bytes that end where a page begins that nobody may read: a reader that looks one byte
 * past the end dies, in every build. */
#ifndef TICKPIPE_TESTS_UNIT_GUARDED_H
#define TICKPIPE_TESTS_UNIT_GUARDED_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { GUARDED_MAX = 1 << 20 };

/* guarded_copy copies len bytes to the end of the one guarded area; valid until the next call. */
static inline char *guarded_copy(const void *bytes, size_t len)
{
    static char *wall;

    if (!wall) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        char *area = mmap(NULL, GUARDED_MAX + page, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (area == MAP_FAILED || mprotect(area + GUARDED_MAX, page, PROT_NONE) != 0)
            abort();
        wall = area + GUARDED_MAX;
    }
    if (len > GUARDED_MAX)
        abort();
    if (len > 0)
        memcpy(wall - len, bytes, len);
    return wall - len;
}

#endif
