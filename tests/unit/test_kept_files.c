/* SPDX-License-Identifier: MIT
 * Scenarios that are loaded one after another with what they share read once are those that are
 * loaded each for itself, and all of them see the file that the first saw. */
#include "run_tests.h"
#include "sim/config/field.h"
#include "sim/scenario/load.h"
#include "sim/scenario/scenario.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const shipped[] = {"llama405b", "serving-deepseek-v3", "serving-disaggregated",
                                      "train-llama3-405b", "without-rdma"};

static const char *loaded(struct kept_files *files, struct arena *arena, const char *path,
                          const struct override *overrides, size_t count)
{
    struct diagnostics *diagnostics = diagnostics_create();
    const struct scenario *scenario =
        scenario_load_kept(files, arena, path, overrides, count, diagnostics);
    const char *yaml = scenario == NULL ? NULL : scenario_yaml(arena, scenario);
    diagnostics_destroy(diagnostics);
    return yaml;
}

/* Twice each, with and without --set in between: what one changes of a file's tree is its own. */
START_TEST(the_same_as_without)
{
    struct arena *arena = arena_create();
    struct kept_files *files = kept_files_create(arena);
    static const struct override change[] = {{.text = "gpu.power_limit=300 W"},
                                             {.text = "title=Another"}};
    for (size_t i = 0; i < sizeof shipped / sizeof *shipped; i++) {
        const char *path = arena_printf(arena, CPSIM_SOURCE_DIR "/scenarios/%s.yaml", shipped[i]);
        const char *plain = loaded(NULL, arena, path, NULL, 0);
        const char *changed = loaded(NULL, arena, path, change, 2);
        ck_assert_ptr_nonnull(plain);
        ck_assert_ptr_nonnull(changed);
        ck_assert_str_ne(plain, changed);
        for (int time = 0; time < 2; time++) {
            ck_assert_str_eq(loaded(files, arena, path, NULL, 0), plain);
            ck_assert_str_eq(loaded(files, arena, path, change, 2), changed);
        }
    }
    arena_destroy(arena);
}
END_TEST

static double limit_watts(struct kept_files *files, const char *path,
                          const struct override *overrides, size_t count)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    const struct scenario *scenario =
        scenario_load_kept(files, arena, path, overrides, count, diagnostics);
    double watts = scenario == NULL ? 0.0 : scenario->gpu.power_limit_watts;
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
    return watts;
}

/* Numbers of kept files are read once, and one that is set is the scenario's own. */
START_TEST(numbers_are_those_of_their_texts)
{
    struct arena *arena = arena_create();
    struct kept_files *files = kept_files_create(arena);
    static const char path[] = CPSIM_SOURCE_DIR "/scenarios/one-gpu.yaml";
    static const struct override change[] = {{.text = "gpu.power_limit=300 W"}};
    for (int time = 0; time < 3; time++) {
        ck_assert_double_eq(limit_watts(files, path, NULL, 0), 700.0);
        ck_assert_double_eq(limit_watts(files, path, change, 1), 300.0);
    }
    arena_destroy(arena);
}
END_TEST

struct pause {
    double delay_seconds;
};

static double delay_of(struct arena *arena, struct node *delay)
{
    static const struct field fields[] = {
        {.key = "delay", .kind = FIELD_SECONDS, FIELD_AT(pause, delay_seconds)}, {0}};
    struct diagnostics *diagnostics = diagnostics_create();
    const struct field_context context = {.arena = arena, .diagnostics = diagnostics};
    struct node *mapping = node_mapping(arena, delay->mark, ORIGIN_SCENARIO);
    struct pause pause = {0};
    node_put(arena, mapping, "delay", delay->mark, delay);
    fields_read(&context, fields, mapping, "", &pause);
    diagnostics_destroy(diagnostics);
    return pause.delay_seconds;
}

/* 7 s in place of what the text says shows who looks at the text again. */
START_TEST(a_copy_with_another_text_is_read_anew)
{
    struct arena *arena = arena_create();
    struct node *kept = node_scalar(arena, "40 us", (struct mark){0}, ORIGIN_DATA);
    node_keep_numbers(arena, kept);
    ck_assert_double_eq(delay_of(arena, node_copy(arena, kept)), 40e-6);
    kept->number->value = 7.0;
    struct node *other = node_copy(arena, kept);
    other->text = "50 us";
    ck_assert_double_eq(delay_of(arena, node_copy(arena, kept)), 7.0);
    ck_assert_double_eq(delay_of(arena, other), 50e-6);
    ck_assert_double_eq(delay_of(arena, node_copy(arena, kept)), 7.0);
    arena_destroy(arena);
}
END_TEST

static void write_scenario(const char *path, const char *title)
{
    FILE *stream = fopen(path, "w");
    ck_assert_ptr_nonnull(stream);
    fprintf(stream, "use: " CPSIM_SOURCE_DIR "/scenarios/one-gpu.yaml\ntitle: %s\n", title);
    ck_assert_int_eq(fclose(stream), 0);
}

START_TEST(all_see_what_the_first_saw)
{
    struct arena *arena = arena_create();
    struct kept_files *files = kept_files_create(arena);
    char path[] = "/tmp/cpsim-kept-XXXXXX";
    int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    close(descriptor);
    write_scenario(path, "Before");
    ck_assert_ptr_nonnull(strstr(loaded(files, arena, path, NULL, 0), "Before"));
    write_scenario(path, "After");
    ck_assert_ptr_nonnull(strstr(loaded(files, arena, path, NULL, 0), "Before"));
    ck_assert_ptr_nonnull(strstr(loaded(NULL, arena, path, NULL, 0), "After"));
    unlink(path);
    arena_destroy(arena);
}
END_TEST

/* A file with an error is not kept: each load says what is wrong with it. */
START_TEST(errors_are_told_each_time)
{
    struct arena *arena = arena_create();
    struct kept_files *files = kept_files_create(arena);
    for (int time = 0; time < 2; time++) {
        struct diagnostics *diagnostics = diagnostics_create();
        ck_assert_ptr_null(scenario_load_kept(files, arena, "/nowhere.yaml", NULL, 0, diagnostics));
        ck_assert_uint_eq(diagnostics_error_count(diagnostics), 1);
        diagnostics_destroy(diagnostics);
    }
    arena_destroy(arena);
}
END_TEST

RUN_TESTS(kept_files, the_same_as_without, numbers_are_those_of_their_texts,
          a_copy_with_another_text_is_read_anew, all_see_what_the_first_saw,
          errors_are_told_each_time)
