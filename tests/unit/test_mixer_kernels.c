/* SPDX-License-Identifier: MIT
 * Kernels of latent, sparse and linear attention and of hyper-connections on a GPU of round
 * numbers, worked by hand. Catches a constant that has no effect, a walk over the wrong keys, a
 * cache read once a head. */
#include "models/kernels/hyper_connection.h"
#include "models/kernels/latent_attention.h"
#include "models/kernels/scan.h"
#include "models/kernels/sparse_attention.h"
#include "round_gpu.h"
#include "run_tests.h"

static double microseconds(const struct gpu *gpu, struct kernel_work work)
{
    return 1e6 * kernel_cost_at(gpu, &work, 1e9).seconds;
}

/* Rank 480 and rope 64: 2 x 480 + 64 = 1024 elements a pair; 64 rows take 2 x 64 x 1024 / 4096 = 32
 * clocks a key. */
static struct latent_shape absorbed(uint64_t sequences)
{
    return (struct latent_shape){.sequences = sequences,
                                 .queries = 1,
                                 .keys = 1000,
                                 .heads = 64,
                                 .rank = 480,
                                 .rope = 64,
                                 .absorbed = true,
                                 .cache = FORMAT_BF16};
}

static const struct kernel_constants latent = {.start_seconds = 10e-6,
                                               .efficiency = 1.0,
                                               .memory_efficiency = 1.0,
                                               .block_seconds = 2e-6,
                                               .step_seconds = 0.1e-6,
                                               .splits_keys = true};

/* 100 sequences, one an SM: 10 + 2 + 1000 x 32 clocks. */
START_TEST(latent_decode_of_many)
{
    const struct gpu gpu = round_gpu();
    struct latent_shape shape = absorbed(100);
    ck_assert_double_eq_tol(microseconds(&gpu, latent_attention_work(&gpu, &latent, &shape)), 44.0,
                            1e-3);
    /* 8 heads fill no fewer rows. */
    shape.heads = 8;
    ck_assert_double_eq_tol(microseconds(&gpu, latent_attention_work(&gpu, &latent, &shape)), 44.0,
                            1e-3);
}
END_TEST

/* One sequence goes to 16 SMs, 64 keys a part: 10 + 0.02 + 16 x 0.1 + 62.5 x 32 clocks. The cache
 * is read once for all heads: 1000 x 544 x 2 B, and 64 x 1024 x 2 B of queries and results. */
START_TEST(latent_decode_of_one)
{
    const struct gpu gpu = round_gpu();
    struct latent_shape shape = absorbed(1);
    struct kernel_work work = latent_attention_work(&gpu, &latent, &shape);
    ck_assert_double_eq_tol(microseconds(&gpu, work), 13.62, 1e-3);
    ck_assert_double_eq_tol(work.bytes, 1219072.0, 1e-6);
    ck_assert_double_eq_tol(work.flops, 2.0 * 64 * 1000 * 1024, 1e-3);
}
END_TEST

/* A benchmark's small cache lies in L2; a service's does not. */
START_TEST(latent_warm_cache)
{
    struct gpu gpu = round_gpu();
    gpu.memory_bytes_per_second = 1e12;
    struct latent_shape shape = absorbed(1);
    double cold = latent_attention_work(&gpu, &latent, &shape).memory_seconds;
    shape.warm = true;
    double warm = latent_attention_work(&gpu, &latent, &shape).memory_seconds;
    ck_assert_double_eq_tol(cold, 1088000.0 / 1e12, 1e-12);
    ck_assert_double_lt(warm, 1e-9);
}
END_TEST

/* 100 heads of one block each: 128 keys of 16 clocks, a block, a start. */
START_TEST(latent_expanded)
{
    const struct gpu gpu = round_gpu();
    struct latent_shape shape = {.sequences = 1,
                                 .queries = 128,
                                 .keys = 128,
                                 .heads = 100,
                                 .rank = 480,
                                 .rope = 64,
                                 .nope = 64,
                                 .value = 128,
                                 .cache = FORMAT_BF16};
    const struct kernel_constants constants = {
        .start_seconds = 5e-6, .efficiency = 1.0, .memory_efficiency = 1.0, .block_seconds = 1e-6};
    struct kernel_work work = latent_attention_work(&gpu, &constants, &shape);
    ck_assert_double_eq_tol(microseconds(&gpu, work), 8.048, 1e-3);
    ck_assert_double_eq_tol(work.flops, 2.0 * 100 * (128 * 129 / 2) * 256, 1e-3);
}
END_TEST

