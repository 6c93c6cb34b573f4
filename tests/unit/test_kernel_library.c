/* SPDX-License-Identifier: MIT
 * Engines' own kernels on a GPU of round numbers: windows, parts, tiles, and which kernel a shape
 * gets. Catches a constant that has no effect and a window that is walked from its wrong end. */
#include "models/kernels/gpu_attention.h"
#include "models/kernels/gpu_matmul.h"
#include "round_gpu.h"
#include "run_tests.h"

static const struct tile tiles[] = {{64, 128}};
static const struct tile tuned[] = {{4, 1000}};

/* A block of 128 queries takes 16 clocks a key of 128 elements; a tile has 128 keys of 2 bytes. */
static const struct kernel_library library = {
    .name = "round",
    .prefill = {[KEYS_WIDE] = {.efficiency = 1.0,
                               .start_seconds = 5e-6,
                               .block_seconds = 1e-6,
                               .tile_bytes = 32768.0,
                               .tail_share = 0.1,
                               .block_queries = 128,
                               .small_head_queries = 256},
                [KEYS_NARROW] = {.efficiency = 1.0,
                                 .tile_bytes = 32768.0,
                                 .narrow_cycles = 10.0,
                                 .narrow_growth = 1.0,
                                 .block_queries = 128,
                                 .small_head_queries = 128,
                                 .computes_narrow = true}},
    .decode = {[KEYS_WIDE] = {.memory_efficiency = 0.5,
                              .start_seconds = 5e-6,
                              .split_seconds = 2e-6,
                              .tile_seconds = 1e-6,
                              .sm_bytes_per_clock = 64.0,
                              .full_share = 0.8,
                              .part_keys = 100,
                              .most_parts = 4}},
    .experts = {.kernels = {[EXPERTS_16_BIT] = {.tiles = {tiles, 1},
                                                .efficiency = 1.0,
                                                .tile_bytes_per_clock = 1e9,
                                                .memory_efficiency = 1.0,
                                                .start_seconds = 5e-6,
                                                .ranks_seconds = 3e-6}},
                .tuned = {tuned, 1},
                .untuned = {.tiles = {tiles, 1},
                            .efficiency = 0.5,
                            .tile_bytes_per_clock = 1e9,
                            .memory_efficiency = 1.0,
                            .start_seconds = 5e-6}},
};

static struct attention_shape prompt(uint64_t tokens)
{
    return (struct attention_shape){.sequences = 1,
                                    .queries = tokens,
                                    .keys = tokens,
                                    .query_heads = 1,
                                    .kv_heads = 1,
                                    .head_size = 128,
                                    .causal = true,
                                    .format = FORMAT_BF16,
                                    .library = &library};
}

static double seconds_of(const struct attention_shape *shape)
{
    const struct gpu gpu = round_gpu();
    return attention_cost(&gpu, shape, 1e9).seconds;
}

/* 100 blocks of 128: (128 + 12800) / 2 keys each, one an SM on the average, the last a tenth later,
 * but no sooner than the longest. */
START_TEST(prefill_by_hand)
{
    struct attention_shape shape = prompt(12800);
    ck_assert_double_eq_tol(seconds_of(&shape), 5e-6 + 1e-6 + 12800 * 16e-9, 1e-10);
    shape.sequences = 4; /* 400 blocks, 4 an SM: 4 x 6464 x 1.1 */
    ck_assert_double_eq_tol(seconds_of(&shape), 5e-6 + 4e-6 + 4 * 6464 * 1.1 * 16e-9, 1e-10);
}
END_TEST

/* A window of 128: a block's queries see 255 positions, which lie in as many tiles as 128 + 255 - 1
 * keys fill. The pairs: 128 growing to the window, 64 each, then 128 each. */
START_TEST(window_by_hand)
{
    struct attention_shape shape = prompt(12800);
    shape.window = 128;
    ck_assert_double_eq_tol(seconds_of(&shape), 5e-6 + 1e-6 + 382 * 16e-9, 1e-10);
    double pairs = 128.0 * 64.0 + (12800.0 - 128.0) * 128.0;
    ck_assert_double_eq(attention_useful_flops(&shape), 4.0 * pairs * 128.0);
    shape.window = 1 << 20; /* wider than the prompt: none */
    ck_assert_double_eq(attention_useful_flops(&shape), 4.0 * 12800.0 * 6400.0 * 128.0);
}
END_TEST

