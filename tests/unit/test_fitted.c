/* SPDX-License-Identifier: MIT
 * Whether a shape lies within the data of a model's constants: silence must mean that it does. */
#include "models/fitted.h"

#include "models/collective.h"
#include "models/gpu_kernel.h"
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

RUN_TESTS(fitted, a_product_within_and_outside, prefill_and_decode_have_their_own,
          a_file_that_says_nothing_covers_nothing, collectives)