/* 100 queries with 16 heads each: 64 rows, 500 keys of 32 clocks; padded, 1000. */
START_TEST(sparse_attention)
{
    const struct gpu gpu = round_gpu();
    struct kernel_constants constants = {
        .start_seconds = 10e-6, .efficiency = 1.0, .memory_efficiency = 1.0};
    struct sparse_shape shape = {.queries = 100.0,
                                 .keys = 500.0,
                                 .most_keys = 1000.0,
                                 .heads = 16,
                                 .groups = 1,
                                 .key_size = 544,
                                 .value_size = 480,
                                 .key_bytes = 1088.0};
    ck_assert_double_eq_tol(microseconds(&gpu, sparse_attention_work(&gpu, &constants, &shape)),
                            26.0, 1e-3);
    constants.whole_choices = true;
    ck_assert_double_eq_tol(microseconds(&gpu, sparse_attention_work(&gpu, &constants, &shape)),
                            42.0, 1e-3);
}
END_TEST

/* 2 x 64 x 128 FLOPs a pair at 819.2 TFLOP/s: 50,000 pairs in 1 us. The choice has nothing to do
 * where no query sees more than it takes. */
START_TEST(indexer_and_choice)
{
    const struct gpu gpu = round_gpu();
    const struct kernel_constants constants = {
        .start_seconds = 4e-6, .efficiency = 1.0, .memory_efficiency = 1.0, .row_seconds = 100e-6};
    struct indexer_shape shape = {.queries = 10.0,
                                  .pairs = 50000.0,
                                  .keys = 5000.0,
                                  .heads = 64,
                                  .head_size = 128,
                                  .key_bytes = 132.0,
                                  .format = FORMAT_FP8,
                                  .pair_bytes = 4.0};
    ck_assert_double_eq_tol(microseconds(&gpu, indexer_work(&gpu, &constants, &shape)), 5.0, 1e-3);
    /* 10 rows of 100 us on 100 SMs. */
    ck_assert_double_eq_tol(microseconds(&gpu, top_k_work(&gpu, &constants, &shape, 2048.0)), 14.0,
                            1e-3);
    ck_assert_double_lt(microseconds(&gpu, top_k_work(&gpu, &constants, &shape, 5000.0)), 1e-3);
}
END_TEST

/* Positions 1 to 8 in entries of 4: 0 0 0 1 1 1 1 2. At most 3 of 5: 1 2 3 3 3. */
START_TEST(entries_seen)
{
    ck_assert_double_eq_tol(mean_entries(0.0, 8.0, 4.0, 10.0), 0.75, 1e-12);
    ck_assert_double_eq_tol(mean_entries(0.0, 5.0, 1.0, 3.0), 2.4, 1e-12);
    ck_assert_double_eq_tol(mean_entries(100.0, 1.0, 1.0, 3.0), 3.0, 1e-12);
}
END_TEST

/* Two chunks of 3 us and a block of 1 us, 64 tokens of 10 ns, a start of 2 us; 101 heads wait for
 * an SM. */
START_TEST(scan_in_chunks)
{
    const struct gpu gpu = round_gpu();
    const struct kernel_constants constants = {.start_seconds = 2e-6,
                                               .memory_efficiency = 1.0,
                                               .step_seconds = 3e-6,
                                               .block_seconds = 1e-6,
                                               .token_seconds = 10e-9};
    struct scan_shape shape = {.sequences = 10,
                               .tokens = 128,
                               .key_heads = 10,
                               .value_heads = 10,
                               .key_size = 128,
                               .value_size = 128};
    ck_assert_double_eq_tol(microseconds(&gpu, scan_work(&gpu, &constants, &shape)), 9.64, 1e-3);
    shape.sequences = 101;
    shape.value_heads = 1;
    ck_assert_double_eq_tol(microseconds(&gpu, scan_work(&gpu, &constants, &shape)), 16.64, 1e-3);
}
END_TEST

