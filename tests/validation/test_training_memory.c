/* SPDX-License-Identifier: MIT
 * What PyTorch keeps of a layer, and the fullest moment of whole steps (memory/), each row
 * predicted from its columns alone by `cpsim compare`. Nothing of it is fitted: an error is a
 * tensor that is counted and not kept, or the other way round. */
#include "run_tests.h"
#include "sim/compare/comparison.h"
#include "validation/errors.h"

static void judge(const char *name, const struct error_bound *bound)
{
    struct arena *arena = arena_create();
    struct diagnostics *diagnostics = diagnostics_create();
    const char *path =
        arena_printf(arena, "%s/tests/validation/memory/%s.csv", CPSIM_SOURCE_DIR, name);
    struct comparison_request request = {.files = &path, .file_count = 1};
    struct comparison comparison = {0};
    ck_assert(comparison_run(arena, &request, &comparison, diagnostics));
    static struct errors errors;
    errors.count = 0;
    for (size_t i = 0; i < comparison.row_count; i++) {
        ck_assert_uint_eq(comparison.rows[i].figure_count, 1);
        const struct figure *figure = &comparison.rows[i].figures[0];
        errors_add(&errors, figure->predicted, figure->measured);
    }
    errors_judge(&errors, bound);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}

START_TEST(layers)
{
    judge("activations",
          &(struct error_bound){
              .name = "kept of a layer", .median = 0.0001, .ninth_decile = 0.0005, .worst = 0.002});
}
END_TEST

START_TEST(steps)
{
    judge("states", &(struct error_bound){.name = "fullest moment of a step",
                                          .median = 0.0005,
                                          .ninth_decile = 0.002,
                                          .worst = 0.005});
}
END_TEST

RUN_TESTS(training_memory, layers, steps)
