/* bus_lock.c - who may bind an endpoint: lock files, private directories, epochs that only grow.
 *
 * A second zmq_bind on an ipc path silently takes it from the first. A flock in the run directory,
 * one file per endpoint, makes the second one fail instead; the kernel drops it with the process.
 * The files stay: removing one would let two processes lock two files of one name. */
#include "common/edge/bus_internal.h"
#include "common/leaf/err.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int bus_private_dir(const char *path)
{
    struct stat st;

    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        log_error("bus_directory", "%s: cannot make it: %s", path, strerror(errno));
        return ERR_SYS;
    }
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
        log_error("bus_directory", "%s: not a directory", path);
        return ERR_SYS;
    }
    if (st.st_uid != geteuid() || (st.st_mode & 0022)) {
        log_error("bus_directory", "%s: must be ours and writable by nobody else (mode 0700)",
                  path);
        return ERR_CONFIG;
    }
    return 0;
}

/* A file name from an endpoint: readable, and by its hash apart from every other. */
static void lock_path(const char *run_dir, const char *address, char *out, size_t cap)
{
    char readable[96];
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a. */
    size_t length = 0;

    for (const char *at = address; *at; at++) {
        hash = (hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
        if (length + 1 < sizeof(readable))
            readable[length++] = isalnum((unsigned char)*at) || *at == '.' ? *at : '_';
    }
    readable[length] = '\0';
    snprintf(out, cap, "%s/bus-%s-%08" PRIx64 ".lock", run_dir, readable, hash & 0xffffffff);
}

int bus_lock_take(const char *run_dir, const char *address, int *fd)
{
    char path[BUS_PATH_MAX + 160];
    char owner[32] = { 0 };

    lock_path(run_dir, address, path, sizeof(path));
    int opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (opened < 0) {
        log_error("bus_lock", "%s: %s", path, strerror(errno));
        return ERR_SYS;
    }
    if (flock(opened, LOCK_EX | LOCK_NB) != 0) {
        int err = errno == EWOULDBLOCK ? ERR_LOCKED : ERR_SYS;
        if (pread(opened, owner, sizeof(owner) - 1, 0) < 0)
            owner[0] = '\0';
        owner[strcspn(owner, "\n")] = '\0';
        log_error("bus_lock", "%s: held by process %s", address, owner);
        close(opened);
        return err;
    }
    /* For people who ask who has it; the lock itself does not depend on it. */
    int length = snprintf(owner, sizeof(owner), "%ld\n", (long)getpid());
    if (ftruncate(opened, 0) != 0 || pwrite(opened, owner, (size_t)length, 0) < 0)
        log_warn("bus_lock", "%s: cannot write the process id: %s", path, strerror(errno));
    *fd = opened;
    return 0;
}

void bus_lock_drop(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Whether somebody listens on a socket file. */
static bool is_served(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    if (strlen(path) >= sizeof(address.sun_path))
        return false;
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    int rc = connect(fd, (struct sockaddr *)&address, sizeof(address));
    bool is_refused = rc != 0 && (errno == ECONNREFUSED || errno == ENOENT);
    close(fd);
    return !is_refused;
}

static int try_bind(struct bus_socket *socket, const struct bus_endpoint *endpoint)
{
    if (endpoint->is_ipc) {
        if (is_served(endpoint->path))
            return ERR_LOCKED;
        if (unlink(endpoint->path) != 0 && errno != ENOENT)
            return ERR_SYS;
    }
    if (zmq_bind(socket->raw, endpoint->address) == 0)
        return 0;
    return zmq_errno() == EADDRINUSE ? ERR_LOCKED : ERR_SYS;
}

int bus_bind(struct bus *bus, struct bus_socket *socket, const struct bus_endpoint *endpoint,
             int *lock_fd)
{
    int64_t until_ns = loop_now_ns() + BUS_BIND_WAIT_NS;

    if (!endpoint->is_wildcard) {
        int err = bus_lock_take(bus->run_dir, endpoint->address, lock_fd);
        if (err)
            return err;
    }
    int err = try_bind(socket, endpoint);
    while (err == ERR_LOCKED && loop_now_ns() < until_ns) {
        usleep(5000);
        err = try_bind(socket, endpoint);
    }
    if (err)
        log_error("bus_bind", "%s: %s", endpoint->address,
                  err == ERR_LOCKED ? "somebody else serves it" : zmq_strerror(zmq_errno()));
    return err;
}

uint64_t bus_lock_epoch(const char *run_dir, uint16_t publisher, uint64_t wall_ns)
{
    char path[BUS_PATH_MAX + 64];
    char text[32] = { 0 };
    uint64_t epoch = wall_ns;

    snprintf(path, sizeof(path), "%s/bus-epoch-%u", run_dir, publisher);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return epoch;
    if (flock(fd, LOCK_EX) == 0 && pread(fd, text, sizeof(text) - 1, 0) >= 0) {
        uint64_t last = strtoull(text, NULL, 10);
        /* A file from a far future (a clock once set wrong) is believed: epochs must only grow. */
        if (last >= epoch && last < UINT64_MAX)
            epoch = last + 1;
        int length = snprintf(text, sizeof(text), "%" PRIu64 "\n", epoch);
        if (pwrite(fd, text, (size_t)length, 0) != length)
            log_warn("bus_epoch", "%s: %s", path, strerror(errno));
    }
    close(fd);
    return epoch;
}
