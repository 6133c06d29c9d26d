/* The JSON reader. Texts end at a page that may not be read. */
#include "common/leaf/err.h"
#include "common/pure/scan.h"
#include "tests/unit/check.h"
#include "tests/unit/guarded.h"

static int whole(const char *text, struct scan_value *out)
{
    size_t len = strlen(text);

    return scan_whole(guarded_copy(text, len), len, out);
}

static void walks_an_object_in_the_order_of_its_text(void)
{
    struct scan_value all, key, value, item;
    struct scan_iter iter, inner;
    int64_t number = 0;

    CHECK_INT(whole("{\"a\":[[\"1.5\",2],[]], \"b\" : {\"c\":-7.4E-7},\"d\":true}", &all), 0);
    CHECK_INT(scan_begin(&iter, &all), 0);
    CHECK_INT(scan_member(&iter, &key, &value), 0);
    CHECK(scan_is(&key, "a") && value.type == SCAN_ARRAY);
    CHECK_INT(scan_begin(&inner, &value), 0);
    CHECK_INT(scan_item(&inner, &item), 0);
    CHECK(scan_is(&item, "[\"1.5\",2]"));
    CHECK_INT(scan_item(&inner, &item), 0);
    CHECK(scan_is(&item, "[]"));
    CHECK_INT(scan_item(&inner, &item), ERR_NOT_FOUND);
    CHECK_INT(scan_item(&inner, &item), ERR_NOT_FOUND);
    CHECK_INT(scan_member(&iter, &key, &value), 0);
    CHECK_INT(scan_find(&value, "c", &item), 0);
    CHECK_INT(scan_decimal(&item, 8, &number), 0);
    CHECK_INT(number, -74);
    CHECK_INT(scan_member(&iter, &key, &value), 0);
    CHECK(scan_is(&key, "d") && value.type == SCAN_TRUE);
    CHECK_INT(scan_member(&iter, &key, &value), ERR_NOT_FOUND);
}

static void walks_in_steps_and_leaves_at_any_point(void)
{
    struct scan_value all, key, value;
    struct scan_iter iter, rows, row;
    uint64_t number = 0;

    CHECK_INT(whole("{\"b\":[[1,\"]\",{\"x\":[]}],[2],[3,4]],\"u\":7}", &all), 0);
    CHECK_INT(scan_begin(&iter, &all), 0);
    CHECK_INT(scan_key(&iter, &key), 0);
    CHECK_INT(scan_enter(&iter, &rows), 0);
    CHECK_INT(scan_next(&rows), 0);
    CHECK_INT(scan_enter(&rows, &row), 0);
    CHECK_INT(scan_item(&row, &value), 0);
    CHECK_INT(scan_leave(&rows, &row), 0); /* With two items unread. */
    CHECK_INT(scan_next(&rows), 0);
    CHECK_INT(scan_enter(&rows, &row), 0);
    CHECK_INT(scan_item(&row, &value), 0);
    CHECK_INT(scan_item(&row, &value), ERR_NOT_FOUND);
    CHECK_INT(scan_leave(&rows, &row), 0);  /* At its end. */
    CHECK_INT(scan_leave(&iter, &rows), 0); /* With a row unread. */
    CHECK_INT(scan_key(&iter, &key), 0);
    CHECK(scan_is(&key, "u"));
    CHECK_INT(scan_enter(&iter, &rows), ERR_PROTO);
    CHECK_INT(scan_value(&iter, &value), 0);
    CHECK_INT(scan_u64(&value, &number), 0);
    CHECK_INT(number, 7);
    CHECK_INT(scan_key(&iter, &key), ERR_NOT_FOUND);
}

