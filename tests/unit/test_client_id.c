/* Client order ids: a rendering that can be read back. */
#include "common/leaf/err.h"
#include "common/pure/client_id.h"
#include "tests/unit/check.h"

static void reads_back_what_it_wrote(void)
{
    static const uint64_t ids[] = { 0, 1, ORDER_ID(5, 77, 123456), UINT64_MAX };
    static const unsigned revisions[] = { 0, 1, CLIENT_ID_REVISION_MAX };
    char text[CLIENT_ID_LEN + 1], environment = 0;
    uint64_t id = 0;
    unsigned revision = 0;

    for (size_t i = 0; i < COUNT(ids); i++)
        for (size_t k = 0; k < COUNT(revisions); k++) {
            CHECK_INT(client_id_write('T', ids[i], revisions[k], text), 0);
            CHECK_INT(strlen(text), CLIENT_ID_LEN);
            CHECK_INT(client_id_read(text, &environment, &id, &revision), 0);
            CHECK(environment == 'T' && id == ids[i] && revision == revisions[k]);
        }
}

static void takes_every_letter_as_environment(void)
{
    char text[CLIENT_ID_LEN + 1], environment = 0;
    uint64_t id = 0;
    unsigned revision = 0;

    for (char letter = 'A'; letter <= 'Z'; letter++) {
        CHECK_INT(client_id_write(letter, 1, 0, text), 0);
        CHECK_INT(client_id_read(text, &environment, &id, &revision), 0);
        CHECK_INT(environment, letter);
    }
}

static void leaves_foreign_ids_alone(void)
{
    static const char *const foreign[] = {
        "",
        "T",
        "x-A6SIDXVS",
        "T000000000000000",
        "T00000000000000000",
        "TZZZZZZZZZZZZZ000",
        "t0000000000000000",
        "T000000000000000O0",
        "10000000000000000",
        "T00000000000000i0",
        "T0000000000000 00",
    };
    char environment = '?';
    uint64_t id = 42;
    unsigned revision = 7;

    for (size_t i = 0; i < COUNT(foreign); i++)
        CHECK_INT(client_id_read(foreign[i], &environment, &id, &revision), ERR_NOT_FOUND);
    CHECK(environment == '?' && id == 42 && revision == 7);
}

static bool is_uuid_v4(const char *text)
{
    static const char form[] = "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx";

    for (size_t i = 0; i < sizeof(form) - 1; i++) {
        const char *set = form[i] == 'x'   ? "0123456789abcdef"
                          : form[i] == 'y' ? "89ab"
                          : form[i] == '4' ? "4"
                                           : "-";
        if (text[i] == '\0' || !strchr(set, text[i]))
            return false;
    }
    return text[sizeof(form) - 1] == '\0';
}

static void reads_back_what_it_wrote_as_a_uuid(void)
{
    static const uint64_t ids[] = { 0,          1,          1ull << 61,
                                    1ull << 62, 1ull << 63, ORDER_ID(5, 77, 123456),
                                    UINT64_MAX };
    static const unsigned revisions[] = { 0, 1, CLIENT_ID_REVISION_MAX };
    char text[CLIENT_ID_MAX + 1], environment = 0;
    uint64_t id = 0;
    unsigned revision = 0;

    for (char letter = 'A'; letter <= 'Z'; letter++)
        for (size_t i = 0; i < COUNT(ids); i++)
            for (size_t k = 0; k < COUNT(revisions); k++) {
                CHECK_INT(client_id_write_as(CLIENT_ID_UUID, letter, ids[i], revisions[k], text),
                          0);
                CHECK(is_uuid_v4(text));
                CHECK_INT(client_id_read(text, &environment, &id, &revision), 0);
                CHECK(environment == letter && id == ids[i] && revision == revisions[k]);
            }
    CHECK_INT(client_id_write_as(CLIENT_ID_TEXT, 'T', 1, 0, text), 0);
    CHECK_STR(text, "T0000000000001000");
    /* Written into journals: it may not change. */
    CHECK_INT(client_id_write_as(CLIENT_ID_UUID, 'T', ORDER_ID(5, 77, 123456), 3, text), 0);
    CHECK_STR(text, "5e1233fd-4a60-400c-8050-004d0001e240");
}

