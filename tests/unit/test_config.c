/* Configuration: what is valid is read exactly, and each kind of malformed file is refused with its
 * file, line, section, key and what is allowed. */
#include "common/edge/config.h"
#include "common/edge/ini.h"
#include "common/leaf/err.h"
#include "tests/unit/check.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct test_config {
    char name[CONFIG_TEXT_MAX];
    bool is_on;
    int64_t count, limit, mode;
    char endpoint[CONFIG_TEXT_MAX], url[CONFIG_TEXT_MAX], secret[CONFIG_TEXT_MAX];
};

struct item_config {
    int64_t size;
    char what[CONFIG_TEXT_MAX];
};

#define AT(member)      offsetof(struct test_config, member)
#define ITEM_AT(member) offsetof(struct item_config, member)
static const struct config_key keys[] = {
    { "MAIN", "NAME", CONFIG_TEXT, AT(name), "nobody", 0, 0, NULL, 0, "who" },
    { "MAIN", "IS_ON", CONFIG_BOOL, AT(is_on), "false", 0, 0, NULL, 0, "switch" },
    { "MAIN", "COUNT", CONFIG_INT, AT(count), "7", 1, 100, NULL, 0, "how many" },
    { "MAIN", "LIMIT", CONFIG_DECIMAL, AT(limit), "1.5", 0, 1000000000000, NULL, 0, "at most" },
    { "MAIN", "MODE", CONFIG_CHOICE, AT(mode), "slow", 0, 0, "slow|fast", 0, "pace" },
    { "MAIN", "IGNORED", CONFIG_INT, SIZE_MAX, "1", 1, 9, NULL, 0, "accepted, one loop" },
    { "NET", "ENDPOINT", CONFIG_ENDPOINT, AT(endpoint), "", 0, 0, NULL, 0, "where" },
    { "NET", "URL", CONFIG_URL, AT(url), "https://example.com", 0, 0, NULL, 0, "host" },
    { "NET", "SECRET", CONFIG_SECRET, AT(secret), "", 0, 0, NULL, 0, "hidden" },
    { "ITEM_", "SIZE", CONFIG_INT, ITEM_AT(size), NULL, 1, 10, NULL,
      CONFIG_REPEATED | CONFIG_REQUIRED, "size" },
    { "ITEM_", "WHAT", CONFIG_TEXT, ITEM_AT(what), "thing", 0, 0, NULL, CONFIG_REPEATED, "kind" },
};
static const struct config_key required_keys[] = {
    { "MAIN", "MAX_LOSS", CONFIG_DECIMAL, AT(limit), NULL, 0, 0, NULL, CONFIG_REQUIRED, "limit" },
};

static char path[64] = "/tmp/tickpipe_test_XXXXXX";
static char errors[8192];

static void write_bytes(const char *bytes, size_t len)
{
    FILE *file = fopen(path, "w");
    if (!file || fwrite(bytes, 1, len, file) != len)
        abort();
    fclose(file);
}

static int load_table(const char *text, size_t len, const struct config_key *table, size_t count,
                      struct test_config *config)
{
    write_bytes(text, len);
    FILE *out = fmemopen(errors, sizeof(errors), "w");
    int err = config_load(config, table, count, path, out);
    fputc('\0', out);
    fclose(out);
    return err;
}

static int load(const char *text, struct test_config *config)
{
    return load_table(text, strlen(text), keys, COUNT(keys), config);
}

/* The one claim of most cases: refused, and the message holds these words. */
static void refused(const char *text, const char *where, const char *what)
{
    struct test_config config = { 0 };

    CHECK_INT(load(text, &config), ERR_CONFIG);
    char expected[128];
    snprintf(expected, sizeof(expected), "%s:%s", path, where);
    if (!strstr(errors, expected) || !strstr(errors, what)) {
        fprintf(stderr, "  wanted \"%s\" and \"%s\", have: %s", expected, what, errors);
        CHECK(strstr(errors, expected) && strstr(errors, what));
    }
    CHECK_INT(config.count, 7); /* Defaults, nothing half read. */
}

