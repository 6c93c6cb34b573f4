/* SPDX-License-Identifier: MIT
 * The reader of JSON: values, places, escapes, and what is no JSON. Files of clients and traces go
 * through it; a number that moves by one item would still give plausible figures. */
#include "sim/base/json_read.h"

#include "run_tests.h"
#include "unit/diagnosed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;
static struct diagnostics *diagnostics;

static const struct json_value *parse(const char *text)
{
    arena = arena_create();
    diagnostics = diagnostics_create();
    return json_parse(arena, "t.json", 1, arena_strdup(arena, text), strlen(text), diagnostics);
}

static void done(void)
{
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}

START_TEST(reads_values_and_their_places)
{
    const struct json_value *value = parse("{\"a\": [1, -2.5e3, true, null],\n"
                                           " \"b\": {\"c\": \"x\", \"c\": \"y\"}, \"d\": NaN}\n");
    ck_assert_ptr_nonnull(value);
    ck_assert_uint_eq(value->count, 3);
    const struct json_value *list = json_get(value, "a");
    ck_assert_uint_eq(list->count, 4);
    ck_assert_double_eq(list->items[1].number, -2500.0);
    ck_assert(list->items[2].boolean);
    ck_assert_int_eq(list->items[3].kind, JSON_NULL);
    ck_assert_uint_eq(list->items[1].column, 11); /* {"a": [1, -: the eleventh byte */
    const struct json_value *inner = json_get(value, "b");
    ck_assert_str_eq(json_get_text(inner, "c"), "y"); /* the last of equal keys */
    ck_assert_uint_eq(inner->line, 2);
    ck_assert(isnan(json_get(value, "d")->number));
    ck_assert_double_eq(json_get_number(value, "d", 7.0), 7.0); /* no finite number */
    ck_assert_ptr_null(json_get(list, "a"));
    done();
}
END_TEST

START_TEST(undoes_escapes)
{
    const struct json_value *value =
        parse("[\"a\\n\\\"\\\\\\/\", \"\\u00e9\\ud83d\\ude00\", \"\\ud800x\"]");
    ck_assert_str_eq(value->items[0].text, "a\n\"\\/");
    ck_assert_str_eq(value->items[1].text, "\xc3\xa9\xf0\x9f\x98\x80"); /* é and a smiling face */
    ck_assert_str_eq(value->items[2].text, "\xef\xbf\xbdx");            /* half of a pair */
    done();
}
END_TEST

START_TEST(says_where_it_is_no_json)
{
    static const struct {
        const char *text, *complaint;
    } wrong[] = {
        {"{\"a\": 1,}", "t.json:1:9: error: expected another item behind ','\n1 error\n"},
        {"{\"a\" 1}", "t.json:1:6: error: expected ':' behind a key\n1 error\n"},
        {"{a: 1}", "t.json:1:2: error: expected a key in quotes\n1 error\n"},
        {"[1\n 2]", "t.json:2:2: error: expected ',' or ']'\n1 error\n"},
        {"[0x10]", "t.json:1:2: error: expected a JSON value\n1 error\n"},
        {"[1-2]", "t.json:1:2: error: expected a JSON value\n1 error\n"},
        {"[\"ab", "t.json:1:5: error: a string ends with its line: expected '\"'\n1 error\n"},
        {"[] []", "t.json:1:4: error: expected the end of the file\n1 error\n"},
        {"", "t.json:1:1: error: expected a JSON value\n1 error\n"},
        {"[\"\\u12g4\"]",
         "t.json:1:5: error: expected four hexadecimal digits behind \\u\n1 error\n"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_ptr_null(parse(wrong[i].text));
        char *said = diagnosed(diagnostics);
        ck_assert_str_eq(said, wrong[i].complaint);
        free(said);
        done();
    }
}
END_TEST

START_TEST(refuses_what_lies_too_deep)
{
    char text[200] = "";
    memset(text, '[', 65);
    ck_assert_ptr_null(parse(text));
    ck_assert_uint_eq(diagnostics_error_count(diagnostics), 1);
    done();
}
END_TEST

RUN_TESTS(json_read, reads_values_and_their_places, undoes_escapes, says_where_it_is_no_json,
          refuses_what_lies_too_deep)
