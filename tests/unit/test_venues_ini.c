#include "common/edge/venues_ini.h"
#include "common/leaf/err.h"
#include "tests/unit/check.h"

#include <stdlib.h>
#include <unistd.h>

static char path[64] = "/tmp/tickpipe_venues_XXXXXX";
static char errors[4096];
static struct venues venues;

static int load(const char *text)
{
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
    FILE *out = fmemopen(errors, sizeof(errors), "w");
    int err = venues_load(&venues, path, out);
    fputc('\0', out);
    fclose(out);
    return err;
}

static const char two[] = "[BINANCE]\nID=1\nVENUE=binance\nHOST=127.0.0.1\nTAKER_FEE_PPM=1000\n"
                          "[kraken]\nID=2\nVENUE=Kraken\nHOST=127.0.0.2\nACCOUNT=second\n"
                          "[CORE]\nHOST=10.0.0.5\n";

static void instances_are_read_and_found_in_any_case(void)
{
    CHECK_INT(load(two), 0);
    CHECK_STR(errors, "");
    CHECK_INT(venues.count, 2);
    const struct venue_instance *kraken = venues_find(&venues, "Kraken");
    CHECK(kraken != NULL);
    if (!kraken)
        return;
    CHECK_STR(kraken->name, "KRAKEN");
    CHECK_STR(kraken->venue, "kraken");
    CHECK_STR(kraken->account, "second");
    CHECK_INT(kraken->id, 2);
    CHECK(venues_by_id(&venues, 1) == &venues.at[0]);
    CHECK_INT(venues.at[0].taker_fee_ppm, 1000);
    CHECK(venues_find(&venues, "OKX") == NULL);
    CHECK(venues_by_id(&venues, 3) == NULL);
}

static void endpoints_follow_from_hosts_and_topology(void)
{
    char out[128];

    CHECK_INT(load(two), 0);
    CHECK_INT(venues_endpoints(&venues, 6001, out, sizeof(out)), 0);
    CHECK_STR(out, "tcp://127.0.0.1:6001 tcp://127.0.0.2:6001");
    CHECK_INT(venues_endpoints(&venues, 7003, out, sizeof(out)), 0);
    CHECK_STR(out, "tcp://10.0.0.5:7003");
    CHECK_INT(venues_bind_endpoint(&venues, &venues.at[1], 6018, out, sizeof(out)), 0);
    CHECK_STR(out, "tcp://127.0.0.2:6018");
    CHECK_INT(venues_bind_endpoint(&venues, NULL, 6020, out, sizeof(out)), 0);
    CHECK_STR(out, "tcp://10.0.0.5:6020");
    CHECK_INT(venues_endpoints(&venues, 6001, out, 30), ERR_FULL);
    CHECK_INT(venues_endpoints(&venues, 6999, out, sizeof(out)), ERR_NOT_FOUND);
}

static void a_venue_without_an_engine_has_market_data_alone(void)
{
    char out[128];

    CHECK_INT(load("[BINANCE]\nID=1\nVENUE=binance\nHOST=127.0.0.1\n"
                   "[DERIBIT]\nID=7\nVENUE=deribit\nHOST=127.0.0.7\nENGINE=no\n"),
              0);
    CHECK(venues.at[0].has_engine && !venues.at[1].has_engine);
    CHECK_INT(venues_endpoints(&venues, 6001, out, sizeof(out)), 0);
    CHECK_STR(out, "tcp://127.0.0.1:6001 tcp://127.0.0.7:6001");
    CHECK_INT(venues_endpoints(&venues, 6018, out, sizeof(out)), 0);
    CHECK_STR(out, "tcp://127.0.0.1:6018");
}

static void away_from_loopback_an_endpoint_names_its_key(void)
{
    char out[128];

    CHECK_INT(load("[BINANCE]\nID=1\nVENUE=binance\nHOST=10.0.0.1\n[CORE]\nHOST=10.0.0.2\n"), 0);
    CHECK_INT(venues_endpoints(&venues, 6018, out, sizeof(out)), 0);
    CHECK_STR(out, "tcp://10.0.0.1:6018@BINANCE");
    CHECK_INT(venues_endpoints(&venues, 6020, out, sizeof(out)), 0);
    CHECK_STR(out, "tcp://10.0.0.2:6020");
    CHECK_INT(venues_bind_endpoint(&venues, &venues.at[0], 6018, out, sizeof(out)), 0);
    CHECK_STR(out, "tcp://10.0.0.1:6018");
}

static void refused(const char *text, const char *what)
{
    struct venues before = venues;

    CHECK_INT(load(text), ERR_CONFIG);
    if (!strstr(errors, what)) {
        fprintf(stderr, "  wanted \"%s\", have: %s", what, errors);
        CHECK(strstr(errors, what) != NULL);
    }
    CHECK(memcmp(&before, &venues, sizeof(venues)) == 0);
}

static void instances_that_would_meet_are_refused(void)
{
    refused("[A]\nID=1\nVENUE=x\nHOST=h\n[B]\nID=1\nVENUE=y\nHOST=i\n", "[B] ID is taken");
    refused("[A]\nID=1\nVENUE=x\nHOST=h\n[B]\nID=2\nVENUE=y\nHOST=H\n", "[B] HOST is taken");
}

static void what_is_missing_or_wild_is_refused(void)
{
    refused("", "no venue instance");
    refused("[A]\nVENUE=x\nHOST=h\n", "[A] ID: must be set");
    refused("[A]\nID=256\nVENUE=x\nHOST=h\n", "1 to 255");
    refused("[A]\nID=1\nVENUE=x\nHOST=a b\n", "HOST is not a host");
    refused("[A]\nID=1\nVENUE=x y\nHOST=h\n", "VENUE is not");
    refused("[A]\nID=1\nVENUE=x\nHOST=h\nPORT=1\n", "[A] PORT: unknown key");
    refused("[A]\nID=1\nVENUE=x\nHOST=h\n[A]\n", "appears twice");
}

int main(void)
{
    close(mkstemp(path));
    CASE(instances_are_read_and_found_in_any_case);
    CASE(endpoints_follow_from_hosts_and_topology);
    CASE(a_venue_without_an_engine_has_market_data_alone);
    CASE(away_from_loopback_an_endpoint_names_its_key);
    CASE(instances_that_would_meet_are_refused);
    CASE(what_is_missing_or_wild_is_refused);
    unlink(path);
    DONE();
}