static void a_valid_file_is_read_exactly(void)
{
    struct test_config config = { 0 };

    CHECK_INT(
        load(
            "# comment\n; another\n[MAIN]\nNAME = \"a;b # c\"\r\nis_on=YES\nCOUNT=100\nLIMIT=-0.0\n"
            "mode=FAST\nIGNORED=2\n\n[net]\nENDPOINT=tcp://127.0.0.1:6001, tcp://127.0.0.2:6001\n"
            "URL=wss://x.example:9443/ws?a=b\nSECRET=hunter2\n[ITEM_ONE]\nSIZE=3",
            &config),
        0);
    CHECK_STR(errors, "");
    CHECK_STR(config.name, "a;b # c");
    CHECK(config.is_on);
    CHECK_INT(config.count, 100);
    CHECK_INT(config.limit, 0);
    CHECK_INT(config.mode, 1);
    CHECK_STR(config.endpoint, "tcp://127.0.0.1:6001, tcp://127.0.0.2:6001");
    CHECK_STR(config.url, "wss://x.example:9443/ws?a=b");
    CHECK_STR(config.secret, "hunter2");
}

static void what_is_not_in_the_file_has_its_default(void)
{
    struct test_config config = { 0 };

    CHECK_INT(load("[MAIN]\n", &config), 0);
    CHECK_STR(config.name, "nobody");
    CHECK_INT(config.count, 7);
    CHECK_INT(config.limit, 150000000);
    CHECK_STR(config.url, "https://example.com");
}

static void environment_is_substituted(void)
{
    struct test_config config = { 0 };

    setenv("TICKPIPE_TEST_HOST", "10.0.0.1", 1);
    CHECK_INT(load("[NET]\nENDPOINT=tcp://${TICKPIPE_TEST_HOST}:6001\n", &config), 0);
    CHECK_STR(config.endpoint, "tcp://10.0.0.1:6001");
}

static void a_missing_file_is_refused(void)
{
    struct test_config config = { 0 };
    FILE *out = fmemopen(errors, sizeof(errors), "w");

    CHECK_INT(config_load(&config, keys, COUNT(keys), "/nonexistent/x.ini", out), ERR_CONFIG);
    fputc('\0', out);
    fclose(out);
    CHECK(strstr(errors, "/nonexistent/x.ini: cannot be opened: No such file"));
    CHECK_INT(config.count, 7);
}

static void a_directory_is_refused(void)
{
    struct test_config config = { 0 };
    CHECK_INT(config_load(&config, keys, COUNT(keys), "/tmp", NULL), ERR_CONFIG);
}

static void a_duplicate_key_is_refused(void)
{
    refused("[MAIN]\nCOUNT=1\nCOUNT=2\n", "3: [MAIN] COUNT", "first on line 2");
}

static void a_duplicate_in_other_case_is_refused(void)
{
    refused("[MAIN]\nCOUNT=1\ncount=2\n", "3: [MAIN] count", "first on line 2");
}

static void a_duplicate_section_is_refused(void)
{
    refused("[MAIN]\nCOUNT=1\n[NET]\n[main]\nIS_ON=true\n", "4: [main]", "first on line 1");
}

static void a_semicolon_in_a_value_is_refused(void)
{
    refused("[MAIN]\nNAME=a;b\n", "2: [MAIN] NAME", "begins a comment");
}

static void a_hash_in_a_value_is_refused(void)
{
    refused("[MAIN]\nCOUNT=10 # ten\n", "2: [MAIN] COUNT", "line of its own");
}

static void a_trailing_backslash_is_refused(void)
{
    refused("[MAIN]\nNAME=a\\\nCOUNT=5\n", "2: [MAIN]", "join the next line");
}

static void a_comment_ending_in_a_backslash_is_refused(void)
{
    refused("[MAIN]\n# see C:\\\nCOUNT=5\n", "2: [MAIN]", "join the next line");
}

static void an_overlong_line_is_refused(void)
{
    char text[2000];
    memset(text, 'x', sizeof(text));
    memcpy(text, "[MAIN]\nNAME=", 12);
    text[1999] = '\0';
    refused(text, "2: [MAIN]", "allowed: 1000");
}

static void an_overlong_value_is_refused(void)
{
    char text[700];
    memset(text, 'x', sizeof(text));
    memcpy(text, "[MAIN]\nNAME=", 12);
    text[699] = '\0';
    refused(text, "2: [MAIN] NAME", "allowed: 511");
}

static void a_line_without_equals_is_refused(void)
{
    refused("[MAIN]\nCOUNT 5\n", "2: [MAIN]", "neither [SECTION], KEY=VALUE nor a comment");
}

static void a_key_before_any_section_is_refused(void)
{
    refused("COUNT=5\n[MAIN]\n", "1: COUNT", "before any [SECTION]");
}

static void an_unclosed_section_is_refused(void)
{
    refused("[MAIN\nCOUNT=5\n", "1: section without", "closing ]");
}

static void text_after_a_section_is_refused(void)
{
    refused("[MAIN] # main\nCOUNT=5\n", "1: ", "text after the section");
}

