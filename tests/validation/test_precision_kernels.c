/* SPDX-License-Identifier: MIT
 * Kernels of narrow formats against precision_h100.csv: products in fp8 with a scale a block and in
 * int8, products with weights dequantised on the way, quantise and cast kernels, decode attention
 * over an fp8 cache. Prints every row that it judges. */
#include "models/kernels/measurement.h"

#include "csv.h"
#include "platform_files.h"
#include "run_tests.h"
#include "validation/errors.h"

#include <math.h>

static struct arena *arena;
static struct gpu *h100;
static struct csv *csv;

static void set_up(void)
{
    arena = arena_create();
    h100 = ARENA_NEW(arena, struct gpu);
    load_platform_file(arena, "gpu", "gpus", "h100-sxm", h100);
    csv = csv_read("precision_h100");
}

static void tear_down(void)
{
    free(csv);
    arena_destroy(arena);
}

static uint64_t whole(size_t row, const char *column)
{
    return (uint64_t)csv_number(csv, row, column);
}

/* Adds and prints a row; returns predicted over measured. */
static double add(struct errors *errors, size_t row, const struct kernel_work *work)
{
    double predicted = measurement_of_kernel(h100, work).seconds;
    double measured = 1e-6 * csv_number(csv, row, "time_us");
    errors_add(errors, predicted, measured);
    printf("   %-8s %-15s m %5s k %5s n %5s  measured %8.1f us, predicted %8.1f (%+5.1f %%)\n",
           csv_text(csv, row, "kernel"), csv_text(csv, row, "dtype"), csv_text(csv, row, "m"),
           csv_text(csv, row, "k"), csv_text(csv, row, "n"), 1e6 * measured, 1e6 * predicted,
           100.0 * (predicted / measured - 1.0));
    return predicted / measured;
}

static struct gemm_shape shape_of(size_t row)
{
    return (struct gemm_shape){
        .m = whole(row, "m"), .n = whole(row, "n"), .k = whole(row, "k"), .format = FORMAT_BF16};
}

/* Rows of `dtype` from `least_m` on. */
static void judge_products(const char *dtype, double least_m, struct gemm_shape like,
                           const struct error_bound *bound)
{
    static struct errors errors;
    errors.count = 0;
    for (size_t row = 0; row < csv->row_count; row++) {
        if (csv_is(csv, row, "kind", "gemm") && csv_is(csv, row, "dtype", dtype) &&
            csv_number(csv, row, "m") >= least_m) {
            struct gemm_shape shape = shape_of(row);
            shape.format = like.format;
            shape.scaling = like.scaling;
            shape.block = like.block;
            shape.weights = like.weights;
            struct kernel_work work = gemm_work(h100, &shape);
            add(&errors, row, &work);
        }
    }
    errors_judge(&errors, bound);
}

/* Nothing was fitted on these rows: constants are those of row scales, and sums that go through the
 * lanes are counted. */
START_TEST(fp8_in_blocks)
{
    judge_products(
        "fp8block", 1,
        (struct gemm_shape){.format = FORMAT_FP8, .scaling = SCALING_BLOCK, .block = 128},
        &(struct error_bound){
            .name = "fp8, a scale a block", .median = 0.06, .ninth_decile = 0.12, .worst = 0.30});
}
END_TEST

START_TEST(int8)
{
    judge_products("int8", 1, (struct gemm_shape){.format = FORMAT_INT8, .scaling = SCALING_ROW},
                   &(struct error_bound){.name = "int8", .median = 0.10, .worst = 0.15});
}
END_TEST

/* Kernels of our own and PyTorch's, neither tuned: the count of instructions is a bound that none
 * may pass, not their time. */
