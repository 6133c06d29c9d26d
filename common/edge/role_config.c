/* The keys that every role has, and where things are: files, directories, endpoints. */
#include "common/edge/role_private.h"

#include "common/leaf/err.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define AT(member)       offsetof(struct role_config, member)
#define ENDPOINT_AT(row) (offsetof(struct role_config, endpoints) + (row)*CONFIG_TEXT_MAX)

static const struct config_key global_keys[] = {
    { "GLOBAL", "PROCESS_NAME", CONFIG_TEXT, AT(process_name), "", 0, 0, NULL, 0,
      "name in every log line; empty: ROLE@VENUE" },
    { "GLOBAL", "LOG_LEVEL", CONFIG_CHOICE, AT(log_level), "INFO", 0, 0, "DEBUG|INFO|WARN|ERROR", 0,
      "least level that is written; --log-level and --verbose win" },
    { "GLOBAL", "LOG_FILE", CONFIG_TEXT, AT(log_file), "", 0, 0, NULL, 0,
      "JSON lines, reopened on SIGHUP; -: stderr; empty: ROLE_VENUE.log in $TICKPIPE_LOG_DIR "
      "where that is set, else logs with --daemon, else stderr" },
    { "GLOBAL", "RUN_DIR", CONFIG_TEXT, AT(run_dir), "", 0, 0, NULL, 0,
      "pid files and endpoint locks, made 0700; empty: $TICKPIPE_RUN_DIR, else run" },
    { "GLOBAL", "KEYS_DIR", CONFIG_TEXT, AT(keys_dir), "", 0, 0, NULL, 0,
      "CURVE keys made by `tickpipe keys`, and secrets in 0600 files (BINANCE_API_KEY); empty: "
      "$TICKPIPE_KEYS_DIR, else keys" },
    { "GLOBAL", "DATA_DIR", CONFIG_TEXT, AT(data_dir), "", 0, 0, NULL, 0,
      "journals, ledgers, persisted state; made 0700; empty: $TICKPIPE_DATA_DIR, else data" },
    { "GLOBAL", "VENUES_FILE", CONFIG_TEXT, AT(venues_file), "", 0, 0, NULL, 0,
      "the venue instances and hosts; empty: venues.ini beside CONFIG, else in the configuration "
      "directory" },
    { "GLOBAL", "LOCK_MEMORY", CONFIG_BOOL, AT(is_memory_locked), "false", 0, 0, NULL, 0,
      "mlockall: no page is swapped out (needs RLIMIT_MEMLOCK)" },
};

static const struct config_key bus_keys[] = {
    { "ZMQ", "HIGH_WATER_MARK", CONFIG_INT, AT(high_water_mark), "0", 0, 1000000, NULL, 0,
      "messages that each queue of this process holds; 0: as the stream's own. A small one loses "
      "messages on purpose: for trials of recovery" },
    { "ZMQ", "SOCKET_BUFFER_BYTES", CONFIG_INT, AT(socket_buffer_bytes), "0", 0, 1 << 30, NULL, 0,
      "of each connection in the system, both ways; 0: the system's own choice" },
};

static const struct config_key monitoring_keys[] = {
    { "MONITORING", "ENABLE_METRICS", CONFIG_BOOL, AT(has_metrics), "true", 0, 0, NULL, 0,
      "false: no METRICS line; counting goes on" },
    { "MONITORING", "METRICS_INTERVAL_MS", CONFIG_INT, AT(metrics_interval_ms), "1000", 100,
      3600000, NULL, 0, "one METRICS line per interval" },
    { "MONITORING", "HEALTH_CHECK_INTERVAL_MS", CONFIG_INT, AT(health_check_interval_ms), "5000",
      100, 3600000, NULL, 0,
      "one HEALTH line per interval: status, losses, longest turn; WARN where something was lost" },
    { "MONITORING", "LOG_PERFORMANCE_METRICS", CONFIG_BOOL, AT(logs_performance), "true", 0, 0,
      NULL, 0, "false: METRICS lines carry no latency histograms" },
    { "MONITORING", "ALERT_ON_ERRORS", CONFIG_BOOL, AT(alerts_on_errors), "true", 0, 0, NULL, 0,
      "an ALERT line at the next health check when ERROR lines were written since the last one" },
};