static void an_empty_section_name_is_refused(void)
{
    refused("[]\nCOUNT=5\n", "1: ", "not a section name");
}

static void an_empty_key_is_refused(void)
{
    refused("[MAIN]\n=5\n", "2: [MAIN] ", "not a key");
}

static void a_key_with_a_colon_is_refused(void)
{
    refused("[MAIN]\nCOUNT:A=5\n", "2: [MAIN] ", "not a key");
}

static void an_unclosed_quote_is_refused(void)
{
    refused("[MAIN]\nNAME=\"abc\n", "2: [MAIN] NAME", "never closed");
}

static void text_after_a_quote_is_refused(void)
{
    refused("[MAIN]\nNAME=\"abc\" def\n", "2: [MAIN] NAME", "after the closing quote");
}

static void an_unknown_section_is_refused(void)
{
    refused("[MIAN]\nCOUNT=5\n", "1: [MIAN]", "allowed: [MAIN] [NET] [ITEM_NAME]");
}

static void an_unknown_key_is_refused_and_the_near_one_named(void)
{
    refused("[MAIN]\nCUONT=5\n", "2: [MAIN] CUONT", "did you mean COUNT?");
}

static void an_unknown_key_that_is_near_none_lists_what_is_allowed(void)
{
    refused("[MAIN]\nSOMETHING_ELSE=5\n", "2: [MAIN] SOMETHING_ELSE",
            "allowed: NAME IS_ON COUNT LIMIT");
}

static void a_word_is_not_a_number(void)
{
    refused("[MAIN]\nCOUNT=many\n", "2: [MAIN] COUNT", "whole number, 1 to 100");
}

static void a_number_with_a_unit_is_refused(void)
{
    refused("[MAIN]\nCOUNT=10ms\n", "2: [MAIN] COUNT", "not a whole number");
}

static void an_empty_number_is_refused(void)
{
    refused("[MAIN]\nCOUNT=\n", "2: [MAIN] COUNT", "not a whole number");
}

static void a_hexadecimal_number_is_refused(void)
{
    refused("[MAIN]\nCOUNT=0x10\n", "2: [MAIN] COUNT", "not a whole number");
}

static void a_number_out_of_range_is_refused(void)
{
    refused("[MAIN]\nCOUNT=101\n", "2: [MAIN] COUNT",
            "out of range; allowed: whole number, 1 to 100");
}

static void a_number_that_overflows_is_refused(void)
{
    refused("[MAIN]\nCOUNT=99999999999999999999\n", "2: [MAIN] COUNT", "too large");
}

static void a_decimal_with_too_many_places_is_refused(void)
{
    refused("[MAIN]\nLIMIT=0.123456789\n", "2: [MAIN] LIMIT", "more than 8 decimals");
}

static void not_a_decimal_is_refused(void)
{
    refused("[MAIN]\nLIMIT=1,5\n", "2: [MAIN] LIMIT", "not a decimal number");
}

static void nan_is_refused(void)
{
    refused("[MAIN]\nLIMIT=nan\n", "2: [MAIN] LIMIT", "not a decimal number");
}

static void a_doubtful_truth_is_refused(void)
{
    refused("[MAIN]\nIS_ON=maybe\n", "2: [MAIN] IS_ON", "true or false");
}

static void an_unknown_choice_is_refused(void)
{
    refused("[MAIN]\nMODE=medium\n", "2: [MAIN] MODE", "one of slow|fast");
}

static void an_endpoint_without_port_is_refused(void)
{
    refused("[NET]\nENDPOINT=tcp://127.0.0.1\n", "2: [NET] ENDPOINT", "HOST:PORT");
}

static void an_endpoint_with_a_wild_port_is_refused(void)
{
    refused("[NET]\nENDPOINT=tcp://127.0.0.1:60010 tcp://h:70000\n", "2: [NET] ENDPOINT",
            "1 to 65535");
}

static void an_unknown_transport_is_refused(void)
{
    refused("[NET]\nENDPOINT=udp://127.0.0.1:1\n", "2: [NET] ENDPOINT",
            "tcp://HOST:PORT or ipc://PATH");
}

static void an_endpoint_may_name_its_key(void)
{
    struct test_config config = { 0 };

    CHECK_INT(load("[NET]\nENDPOINT=tcp://10.0.0.1:6018@binance\n", &config), 0);
    CHECK_STR(config.endpoint, "tcp://10.0.0.1:6018@binance");
}

