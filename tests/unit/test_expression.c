/* SPDX-License-Identifier: MIT
 * Conditions of a sweep: precedence, types and units, which a sweep over real keys would hardly
 * tell apart. */
#include "run_tests.h"
#include "sim/sweep/expression.h"

#include <string.h>

/* Whether `text` holds with a = 6, b = 4, name = "fp8", yes = true; -1: it is refused. */
static int holds(const char *text)
{
    static const struct {
        const char *name;
        struct expression_value value;
    } known[] = {
        {"a", {.number = 6.0}},
        {"b.c", {.number = 4.0}},
        {"name", {.type = EXPRESSION_TEXT, .text = "fp8"}},
        {"yes", {.type = EXPRESSION_TRUTH, .number = 1.0}},
    };
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    struct expression *expression =
        expression_parse(arena, text, (struct mark){.file = "test"}, diagnostics);
    struct expression_value values[8] = {0};
    enum expression_type types[8] = {0};
    for (size_t i = 0; expression != NULL && i < expression_name_count(expression); i++) {
        for (size_t j = 0; j < sizeof known / sizeof *known; j++) {
            if (strcmp(expression_name(expression, i), known[j].name) == 0) {
                values[i] = known[j].value;
                types[i] = known[j].value.type;
            }
        }
    }
    int result = -1;
    if (expression != NULL && expression_check(expression, types, diagnostics)) {
        result = expression_holds(expression, values);
    }
    ck_assert_int_eq(result == -1, diagnostics_error_count(diagnostics) == 1);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return result;
}

START_TEST(precedence_is_that_of_arithmetic)
{
    ck_assert_int_eq(holds("2 + 3 * 4 == 14"), 1);
    ck_assert_int_eq(holds("(2 + 3) * 4 == 20"), 1);
    ck_assert_int_eq(holds("10 - 4 - 3 == 3"), 1); /* from the left */
    ck_assert_int_eq(holds("48 / 4 / 3 == 4"), 1);
    ck_assert_int_eq(holds("17 % 5 == 2"), 1);
    ck_assert_int_eq(holds("-a + 7 == 1"), 1);
    ck_assert_int_eq(holds("a * b.c <= 24"), 1);
    ck_assert_int_eq(holds("a*b.c<24"), 0);
    ck_assert_int_eq(holds("min(a, b.c) == 4 and max(a, b.c) == 6"), 1);
    ck_assert_int_eq(holds("floor(a / b.c) == 1 and ceil(a / b.c) == 2 and log2(8) == 3"), 1);
}
END_TEST

START_TEST(logic_binds_looser_than_comparison)
{
    ck_assert_int_eq(holds("a == 1 or a == 6 and b.c == 4"), 1);
    ck_assert_int_eq(holds("a == 6 or a == 1 and b.c == 5"), 1); /* and before or */
    ck_assert_int_eq(holds("(a == 6 or a == 1) and b.c == 5"), 0);
    ck_assert_int_eq(holds("not a == 6"), 0);
    ck_assert_int_eq(holds("not a == 1 and yes"), 1);
    ck_assert_int_eq(holds("yes != false"), 1);
}
END_TEST

START_TEST(texts_and_units)
{
    ck_assert_int_eq(holds("name == 'fp8'"), 1);
    ck_assert_int_eq(holds("name != \"fp8\""), 0);
    ck_assert_int_eq(holds("80 GB == 80000 MB"), 1);
    ck_assert_int_eq(holds("400 Gb/s == 50 GB/s"), 1);
    ck_assert_int_eq(holds("1_000 tokens / a > 2 and 40 us < 1 ms"), 1);
    ck_assert_int_eq(holds("1e3 == 1000 or a == 1"), 1);
}
END_TEST

START_TEST(what_is_no_number_meets_nothing)
{
    ck_assert_int_eq(holds("a / 0 > 1"), 0);
    ck_assert_int_eq(holds("a / 0 <= 1"), 0);
    ck_assert_int_eq(holds("log2(0) < 1"), 0);
}
END_TEST

START_TEST(mistakes_are_refused)
{
    static const char *const wrong[] = {
        "",
        "a <",
        "a 6",
        "1 < a < 9",
        "(a == 6",
        "name < 3",
        "a",
        "a and yes",
        "name + 1 == 2",
        "not a",
        "min(a) == 1",
        "a == 6)",
        "'fp8",
        "a == 7 furlongs",
        "a = 6",
        "a == 6 && yes",
        "name == 6",
        "== 3",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_msg(holds(wrong[i]) == -1, "'%s' is taken", wrong[i]);
    }
    char deep[400];
    memset(deep, '(', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    ck_assert_int_eq(holds(deep), -1);
}
END_TEST

RUN_TESTS(expression, precedence_is_that_of_arithmetic, logic_binds_looser_than_comparison,
          texts_and_units, what_is_no_number_meets_nothing, mistakes_are_refused)