void role_endpoint_key(const struct stream *stream, bool is_publisher, char *out, size_t cap)
{
    const char *name = stream->name;

    if (!is_publisher && stream->port == STREAM_ORDERS)
        name = "TRADER";
    else if (!is_publisher && stream->port == STREAM_POSITION_UPDATES)
        name = "POSITION_SERVER";
    snprintf(out, cap, "%s_%s_ENDPOINT", name, is_publisher ? "PUB" : "SUB");
}

/* An operator's program may listen to everything. */
static bool may_subscribe(enum role role, const struct stream *stream)
{
    return role == ROLE_OPERATOR || role_subscribes(role, stream->port);
}

size_t role_keys(enum role role, struct config_key *out)
{
    static char names[ROLE_STREAMS_MAX][2][64];
    static char docs[ROLE_STREAMS_MAX][2][160];
    const struct stream *stream;
    size_t count = 0;

    for (size_t i = 0; i < COUNT(global_keys); i++)
        out[count++] = global_keys[i];
    for (size_t row = 0; role != ROLE_VENUE_SIMULATOR && (stream = stream_at(row)) != NULL; row++) {
        bool is_publisher = stream->publisher == role;
        if (!is_publisher && !may_subscribe(role, stream))
            continue;
        bool binds = is_publisher == (stream->bind == PUBLISHER_BINDS);
        assert(row < ROLE_STREAMS_MAX && count < ROLE_KEYS_MAX);
        role_endpoint_key(stream, is_publisher, names[row][is_publisher], sizeof(names[row][0]));
        snprintf(docs[row][is_publisher], sizeof(docs[row][0]), "%s %u: %s; empty: from venues.ini",
                 binds ? "bound," : "connected,", stream->port, stream->doc);
        out[count++] = (struct config_key){ .section = "ZMQ",
                                            .key = names[row][is_publisher],
                                            .type = CONFIG_ENDPOINT,
                                            .offset = ENDPOINT_AT(row),
                                            .fallback = "",
                                            .doc = docs[row][is_publisher] };
    }
    for (size_t i = 0; role != ROLE_VENUE_SIMULATOR && i < COUNT(bus_keys); i++)
        out[count++] = bus_keys[i];
    for (size_t i = 0; i < COUNT(monitoring_keys); i++)
        out[count++] = monitoring_keys[i];
    assert(count <= ROLE_KEYS_MAX);
    return count;
}

/* ---- names and directories ---- */

void role_file_name(enum role role, const char *venue, char *out, size_t cap)
{
    int len = snprintf(out, cap, "%s%s%s", role_name(role), venue ? "_" : "", venue ? venue : "");

    for (int i = 0; i < len && (size_t)i < cap; i++)
        out[i] = (char)tolower((unsigned char)out[i]);
}

static const char *config_dir(void)
{
    const char *dir = getenv("TICKPIPE_CONFIG_DIR");
    return dir && dir[0] ? dir : "config";
}

int role_make_parents(const char *path)
{
    char part[ROLE_PATH_MAX];

    if (strlen(path) >= sizeof(part))
        return ERR_SYS;
    for (const char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
        snprintf(part, sizeof(part), "%.*s", (int)(at - path), path);
        (void)mkdir(part, 0755); /* There already, or the last one says why. */
    }
    return 0;
}

int role_make_dir(const char *path)
{
    if (role_make_parents(path) != 0)
        return ERR_SYS;
    return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : ERR_SYS;
}

int role_data_path(const struct role_runtime *rt, const char *suffix, char *out, size_t cap)
{
    char name[64], path[ROLE_PATH_MAX + 128];

    role_file_name(rt->app->role, rt->instance ? rt->instance->name : NULL, name, sizeof(name));
    if (role_make_dir(rt->common.data_dir) != 0)
        return ERR_SYS;
    snprintf(path, sizeof(path), "%s/%s.%s", rt->common.data_dir, name, suffix);
    if (strlen(path) >= cap)
        return ERR_FULL;
    memcpy(out, path, strlen(path) + 1);
    return 0;
}