/* Keys in 8 bits, multiplied so: 8 clocks for the products, 10 to turn the key; in order. */
START_TEST(narrow_keys_have_a_kernel_of_their_own)
{
    struct attention_shape shape = prompt(128);
    shape.sequences = 100;
    shape.format = FORMAT_FP8;
    ck_assert_double_eq_tol(seconds_of(&shape), 128 * 18e-9, 1e-10);
    shape.head_size = 256; /* twice of both */
    ck_assert_double_eq_tol(seconds_of(&shape), 128 * 36e-9, 1e-10);
}
END_TEST

/* Values of 64: 12 clocks a key for 16. The GPU file's kernel: the same shape. */
START_TEST(values_of_another_size)
{
    struct gpu gpu = round_gpu();
    struct attention_shape shape = prompt(128);
    shape.sequences = 100;
    shape.value_head_size = 64;
    ck_assert_double_eq_tol(seconds_of(&shape), 6e-6 + 128 * 12e-9, 1e-10);
    shape.library = NULL;
    ck_assert_double_eq_tol(attention_cost(&gpu, &shape, 1e9).seconds, 128 * 12e-9, 1e-10);
    ck_assert_double_eq(attention_kv_bytes(&shape), 100.0 * 128.0 * (128.0 + 64.0) * 2.0);
}
END_TEST

/* 10 heads over 100 SMs: 1000 keys in 4 parts of 250; 512 bytes a key at 64 a clock are 8 clocks.
 * 90 heads are more than four fifths of the SMs and stay whole. */
START_TEST(decode_by_hand)
{
    struct attention_shape shape = {.sequences = 10,
                                    .queries = 1,
                                    .keys = 1000,
                                    .query_heads = 8,
                                    .kv_heads = 1,
                                    .head_size = 128,
                                    .format = FORMAT_BF16,
                                    .library = &library};
    ck_assert_double_eq_tol(seconds_of(&shape), 5e-6 + 2e-6 + 1e-6 + 250 * 8e-9, 1e-10);
    shape.sequences = 90;
    ck_assert_double_eq_tol(seconds_of(&shape), 5e-6 + 1e-6 + 1000 * 8e-9, 1e-10);
    shape.window = 100;
    ck_assert_double_eq_tol(seconds_of(&shape), 5e-6 + 1e-6 + 100 * 8e-9, 1e-10);
}
END_TEST

/* Of 1 MB, 0.5 TB/s or, measured over and over, the L2's rate. */
START_TEST(a_warm_cache_is_in_the_l2)
{
    struct gpu gpu = round_gpu();
    gpu.memory_bytes_per_second = 1e12;
    gpu.l2_bytes_per_second = 4e12;
    struct attention_shape shape = {.sequences = 100,
                                    .queries = 1,
                                    .keys = 1000,
                                    .query_heads = 1,
                                    .kv_heads = 1,
                                    .head_size = 128,
                                    .format = FORMAT_BF16,
                                    .library = &library};
    double bytes = 100.0 * (1000.0 * 512.0 + 512.0);
    struct kernel_work work = attention_work(&gpu, &shape, 1);
    ck_assert_double_eq_tol(work.memory_seconds, bytes / 0.5e12, 1e-12);
    shape.warm = true;
    gpu.l2_bytes = 100e6;
    work = attention_work(&gpu, &shape, 1);
    ck_assert_double_eq_tol(work.memory_seconds, bytes / 4e12, 1e-12);
}
END_TEST

/* 8 queries of 100 heads: no library, and a GPU whose kernel for few queries takes 20 clocks a head
 * and key after 1 us. Whole blocks take 16 clocks and one wave: 1000 keys 16 us. Of one head the
 * keys are cut: 1 us and a hundredth of 20. */
START_TEST(few_queries_are_split_or_a_block)
{
    struct gpu gpu = round_gpu();
    gpu.few_queries_seconds = 1e-6;
    gpu.few_queries_cycles = 20.0;
    struct attention_shape shape = {.sequences = 100,
                                    .queries = 8,
                                    .keys = 1000,
                                    .query_heads = 1,
                                    .kv_heads = 1,
                                    .head_size = 128,
                                    .format = FORMAT_BF16};
    ck_assert_double_eq_tol(attention_cost(&gpu, &shape, 1e9).seconds, 16e-6, 1e-10);
    shape.sequences = 1;
    ck_assert_double_eq_tol(attention_cost(&gpu, &shape, 1e9).seconds, 1e-6 + 10 * 20e-9, 1e-10);
}
END_TEST

