/* SPDX-License-Identifier: MIT
 * The points of a sweep: order, strata, streams of their own, the same numbers for everybody. */
#include "run_tests.h"
#include "sim/sweep/points.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct fixture {
    struct arena *arena;
    struct diagnostics *diagnostics;
    const struct points *points;
};

/* The points of a sweep over scenarios/one-gpu.yaml whose other keys are `keys`. */
static struct fixture open_points(const char *keys)
{
    char path[] = "/tmp/cpsim-points-XXXXXX";
    int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    FILE *stream = fdopen(descriptor, "w");
    fprintf(stream, "schema: 1\nbase: " CPSIM_SOURCE_DIR "/scenarios/one-gpu.yaml\n%s", keys);
    fclose(stream);
    struct fixture fixture = {.arena = arena_create(), .diagnostics = diagnostics_create()};
    const struct sweep_file *sweep = sweep_file_load(fixture.arena, path, fixture.diagnostics);
    if (sweep != NULL) {
        fixture.points = points_create(fixture.arena, sweep, NULL, 0, fixture.diagnostics);
    }
    diagnostics_print(fixture.diagnostics, stderr);
    ck_assert_ptr_nonnull(fixture.points);
    unlink(path);
    return fixture;
}

static void close_points(struct fixture *fixture)
{
    diagnostics_destroy(fixture->diagnostics);
    arena_destroy(fixture->arena);
}

START_TEST(the_last_key_changes_fastest)
{
    struct fixture fixture =
        open_points("axes:\n  grid: {workload.batch: [1, 2], layout.tensor: [4, 8]}\n"
                    "  list: [{detail: full}, {detail: folded}]\n"
                    "where: [not (batch == 1 and tensor == 8)]\nreplications: 2\n");
    static const char *const expected[] = {"1 4 full",   "1 4 folded", "2 4 full",
                                           "2 4 folded", "2 8 full",   "2 8 folded"};
    ck_assert_uint_eq(fixture.points->count, 12);
    for (uint64_t point = 0; point < 12; point++) {
        char text[64];
        snprintf(text, sizeof text, "%s %s %s", points_value(fixture.points, point, 0)->text,
                 points_value(fixture.points, point, 1)->text,
                 points_value(fixture.points, point, 2)->text);
        ck_assert_str_eq(text, expected[point / 2]);
        ck_assert_uint_eq(points_seed(fixture.points, point), point % 2);
    }
    close_points(&fixture);
}
END_TEST

static double number_at(const struct points *points, uint64_t point, size_t parameter)
{
    return points_value(points, point, parameter)->number;
}

START_TEST(a_latin_hypercube_has_one_sample_in_every_stratum)
{
    struct fixture fixture = open_points(
        "axes:\n  latin_hypercube:\n    samples: 50\n    keys:\n"
        "      memory.fraction: {from: 0.5, to: 1}\n"
        "      workload.turns.0.prompt: {from: 100 tokens, to: 1_000_000 tokens, scale: "
        "log}\n");
    bool linear[50] = {false}, logarithmic[50] = {false};
    ck_assert_uint_eq(fixture.points->count, 50);
    unsigned ordered = 0;
    for (uint64_t point = 0; point < 50; point++) {
        /* Part of [0.5, 1], 0.01 wide; of [10^2, 10^6], 4/50 decades wide. Whole tokens are at
         * most half a token off, which matters to none of the parts. */
        int first = (int)floor((number_at(fixture.points, point, 0) - 0.5) / 0.01);
        int second = (int)floor(log10(number_at(fixture.points, point, 1) / 100.0) / 0.08 + 1e-3);
        ck_assert(first >= 0 && first < 50 && second >= 0 && second < 50);
        linear[first] = true;
        logarithmic[second] = true;
        ordered += (unsigned)first == point;
    }
    unsigned filled = 0, almost = 0;
    for (int i = 0; i < 50; i++) {
        filled += linear[i];
        almost += logarithmic[i];
    }
    ck_assert_uint_eq(filled, 50);
    ck_assert_uint_ge(almost, 48);  /* the small ones: whole tokens may cross a border */
    ck_assert_uint_lt(ordered, 10); /* 1 on average: the parts come in random order */
    close_points(&fixture);
}
END_TEST

START_TEST(a_key_more_does_not_shift_the_others)
{
    struct fixture few =
        open_points("axes: {random: {samples: 20, keys: {workload.batch: {from: 1, "
                    "to: 1000}}}}\n");
    struct fixture more = open_points("axes: {random: {samples: 20, keys: {memory.fraction: {from: "
                                      "0.1, to: 1}, workload.batch: {from: 1, to: 1000}}}}\n");
    struct fixture other = open_points("seed: 1\naxes: {random: {samples: 20, keys: "
                                       "{workload.batch: {from: 1, to: 1000}}}}\n");
    unsigned same = 0;
    for (uint64_t point = 0; point < 20; point++) {
        ck_assert_double_eq(number_at(few.points, point, 0), number_at(more.points, point, 1));
        same += number_at(few.points, point, 0) == number_at(other.points, point, 0) ? 1 : 0;
    }
    ck_assert_uint_lt(same, 3); /* 0.02 on average */
    ck_assert_uint_ne(points_identity(few.points), points_identity(other.points));
    close_points(&few);
    close_points(&more);
    close_points(&other);
}
END_TEST

START_TEST(conditions_know_what_an_axis_brings_along)
{
    /* Llama 3 8B has 32 layers, 70B 80, 405B 126; the cluster has a node of 8. */
    struct fixture fixture =
        open_points("axes: {grid: {model: [llama3-8b, llama3-70b, llama3-405b], layout.tensor: [4, "
                    "8, 16]}}\nwhere: [model.layers > 40, tensor <= gpus]\n");
    ck_assert_uint_eq(fixture.points->considered, 9);
    ck_assert_uint_eq(fixture.points->dropped[0], 3);
    ck_assert_uint_eq(fixture.points->dropped[1], 2);
    ck_assert_uint_eq(fixture.points->count, 4);
    ck_assert_str_eq(points_value(fixture.points, 0, 0)->text, "llama3-70b");
    ck_assert_str_eq(points_value(fixture.points, 3, 1)->text, "8");
    close_points(&fixture);
}
END_TEST

RUN_TESTS(points, the_last_key_changes_fastest, a_latin_hypercube_has_one_sample_in_every_stratum,
          a_key_more_does_not_shift_the_others, conditions_know_what_an_axis_brings_along)
