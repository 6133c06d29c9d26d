/* The role runtime, driven as a process: each case forks one and looks at what it leaves behind. */
#include "common/edge/role.h"
#include "common/leaf/err.h"
#include "common/leaf/version.h"
#include "tests/unit/check.h"

#include <czmq.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/tickpipe_role_XXXXXX";
static char output[65536], path_buffer[256];

/* ---- the toy role ---- */

struct toy_config {
    int64_t size;
};

static struct toy {
    bool is_one_shot, is_never_done, fails_in_init, crosses_bus;
    const char *word;
    bool has_word;
    unsigned ticks, signals, stops, polls;
} toy;
static struct toy_config toy_config;

static const struct config_key toy_keys[] = {
    { "TOY", "SIZE", CONFIG_INT, offsetof(struct toy_config, size), "5", 1, 10, NULL, 0,
      "toy size" },
    { "TOY", "API_SECRET", CONFIG_SECRET, SIZE_MAX, "", 0, 0, NULL, 0, "not used" },
};
static const struct role_option toy_options[] = {
    { "--once", NULL, "does one thing", &toy.is_one_shot, NULL },
    { "--word", "WORD", "says WORD", &toy.has_word, &toy.word },
};

/* What happened goes to a file: the process is another one. */
static void note(const char *what)
{
    char name[sizeof(dir) + 16];

    snprintf(name, sizeof(name), "%s/notes", dir);
    FILE *file = fopen(name, "a");
    fprintf(file, "%s\n", what);
    fclose(file);
}

static int toy_check(struct role_runtime *rt, FILE *out, FILE *errors)
{
    (void)rt;
    fprintf(out, "toy remark\n");
    if (toy_config.size == 9)
        fprintf(errors, "nine is not built\n");
    return toy_config.size == 9 ? ERR_UNSUPPORTED : 0;
}

static int toy_once(struct role_runtime *rt)
{
    if (!toy.is_one_shot)
        return ROLE_GO_ON;
    printf("once %s size %d\n", toy.word ? toy.word : "-",
           (int)((struct toy_config *)rt->config)->size);
    return 0;
}

static int toy_init(struct role_runtime *rt)
{
    (void)rt;
    note("init");
    return toy.fails_in_init ? ERR_RANGE : 0;
}

static int toy_start(struct role_runtime *rt)
{
    static struct bus_pub *pub;

    note("start");
    if (toy.crosses_bus && role_publish(rt, STREAM_SIGNALS, NULL, NULL, &pub) != 0)
        return ERR_SYS;
    role_status(rt, "toy of size %d", (int)toy_config.size);
    return 0;
}

static void toy_tick(struct role_runtime *rt, int64_t now_ns)
{
    (void)rt;
    (void)now_ns;
    if (++toy.ticks == 3)
        note("three ticks");
}

static void toy_signal(struct role_runtime *rt, int signal)
{
    (void)rt;
    note(signal == SIGUSR1 ? "SIGUSR1" : "other signal");
}

static void toy_stop(struct role_runtime *rt)
{
    (void)rt;
    note("stop");
}

static bool toy_is_stopped(struct role_runtime *rt)
{
    (void)rt;
    return !toy.is_never_done && ++toy.polls == 3;
}

static void toy_fini(struct role_runtime *rt)
{
    (void)rt;
    note(toy.polls == 3 ? "fini after three polls" : "fini");
}

static const struct role_app app = {
    .role = ROLE_SIGNAL_ENGINE,
    .summary = "a toy",
    .keys = toy_keys,
    .key_count = COUNT(toy_keys),
    .config = &toy_config,
    .options = toy_options,
    .option_count = COUNT(toy_options),
    .state = &toy,
    .stop_timeout_ms = 300,
    .check = toy_check,
    .once = toy_once,
    .init = toy_init,
    .start = toy_start,
    .tick = toy_tick,
    .on_signal = toy_signal,
    .stop = toy_stop,
    .is_stopped = toy_is_stopped,
    .fini = toy_fini,
};