static void an_unencrypted_url_is_refused(void)
{
    refused("[NET]\nURL=http://api.example.com\n", "2: [NET] URL", "https:// or wss://");
}

static void an_unset_variable_is_refused(void)
{
    unsetenv("TICKPIPE_TEST_UNSET");
    refused("[MAIN]\nNAME=${TICKPIPE_TEST_UNSET}\n", "2: [MAIN] NAME", "is not set");
}

static void an_unclosed_variable_is_refused(void)
{
    refused("[MAIN]\nNAME=${HOME\n", "2: [MAIN] NAME", "without a name and its }");
}

static void a_byte_order_mark_is_refused(void)
{
    refused("\xef\xbb\xbf[MAIN]\nCOUNT=5\n", "1: ", "byte order mark");
}

static void bytes_that_are_not_utf8_are_refused(void)
{
    refused("[MAIN]\nNAME=caf\xe9\n", "2: [MAIN]", "not UTF-8");
}

static void a_control_character_is_refused(void)
{
    refused("[MAIN]\nNAME=a\x1b[1m\n", "2: [MAIN]", "control character 0x1b");
}

static void a_nul_byte_is_refused(void)
{
    static const char text[] = "[MAIN]\nNAME=a\0b\n";
    struct test_config config = { 0 };

    CHECK_INT(load_table(text, sizeof(text) - 1, keys, COUNT(keys), &config), ERR_CONFIG);
    CHECK(strstr(errors, ":2: [MAIN] byte 7 is the control character 0x00"));
}

static void a_limit_without_default_must_be_set(void)
{
    struct test_config config = { 0 };

    CHECK_INT(load_table("[MAIN]\n", 7, required_keys, 1, &config), ERR_CONFIG);
    CHECK(strstr(errors, "[MAIN] MAX_LOSS: must be set"));
}

static void a_repeated_section_without_its_required_key_is_refused(void)
{
    refused("[ITEM_ONE]\nWHAT=x\n", " [ITEM_ONE] SIZE", "must be set");
}

static void an_oversized_file_is_refused(void)
{
    size_t len = INI_FILE_MAX + 1;
    char *text = malloc(len);
    struct test_config config = { 0 };

    memset(text, '\n', len);
    CHECK_INT(load_table(text, len, keys, COUNT(keys), &config), ERR_CONFIG);
    CHECK(strstr(errors, "larger than"));
    free(text);
}

static void all_problems_are_said_at_once(void)
{
    refused("[MAIN]\nCOUNT=0\nMODE=x\nIGNORED=77\n", "2: [MAIN] COUNT", "allowed");
    CHECK(strstr(errors, ":3: [MAIN] MODE"));
    CHECK(strstr(errors, ":4: [MAIN] IGNORED"));
}

static void repeated_sections_are_listed_and_loaded(void)
{
    struct item_config item = { 0 };
    char names[4][64];
    static const char text[] = "[ITEM_A]\nSIZE=1\n[MAIN]\nCOUNT=3\n[ITEM_B]\nSIZE=2\nWHAT=other\n";

    write_bytes(text, sizeof(text) - 1);
    CHECK_INT(config_sections(path, "ITEM_", names, COUNT(names)), 2);
    CHECK_STR(names[1], "ITEM_B");
    CHECK_INT(config_section_load(&item, keys + 9, 2, path, "ITEM_A", NULL), 0);
    CHECK_INT(item.size, 1);
    CHECK_STR(item.what, "thing");
    CHECK_INT(config_section_load(&item, keys + 9, 2, path, "ITEM_B", NULL), 0);
    CHECK_INT(item.size, 2);
    CHECK_STR(item.what, "other");
    CHECK_INT(config_sections(path, "ITEM_", names, 1), ERR_FULL);
}

static void explaining_shows_each_key_and_hides_secrets(void)
{
    struct test_config config = { 0 };
    static const char text[] = "[MAIN]\nIGNORED=2\n[NET]\nSECRET=hunter2\n";

    CHECK_INT(load(text, &config), 0);
    FILE *out = fmemopen(errors, sizeof(errors), "w");
    CHECK_INT(config_explain(&config, keys, COUNT(keys), path, out), 0);
    struct config_part part = { &config, keys, COUNT(keys) };
    CHECK_INT(config_warn_parts(&part, 1, path, out), 1);
    fputc('\0', out);
    fclose(out);
    CHECK(strstr(errors, "[MAIN] IGNORED=2: accepted, one loop\n"));
    CHECK(strstr(errors, "[NET] SECRET=***: hidden\n"));
    CHECK(!strstr(errors, "hunter2"));
}