/* 4 experts of 256 rows in tiles of 64 by 128: 4 x 4 x 10 = 160 tiles, two waves of 4 clocks a step
 * along 1000. A width that was not tuned takes twice as long, a second rank 3 us. */
START_TEST(experts_by_hand)
{
    struct gpu gpu = round_gpu();
    struct gemm_shape shape = {.m = 1024,
                               .n = 1280,
                               .k = 1000,
                               .experts = {.count = 4, .per_token = 4},
                               .routing = {.kind = ROUTING_BALANCED},
                               .expert_width = 1000,
                               .format = FORMAT_BF16,
                               .library = &library};
    ck_assert_double_eq_tol(gemm_cost(&gpu, &shape, 1e9).seconds, 5e-6 + 8e-6, 1e-10);
    shape.expert_width = 1001;
    ck_assert_double_eq_tol(gemm_cost(&gpu, &shape, 1e9).seconds, 5e-6 + 16e-6, 1e-10);
    /* 8 experts on 2 ranks: 4 here, with half of all rows. */
    shape.expert_width = 1000;
    shape.experts = (struct experts){.count = 8, .per_token = 4};
    shape.routing.ranks = 2;
    shape.m = 2048;
    ck_assert_double_eq_tol(gemm_cost(&gpu, &shape, 1e9).seconds, 5e-6 + 3e-6 + 8e-6, 1e-10);
    shape.weights = FORMAT_MXFP4; /* no kernel for it: the GPU file's */
    ck_assert_ptr_null(library_experts(&shape));
}
END_TEST

/* A pass over 12800 queries, keys and values of 128 x 2 bytes: 9.8304 MB at 1 TB/s. */
START_TEST(kernels_around_attention_are_passes)
{
    struct gpu gpu = round_gpu();
    gpu.memory_bytes_per_second = 1e12;
    struct kernel_library own = library;
    own.prefill[KEYS_WIDE].around_passes = 1.0;
    struct attention_shape shape = prompt(128);
    shape.sequences = 100;
    shape.library = &own;
    ck_assert_double_eq_tol(attention_work(&gpu, &shape, 1).fixed_seconds, 5e-6 + 9.8304e-6, 1e-12);
}
END_TEST

/* A tile loads (64 + 128) x 2 bytes a step: 8 clocks at 48 a clock, 4 to multiply. 160 tiles keep
 * all 100 SMs at it, two waves; 80 in one leave each a quarter more: 6.4 clocks. */
START_TEST(few_sms_have_more_of_the_l2)
{
    struct gpu gpu = round_gpu();
    struct kernel_library own = library;
    own.experts.kernels[EXPERTS_16_BIT].tile_bytes_per_clock = 48.0;
    struct gemm_shape shape = {.m = 1024,
                               .n = 1280,
                               .k = 1000,
                               .experts = {.count = 4, .per_token = 4},
                               .routing = {.kind = ROUTING_BALANCED},
                               .format = FORMAT_BF16,
                               .library = &own};
    ck_assert_double_eq_tol(gemm_cost(&gpu, &shape, 1e9).seconds, 5e-6 + 16e-6, 1e-10);
    shape.n = 640;
    ck_assert_double_eq_tol(gemm_cost(&gpu, &shape, 1e9).seconds, 5e-6 + 6.4e-6, 1e-10);
}
END_TEST

/* One token that chooses 4 of 8: their weights of 1280 x 1000 x 2 bytes at 1 TB/s, or all 8's. */
START_TEST(experts_are_read_where_chosen_or_all)
{
    struct gpu gpu = round_gpu();
    gpu.memory_bytes_per_second = 1e12;
    struct kernel_library own = library;
    struct gemm_shape shape = {.m = 4,
                               .n = 1280,
                               .k = 1000,
                               .experts = {.count = 8, .per_token = 4},
                               .routing = {.kind = ROUTING_BALANCED},
                               .format = FORMAT_BF16,
                               .library = &own};
    double each = 2.56e-6, rows = 4 * (1000 + 1280) * 2e-12;
    ck_assert_double_eq_tol(gemm_work(&gpu, &shape).memory_seconds, 4 * each + rows, 1e-12);
    own.experts.kernels[EXPERTS_16_BIT].all_experts = true;
    ck_assert_double_eq_tol(gemm_work(&gpu, &shape).memory_seconds, 8 * each + rows, 1e-12);
}
END_TEST

