#include "common/edge/role_private.h"

#include "common/leaf/err.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static const struct role_app tool_app = {
    .role = ROLE_OPERATOR,
    .summary = "the operator's program",
    .runs_without_config = true,
};

static int open_bus(struct role_runtime *rt, FILE *errors)
{
    int err = loop_open(&rt->loop);
    struct bus_config bus = {
        .loop = rt->loop,
        .role = ROLE_OPERATOR,
        .run_dir = rt->common.run_dir,
        .keys_dir = rt->common.keys_dir,
        .high_water_mark = (int)rt->common.high_water_mark,
        .socket_buffer_bytes = (int)rt->common.socket_buffer_bytes,
    };

    if (!err)
        err = role_make_dir(rt->common.run_dir);
    if (!err)
        err = bus_open(&rt->bus, &bus);
    if (err)
        fprintf(errors, "bus in %s: %s\n", rt->common.run_dir, err_str(err));
    return err;
}

int role_tool_open(struct role_runtime *rt, const char *config, FILE *errors)
{
    struct role_args args = { .config = config };

    *rt = (struct role_runtime){ .app = &tool_app };
    int err = role_config_load(rt, &args, errors);
    return err ? err : open_bus(rt, errors);
}

int role_tool_open_for(struct role_runtime *rt, const char *beside, const struct role_dirs *dirs,
                       FILE *errors)
{
    *rt = (struct role_runtime){ .app = &tool_app, .has_config_file = true };
    snprintf(rt->config_path, sizeof(rt->config_path), "%s", beside);
    memcpy(rt->common.run_dir, dirs->run, sizeof(dirs->run));
    memcpy(rt->common.keys_dir, dirs->keys, sizeof(dirs->keys));
    memcpy(rt->common.venues_file, dirs->venues, sizeof(dirs->venues));
    int err = role_config_find_rest(rt, &(struct role_args){ 0 }, errors);
    return err ? err : open_bus(rt, errors);
}

void role_tool_close(struct role_runtime *rt)
{
    bus_close(&rt->bus);
    loop_close(&rt->loop);
}

long role_pid(const struct role_runtime *rt, enum role role, const char *venue)
{
    char name[64], path[ROLE_PATH_MAX + 80], text[32] = "";

    role_file_name(role, venue, name, sizeof(name));
    snprintf(path, sizeof(path), "%s/%s.pid", rt->common.run_dir, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    /* Nobody holds the lock: the number is of a process that is gone, and may be anybody's by now.
     */
    bool is_held = flock(fd, LOCK_SH | LOCK_NB) != 0;
    ssize_t n = is_held ? pread(fd, text, sizeof(text) - 1, 0) : 0;
    close(fd);
    return n > 0 ? strtol(text, NULL, 10) : 0;
}