START_TEST(dequantised_weights)
{
    static const struct {
        const char *dtype;
        enum format weights;
    } kernels[] = {{"int4-triton", FORMAT_INT4},
                   {"int8-triton", FORMAT_INT8},
                   {"fp8-triton", FORMAT_FP8},
                   {"int4-tinygemm", FORMAT_INT4}};
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
        static struct errors errors;
        errors.count = 0;
        for (size_t row = 0; row < csv->row_count; row++) {
            if (csv_is(csv, row, "kind", "gemm") && csv_is(csv, row, "dtype", kernels[i].dtype)) {
                struct gemm_shape shape = shape_of(row);
                shape.weights = kernels[i].weights;
                struct kernel_work work = gemm_work(h100, &shape);
                ck_assert_double_le(add(&errors, row, &work), 1.0);
            }
        }
        errors_judge(&errors, &(struct error_bound){.name = kernels[i].dtype});
    }
}
END_TEST

/* What is larger than the L2: smaller inputs were not found in it, as a layer's are. */
START_TEST(conversions)
{
    static const struct {
        const char *op;
        enum memory_kernel kernel;
        uint64_t run; /* elements with a scale; 0: a row */
        bool fused;
        struct error_bound bound;
    } ops[] = {
        {"quant_fp8_block",
         MEMORY_QUANTISE_ROW,
         128,
         true,
         {.name = "quantise by block", .worst = 0.10}},
        {"quant_fp8_row", MEMORY_QUANTISE_ROW, 0, true, {.name = "by row", .worst = 0.10}},
        {"quant_int8_row", MEMORY_QUANTISE_ROW, 0, true, {.name = "by row, int8", .worst = 0.10}},
        {"cast_fp8", MEMORY_QUANTISE, 0, false, {.name = "cast", .worst = 0.10}},
        {"dequant_fp8", MEMORY_DEQUANTISE, 0, false, {.name = "dequantise", .worst = 0.10}},
    };
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        static struct errors errors;
        errors.count = 0;
        for (size_t row = 0; row < csv->row_count; row++) {
            uint64_t elements =
                csv_is(csv, row, "kernel", ops[i].op) ? whole(row, "m") * whole(row, "n") : 0;
            if (3.0 * (double)elements > h100->l2_bytes) {
                uint64_t columns = ops[i].run > 0 ? ops[i].run : whole(row, "n");
                struct memory_shape shape = {.kernel = ops[i].kernel,
                                             .rows = elements / columns,
                                             .columns = columns,
                                             .bytes = 3.0 * (double)elements,
                                             .fused = ops[i].fused};
                struct kernel_work work = memory_kernel_work(h100, &shape);
                add(&errors, row, &work);
            }
        }
        errors_judge(&errors, &ops[i].bound);
    }
}
END_TEST

/* One query a sequence of 16 heads a key-value head, in bf16: keys and values in fp8 are widened.
 */
START_TEST(decode_attention)
{
    static const struct {
        const char *dtype;
        enum format format;
        struct error_bound bound;
    } caches[] = {
        {"bf16", FORMAT_BF16, {.name = "decode, cache in bf16", .median = 0.08, .worst = 0.20}},
        {"fp8", FORMAT_FP8, {.name = "decode, cache in fp8", .median = 0.05, .worst = 0.15}}};
    for (size_t i = 0; i < sizeof caches / sizeof *caches; i++) {
        static struct errors errors;
        errors.count = 0;
        for (size_t row = 0; row < csv->row_count; row++) {
            if (csv_is(csv, row, "kind", "decode") && csv_is(csv, row, "dtype", caches[i].dtype)) {
                struct attention_shape shape = {.sequences = whole(row, "m"),
                                                .queries = 1,
                                                .keys = whole(row, "k"),
                                                .query_heads = (uint32_t)(16 * whole(row, "n")),
                                                .kv_heads = (uint32_t)whole(row, "n"),
                                                .head_size = 128,
                                                .format = caches[i].format};
                struct kernel_work work = attention_work(h100, &shape, 1);
                add(&errors, row, &work);
            }
        }
        errors_judge(&errors, &caches[i].bound);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("precision_kernels");
    TCase *tcase = tcase_create("precision_kernels");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    const TTest *const tests[] = {fp8_in_blocks, int8, dequantised_weights, conversions,
                                  decode_attention};
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        tcase_add_test(tcase, tests[i]);
    }
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
