/* SPDX-License-Identifier: MIT
 * Whether a shape lies within the data of a model's constants: silence must mean that it does. */
#include "models/collectives/collective.h"
#include "models/kernels/extrapolation.h"

#include "models/collectives/collective.h"
#include "models/kernels/gpu_kernel.h"
#include "models/kernels/kernel_measurement.h"
#include "run_tests.h"

static const struct gpu gpu = {
    .fitted = {.matmul_m = {1, 100},
               .matmul_n = {10, 100},
               .matmul_k = {10, 100},
               .attention_queries = {2, 100},
               .attention_keys = {16, 100},
               .decode_sequences = {1, 8},
               .decode_keys = {16, 200},
               .head_size = {128, 128}},
};

START_TEST(a_product_within_and_outside)
{
    struct gemm_shape shape = {.m = 1, .n = 100, .k = 10};
    ck_assert_ptr_null(gemm_extrapolation(&gpu, &shape).what);
    shape.k = 101;
    struct extrapolation outside = gemm_extrapolation(&gpu, &shape);
    ck_assert_str_eq(outside.what, "k");
    ck_assert_double_eq(outside.value, 101.0);
    ck_assert_double_eq(outside.range.most, 100.0);
}
END_TEST

/* 150 keys: more than prefill was measured with, not more than decode was. */
START_TEST(prefill_and_decode_have_their_own)
{
    struct attention_shape shape = {.sequences = 1, .queries = 1, .keys = 150, .head_size = 128};
    ck_assert_ptr_null(attention_extrapolation(&gpu, &shape).what);
    shape.queries = 2;
    ck_assert_str_eq(attention_extrapolation(&gpu, &shape).what, "keys");
    shape.keys = 100;
    ck_assert_ptr_null(attention_extrapolation(&gpu, &shape).what);
    shape.head_size = 64;
    ck_assert_str_eq(attention_extrapolation(&gpu, &shape).what, "head size");
}
END_TEST

START_TEST(a_file_that_says_nothing_covers_nothing)
{
    struct memory_shape shape = {.bytes = 1e6};
    struct extrapolation unknown = memory_extrapolation(&gpu, &shape);
    ck_assert_str_eq(unknown.what, "bytes");
    ck_assert_double_eq(unknown.range.most, 0.0);
}
END_TEST

START_TEST(collectives)
{
    struct collective_library library = {.fitted_ranks = {2, 8}, .fitted_bytes = {1024, 4096}};
    struct collective_call call = {.group = {.ranks = 8}, .bytes = 4096};
    ck_assert_ptr_null(collective_extrapolation(&library, &call).what);
    call.group.ranks = 9;
    ck_assert_str_eq(collective_extrapolation(&library, &call).what, "ranks");
}
END_TEST

/* Two products, 64 x 8 x 512 and 16 x 32 x 512: m 16 to 64, n 8 to 32, k 512 alone. */
START_TEST(ranges_are_those_of_the_kernels)
{
    struct gpu_fitted fitted = {0};
    struct gemm_shape wide = {.m = 64, .n = 8, .k = 512}, tall = {.m = 16, .n = 32, .k = 512};
    struct kernel_measurement kernel = kernel_of_gemm(&wide);
    gpu_fitted_include(&fitted, &kernel);
    kernel = kernel_of_gemm(&tall);
    gpu_fitted_include(&fitted, &kernel);
    ck_assert_double_eq(fitted.matmul_m.least, 16.0);
    ck_assert_double_eq(fitted.matmul_m.most, 64.0);
    ck_assert_double_eq(fitted.matmul_n.least, 8.0);
    ck_assert_double_eq(fitted.matmul_k.least, 512.0);
    ck_assert_double_eq(fitted.matmul_k.most, 512.0);
    ck_assert_double_eq(fitted.head_size.most, 0.0);

    struct attention_shape decode = {.sequences = 4, .queries = 1, .keys = 100, .head_size = 64};
    kernel = kernel_of_attention(&decode);
    gpu_fitted_include(&fitted, &kernel);
    struct attention_shape prefill = {.sequences = 9, .queries = 7, .keys = 200, .head_size = 128};
    kernel = kernel_of_attention(&prefill);
    gpu_fitted_include(&fitted, &kernel);
    ck_assert_double_eq(fitted.decode_sequences.most, 4.0);
    ck_assert_double_eq(fitted.decode_keys.most, 100.0);
    ck_assert_double_eq(fitted.attention_queries.least, 7.0);
    ck_assert_double_eq(fitted.attention_keys.least, 200.0);
    ck_assert_double_eq(fitted.head_size.least, 64.0);
    ck_assert_double_eq(fitted.head_size.most, 128.0);

    struct memory_shape copy = {.kernel = MEMORY_COPY, .bytes = 4096};
    kernel = kernel_of_memory(&copy);
    gpu_fitted_include(&fitted, &kernel);
    ck_assert_double_eq(fitted.memory_bytes.least, 4096.0);
    ck_assert_double_eq(fitted.memory_bytes.most, 4096.0);
}
END_TEST

/* What a compiler fused runs at a copy's rate: its class is no framework kernel's. */
START_TEST(a_shape_has_one_class)
{
    struct memory_shape norm = {.kernel = MEMORY_ADD_RMSNORM};
    ck_assert_int_eq(kernel_of_memory(&norm).class, KERNEL_NORM);
    norm.fused = true;
    ck_assert_int_eq(kernel_of_memory(&norm).class, KERNEL_OTHER_MEMORY);
    struct gemm_shape rows = {.format = FORMAT_FP8, .scaling = SCALING_ROW};
    ck_assert_int_eq(kernel_of_gemm(&rows).class, KERNEL_GEMM_ROW);
}
END_TEST

RUN_TESTS(fitted, a_product_within_and_outside, prefill_and_decode_have_their_own,
          a_file_that_says_nothing_covers_nothing, collectives, ranges_are_those_of_the_kernels,
          a_shape_has_one_class)