/* 2048 rows of 8 experts, half of them here: a pass over the output is of 1024 rows x 1280 x 2
 * bytes, or of all. */
START_TEST(kernels_around_experts_see_their_rows_or_all)
{
    struct gpu gpu = round_gpu();
    gpu.memory_bytes_per_second = 1e12;
    gpu.l2_bytes = 1e3;
    struct kernel_library own = library;
    struct experts_kernel *kernel = &own.experts.kernels[EXPERTS_16_BIT];
    kernel->output_passes = 1.0;
    struct gemm_shape shape = {.m = 2048,
                               .n = 1280,
                               .k = 1000,
                               .experts = {.count = 8, .per_token = 4},
                               .routing = {.kind = ROUTING_BALANCED, .ranks = 2},
                               .format = FORMAT_BF16,
                               .library = &own};
    ck_assert_double_eq_tol(gemm_work(&gpu, &shape).fixed_seconds, 8e-6 + 2.62144e-6, 1e-12);
    kernel->all_rows = true;
    ck_assert_double_eq_tol(gemm_work(&gpu, &shape).fixed_seconds, 8e-6 + 5.24288e-6, 1e-12);
}
END_TEST

/* 100 tiles of 128 x 128 on 100 SMs, 1024 deep: 2 x 128 x 128 x 1024 FLOP at half of 8192 a clock
 * are 8.192 us. Scales of a tensor are the GPU file's kernels, as without a library. */
START_TEST(products_with_scales_by_hand)
{
    static const struct tile square[] = {{128, 128}};
    struct gpu gpu = round_gpu();
    struct kernel_library own = library;
    own.products[SCALING_ROW] = (struct product_kernel){
        .efficiency = 0.5, .start_seconds = 5e-6, .family = {.tiles = {square, 1}}};
    struct gemm_shape shape = {.m = 1280,
                               .n = 1280,
                               .k = 1024,
                               .format = FORMAT_FP8,
                               .scaling = SCALING_ROW,
                               .library = &own};
    ck_assert_double_eq_tol(gemm_cost(&gpu, &shape, 1e9).seconds, 5e-6 + 8.192e-6, 1e-10);
    /* By rule 20 tokens lie along the 16 columns of 64 x 16: 2 x 20 tiles in one wave of 64 x 16 x
     * 1024 products, whose columns count as (64 + 16) / 2: 2 x 64 x 40 x 1024 FLOP are 1.28 us. */
    static const struct tile slim[] = {{64, 16}};
    static const struct product_rule rules[] = {
        {.most_tokens = 16, .tile = {square, 1}},
        {.most_tokens = 64, .most_columns = 1279, .tile = {square, 1}},
        {.most_tokens = 64, .least_depth = 1025, .tile = {square, 1}},
        {.most_tokens = 64, .tile = {slim, 1}, .turned = true}};
    own.products[SCALING_ROW].rules = rules;
    own.products[SCALING_ROW].rule_count = 4;
    ck_assert_double_eq_tol(gemm_cost(&gpu, &shape, 1e9).seconds, 5e-6 + 8.192e-6, 1e-10);
    shape.m = 20;
    ck_assert_double_eq_tol(gemm_cost(&gpu, &shape, 1e9).seconds, 5e-6 + 1.28e-6, 1e-9);
    shape.m = 1280;
    shape.scaling = SCALING_TENSOR;
    double scaled = gemm_cost(&gpu, &shape, 1e9).seconds;
    shape.library = NULL;
    ck_assert_double_eq(gemm_cost(&gpu, &shape, 1e9).seconds, scaled);
    ck_assert_double_eq_tol(scaled, 4.096e-6, 1e-9);
}
END_TEST

RUN_TESTS(kernel_library, products_with_scales_by_hand, prefill_by_hand, window_by_hand,
          narrow_keys_have_a_kernel_of_their_own, values_of_another_size, decode_by_hand,
          a_warm_cache_is_in_the_l2, few_queries_are_split_or_a_block, experts_by_hand,
          kernels_around_attention_are_passes, few_sms_have_more_of_the_l2,
          experts_are_read_where_chosen_or_all, kernels_around_experts_see_their_rows_or_all)