/* ---- running it ---- */

static const char *at(const char *name)
{
    snprintf(path_buffer, sizeof(path_buffer), "%s/%s", dir, name);
    return path_buffer;
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(at(name), "w");
    fputs(text, file);
    fclose(file);
}

static const char *get(const char *name)
{
    FILE *file = fopen(at(name), "r");
    size_t n = file ? fread(output, 1, sizeof(output) - 1, file) : 0;

    output[n] = '\0';
    if (file)
        fclose(file);
    return output;
}

static bool comes(const char *name, const char *text)
{
    for (int i = 0; i < 300 && !strstr(get(name), text); i++)
        usleep(10000);
    return strstr(get(name), text) != NULL;
}

static void put_config(const char *toy_lines)
{
    char text[1024];

    snprintf(
        text, sizeof(text),
        "[GLOBAL]\nLOG_FILE=%s/log\nRUN_DIR=%s/run\nDATA_DIR=%s/data\nKEYS_DIR=%s/keys\n"
        "[ZMQ]\nSIGNALS_PUB_ENDPOINT=ipc://%s/run/6008\n[MONITORING]\nMETRICS_INTERVAL_MS=100\n"
        "HEALTH_CHECK_INTERVAL_MS=100\n[TOY]\n%s",
        dir, dir, dir, dir, dir, toy_lines);
    put("signal_engine.ini", text);
    put("venues.ini",
        "[BINANCE]\nID=1\nVENUE=binance\nHOST=127.0.0.1\n[KRAKEN]\nID=2\nVENUE=kraken\n"
        "HOST=127.0.0.2\n");
}

/* Forks role_main; its output goes to files "out" and "err". */
static pid_t begin(const struct role_app *which, int argc, char **argv)
{
    unlink(at("notes"));
    unlink(at("log"));
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    if (!freopen(at("out"), "w", stdout) || !freopen(at("err"), "w", stderr))
        _exit(99);
    int code = role_main(which, argc, argv);
    fflush(NULL);
    _exit(code);
}

