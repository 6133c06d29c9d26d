#include "common/leaf/err.h"
#include "tests/unit/check.h"

static void every_code_has_its_sentence(void)
{
    CHECK_STR(err_str(0), "ok");
    CHECK_STR(err_str(ERR_AGAIN), "not now, try later");
    CHECK_STR(err_str(-999), "unknown error");
}

int main(void)
{
    CASE(every_code_has_its_sentence);
    DONE();
}