static const char *const good[] = {
    "0",
    "-0",
    "12",
    "-1.5",
    "1e5",
    "1E+5",
    "-1.25e-05",
    "\"\"",
    "\"a\"",
    "true",
    "false",
    "null",
    "[]",
    "{}",
    " [ ] ",
    "\t{\n}\r",
    "[1]",
    "[1,2]",
    "[ 1 , 2 ]",
    "[[],[[]],{}]",
    "{\"a\":1}",
    "{\"a\":{\"b\":[1,{\"c\":null}]}}",
    "{ \"a\" : 1 , \"b\" : [ ] }",
    "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]",
    "[\"\\u0000\\ud83d\\udE00\"]",
    "[\"]}{[,:\"]",
    "{\"\":0}",
    "{\"a\":1,\"a\":2}",
    "\"0123456789abcdef\"",
    "\"0123456789abcde\\\"f0123456789abcdef\"",
    "[true,false,null]",
    "[123456789012345678901234567890,0.1234567890123456789]",
    "\"\x7f\xc3\xa4\xff\"",
};

static const char *const bad[] = {
    "",
    " ",
    "-",
    "+1",
    "01",
    "-01",
    "1.",
    ".5",
    "1.e5",
    "1e",
    "1e+",
    "0x1",
    "1 2",
    "1,",
    "--1",
    "1a",
    "NaN",
    "Infinity",
    "tru",
    "trueX",
    "True",
    "nul",
    "nulll",
    "fals",
    "\"",
    "\"a",
    "a\"",
    "'a'",
    "\"\\\"",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\u12g4\"",
    "\"\\u123g\"",
    "\"\\u123:\"",
    "\"\\u123",
    "\"\\",
    "\"\n\"",
    "\"\t\"",
    "\"a\x01\"",
    "\"0123456789abcdef\x1f\"",
    "[",
    "]",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[,]",
    "[1 2]",
    "[1}",
    "[\"a\"",
    "[1]]",
    "[[1]",
    "[1:2]",
    "{",
    "}",
    "{]",
    "[}",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{,}",
    "{a:1}",
    "{1:1}",
    "{\"a\" 1}",
    "{\"a\":1 \"b\":2}",
    "{\"a\":1]",
    "{\"a\"",
    "{\"a\":",
    "{\"a\":1",
    "{\"a\":1,",
    "{\"a\":1,\"",
    "{\"a\":1}}",
    "{\"a\":1,2}",
    "{\"a\":\"b\":1}",
    "[1]x",
    "{}[]",
    "\xef\xbb\xbf[]",
    "[1\f]",
    "{null:1}",
    "{[]:1}",
    "[\"a\\\"]",
    "/**/1",
    "[1]//",
    "nan",
};

static void takes_json_and_nothing_else(void)
{
    struct scan_value value, untouched = { SCAN_NULL, NULL, 77 };

    for (size_t i = 0; i < COUNT(good); i++) {
        int err = whole(good[i], &value);
        if (err)
            fprintf(stderr, "refused: %s\n", good[i]);
        CHECK_INT(err, 0);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        value = untouched;
        int err = whole(bad[i], &value);
        if (!err)
            fprintf(stderr, "taken: %s\n", bad[i]);
        CHECK_INT(err, ERR_PROTO);
        CHECK(value.type == SCAN_NULL && value.text == NULL && value.len == 77);
    }
    CHECK_INT(scan_whole("[1\0]", 4, &value), ERR_PROTO);
    CHECK_INT(scan_whole("\"\0\"", 3, &value), ERR_PROTO);
    CHECK_INT(scan_whole("\"\\\0\"", 4, &value), ERR_PROTO);
}

