/* SPDX-License-Identifier: MIT
 * Calibration, as a user with another GPU runs it: from constants that are off by a fifth and more,
 * the measured kernels alone must bring the error back near that of the shipped file. A constant
 * that no measurement moves, or a group whose fit spoils another, fails here. */
#include "models/kernels/gpu_fit.h"

#include "platform_files.h"
#include "run_tests.h"
#include "sim/compare/comparison.h"
#include "validation/errors.h"

static struct kernel_measurement kernels[1000];
static size_t kernel_count;

/* GEMM and prefill attention as micro-benchmarks; single kernels over seconds with their power. */
static void read_measurements(struct arena *arena, const struct gpu *gpu)
{
    static const char silicon[] = CPSIM_SOURCE_DIR "/tests/validation/silicon/";
    const char *files[] = {arena_printf(arena, "%sh100_gemm.csv", silicon),
                           arena_printf(arena, "%sh100_attention_prefill.csv", silicon),
                           arena_printf(arena, "%sh100_power.csv", silicon)};
    struct comparison_request request = {.files = files, .file_count = 3, .gpu_values = gpu};
    struct comparison rows;
    struct diagnostics *diagnostics = diagnostics_create();
    bool read = comparison_run(arena, &request, &rows, diagnostics);
    diagnostics_print(diagnostics, stderr);
    diagnostics_destroy(diagnostics);
    ck_assert(read);
    for (size_t i = 0; i < rows.row_count; i++) {
        if (rows.rows[i].kernel.seconds > 0.0 && !rows.rows[i].slower &&
            rows.rows[i].kernel.class != KERNEL_COPY) {
            kernels[kernel_count++] = rows.rows[i].kernel;
        }
    }
}

static double median_error(const struct gpu *gpu)
{
    static struct errors errors;
    errors.count = 0;
    for (size_t i = 0; i < kernel_count; i++) {
        errors_add(&errors, kernel_measurement_predict(gpu, &kernels[i]).seconds,
                   kernels[i].seconds);
    }
    errors_judge(&errors, &(struct error_bound){.name = "all measured kernels"});
    return errors.absolute[errors.count / 2];
}

START_TEST(finds_constants_that_were_lost)
{
    struct arena *arena = arena_create();
    struct gpu *shipped = ARENA_NEW(arena, struct gpu);
    load_platform_file(arena, "gpu", "gpus", "h100-sxm", shipped);
    read_measurements(arena, shipped);
    double best = median_error(shipped);

    struct gpu gpu = *shipped;
    for (int scaling = 0; scaling < SCALING_COUNT; scaling++) {
        gpu.matmul_efficiency[scaling] *= 0.75;
        gpu.matmul_seconds[scaling] *= 2.0;
    }
    gpu.attention_efficiency *= 0.8;
    gpu.memory_efficiency *= 0.8;
    for (int format = 0; format < FORMAT_COUNT; format++) {
        gpu.matmul_joules_per_flop[format] *= 0.7;
    }
    ck_assert_double_gt(median_error(&gpu), 2.0 * best);

    static const struct kernel_measurement *scratch[sizeof kernels / sizeof *kernels];
    struct gpu_fit_report reports[GPU_FIT_GROUP_COUNT];
    gpu_fit(&gpu, kernels, kernel_count, scratch, NULL, reports);
    for (size_t i = 0; i < GPU_FIT_GROUP_COUNT; i++) {
        printf("%-26s %4zu rows %.4f -> %.4f  rows that move:", gpu_fit_groups[i].name,
               reports[i].rows, reports[i].before, reports[i].after);
        for (size_t j = 0; gpu_fit_groups[i].constants[j].offset > 0; j++) {
            printf(" %zu%s", reports[i].moved[j], reports[i].fitted[j] ? "" : " (kept)");
        }
        printf("\n");
    }
    ck_assert_double_lt(median_error(&gpu), 1.15 * best);
    /* No copies and no norms were measured: what the file says stays. */
    ck_assert_double_eq(gpu.copy_efficiency, shipped->copy_efficiency);
    ck_assert_double_eq(gpu.norm_efficiency, shipped->norm_efficiency);
    arena_destroy(arena);
}
END_TEST

RUN_TESTS(gpu_fit, finds_constants_that_were_lost)