static void a_secret_comes_from_environment_then_credential_then_private_file(void)
{
    char dir[] = "/tmp/tickpipe_keys_XXXXXX", file[96], out[64] = "";

    if (!mkdtemp(dir))
        abort();
    snprintf(file, sizeof(file), "%s/TEST_API_KEY", dir);
    unsetenv("TEST_API_KEY");
    unsetenv("CREDENTIALS_DIRECTORY");
    CHECK_INT(config_secret("TEST_API_KEY", dir, out, sizeof(out)), ERR_NOT_FOUND);
    FILE *secret = fopen(file, "w");
    fputs("from-file\n", secret);
    fclose(secret);
    chmod(file, 0644);
    CHECK_INT(config_secret("TEST_API_KEY", dir, out, sizeof(out)), ERR_CONFIG);
    chmod(file, 0600);
    CHECK_INT(config_secret("TEST_API_KEY", dir, out, sizeof(out)), 0);
    CHECK_STR(out, "from-file");
    CHECK_INT(config_secret("TEST_API_KEY", dir, out, 4), ERR_CONFIG);
    setenv("CREDENTIALS_DIRECTORY", dir, 1);
    CHECK_INT(config_secret("TEST_API_KEY", NULL, out, sizeof(out)), 0);
    setenv("TEST_API_KEY", "from-env", 1);
    CHECK_INT(config_secret("TEST_API_KEY", dir, out, sizeof(out)), 0);
    CHECK_STR(out, "from-env");
    unlink(file);
    rmdir(dir);
}

int main(void)
{
    close(mkstemp(path));
    CASE(a_valid_file_is_read_exactly);
    CASE(what_is_not_in_the_file_has_its_default);
    CASE(environment_is_substituted);
    CASE(a_missing_file_is_refused);
    CASE(a_directory_is_refused);
    CASE(a_duplicate_key_is_refused);
    CASE(a_duplicate_in_other_case_is_refused);
    CASE(a_duplicate_section_is_refused);
    CASE(a_semicolon_in_a_value_is_refused);
    CASE(a_hash_in_a_value_is_refused);
    CASE(a_trailing_backslash_is_refused);
    CASE(a_comment_ending_in_a_backslash_is_refused);
    CASE(an_overlong_line_is_refused);
    CASE(an_overlong_value_is_refused);
    CASE(a_line_without_equals_is_refused);
    CASE(a_key_before_any_section_is_refused);
    CASE(an_unclosed_section_is_refused);
    CASE(text_after_a_section_is_refused);
    CASE(an_empty_section_name_is_refused);
    CASE(an_empty_key_is_refused);
    CASE(a_key_with_a_colon_is_refused);
    CASE(an_unclosed_quote_is_refused);
    CASE(text_after_a_quote_is_refused);
    CASE(an_unknown_section_is_refused);
    CASE(an_unknown_key_is_refused_and_the_near_one_named);
    CASE(an_unknown_key_that_is_near_none_lists_what_is_allowed);
    CASE(a_word_is_not_a_number);
    CASE(a_number_with_a_unit_is_refused);
    CASE(an_empty_number_is_refused);
    CASE(a_hexadecimal_number_is_refused);
    CASE(a_number_out_of_range_is_refused);
    CASE(a_number_that_overflows_is_refused);
    CASE(a_decimal_with_too_many_places_is_refused);
    CASE(not_a_decimal_is_refused);
    CASE(nan_is_refused);
    CASE(a_doubtful_truth_is_refused);
    CASE(an_unknown_choice_is_refused);
    CASE(an_endpoint_without_port_is_refused);
    CASE(an_endpoint_with_a_wild_port_is_refused);
    CASE(an_unknown_transport_is_refused);
    CASE(an_endpoint_may_name_its_key);
    CASE(an_unencrypted_url_is_refused);
    CASE(an_unset_variable_is_refused);
    CASE(an_unclosed_variable_is_refused);
    CASE(a_byte_order_mark_is_refused);
    CASE(bytes_that_are_not_utf8_are_refused);
    CASE(a_control_character_is_refused);
    CASE(a_nul_byte_is_refused);
    CASE(a_limit_without_default_must_be_set);
    CASE(a_repeated_section_without_its_required_key_is_refused);
    CASE(an_oversized_file_is_refused);
    CASE(all_problems_are_said_at_once);
    CASE(repeated_sections_are_listed_and_loaded);
    CASE(explaining_shows_each_key_and_hides_secrets);
    CASE(a_secret_comes_from_environment_then_credential_then_private_file);
    unlink(path);
    DONE();
}