static void nesting_is_bounded(void)
{
    char text[2 * SCAN_DEPTH_MAX + 3];
    struct scan_value value;

    for (int depth = 1; depth <= SCAN_DEPTH_MAX + 1; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        text[2 * depth] = '\0';
        CHECK_INT(whole(text, &value), depth <= SCAN_DEPTH_MAX ? 0 : ERR_PROTO);
    }
    memset(text, '[', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    CHECK_INT(whole(text, &value), ERR_PROTO);
}

/* A codec may hand in a slice that scan_whole never saw. */
static void unchecked_slices_are_read_with_care(void)
{
    static const char *const texts[] = {
        "[",  "[1",  "[1,", "[1 2]", "[1,]",     "[[1}",     "[\"a",
        "[}", "[{]", "[1}", "[x]",   "[[[[[[[[", "[\"\\\"]",
    };
    struct scan_value item;
    struct scan_iter iter, inner;

    for (size_t i = 0; i < COUNT(texts); i++) {
        size_t len = strlen(texts[i]);
        struct scan_value array = { SCAN_ARRAY, guarded_copy(texts[i], len), len };
        int err = scan_begin(&iter, &array), turns = 0;
        while (!err && turns++ < 10)
            err = scan_item(&iter, &item);
        CHECK_INT(err, ERR_PROTO);
        err = scan_begin(&iter, &array);
        if (!err && scan_next(&iter) == 0 && scan_enter(&iter, &inner) == 0 &&
            scan_leave(&iter, &inner) == 0)
            CHECK_INT(scan_next(&iter), ERR_PROTO);
    }
    static const char *const objects[] = { "{",     "{\"a\"",  "{\"a\" 1}", "{\"a\" ", "{a:1}",
                                           "{1:2}", "{\"a\":", "{ ",        "{\"a" };
    for (size_t i = 0; i < COUNT(objects); i++) {
        struct scan_value bad_object = { SCAN_OBJECT, guarded_copy(objects[i], strlen(objects[i])),
                                         strlen(objects[i]) },
                          name;
        if (scan_begin(&iter, &bad_object) == 0)
            CHECK_INT(scan_member(&iter, &name, &item), ERR_PROTO);
    }
    struct scan_value object = { SCAN_OBJECT, guarded_copy("{\"a\":1,\"b", 9), 9 }, key;
    CHECK_INT(scan_begin(&iter, &object), 0);
    CHECK_INT(scan_member(&iter, &key, &item), 0);
    CHECK_INT(scan_member(&iter, &key, &item), ERR_PROTO);
    object.type = SCAN_STRING;
    CHECK_INT(scan_begin(&iter, &object), ERR_PROTO);
    CHECK_INT(scan_find(&object, "a", &item), ERR_PROTO);
}

static void finds_the_first_of_a_name(void)
{
    struct scan_value all, value;

    CHECK_INT(whole("{\"x\":{\"a\":0},\"a\":1,\"a\":2,\"ab\":3}", &all), 0);
    CHECK_INT(scan_find(&all, "a", &value), 0);
    CHECK(scan_is(&value, "1"));
    value.len = 77;
    CHECK_INT(scan_find(&all, "b", &value), ERR_NOT_FOUND);
    CHECK_INT(value.len, 77);
    CHECK_INT(whole("[1]", &all), 0);
    CHECK_INT(scan_find(&all, "a", &value), ERR_PROTO);
}

static struct scan_value number_of(const char *text)
{
    struct scan_value value = { SCAN_STRING, NULL, strlen(text) };

    value.text = guarded_copy(text, value.len);
    return value;
}

static void integers_are_digits_that_fit(void)
{
    static const char *const wrong[] = { "",         "-",         "1.0", "1e3",
                                         " 1",       "1 ",        "+1",  "a",
                                         "1234567a", "12345678a", "0x1", "123456789012345678901x",
                                         "1-" };
    struct scan_value value;
    uint64_t u = 77;
    int64_t i = 77;

    for (size_t k = 0; k < COUNT(wrong); k++) {
        value = number_of(wrong[k]);
        CHECK_INT(scan_u64(&value, &u), ERR_PROTO);
        CHECK_INT(scan_i64(&value, &i), ERR_PROTO);
    }
    value = number_of("18446744073709551616");
    CHECK_INT(scan_u64(&value, &u), ERR_RANGE);
    value = number_of("9223372036854775808");
    CHECK_INT(scan_i64(&value, &i), ERR_RANGE);
    value = number_of("-9223372036854775809");
    CHECK_INT(scan_i64(&value, &i), ERR_RANGE);
    CHECK(u == 77 && i == 77);
    value = number_of("18446744073709551615");
    CHECK(scan_u64(&value, &u) == 0 && u == UINT64_MAX);
    value = number_of("00000000000000000000000000000000000000012");
    CHECK(scan_u64(&value, &u) == 0 && u == 12);
    value = number_of("-9223372036854775808");
    CHECK(scan_i64(&value, &i) == 0 && i == INT64_MIN);
    value = number_of("1723161255208");
    CHECK(scan_i64(&value, &i) == 0 && i == 1723161255208);
    value = number_of("-1");
    CHECK_INT(scan_u64(&value, &u), ERR_PROTO);
    value.type = SCAN_TRUE;
    CHECK_INT(scan_u64(&value, &u), ERR_PROTO);
    CHECK_INT(scan_i64(&value, &i), ERR_PROTO);
    CHECK_INT(scan_decimal(&value, 8, &i), ERR_PROTO);
}

static void booleans_are_words(void)
{
    struct scan_value value;
    bool is_true = false;

    CHECK_INT(whole("true", &value), 0);
    CHECK(scan_bool(&value, &is_true) == 0 && is_true);
    CHECK_INT(whole("false", &value), 0);
    CHECK(scan_bool(&value, &is_true) == 0 && !is_true);
    CHECK_INT(whole("\"true\"", &value), 0);
    CHECK_INT(scan_bool(&value, &is_true), ERR_PROTO);
}

static void text_resolves_escapes(void)
{
    static const struct {
        const char *json, *text;
    } cases[] = {
        { "\"plain\"", "plain" },
        { "\"\"", "" },
        { "-7.4E-7", "-7.4E-7" },
        { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
        { "\"\\u0041\\u00e4\\u20AC\\ud83D\\ude00\"", "A\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
        { "\"\\u007f\\u0080\\u07ff\\u0800\\uffff\"",
          "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf" },
        { "\"\\udbff\\udfff\"", "\xf4\x8f\xbf\xbf" },
        { "\"\\ud800x\"", "\xef\xbf\xbdx" },
        { "\"\\udc00\"", "\xef\xbf\xbd" },
        { "\"\\udfff\\udc00\"", "\xef\xbf\xbd\xef\xbf\xbd" },
        { "\"\\ud800\\ue000\"", "\xef\xbf\xbd\xee\x80\x80" },
        { "\"\\ud800\\u0041\"", "\xef\xbf\xbd"
                                "A" },
        { "\"\\ud800\\ud800\\udc00\"", "\xef\xbf\xbd\xf0\x90\x80\x80" },
    };
    char text[64];

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct scan_value value;
        size_t len = strlen(cases[i].text);
        CHECK_INT(whole(cases[i].json, &value), 0);
        CHECK_INT(scan_text(&value, text, sizeof(text)), 0);
        CHECK_STR(text, cases[i].text);
        strcpy(text, "untouched");
        CHECK_INT(scan_text(&value, text, len), ERR_RANGE);
        CHECK_STR(text, "untouched");
        CHECK_INT(scan_text(&value, text, len + 1), 0);
    }
}

static void text_refuses_what_it_cannot_hold(void)
{
    static const char *const wrong[] = { "\\ud800\\u", "\\ud800\\", "a\\",      "\\u12",
                                         "\\x",        "\\u00g0",   "a\\u0000b" };
    struct scan_value value;
    char text[64] = "untouched";

    for (size_t i = 0; i < COUNT(wrong); i++) {
        value = number_of(wrong[i]); /* As a string that nobody checked. */
        CHECK_INT(scan_text(&value, text, sizeof(text)), ERR_PROTO);
    }
    CHECK_INT(whole("null", &value), 0);
    CHECK_INT(scan_text(&value, text, sizeof(text)), ERR_PROTO);
    CHECK_STR(text, "untouched");
}

int main(void)
{
    CASE(walks_an_object_in_the_order_of_its_text);
    CASE(walks_in_steps_and_leaves_at_any_point);
    CASE(takes_json_and_nothing_else);
    CASE(nesting_is_bounded);
    CASE(unchecked_slices_are_read_with_care);
    CASE(finds_the_first_of_a_name);
    CASE(integers_are_digits_that_fit);
    CASE(booleans_are_words);
    CASE(text_resolves_escapes);
    CASE(text_refuses_what_it_cannot_hold);
    DONE();
}
