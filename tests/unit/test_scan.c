/* The JSON reader. */
#include "common/leaf/err.h"
#include "common/pure/scan.h"
#include "tests/unit/check.h"

static void walks_an_object_in_the_order_of_its_text(void)
{
    static const char text[] = "{\"a\":[[\"1.5\",2],[]], \"b\" : {\"c\":-7.4E-7},\"d\":true}";
    struct scan_value whole, key, value, item;
    struct scan_iter iter, inner;
    int64_t number = 0;

    CHECK_INT(scan_whole(text, strlen(text), &whole), 0);
    CHECK_INT(scan_begin(&iter, &whole), 0);
    CHECK_INT(scan_member(&iter, &key, &value), 0);
    CHECK(scan_is(&key, "a") && value.type == SCAN_ARRAY);
    CHECK_INT(scan_begin(&inner, &value), 0);
    CHECK_INT(scan_item(&inner, &item), 0);
    CHECK(scan_is(&item, "[\"1.5\",2]"));
    CHECK_INT(scan_item(&inner, &item), 0);
    CHECK(scan_is(&item, "[]"));
    CHECK_INT(scan_item(&inner, &item), ERR_NOT_FOUND);
    CHECK_INT(scan_member(&iter, &key, &value), 0);
    CHECK_INT(scan_find(&value, "c", &item), 0);
    CHECK_INT(scan_decimal(&item, 8, &number), 0);
    CHECK_INT(number, -74);
    CHECK_INT(scan_member(&iter, &key, &value), 0);
    CHECK(scan_is(&key, "d") && value.type == SCAN_TRUE);
    CHECK_INT(scan_member(&iter, &key, &value), ERR_NOT_FOUND);
}

int main(void)
{
    CASE(walks_an_object_in_the_order_of_its_text);
    DONE();
}
