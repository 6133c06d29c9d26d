/* The JSON reader on the venues' real payloads, with cJSON as the second opinion. */
#include "common/leaf/err.h"
#include "common/pure/scan.h"
#include "tests/unit/check.h"
#include "tests/unit/guarded.h"

#include <cjson/cJSON.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const folders[] = { "../shared/fixtures/binance/*/*.json",
                                       "../shared/fixtures/kraken/*/*.json" };

typedef void on_file(const char *path, const char *text, size_t len);

static int each_file(on_file *visit)
{
    static char text[GUARDED_MAX];
    int count = 0;

    for (size_t i = 0; i < COUNT(folders); i++) {
        glob_t found = { 0 };
        if (glob(folders[i], 0, NULL, &found) == 0)
            for (size_t k = 0; k < found.gl_pathc; k++) {
                FILE *file = fopen(found.gl_pathv[k], "r");
                if (!file)
                    continue;
                size_t len = fread(text, 1, sizeof(text), file);
                fclose(file);
                visit(found.gl_pathv[k], text, len);
                count++;
            }
        globfree(&found);
    }
    return count;
}

/* ---- the same tree as cJSON's ---- */

static int differences;

static bool same(const struct scan_value *value, const cJSON *want);

static bool same_members(const struct scan_value *value, const cJSON *want)
{
    static char name[4096];
    struct scan_value key, member;
    struct scan_iter iter;
    const cJSON *child = want->child;
    int err = scan_begin(&iter, value);

    for (; !err; child = child->next) {
        err = cJSON_IsObject(want) ? scan_member(&iter, &key, &member) : scan_item(&iter, &member);
        if (err || !child)
            break;
        if (cJSON_IsObject(want) &&
            (scan_text(&key, name, sizeof(name)) != 0 || strcmp(name, child->string) != 0))
            return false;
        if (!same(&member, child))
            return false;
    }
    return err == ERR_NOT_FOUND && !child;
}

static bool same_text(const struct scan_value *value, const cJSON *want)
{
    static char text[65536];

    if (scan_text(value, text, sizeof(text)) != 0)
        return false;
    return cJSON_IsString(want) ? strcmp(text, want->valuestring) == 0
                                : strtod(text, NULL) == want->valuedouble;
}

static bool same(const struct scan_value *value, const cJSON *want)
{
    switch (value->type) {
    case SCAN_OBJECT:
        return cJSON_IsObject(want) && same_members(value, want);
    case SCAN_ARRAY:
        return cJSON_IsArray(want) && same_members(value, want);
    case SCAN_STRING:
        return cJSON_IsString(want) && same_text(value, want);
    case SCAN_NUMBER:
        return cJSON_IsNumber(want) && same_text(value, want);
    case SCAN_TRUE:
        return cJSON_IsTrue(want);
    case SCAN_FALSE:
        return cJSON_IsFalse(want);
    case SCAN_NULL:
        return cJSON_IsNull(want);
    default:
        return false;
    }
}

static void compare(const char *path, const char *text, size_t len)
{
    struct scan_value value;
    cJSON *want = cJSON_ParseWithLength(text, len);

    if (!want || scan_whole(guarded_copy(text, len), len, &value) != 0 || !same(&value, want)) {
        fprintf(stderr, "%s: not what cJSON reads\n", path);
        differences++;
    }
    cJSON_Delete(want);
}

static void reads_every_fixture_as_cjson_does(void)
{
    CHECK(each_file(compare) > 800);
    CHECK_INT(differences, 0);
}

/* ---- cut short anywhere ---- */

static int taken;

static void cut(const char *path, const char *text, size_t len)
{
    enum { ALL_UP_TO = 4096, ENDS = 1024, STRIDE = 509 };
    struct scan_value value;

    while (len > 0 && strchr(" \t\r\n", text[len - 1]))
        len--;
    for (size_t n = 0; n < len; n++) {
        if (len > ALL_UP_TO && n > ENDS && n + ENDS < len)
            n = MIN(n + STRIDE, len - ENDS);
        /* A number is a number also when it is cut; everything else here ends with a bracket. */
        if (scan_whole(guarded_copy(text, n), n, &value) == 0 && strchr("{[", text[0])) {
            fprintf(stderr, "%s: its first %zu bytes were taken\n", path, n);
            taken++;
            return;
        }
    }
}

static void refuses_every_fixture_cut_short(void)
{
    CHECK(each_file(cut) > 800);
    CHECK_INT(taken, 0);
}

/* ---- one byte changed ---- */

static uint64_t visited;

/* Walks everything that can be reached. Whatever the whole check took must be walkable to its end.
 */
static int walk(const struct scan_value *value, int depth)
{
    struct scan_value key, item;
    struct scan_iter iter;
    int err = scan_begin(&iter, value);

    while (!err && depth <= SCAN_DEPTH_MAX) {
        err =
            value->type == SCAN_OBJECT ? scan_member(&iter, &key, &item) : scan_item(&iter, &item);
        if (!err && (item.type == SCAN_OBJECT || item.type == SCAN_ARRAY))
            err = walk(&item, depth + 1);
        visited++;
    }
    return err == ERR_NOT_FOUND ? 0 : err;
}

static int unwalkable;

static void change(const char *path, const char *text, size_t len)
{
    static const char wrong[] = "\"\\{}[],:x0-.e\x01\xff ";
    struct scan_value value;

    if (len > 4096)
        return;
    char *copy = guarded_copy(text, len);
    for (size_t i = 0; i < len; i++) {
        copy[i] = wrong[i % (sizeof(wrong) - 1)];
        if (scan_whole(copy, len, &value) == 0 &&
            (value.type == SCAN_OBJECT || value.type == SCAN_ARRAY) && walk(&value, 1) != 0) {
            fprintf(stderr, "%s: taken with byte %zu changed, but cannot be walked\n", path, i);
            unwalkable++;
        }
        copy[i] = text[i];
    }
}

static void whatever_is_taken_can_be_walked(void)
{
    CHECK(each_file(change) > 800);
    CHECK_INT(unwalkable, 0);
    CHECK(visited > 100000);
}

int main(void)
{
    if (access("../shared/fixtures", R_OK) != 0) {
        printf("ok scan_fixtures # skipped: no ../shared\n");
        return 0;
    }
    CASE(reads_every_fixture_as_cjson_does);
    CASE(refuses_every_fixture_cut_short);
    CASE(whatever_is_taken_can_be_walked);
    DONE();
}