/* A state of 100 x 100 in fp32 read and written, and 2 x 2 x (100 + 100) B of the token. */
START_TEST(state_of_a_step)
{
    struct gpu gpu = round_gpu();
    gpu.memory_bytes_per_second = 1e12;
    const struct kernel_constants constants = {
        .start_seconds = 3e-6, .memory_efficiency = 0.5, .l2_efficiency = 1.0};
    struct scan_shape shape = {.sequences = 1,
                               .tokens = 1,
                               .key_heads = 1,
                               .value_heads = 1,
                               .key_size = 100,
                               .value_size = 100};
    struct kernel_work work = state_step_work(&gpu, &constants, &shape);
    ck_assert_double_eq_tol(work.bytes, 80800.0, 1e-9);
    ck_assert_double_eq_tol(microseconds(&gpu, work), 3.1616, 1e-4);
    shape.warm = true;
    ck_assert_double_eq_tol(microseconds(&gpu, state_step_work(&gpu, &constants, &shape)), 3.0,
                            1e-4);
}
END_TEST

/* Tokens and 3 of each sequence's past, in and out: 2 x (40,000 + 12,000) B. */
START_TEST(short_convolution)
{
    const struct gpu gpu = round_gpu();
    const struct kernel_constants constants = {.start_seconds = 2e-6,
                                               .memory_efficiency = 1.0,
                                               .l2_efficiency = 1.0,
                                               .token_seconds = 0.1e-6};
    const struct convolution_shape shape = {
        .sequences = 2, .tokens = 10, .channels = 1000, .taps = 4};
    struct kernel_work work = convolution_work(&gpu, &constants, &shape);
    ck_assert_double_eq_tol(work.bytes, 104000.0, 1e-9);
    ck_assert_double_eq_tol(microseconds(&gpu, work), 3.0, 1e-3);
}
END_TEST

/* Four streams of 1000 elements twice and one once, 18 KB a token; two rows an SM of 1 us. */
START_TEST(hyper_connections)
{
    const struct gpu gpu = round_gpu();
    struct kernel_constants constants = {.start_seconds = 5e-6,
                                         .memory_efficiency = 1.0,
                                         .l2_efficiency = 1.0,
                                         .block_seconds = 1e-6};
    const struct hyper_shape shape = {.tokens = 200, .streams = 4, .hidden = 1000};
    struct kernel_work work = hyper_connection_work(&gpu, &constants, &shape);
    ck_assert_double_eq_tol(work.bytes, 200 * 18000.0, 1e-6);
    ck_assert_double_eq_tol(microseconds(&gpu, work), 7.0, 1e-3);
    constants.few_tokens = 256.0;
    constants.few_start_seconds = 1e-6;
    constants.few_block_seconds = 10e-9;
    ck_assert_double_eq_tol(microseconds(&gpu, hyper_connection_work(&gpu, &constants, &shape)),
                            3.0, 1e-3);
}
END_TEST

/* A state of 4 heads x 32 x 16 in fp32 is read and written: 16,384 B. Of 64 tokens queries, keys,
 * values and outputs in bf16: 64 x 2 x 2 x (2 x 32 + 4 x 16) = 32,768 B. */
START_TEST(bytes_of_a_scan)
{
    const struct gpu gpu = round_gpu();
    const struct kernel_constants constants = {.start_seconds = 1e-6, .memory_efficiency = 1.0};
    const struct scan_shape shape = {.sequences = 1,
                                     .tokens = 64,
                                     .key_heads = 2,
                                     .value_heads = 4,
                                     .key_size = 32,
                                     .value_size = 16};
    ck_assert_double_eq(scan_work(&gpu, &constants, &shape).bytes, 32768.0 + 16384.0);
}
END_TEST

RUN_TESTS(mixer_kernels, latent_decode_of_many, latent_decode_of_one, latent_warm_cache,
          latent_expanded, sparse_attention, indexer_and_choice, entries_seen, scan_in_chunks,
          state_of_a_step, short_convolution, hyper_connections, bytes_of_a_scan)