static int finish(pid_t pid)
{
    int status = 0;

    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

#define ARGS(...)                                       \
    (int)COUNT(((char *[]){ __VA_ARGS__ })), (char *[]) \
    {                                                   \
        __VA_ARGS__, NULL                               \
    }
#define RUN(which, ...) finish(begin(which, ARGS(__VA_ARGS__)))

/* ---- claims ---- */

static void help_and_version_need_no_configuration(void)
{
    CHECK_INT(RUN(&app, "toy", "--help"), 0);
    CHECK(strstr(get("out"), "--word WORD"));
    CHECK(strstr(output, "--daemon"));
    CHECK_INT(RUN(&app, "toy", "--version"), 0);
    char expected[128];

    snprintf(expected, sizeof(expected), "signal_engine %s\n", tickpipe_version);
    CHECK_STR(get("out"), expected);
}

static void wrong_usage_is_exit_2(void)
{
    struct role_app gateway = app;

    gateway.role = ROLE_MARKET_GATEWAY;
    CHECK_INT(RUN(&app, "toy", "--wrod", "x"), 2);
    CHECK(strstr(get("err"), "--wrod: unknown option"));
    CHECK_INT(RUN(&app, "toy", "--word"), 2);
    CHECK_INT(RUN(&app, "toy", "--log-level", "LOUD"), 2);
    CHECK_INT(RUN(&app, "toy", "a.ini", "b.ini"), 2);
    CHECK_INT(RUN(&gateway, "toy", "--daemon"), 2);
    CHECK(strstr(get("err"), "VENUE: is missing"));
}

static void bad_configuration_is_exit_78_and_says_where(void)
{
    put_config("SIZE=11\n");
    CHECK_INT(RUN(&app, "toy"), 78);
    CHECK(strstr(
        get("err"),
        "signal_engine.ini:12: [TOY] SIZE: 11 is out of range; allowed: whole number, 1 to 10"));
    CHECK_INT(RUN(&app, "toy", "/nonexistent.ini"), 78);
    CHECK(strstr(get("err"), "/nonexistent.ini: cannot be opened"));
}

static void an_unknown_venue_names_the_known_ones(void)
{
    struct role_app gateway = app;

    gateway.role = ROLE_MARKET_GATEWAY;
    put("market_gateway_okx.ini", "[TOY]\nSIZE=3\n");
    put_config("");
    CHECK_INT(RUN(&gateway, "toy", "OKX"), 78);
    CHECK(strstr(get("err"), "no instance \"OKX\"; allowed: BINANCE KRAKEN"));
}

static void check_config_explains_and_starts_nothing(void)
{
    put_config("SIZE=4\nAPI_SECRET=your_secret\n");
    CHECK_INT(RUN(&app, "toy", "--check-config"), 0);
    CHECK(strstr(get("out"), "[TOY] SIZE=4: toy size\n"));
    CHECK(strstr(output, "[MONITORING] METRICS_INTERVAL_MS=100: one METRICS line per interval"));
    CHECK(strstr(output, "toy remark"));
    CHECK(strstr(output, "[TOY] API_SECRET: a secret (or its placeholder) stands in the file"));
    CHECK(!strstr(output, "your_secret"));
    CHECK(strstr(output, "signal_engine.ini: ok"));
    CHECK_STR(get("notes"), "");
}

static void what_is_not_built_passes_the_check_and_is_refused_at_start(void)
{
    put_config("SIZE=9\n");
    CHECK_INT(RUN(&app, "toy", "--check-config"), 0);
    CHECK(strstr(get("out"), "valid, but refused at start"));
    CHECK_INT(RUN(&app, "toy"), 78);
    CHECK(strstr(get("err"), "nine is not built"));
    CHECK_STR(get("notes"), "");
}

static void a_one_shot_option_runs_alone(void)
{
    put_config("SIZE=6\n");
    CHECK_INT(RUN(&app, "toy", "--once", "--word=hello"), 0);
    CHECK_STR(get("out"), "once hello size 6\n");
    CHECK_STR(get("notes"), "");
}

static void a_role_lives_ticks_measures_and_ends_in_order(void)
{
    put_config("");
    pid_t pid = begin(&app, ARGS("toy", "--log-level", "DEBUG"));
    CHECK(comes("notes", "three ticks"));
    CHECK(comes("log", "\"event\":\"METRICS\",\"uptime_ms\":"));
    CHECK(strstr(output, "\"bus_gaps\":0"));
    CHECK(comes("log", "\"event\":\"HEALTH\",\"msg\":\"toy of size 5;"));
    kill(pid, SIGUSR1);
    CHECK(comes("notes", "SIGUSR1"));
    kill(pid, SIGTERM);
    CHECK_INT(finish(pid), 0);
    CHECK_STR(get("notes"), "init\nstart\nthree ticks\nSIGUSR1\nstop\nfini after three polls\n");
    CHECK_STR(get("run/signal_engine.pid"), "");
    CHECK(strstr(get("log"), "\"event\":\"end\",\"msg\":\"exit code 0\""));
}

static void a_second_one_is_refused_while_the_first_runs(void)
{
    put_config("");
    pid_t pid = begin(&app, ARGS("toy"));
    char expected[64];

    CHECK(comes("notes", "start"));
    CHECK_INT(RUN(&app, "toy"), 1);
    snprintf(expected, sizeof(expected), "already runs as pid %ld", (long)pid);
    CHECK(strstr(get("err"), expected));
    kill(pid, SIGKILL);
    CHECK_INT(finish(pid), -SIGKILL);
    pid = begin(&app, ARGS("toy")); /* A dead one holds nobody up. */
    CHECK(comes("notes", "start"));
    kill(pid, SIGINT);
    CHECK_INT(finish(pid), 0);
}

static void the_log_follows_a_rotation_on_sighup(void)
{
    char rotated[sizeof(dir) + 16];

    put_config("");
    pid_t pid = begin(&app, ARGS("toy"));
    CHECK(comes("log", "METRICS"));
    snprintf(rotated, sizeof(rotated), "%s/log.1", dir);
    CHECK_INT(rename(at("log"), rotated), 0);
    kill(pid, SIGHUP);
    CHECK(comes("log", "METRICS"));
    kill(pid, SIGTERM);
    CHECK_INT(finish(pid), 0);
}

static void a_failed_init_still_gets_its_fini(void)
{
    put_config("");
    toy.fails_in_init = true;
    CHECK_INT(RUN(&app, "toy"), 1);
    toy.fails_in_init = false;
    CHECK_STR(get("notes"), "init\nfini\n");
}

static void a_role_that_cannot_end_is_left_after_its_timeout(void)
{
    put_config("");
    toy.is_never_done = true;
    pid_t pid = begin(&app, ARGS("toy"));
    toy.is_never_done = false;
    CHECK(comes("notes", "start"));
    kill(pid, SIGTERM);
    CHECK_INT(finish(pid), 1);
    CHECK(strstr(get("log"), "did not end in time"));
}

static void a_daemon_returns_when_it_serves(void)
{
    put_config("");
    CHECK_INT(RUN(&app, "toy", "--daemon"), 0);
    CHECK(strstr(get("notes"), "start")); /* Already done when the parent returned. */
    long pid = strtol(get("run/signal_engine.pid"), NULL, 10);
    CHECK(pid > 1);
    if (pid > 1)
        kill((pid_t)pid, SIGTERM);
    CHECK(comes("log", "\"event\":\"end\""));
}

static void a_daemon_that_fails_returns_its_exit_code(void)
{
    put_config("");
    toy.fails_in_init = true;
    CHECK_INT(RUN(&app, "toy", "--daemon"), 1);
    toy.fails_in_init = false;
}

static void systemd_hears_ready_status_and_stopping(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    char heard[4096] = "", datagram[512];
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    struct timeval wait = { .tv_sec = 3 };

    put_config("");
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", dir);
    CHECK_INT(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    setenv("WATCHDOG_USEC", "300000", 1);
    pid_t pid = begin(&app, ARGS("toy"));
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    for (bool is_told = false; !strstr(heard, "STOPPING=1");) {
        ssize_t n = recv(fd, datagram, sizeof(datagram) - 1, 0);
        if (n <= 0)
            break;
        datagram[n] = '\0';
        strncat(heard, datagram, sizeof(heard) - strlen(heard) - 2);
        strcat(heard, "\n");
        if (!is_told && strstr(heard, "WATCHDOG=1"))
            is_told = kill(pid, SIGTERM) == 0;
    }
    CHECK_INT(finish(pid), 0);
    CHECK(strstr(heard, "STATUS=toy of size 5"));
    CHECK(strstr(heard, "READY=1"));
    CHECK(strstr(heard, "STOPPING=1"));
    close(fd);
}

static void a_role_with_a_bus_binds_its_configured_endpoint(void)
{
    put_config("");
    toy.crosses_bus = true;
    pid_t pid = begin(&app, ARGS("toy"));
    toy.crosses_bus = false;
    CHECK(comes("log", "port 6008 on ipc://"));
    CHECK(comes("notes", "three ticks"));
    kill(pid, SIGTERM);
    CHECK_INT(finish(pid), 0);
    CHECK(!strstr(get("log"), "\"ERROR\""));
}

static void endpoints_come_from_the_ini_else_from_venues_and_topology(void)
{
    struct role_app engine = { .role = ROLE_TRADING_ENGINE };
    struct role_runtime rt = { .app = &engine };
    char out[256], key[64];

    put_config("");
    CHECK_INT(venues_load(&rt.venues, at("venues.ini"), stderr), 0);
    rt.instance = venues_find(&rt.venues, "kraken");
    CHECK_INT(role_endpoint(&rt, STREAM_ORDER_EVENTS, out, sizeof(out)), 0);
    CHECK_STR(out, "tcp://127.0.0.2:6002");
    CHECK_INT(role_endpoint(&rt, STREAM_MARKET_DATA, out, sizeof(out)), 0);
    CHECK_STR(out, "tcp://127.0.0.2:6001");
    CHECK_INT(role_endpoint(&rt, STREAM_ORDERS, out, sizeof(out)), 0);
    CHECK_STR(out, "tcp://127.0.0.1:7003");
    CHECK_INT(role_endpoint(&rt, STREAM_POSITIONS, out, sizeof(out)), ERR_NOT_FOUND);
    strcpy(rt.common.endpoints[1], "tcp://10.0.0.9:6002");
    CHECK_INT(role_endpoint(&rt, STREAM_ORDER_EVENTS, out, sizeof(out)), 0);
    CHECK_STR(out, "tcp://10.0.0.9:6002");
    engine.role = ROLE_STRATEGY_RUNNER;
    rt.instance = NULL;
    CHECK_INT(role_endpoint(&rt, STREAM_ORDER_STATUS, out, sizeof(out)), 0);
    CHECK_STR(out, "tcp://127.0.0.1:6018 tcp://127.0.0.2:6018");
    role_endpoint_key(stream_of(STREAM_ORDERS), false, key, sizeof(key));
    CHECK_STR(key, "TRADER_SUB_ENDPOINT");
    role_endpoint_key(stream_of(STREAM_ORDERS), true, key, sizeof(key));
    CHECK_STR(key, "ORDERS_PUB_ENDPOINT");
}

static void a_role_secret_carries_the_instance_name(void)
{
    struct role_app engine = { .role = ROLE_TRADING_ENGINE };
    struct venue_instance instance = { .name = "BINANCE-2" };
    struct role_runtime rt = { .app = &engine, .instance = &instance };
    char out[64] = "x";

    CHECK_INT(role_secret(&rt, "API_KEY", out, sizeof(out)), ERR_NOT_FOUND);
    CHECK_STR(out, "");
    setenv("BINANCE_2_API_KEY", "k-123456", 1);
    CHECK_INT(role_secret(&rt, "API_KEY", out, sizeof(out)), 0);
    CHECK_STR(out, "k-123456");
}

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    setenv("TICKPIPE_CONFIG_DIR", dir, 1);
    setvbuf(stdout, NULL, _IONBF, 0); /* Children inherit nothing unwritten. */
    CASE(help_and_version_need_no_configuration);
    CASE(wrong_usage_is_exit_2);
    CASE(bad_configuration_is_exit_78_and_says_where);
    CASE(an_unknown_venue_names_the_known_ones);
    CASE(check_config_explains_and_starts_nothing);
    CASE(what_is_not_built_passes_the_check_and_is_refused_at_start);
    CASE(a_one_shot_option_runs_alone);
    CASE(a_role_lives_ticks_measures_and_ends_in_order);
    CASE(a_second_one_is_refused_while_the_first_runs);
    CASE(the_log_follows_a_rotation_on_sighup);
    CASE(a_failed_init_still_gets_its_fini);
    CASE(a_role_that_cannot_end_is_left_after_its_timeout);
    CASE(a_daemon_returns_when_it_serves);
    CASE(a_daemon_that_fails_returns_its_exit_code);
    CASE(systemd_hears_ready_status_and_stopping);
    CASE(a_role_with_a_bus_binds_its_configured_endpoint);
    CASE(endpoints_come_from_the_ini_else_from_venues_and_topology);
    CASE(a_role_secret_carries_the_instance_name);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    if (system(command) != 0)
        return 1;
    DONE();
}