int role_secret(const struct role_runtime *rt, const char *name, char *out, size_t cap)
{
    char full[96] = "";

    if (rt->instance)
        snprintf(full, sizeof(full), "%s_", rt->instance->name);
    snprintf(full + strlen(full), sizeof(full) - strlen(full), "%s", name);
    for (char *at = full; *at; at++)
        *at = *at == '-' ? '_' : *at; /* A shell variable's name has no dash. */
    int err = config_secret(full, rt->common.keys_dir, out, cap);
    if (err == ERR_NOT_FOUND && rt->instance) {
        /* A systemd unit template can name its credentials by %i only: binance_API_KEY. */
        for (char *at = full; at < full + strlen(rt->instance->name); at++)
            *at = (char)tolower((unsigned char)*at);
        err = config_secret(full, rt->common.keys_dir, out, cap);
    }
    if (err == ERR_NOT_FOUND)
        out[0] = '\0';
    else if (!err)
        (void)log_redact(out);
    return err;
}

/* ---- loading ---- */

static size_t parts_of(struct role_runtime *rt, struct config_key *keys,
                       struct config_part parts[2])
{
    parts[0] = (struct config_part){ rt->config, rt->app->keys, rt->app->key_count };
    parts[1] = (struct config_part){ &rt->common, keys, role_keys(rt->app->role, keys) };
    return 2;
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static void find_config(struct role_runtime *rt, const struct role_args *args)
{
    char name[64];

    if (args->config) {
        snprintf(rt->config_path, sizeof(rt->config_path), "%s", args->config);
    } else {
        role_file_name(rt->app->role, args->venue, name, sizeof(name));
        snprintf(rt->config_path, sizeof(rt->config_path), "%s/%s.ini", config_dir(), name);
    }
    rt->has_config_file = args->config || !rt->app->runs_without_config || exists(rt->config_path);
}

static void find_venues_file(struct role_runtime *rt)
{
    char *path = rt->common.venues_file;
    const char *slash = strrchr(rt->config_path, '/');

    if (path[0])
        return;
    snprintf(path, CONFIG_TEXT_MAX, "%.*svenues.ini",
             slash ? (int)(slash + 1 - rt->config_path) : 0, rt->config_path);
    if (!rt->has_config_file || !exists(path))
        snprintf(path, CONFIG_TEXT_MAX, "%s/venues.ini", config_dir());
}

/* A replay needs no bus and so no venues.ini: VENUE is then the adapter's name. */
static const struct venue_instance *made_up_instance(struct role_runtime *rt, const char *venue)
{
    struct venue_instance *one = &rt->venues.at[0];

    *one = (struct venue_instance){ .id = 1, .account = "main", .host = "127.0.0.1", .has_engine = true };
    for (size_t i = 0; venue[i] && i + 1 < sizeof(one->name); i++) {
        one->name[i] = (char)toupper((unsigned char)venue[i]);
        one->venue[i] = (char)tolower((unsigned char)venue[i]);
    }
    rt->venues.count = 1;
    snprintf(rt->venues.core_host, sizeof(rt->venues.core_host), "127.0.0.1");
    return one;
}

static int find_instance(struct role_runtime *rt, const char *venue, FILE *errors)
{
    rt->instance = venues_find(&rt->venues, venue);
    if (rt->instance)
        return 0;
    fprintf(errors, "%s: no instance \"%s\"; allowed:", rt->common.venues_file, venue);
    for (size_t i = 0; i < rt->venues.count; i++)
        fprintf(errors, " %s", rt->venues.at[i].name);
    fputc('\n', errors);
    return ERR_CONFIG;
}

static int load_venues(struct role_runtime *rt, const struct role_args *args, FILE *errors)
{
    if (rt->app->has_no_bus && !args->venue && !exists(rt->common.venues_file))
        return 0;
    if (args->venue && !exists(rt->common.venues_file) &&
        (args->wants_check || rt->app->runs_without_config)) {
        rt->instance = made_up_instance(rt, args->venue);
        return 0;
    }
    int err = venues_load(&rt->venues, rt->common.venues_file, errors);
    if (!err && args->venue)
        err = find_instance(rt, args->venue, errors);
    return err;
}

static void fill_in_dir(char *dir, const char *variable, const char *fallback)
{
    const char *value = getenv(variable);

    if (!dir[0])
        snprintf(dir, CONFIG_TEXT_MAX, "%s", value && value[0] ? value : fallback);
}

static void fill_in_names(struct role_runtime *rt, const struct role_args *args)
{
    struct role_config *common = &rt->common;
    char logs[CONFIG_TEXT_MAX] = "";
    char name[64];

    snprintf(rt->instance_name, sizeof(rt->instance_name), "%s%s%s", role_name(rt->app->role),
             rt->instance ? "@" : "", rt->instance ? rt->instance->name : "");
    if (!common->process_name[0])
        snprintf(common->process_name, sizeof(common->process_name), "%s", rt->instance_name);
    fill_in_dir(common->run_dir, "TICKPIPE_RUN_DIR", "run");
    fill_in_dir(common->keys_dir, "TICKPIPE_KEYS_DIR", "keys");
    fill_in_dir(common->data_dir, "TICKPIPE_DATA_DIR", "data");
    if (!common->log_file[0] && (args->is_daemon || getenv("TICKPIPE_LOG_DIR"))) {
        role_file_name(rt->app->role, rt->instance ? rt->instance->name : NULL, name, sizeof(name));
        fill_in_dir(logs, "TICKPIPE_LOG_DIR", "logs");
        snprintf(common->log_file, sizeof(common->log_file), "%.400s/%s.log", logs, name);
    }
}

int role_config_find_rest(struct role_runtime *rt, const struct role_args *args, FILE *errors)
{
    find_venues_file(rt);
    int err = load_venues(rt, args, errors);
    if (!err)
        fill_in_names(rt, args);
    return err;
}

int role_config_load(struct role_runtime *rt, const struct role_args *args, FILE *errors)
{
    struct config_key keys[ROLE_KEYS_MAX];
    struct config_part parts[2];
    size_t part_count = parts_of(rt, keys, parts);
    int err = 0;

    find_config(rt, args);
    if (rt->has_config_file) {
        err = config_load_parts(parts, part_count, rt->config_path, errors);
    } else {
        config_defaults(rt->config, rt->app->keys, rt->app->key_count);
        config_defaults(&rt->common, keys, parts[1].count);
    }
    return err ? err : role_config_find_rest(rt, args, errors);
}

void role_config_explain(struct role_runtime *rt, FILE *out)
{
    struct config_key keys[ROLE_KEYS_MAX];
    struct config_part parts[2];
    size_t part_count = parts_of(rt, keys, parts);

    if (rt->has_config_file)
        (void)config_explain_parts(parts, part_count, rt->config_path, out);
    if (rt->instance)
        fprintf(out, "%s: instance %s: adapter %s, account %s, id %u, host %s\n",
                rt->common.venues_file, rt->instance->name, rt->instance->venue,
                rt->instance->account, rt->instance->id, rt->instance->host);
}

int role_config_warnings(struct role_runtime *rt, FILE *out)
{
    struct config_key keys[ROLE_KEYS_MAX];
    struct config_part parts[2];
    size_t part_count = parts_of(rt, keys, parts);

    return rt->has_config_file ? config_warn_parts(parts, part_count, rt->config_path, out) : 0;
}

/* ---- endpoints ---- */

int role_endpoint(const struct role_runtime *rt, unsigned port, char *out, size_t cap)
{
    const struct stream *stream = NULL;
    size_t row = 0;

    while ((stream = stream_at(row)) != NULL && stream->port != port)
        row++;
    if (!stream || (stream->publisher != rt->app->role && !may_subscribe(rt->app->role, stream)))
        return ERR_NOT_FOUND;
    const char *set = rt->common.endpoints[row];
    if (set[0]) {
        if (strlen(set) >= cap)
            return ERR_FULL;
        memcpy(out, set, strlen(set) + 1);
        return 0;
    }
    bool is_publisher = stream->publisher == rt->app->role;
    if (is_publisher == (stream->bind == PUBLISHER_BINDS))
        return venues_bind_endpoint(&rt->venues, rt->instance, port, out, cap);
    /* Of streams that every venue has, a per-venue role reads its own. */
    if (rt->instance && role_is_per_venue(stream->publisher))
        return venues_endpoint_of(&rt->venues, rt->instance, port, out, cap);
    return venues_endpoints(&rt->venues, port, out, cap);
}
