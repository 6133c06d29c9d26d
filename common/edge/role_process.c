/* The process itself: daemon, pid file, hardening. */
#include "common/edge/role_private.h"

#include "common/leaf/err.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_LEAK_CHECKER 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define HAS_LEAK_CHECKER 1
#endif

/* Waits until the child serves (a byte) or is gone (end of file), and ends with the same result. */
static _Noreturn void wait_for_child(int fd, pid_t child)
{
    char byte;
    ssize_t n;
    int status = 0;

    do
        n = read(fd, &byte, 1);
    while (n < 0 && errno == EINTR);
    if (n == 1)
        _exit(ROLE_EXIT_OK);
    if (waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) != 0)
        _exit(WEXITSTATUS(status));
    _exit(ROLE_EXIT_FAILURE);
}

int role_daemonise(int *ready_fd)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) != 0)
        return ERR_SYS;
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) {
        close(fds[0]);
        close(fds[1]);
        return ERR_SYS;
    }
    if (child > 0) {
        close(fds[1]);
        wait_for_child(fds[0], child);
    }
    close(fds[0]);
    (void)setsid();
    umask(027);
    *ready_fd = fds[1];
    return 0;
}

void role_daemon_ready(int *ready_fd)
{
    if (*ready_fd < 0)
        return;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; null >= 0 && fd <= STDERR_FILENO; fd++)
        (void)dup2(null, fd);
    if (null > STDERR_FILENO)
        close(null);
    ssize_t n = write(*ready_fd, "r", 1);
    (void)n; /* A parent that was killed has nobody to tell. */
    close(*ready_fd);
    *ready_fd = -1;
}

void role_harden(bool locks_memory)
{
    struct rlimit none = { 0, 0 };

    (void)signal(SIGPIPE, SIG_IGN);
    if (setrlimit(RLIMIT_CORE, &none) != 0)
        log_warn("harden", "RLIMIT_CORE stays: %s", strerror(errno));
#ifndef HAS_LEAK_CHECKER /* It reads the process through ptrace when it ends. */
    if (prctl(PR_SET_DUMPABLE, 0) != 0)
        log_warn("harden", "PR_SET_DUMPABLE stays: %s", strerror(errno));
#endif
    if (locks_memory && mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
        log_warn("harden", "LOCK_MEMORY is on, but mlockall: %s", strerror(errno));
}

/* The number in a pid file, 0 where there is none. */
static long read_number(int fd)
{
    char text[32] = "";
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

    return n > 0 ? strtol(text, NULL, 10) : 0;
}

int role_pid_open(const char *run_dir, const char *name, char *path, size_t cap, int *fd,
                  long *holder)
{
    char text[32];

    if (role_make_dir(run_dir) != 0 ||
        (size_t)snprintf(path, cap, "%s/%s.pid", run_dir, name) >= cap)
        return ERR_SYS;
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (file < 0)
        return ERR_SYS;
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
        int err = errno == EWOULDBLOCK ? ERR_LOCKED : ERR_SYS;
        *holder = read_number(file);
        close(file);
        return err;
    }
    int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(file, 0) != 0 || pwrite(file, text, (size_t)len, 0) != len) {
        close(file);
        return ERR_SYS;
    }
    *fd = file;
    return 0;
}

void role_pid_close(const char *path, int *fd)
{
    if (*fd < 0)
        return;
    /* Emptied, not unlinked: a successor may already wait for the lock of this very file. */
    if (ftruncate(*fd, 0) != 0)
        log_warn("pid_file", "%s: %s", path, strerror(errno));
    close(*fd);
    *fd = -1;
}
