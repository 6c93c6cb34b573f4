/* SPDX-License-Identifier: MIT
 * A table of figures gives the same names and values to a list and to JSON, former names where they
 * were asked for, and says what turn a name is of. Worked on a subject of five members. */
#include "models/step/time_class.h"
#include "sim/figures/figure.h"
#include "sim/figures/figure_page.h"
#include "tests/run_tests.h"

#include <stdlib.h>
#include <string.h>

struct subject {
    double seconds, joules;
    uint64_t tokens;
    uint32_t steps;
    bool late;
};

static const struct subject subject = {
    .seconds = 2.0, .joules = 10.0, .tokens = 20000000001, .steps = 4, .late = true};

static double watts(const void *of)
{
    const struct subject *it = of;
    return it->joules / it->seconds;
}

static const char *word(const void *of)
{
    const struct subject *it = of;
    return it->late ? "late" : "early";
}

static bool never(const void *of)
{
    (void)of;
    return false;
}

#define AT(member) FIGURE_AT(struct subject, member)
static const struct figure figures[] = {
    {.name = "first_seconds", .unit = "s", .doc = "A.", AT(seconds), .bare = true},
    {.name = "tokens", .unit = "1", .doc = "B.", AT(tokens), .former_key = "old.inner.count"},
    {.name = "steps", .unit = "1", .doc = "C.", AT(steps), .former_key = "steps"},
    {.name = "late", .unit = "1", .doc = "D.", AT(late), .former_key = "old.late"},
    {.name = "watts", .unit = "W", .doc = "E.", .number = watts, .former_column = "power"},
    {.name = "word", .unit = "1", .doc = "F.", .kind = FIGURE_TEXT, .text = word},
    {.name = "absent", .unit = "1", .doc = "G.", AT(joules), .applies = never},
};
static const char *const parts[] = {"one_", "two_", NULL};
static const struct figure_table tables[] = {{.heading = "Things",
                                              .doc = "",
                                              .key = "things[]",
                                              .parts = parts,
                                              .figures = figures,
                                              .count = sizeof figures / sizeof *figures},
                                             {0}};

static void expect_names(const struct metric_list *list, const char *const *names, size_t count)
{
    ck_assert_uint_eq(list->count, count);
    for (size_t i = 0; i < count; i++) {
        ck_assert_str_eq(list->metrics[i].name, names[i]);
    }
}

START_TEST(a_list_has_every_figure_that_applies_under_its_name)
{
    static const char *const plain[] = {"first_seconds", "tokens", "steps",
                                        "late",          "watts",  "word"};
    static const char *const later[] = {
        "turn2_first_seconds", "turn2_two_tokens", "turn2_two_steps", "turn2_two_late",
        "turn2_two_watts",     "turn2_two_power",  "turn2_two_word"};
    struct arena *arena = arena_create();
    struct metric_list list = {.arena = arena};
    figures_collect(&tables[0], &subject, (struct figure_naming){.turn = 1}, &list);
    expect_names(&list, plain, 6);
    ck_assert_double_eq(list.metrics[0].value, 2.0);
    ck_assert_double_eq(list.metrics[1].value, 20000000001.0);
    ck_assert_double_eq(list.metrics[2].value, 4.0);
    ck_assert_double_eq(list.metrics[3].value, 1.0);
    ck_assert_double_eq(list.metrics[4].value, 5.0); /* 10 J / 2 s */
    ck_assert_str_eq(list.metrics[5].text, "late");
    ck_assert_double_eq(figure_value(&tables[0], &subject, "watts"), 5.0);
    struct metric_list second = {.arena = arena};
    figures_collect(&tables[0], &subject,
                    (struct figure_naming){.turn = 2, .part = "two_", .former = true}, &second);
    expect_names(&second, later, 7);
    arena_destroy(arena);
}
END_TEST

/* What `write` leaves in one object, blanks left out. */
static void expect_json(const char *path, bool former, const char *expected)
{
    char *bytes = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&bytes, &size);
    struct json json = {.stream = stream};
    json_open(&json, NULL, '{');
    if (former) {
        figures_write_former(&tables[0], &subject, path, &json);
    } else {
        figures_write(&tables[0], &subject, &json);
    }
    json_close(&json, '}');
    fclose(stream);
    size_t kept = 0;
    for (size_t i = 0; i < size; i++) {
        bytes[kept] = bytes[i];
        kept += strchr(" \n", bytes[i]) == NULL;
    }
    bytes[kept] = '\0';
    ck_assert_str_eq(bytes, expected);
    free(bytes);
}

START_TEST(json_keeps_the_digits_of_counts_and_former_keys_their_objects)
{
    expect_json("", false,
                "{\"first_seconds\":2,\"tokens\":20000000001,\"steps\":4,\"late\":1,\"watts\":5,"
                "\"word\":\"late\"}");
    expect_json("", true, "{\"steps\":4}");
    expect_json("old", true, "{\"late\":true}"); /* flags were booleans */
    expect_json("old.inner", true, "{\"count\":20000000001}");
    expect_json("ol", true, "{}");
}
END_TEST

START_TEST(a_name_says_what_turn_it_is_of)
{
    ck_assert(figure_is_of_later_turn("turn12_prefill_mfu"));
    ck_assert_str_eq(figure_without_turn("turn12_prefill_mfu"), "prefill_mfu");
    ck_assert(!figure_is_of_later_turn("prefill_mfu"));
    ck_assert(!figure_is_of_later_turn("turnover_joules"));
    ck_assert(!figure_is_of_later_turn("turn_joules"));
}
END_TEST

START_TEST(pages_name_figures_and_what_they_were)
{
    struct arena *arena = arena_create();
    struct text keys = {.arena = arena}, columns = {.arena = arena}, names = {.arena = arena};
    figures_former_keys(&keys, tables);
    ck_assert_str_eq(keys.bytes, "| `old.inner.count` | number | 1 | `things[].tokens` |\n"
                                 "| `steps` | number | 1 | `things[].steps` |\n"
                                 "| `old.late` | boolean | 1 | `things[].late` |\n");
    figures_former_columns(&columns, tables);
    ck_assert_str_eq(columns.bytes, "| `one_power` | `one_watts` |\n"
                                    "| `two_power` | `two_watts` |\n");
    figures_list_names(&names, tables);
    ck_assert_ptr_nonnull(strstr(names.bytes, "\n  one_watts "));
    ck_assert_ptr_nonnull(strstr(names.bytes, "\n  two_watts "));
    ck_assert_ptr_nonnull(strstr(names.bytes, "\n  first_seconds "));
    ck_assert_ptr_null(strstr(names.bytes, "one_first_seconds"));
    arena_destroy(arena);
}
END_TEST

START_TEST(every_class_of_time_has_a_word)
{
    for (int i = 0; i < TIME_CLASS_COUNT; i++) {
        ck_assert_ptr_nonnull(time_class_word((enum time_class)i));
        ck_assert_uint_le(strlen(time_class_heading((enum time_class)i)), 9);
    }
    ck_assert_str_eq(time_class_word(TIME_RING), "CP");
    ck_assert_str_eq(time_class_heading(TIME_RING), "ring*");
}
END_TEST

RUN_TESTS(figures, a_list_has_every_figure_that_applies_under_its_name,
          json_keeps_the_digits_of_counts_and_former_keys_their_objects,
          a_name_says_what_turn_it_is_of, pages_name_figures_and_what_they_were,
          every_class_of_time_has_a_word)
