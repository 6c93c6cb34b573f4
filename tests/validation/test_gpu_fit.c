/* SPDX-License-Identifier: MIT
 * Calibration, as a user with another GPU runs it: from constants that are off by a fifth and more,
 * the measured kernels alone must bring the error back near that of the shipped file. A constant
 * that no measurement moves, or a group whose fit spoils another, fails here. */
#include "models/gpu_fit.h"

#include "csv.h"
#include "platform_files.h"
#include "run_tests.h"
#include "validation/errors.h"

static struct kernel_measurement measurements[1000];
static size_t measurement_count;

static void add(const struct csv *csv, size_t row, struct kernel_measurement measurement)
{
    measurement.seconds = 1e-6 * csv_number(csv, row, "time_us");
    measurements[measurement_count++] = measurement;
}

static void add_gemm(const struct csv *csv, size_t row)
{
    bool bf16 = csv_is(csv, row, "dtype", "bf16"), rows = csv_is(csv, row, "dtype", "fp8");
    struct gemm_shape shape = {.m = (uint64_t)csv_number(csv, row, "m"),
                               .n = (uint64_t)csv_number(csv, row, "n"),
                               .k = (uint64_t)csv_number(csv, row, "k"),
                               .format = bf16 ? FORMAT_BF16 : FORMAT_FP8,
                               .scaling = bf16   ? SCALING_NONE
                                          : rows ? SCALING_ROW
                                                 : SCALING_TENSOR};
    add(csv, row, kernel_of_gemm(&shape));
}

static void add_attention(const struct csv *csv, size_t row)
{
    struct attention_shape shape = {.sequences = (uint64_t)csv_number(csv, row, "batch"),
                                    .queries = (uint64_t)csv_number(csv, row, "tq"),
                                    .keys = (uint64_t)csv_number(csv, row, "tk"),
                                    .query_heads = (uint32_t)csv_number(csv, row, "hq"),
                                    .kv_heads = (uint32_t)csv_number(csv, row, "hk"),
                                    .head_size = (uint32_t)csv_number(csv, row, "hd"),
                                    .causal = csv_number(csv, row, "causal") > 0.0,
                                    .format = FORMAT_BF16};
    add(csv, row, kernel_of_attention(&shape));
}

/* GEMM and prefill attention as micro-benchmarks; single kernels over seconds with their power. */
static void read_measurements(void)
{
    struct csv *csv = csv_read("h100_gemm");
    for (size_t row = 0; row < csv->row_count; row++) {
        add_gemm(csv, row);
    }
    free(csv);
    csv = csv_read("h100_attention_prefill");
    for (size_t row = 0; row < csv->row_count; row++) {
        if (csv_is(csv, row, "backend", "cudnn")) {
            add_attention(csv, row);
        }
    }
    free(csv);
    csv = csv_read("h100_power");
    for (size_t row = 0; row < csv->row_count; row++) {
        bool gemm = csv_is(csv, row, "work", "gemm");
        if (!gemm && !csv_is(csv, row, "work", "attention")) {
            continue;
        }
        if (gemm) {
            add_gemm(csv, row);
        } else {
            add_attention(csv, row);
        }
        struct kernel_measurement *last = &measurements[measurement_count - 1];
        last->watts = csv_number(csv, row, "average_watts");
        last->run_seconds = csv_number(csv, row, "seconds");
    }
    free(csv);
}

static double median_error(const struct gpu *gpu)
{
    static struct errors errors;
    errors.count = 0;
    for (size_t i = 0; i < measurement_count; i++) {
        errors_add(&errors, kernel_measurement_predict(gpu, &measurements[i]).seconds,
                   measurements[i].seconds);
    }
    errors_judge(&errors, &(struct error_bound){.name = "all measured kernels"});
    return errors.absolute[errors.count / 2];
}

START_TEST(finds_constants_that_were_lost)
{
    struct arena *arena = arena_create();
    struct gpu *shipped = ARENA_NEW(arena, struct gpu);
    load_platform_file(arena, "gpu", "gpus", "h100-sxm", shipped);
    read_measurements();
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

    static const struct kernel_measurement *scratch[sizeof measurements / sizeof *measurements];
    struct gpu_fit_report reports[GPU_FIT_GROUP_COUNT];
    gpu_fit(&gpu, measurements, measurement_count, scratch, reports);
    for (size_t i = 0; i < GPU_FIT_GROUP_COUNT; i++) {
        printf("%-26s %4zu rows %.4f -> %.4f  rows that move:", gpu_fit_groups[i].name,
               reports[i].rows, reports[i].before, reports[i].after);
        for (size_t j = 0; gpu_fit_groups[i].constants[j].offset > 0; j++) {
            printf(" %zu%s", reports[i].moved[j], reports[i].fitted[j] ? "" : " (kept)");
        }
        printf("\n");
    }
    ck_assert_double_lt(median_error(&gpu), 1.3 * best);
    /* No copies and no norms were measured: what the file says stays. */
    ck_assert_double_eq(gpu.copy_efficiency, shipped->copy_efficiency);
    ck_assert_double_eq(gpu.norm_efficiency, shipped->norm_efficiency);
    arena_destroy(arena);
}
END_TEST

RUN_TESTS(gpu_fit, finds_constants_that_were_lost)
