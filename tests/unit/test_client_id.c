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
    CASE(refuses_what_it_could_not_read_back);
    CASE(order_ids_have_three_parts);
    DONE();
}