static void a_uuid_with_any_bit_changed_is_foreign(void)
{
    char text[CLIENT_ID_MAX + 1], changed[CLIENT_ID_MAX + 1], environment = '?';
    uint64_t id = 42;
    unsigned revision = 7;

    CHECK_INT(client_id_write_as(CLIENT_ID_UUID, 'T', ORDER_ID(5, 77, 123456), 3, text), 0);
    for (size_t i = 0; i < CLIENT_ID_UUID_LEN; i++)
        for (unsigned bit = 1; bit < 16 && text[i] != '-'; bit <<= 1) {
            const char *digits = "0123456789abcdef";
            memcpy(changed, text, sizeof(text));
            changed[i] = digits[(unsigned)(strchr(digits, text[i]) - digits) ^ bit];
            CHECK_INT(client_id_read(changed, &environment, &id, &revision), ERR_NOT_FOUND);
        }
    static const char *const foreign[] = {
        "1985ca2d-61ef-49f1-bfce-6c39d8462914", "00000000-0000-4000-8000-000000000000",
        "ffffffff-ffff-4fff-bfff-ffffffffffff", "1985CA2D-61EF-49F1-BFCE-6C39D8462914",
        "1985ca2d061ef049f10bfce06c39d8462914", "------------------------------------",
    };
    for (size_t i = 0; i < COUNT(foreign); i++)
        CHECK_INT(client_id_read(foreign[i], &environment, &id, &revision), ERR_NOT_FOUND);
    for (size_t i = 0; text[i]; i++) /* Ours in upper case was not written by us. */
        text[i] = (char)(text[i] >= 'a' ? text[i] - 32 : text[i]);
    CHECK_INT(client_id_read(text, &environment, &id, &revision), ERR_NOT_FOUND);
    CHECK(environment == '?' && id == 42 && revision == 7);
    memcpy(changed, "untouched", 10);
    CHECK_INT(client_id_write_as(CLIENT_ID_UUID, 't', 1, 0, changed), ERR_RANGE);
    CHECK_INT(client_id_write_as(CLIENT_ID_UUID, 'T', 1, CLIENT_ID_REVISION_MAX + 1, changed),
              ERR_RANGE);
    CHECK_STR(changed, "untouched");
}

static void refuses_what_it_could_not_read_back(void)
{
    char text[CLIENT_ID_LEN + 1] = "untouched";

    CHECK_INT(client_id_write('t', 1, 0, text), ERR_RANGE);
    CHECK_INT(client_id_write('1', 1, 0, text), ERR_RANGE);
    CHECK_INT(client_id_write('T', 1, CLIENT_ID_REVISION_MAX + 1, text), ERR_RANGE);
    CHECK_STR(text, "untouched");
}

static void order_ids_have_three_parts(void)
{
    uint64_t id = ORDER_ID(4095, 0xfffff, 0xffffffffu);

    CHECK(id == UINT64_MAX);
    id = ORDER_ID(3, 9, 1);
    CHECK_INT(ORDER_ID_STRATEGY(id), 3);
    CHECK_INT(ORDER_ID_SESSION(id), 9);
    CHECK_INT((uint32_t)id, 1);
}

int main(void)
{
    CASE(reads_back_what_it_wrote);
    CASE(takes_every_letter_as_environment);
    CASE(leaves_foreign_ids_alone);
    CASE(reads_back_what_it_wrote_as_a_uuid);
    CASE(a_uuid_with_any_bit_changed_is_foreign);
    CASE(refuses_what_it_could_not_read_back);
    CASE(order_ids_have_three_parts);
    DONE();
}
