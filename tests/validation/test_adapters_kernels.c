/* SPDX-License-Identifier: MIT
 * vLLM's kernels for adapters on an H200 against what its software file makes of them. Its
 * constants were fitted on every second row; the other half is held out. */
#include "../csv.h"
#include "models/passes/adapters.h"
#include "run_tests.h"
#include "sim/scenario/load.h"
#include "sim/scenario/replica.h"

#include <math.h>

#define SMALL CPSIM_SOURCE_DIR "/tests/model/serving_small.yaml"

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The products of a layer, in order. */
static uint32_t product_of(const char *name)
{
    static const char *const names[] = {"qkv", "out", "gate+up", "down"};
    for (uint32_t i = 0; i < 4; i++) {
        if (strstr(name, names[i]) != NULL) {
            return i;
        }
    }
    ck_abort_msg("a product of another name: %s", name);
}

static double seconds_of(const struct scenario *scenario, struct step_operator *operators,
                         const struct csv_row *row)
{
    struct replica replica = scenario_replica(scenario);
    struct model_stage whole = model_stage(replica.llm, 1, 0);
    const struct adapter_batch batch = {.targets = ADAPTERS_ALL,
                                        .rank = (uint32_t)strtoul(row->field[5], NULL, 10),
                                        .adapters = (uint32_t)strtoul(row->field[4], NULL, 10),
                                        .places = (uint32_t)strtoul(row->field[4], NULL, 10),
                                        .tokens = strtod(row->field[3], NULL),
                                        .graph = true};
    struct step_program program;
    adapters_build(&replica, &whole, &batch, operators, &program);
    const struct step_operator *ops =
        &program.segments[1].operators[3 * (size_t)product_of(row->field[2])];
    double clock = replica.gpu->boost_clock_hertz;
    double clear = kernel_cost_at(replica.gpu, &ops[0].kernel, clock).seconds;
    double shrink = kernel_cost_at(replica.gpu, &ops[1].kernel, clock).seconds;
    return strcmp(row->field[1], "expand") == 0
               ? kernel_cost_at(replica.gpu, &ops[2].kernel, clock).seconds
               : clear + shrink;
}

START_TEST(kernels_as_measured)
{
    struct arena *arena = arena_create();
    const struct override eight[] = {{.text = "gpu=h200-sxm"}},
                          seventy[] = {{.text = "gpu=h200-sxm"},
                                       {.text = "model=llama3-70b"},
                                       {.text = "layout.tensor=4"}};
    struct diagnostics *diagnostics = diagnostics_create();
    const struct scenario *of[] = {scenario_load(arena, SMALL, eight, 1, diagnostics),
                                   scenario_load(arena, SMALL, seventy, 3, diagnostics)};
    diagnostics_print(diagnostics, stderr);
    ck_assert(of[0] != NULL && of[1] != NULL);
    struct replica replica = scenario_replica(of[1]);
    struct step_operator *operators =
        ARENA_ARRAY(arena, struct step_operator, adapters_room(&replica));
    struct csv *csv = csv_read("h200_lora");
    static double errors[2][CSV_MAX_ROWS];
    size_t counts[2] = {0}, shapes = 0;
    for (size_t i = 0; i < csv->row_count; i++) {
        const struct csv_row *row = &csv->rows[i];
        bool kernel = strcmp(row->field[1], "expand") == 0 || strstr(row->field[1], "shrink");
        if (!kernel) {
            continue;
        }
        double found = 1e6 * seconds_of(of[strncmp(row->field[2], "70b", 3) == 0], operators, row);
        double error = found / strtod(row->field[9], NULL) - 1.0;
        size_t half = shapes++ / 2 % 2; /* both kernels of a shape are in one half */
        errors[half][counts[half]++] = fabs(error);
        if (fabs(error) > 0.6) {
            printf("%s %s, %s tokens, %s adapters, rank %s: %s us, by the model %.1f\n",
                   row->field[1], row->field[2], row->field[3], row->field[4], row->field[5],
                   row->field[9], found);
        }
    }
    for (size_t half = 0; half < 2; half++) {
        qsort(errors[half], counts[half], sizeof *errors[half], compare);
        double median = errors[half][counts[half] / 2], p90 = errors[half][counts[half] * 9 / 10];
        printf("%s: %zu rows, median %.1f %%, p90 %.1f %%, worst %.1f %%\n",
               half == 0 ? "fitted" : "held out", counts[half], 100.0 * median, 100.0 * p90,
               100.0 * errors[half][counts[half] - 1]);
        ck_assert_double_lt(median, 0.12);
        ck_assert_double_lt(p90, 0.28);
    }
    free(csv);
    diagnostics_destroy(diagnostics);
    arena_destroy(arena);
}
END_TEST

RUN_TESTS(adapters_kernels, kernels_as_measured)
