/* SPDX-License-Identifier: MIT
 * The kernel models on a GPU of round numbers, where every time can be worked by hand: 100 SMs at
 * 1 GHz, 4096 bf16 and 8192 fp8 FLOP a clock and SM, memory that costs nothing unless a test says
 * so. These catch a wrong tile count, wave count or unit; the error against real GPUs is measured
 * in tests/validation. */
#include "models/kernels/gpu_attention.h"
#include "models/kernels/gpu_power.h"
#include "models/numeric/random.h"
#include "round_gpu.h"
#include "run_tests.h"

#include <math.h>

static struct kernel_cost row_scaled(const struct gpu *gpu, uint64_t m, uint64_t n)
{
    struct gemm_shape shape = {
        .m = m, .n = n, .k = 1024, .format = FORMAT_FP8, .scaling = SCALING_ROW};
    return gemm_cost(gpu, &shape, gpu->boost_clock_hertz);
}

/* Tiles of 128 x 128: a step along k takes 2 x 128 x 128 / 8192 = 4 clocks, k = 1024 takes 4.096
 * us. 1280 x 1280 is 100 tiles, one wave; one row more is a tenth more tiles and a second wave. */
START_TEST(gemm_goes_in_waves)
{
    struct gpu gpu = round_gpu();
    ck_assert_double_eq_tol(row_scaled(&gpu, 1280, 1280).seconds, 4.096e-6, 1e-12);
    ck_assert_double_eq_tol(row_scaled(&gpu, 1281, 1280).seconds, 8.192e-6, 1e-12);
    ck_assert_double_eq_tol(row_scaled(&gpu, 1, 1).seconds, 4.096e-6, 1e-12);
    ck_assert_double_eq(row_scaled(&gpu, 1280, 1280).flops, 2.0 * 1280 * 1280 * 1024);
}
END_TEST

/* 64 x 64 outputs and k = 65536 would keep two SMs busy (64 x 32 tiles, which cost as much as 48
 * columns: 1.5 clocks a step, 98304 in all); a split in 16 spreads it, at the price of the kernel
 * that adds the parts. */
START_TEST(gemm_splits_few_tiles)
{
    struct gpu gpu = round_gpu();
    gpu.split_seconds = 1e-6;
    struct gemm_shape shape = {.m = 64, .n = 64, .k = 65536, .format = FORMAT_BF16};
    struct kernel_work work = gemm_work(&gpu, &shape);
    ck_assert_double_le(work.sm_cycles, 98304.0 / 16.0);
    ck_assert_double_eq_tol(work.fixed_seconds, 1e-6, 1e-12);
    gpu.split_seconds = 1.0;
    work = gemm_work(&gpu, &shape);
    ck_assert_double_eq(work.fixed_seconds, 0.0);
    ck_assert_double_le(work.sm_cycles, 98304.0);
    ck_assert_double_ge(work.sm_cycles, 65536.0); /* a tile as narrow as may be: a clock a step */
}
END_TEST

/* m = 1 reads 1e9 weights of 2 bytes at 1 TB/s: 2 ms, at
 * any clock (but for the bit of compute that is not hidden). */
START_TEST(thin_gemm_is_bound_by_memory)
{
    struct gpu gpu = round_gpu();
    gpu.memory_bytes_per_second = 1e12;
    struct gemm_shape shape = {.m = 1, .n = 100000, .k = 10000, .format = FORMAT_BF16};
    struct kernel_cost fast = gemm_cost(&gpu, &shape, 1e9);
    ck_assert_double_eq_tol(fast.seconds, 2e-3, 1e-6);
    ck_assert_int_eq(fast.bound, BOUND_MEMORY);
    ck_assert_double_eq_tol(gemm_cost(&gpu, &shape, 0.8e9).seconds, fast.seconds, 0.04e-3);
}
END_TEST

static double attention_seconds(const struct gpu *gpu, struct attention_shape shape)
{
    return attention_cost(gpu, &shape, gpu->boost_clock_hertz).seconds;
}

/* A block of 128 queries takes 4 x 128 x 128 / 4096 = 16 clocks a key. 10 heads x 10 blocks fill
 * the 100 SMs once: 1000 keys take 16 us. 11 heads need a second wave. */
START_TEST(rectangular_attention_goes_in_waves)
{
    struct gpu gpu = round_gpu();
    struct attention_shape shape = {.sequences = 1,
                                    .queries = 1280,
                                    .keys = 1000,
                                    .query_heads = 10,
                                    .kv_heads = 2,
                                    .head_size = 128,
                                    .format = FORMAT_BF16};
    ck_assert_double_eq_tol(attention_seconds(&gpu, shape), 16e-6, 1e-12);
    shape.query_heads = 11;
    shape.kv_heads = 1;
    ck_assert_double_eq_tol(attention_seconds(&gpu, shape), 32e-6, 1e-12);
}
END_TEST

/* Causal, 100 heads of 2 blocks (128 and 256 keys): 38400 block-keys; the last block starts when
 * the rest, 38144, are spread over 100 SMs: 381.44 keys, and ends 256 later. Half of the blocks'
 * spread (1 - 128 / 256) counts so, the other half as full waves: 2 x 192. */
START_TEST(causal_attention_ends_with_its_longest_block)
{
    struct gpu gpu = round_gpu();
    struct attention_shape shape = {.sequences = 100,
                                    .queries = 256,
                                    .keys = 256,
                                    .query_heads = 1,
                                    .kv_heads = 1,
                                    .head_size = 128,
                                    .causal = true,
                                    .format = FORMAT_BF16};
    double keys = 0.5 * (381.44 + 256.0) + 0.5 * 384.0;
    ck_assert_double_eq_tol(attention_seconds(&gpu, shape), keys * 16e-9, 1e-12);
}
END_TEST

/* One rectangle in one launch or cut in two along its queries: the same blocks, the same time. */
START_TEST(two_rectangles_are_one_launch)
{
    struct gpu gpu = round_gpu();
    gpu.attention_seconds = 5e-6;
    struct attention_shape half = {.sequences = 1,
                                   .queries = 640,
                                   .keys = 4096,
                                   .query_heads = 16,
                                   .kv_heads = 1,
                                   .head_size = 128,
                                   .format = FORMAT_BF16};
    struct attention_shape whole = half;
    whole.queries = 1280;
    struct attention_shape halves[] = {half, half};
    struct kernel_work one = attention_work(&gpu, &whole, 1);
    struct kernel_work two = attention_work(&gpu, halves, 2);
    ck_assert_double_eq_tol(two.sm_cycles, one.sm_cycles, 1e-6);
    ck_assert_double_eq(two.fixed_seconds, one.fixed_seconds);
    halves[1].sequences = 0;
    ck_assert_double_eq(attention_work(&gpu, halves, 2).sm_cycles,
                        attention_work(&gpu, &half, 1).sm_cycles);
}
END_TEST

/* 8 sequences x 8000 keys x 2 heads x 128 x (2 + 2) bytes = 65.536 MB at 1 TB/s, and a query and an
 * output of 16 heads x 128 x 2 bytes each a sequence; fp8 halves the cache. */
START_TEST(decode_reads_the_cache_once)
{
    struct gpu gpu = round_gpu();
    gpu.memory_bytes_per_second = 1e12;
    struct attention_shape shape = {.sequences = 8,
                                    .queries = 1,
                                    .keys = 8000,
                                    .query_heads = 16,
                                    .kv_heads = 2,
                                    .head_size = 128,
                                    .format = FORMAT_BF16};
    ck_assert_double_eq_tol(attention_seconds(&gpu, shape), 65.536e-6 + 65.536e-9, 1e-11);
    shape.format = FORMAT_FP8;
    ck_assert_double_eq_tol(attention_seconds(&gpu, shape), 32.768e-6 + 65.536e-9, 1e-11);
    shape.page_keys = 64; /* 8000 = 125 pages */
    ck_assert_double_eq_tol(attention_seconds(&gpu, shape), 32.768e-6 + 65.536e-9, 1e-11);
}
END_TEST

/* 100 MB at 1 TB/s: 100 us; 10 MB fit in the L2 at 10 TB/s: 1 us. RoPE in 5 passes takes 5 times as
 * long, unless a compiler fused it. */
START_TEST(memory_kernels_read_memory_or_l2)
{
    struct gpu gpu = round_gpu();
    gpu.memory_bytes_per_second = 1e12;
    gpu.l2_bytes_per_second = 10e12;
    gpu.rope_passes = 5.0;
    struct memory_shape shape = {.kernel = MEMORY_COPY, .bytes = 100e6};
    ck_assert_double_eq_tol(memory_kernel_cost(&gpu, &shape, 1e9).seconds, 100e-6, 1e-12);
    ck_assert_double_eq_tol(memory_kernel_cost(&gpu, &shape, 0.5e9).seconds, 100e-6, 1e-12);
    shape.bytes = 10e6;
    ck_assert_double_eq_tol(memory_kernel_cost(&gpu, &shape, 1e9).seconds, 1e-6, 1e-12);
    shape.kernel = MEMORY_ROPE;
    ck_assert_double_eq_tol(memory_kernel_cost(&gpu, &shape, 1e9).seconds, 5e-6, 1e-12);
    shape.fused = true;
    ck_assert_double_eq_tol(memory_kernel_cost(&gpu, &shape, 1e9).seconds, 1e-6, 1e-12);
}
END_TEST

/* A row of 1000 columns in two passes at 1 ns a column, and 3 us: 5 us, however little it moves. */
START_TEST(a_row_takes_its_time)
{
    struct gpu gpu = round_gpu();
    gpu.row_seconds = 3e-6;
    gpu.row_element_seconds = 1e-9;
    struct memory_shape shape = {
        .kernel = MEMORY_ADD_RMSNORM, .rows = 1, .columns = 1000, .bytes = 8000.0};
    ck_assert_double_eq_tol(memory_kernel_cost(&gpu, &shape, 1e9).seconds, 5e-6, 1e-12);
}
END_TEST

/* A block a row: 2000 rows of 50 ns take 100 us, though 10 MB in L2 would take 1; 100 MB at 500
 * GB/s take longer still. */
START_TEST(a_block_a_row_takes_its_time)
{
    struct gpu gpu = round_gpu();
    gpu.memory_bytes_per_second = 0.5e12;
    gpu.l2_bytes_per_second = 10e12;
    struct memory_shape shape = {
        .kernel = MEMORY_KV_APPEND, .rows = 2000, .row_seconds = 50e-9, .bytes = 10e6};
    ck_assert_double_eq_tol(memory_kernel_cost(&gpu, &shape, 1e9).seconds, 100e-6, 1e-12);
    shape.bytes = 100e6;
    ck_assert_double_eq_tol(memory_kernel_cost(&gpu, &shape, 1e9).seconds, 200e-6, 1e-12);
}
END_TEST

/* Head size 64 halves the products to 8 clocks a key; then a softmax of 12 is what takes time. 96
 * is padded to 128. */
START_TEST(small_heads_wait_for_softmax)
{
    struct gpu gpu = round_gpu();
    gpu.softmax_cycles = 12.0;
    struct attention_shape shape = {.sequences = 1,
                                    .queries = 1280,
                                    .keys = 1000,
                                    .query_heads = 10,
                                    .kv_heads = 2,
                                    .head_size = 64,
                                    .format = FORMAT_BF16};
    ck_assert_double_eq_tol(attention_seconds(&gpu, shape), 12e-6, 1e-10);
    shape.head_size = 96;
    ck_assert_double_eq_tol(attention_seconds(&gpu, shape), 16e-6, 1e-10);
}
END_TEST

/* Five products where the forward pass has two, at half the rate: five times the time. */
START_TEST(backward_attention_has_five_products)
{
    struct gpu gpu = round_gpu();
    gpu.attention_backward_efficiency = 0.5;
    struct attention_shape shape = {.sequences = 1,
                                    .queries = 1280,
                                    .keys = 1280,
                                    .query_heads = 10,
                                    .kv_heads = 10,
                                    .head_size = 128,
                                    .causal = true,
                                    .format = FORMAT_BF16};
    double forward = attention_seconds(&gpu, shape);
    shape.backward = true;
    ck_assert_double_eq_tol(attention_seconds(&gpu, shape), 5.0 * forward, 1e-12);
}
END_TEST

/* 400 W above idle at 1 GHz, all of it in the SMs, at a voltage that stays: power goes with the
 * clock. 300 W of allowance leave 200 W, half the clock, and half the speed. */
START_TEST(clock_sinks_to_the_limit)
{
    struct gpu gpu = round_gpu();
    struct kernel_work work = {.sm_cycles = 1e6, .core_joules = 0.4};
    struct power_load load = {.works = &work, .work_count = 1};
    struct power_state state = power_settle(&gpu, &load, 300.0);
    ck_assert_double_eq_tol(state.clock_hertz, 0.5e9, 1.0);
    ck_assert_double_eq_tol(state.seconds, 2e-3, 1e-9);
    ck_assert_double_eq_tol(state.watts, 300.0, 1e-6);
    /* Within the limit nothing sinks; idle time between kernels lowers the average. */
    ck_assert_double_eq(power_settle(&gpu, &load, 600.0).clock_hertz, 1e9);
    load.idle_seconds = 1e-3;
    state = power_settle(&gpu, &load, 300.0);
    ck_assert_double_eq(state.clock_hertz, 1e9);
    ck_assert_double_eq_tol(state.watts, 300.0, 1e-9);
}
END_TEST

/* The clock is the very one that forty halvings of the range end at, however it is found: loads
 * drawn at random, some beyond the limit at every clock, some with kinks where the voltage's floor
 * is. */
START_TEST(clock_is_where_halvings_end)
{
    struct gpu gpu = round_gpu();
    gpu.voltage_slope = 0.4;
    gpu.voltage_floor = 0.75;
    gpu.clock_watts = 30.0;
    struct random_stream stream = random_open(1, "clock");
    unsigned limited = 0, hopeless = 0;
    for (int load_number = 0; load_number < 2000; load_number++) {
        struct kernel_work works[3];
        for (size_t i = 0; i < 3; i++) {
            works[i] = (struct kernel_work){.sm_cycles = 1e6 * random_uniform(&stream),
                                            .memory_seconds = 1e-3 * random_uniform(&stream),
                                            .core_joules = random_uniform(&stream),
                                            .memory_joules = 0.2 * random_uniform(&stream)};
        }
        struct power_load load = {.works = works, .work_count = 3};
        double allowance = 120.0 + 600.0 * random_uniform(&stream);
        double low = gpu.generation.lowest_clock_share * gpu.boost_clock_hertz;
        double high = gpu.boost_clock_hertz;
        if (power_at_clock(&gpu, &load, high).watts <= allowance) {
            low = high;
        } else if (power_at_clock(&gpu, &load, low).watts > allowance) {
            hopeless++;
        } else {
            limited++;
            for (int i = 0; i < 40; i++) {
                double middle = 0.5 * (low + high);
                bool within = power_at_clock(&gpu, &load, middle).watts <= allowance;
                *(within ? &low : &high) = middle;
            }
        }
        struct power_state state = power_settle(&gpu, &load, allowance);
        ck_assert_msg(state.clock_hertz == low, "load %d: %.17g, not %.17g", load_number,
                      state.clock_hertz, low);
        ck_assert(state.watts == power_at_clock(&gpu, &load, low).watts);
    }
    ck_assert_uint_gt(limited, 500); /* or nothing was tried */
    ck_assert_uint_gt(hopeless, 20);
}
END_TEST

/* A lower voltage saves twice: half the clock at 0.8 of the voltage costs 0.64 of the joules. */
START_TEST(voltage_falls_with_the_clock)
{
    struct gpu gpu = round_gpu();
    gpu.voltage_slope = 0.4;
    gpu.voltage_floor = 0.5;
    ck_assert_double_eq_tol(power_relative_voltage(&gpu, 0.5e9), 0.8, 1e-12);
    struct kernel_work work = {.sm_cycles = 1e6, .core_joules = 0.4, .memory_joules = 0.1};
    ck_assert_double_eq_tol(kernel_cost_at(&gpu, &work, 0.5e9).joules, 0.4 * 0.64 + 0.1, 1e-12);
}
END_TEST

/* 50 J over the 500 W: a run of 1 s may draw 550 W on average, one of 10 ms as much as the fast
 * limiter lets through. */
START_TEST(short_runs_may_draw_more)
{
    struct gpu gpu = round_gpu();
    ck_assert_double_eq_tol(power_allowance_watts(&gpu, 1.0), 550.0, 1e-9);
    ck_assert_double_eq_tol(power_allowance_watts(&gpu, 0.01), 1000.0, 1e-9);
    ck_assert_double_eq_tol(power_allowance_watts(&gpu, INFINITY), 500.0, 1e-9);
}
END_TEST

/* Split in 16, each part writes 64 x 64 sums in fp32 that are read again: 2 x 16 x 16 KiB = 524,288
 * B through an L2 of 1 TB/s. */
START_TEST(partial_sums_pass_through_l2)
{
    struct gpu gpu = round_gpu();
    gpu.l2_bytes_per_second = 1e12;
    struct gemm_shape shape = {.m = 64, .n = 64, .k = 65536, .format = FORMAT_BF16};
    ck_assert_double_eq_tol(gemm_work(&gpu, &shape).fixed_seconds, 0.524288e-6, 1e-15);
}
END_TEST

/* 1000 x 1000 x 1000: two inputs of 2 MB; a result of 2 MB, or of 4 MB that is read, added to and
 * written. */
START_TEST(what_is_added_to_is_read_and_written)
{
    struct gpu gpu = round_gpu();
    struct gemm_shape shape = {.m = 1000, .n = 1000, .k = 1000, .format = FORMAT_BF16};
    ck_assert_double_eq(gemm_work(&gpu, &shape).bytes, 6e6);
    shape.accumulates = true;
    ck_assert_double_eq(gemm_work(&gpu, &shape).bytes, 12e6);
}
END_TEST

static struct attention_shape one_head(uint64_t queries, uint64_t keys, bool causal)
{
    return (struct attention_shape){.sequences = 1,
                                    .queries = queries,
                                    .keys = keys,
                                    .query_heads = 1,
                                    .kv_heads = 1,
                                    .head_size = 128,
                                    .causal = causal,
                                    .format = FORMAT_BF16};
}

/* Keys and values, queries and results: 128 x 256 x 2 B each. Backward these, the result's gradient
 * and three gradients: twice as many. */
START_TEST(backward_attention_moves_twice_the_bytes)
{
    struct gpu gpu = round_gpu();
    struct attention_shape shape = one_head(128, 128, false);
    ck_assert_double_eq(attention_work(&gpu, &shape, 1).bytes, 131072.0);
    shape.backward = true;
    ck_assert_double_eq(attention_work(&gpu, &shape, 1).bytes, 262144.0);
}
END_TEST

/* 2 x 256 FLOPs a pair. 128 queries on 256 keys: all see 128 older keys and half of the new ones,
 * 128 x (256 - 64). In a window of 160 the first 32 see 128 to 160, the others 160: 32 x 144 +
 * 96 x 160. */
START_TEST(queries_see_what_is_before_them)
{
    struct attention_shape shape = one_head(128, 256, true);
    ck_assert_double_eq(attention_useful_flops(&shape), 512.0 * 24576.0);
    shape.window = 160;
    ck_assert_double_eq(attention_useful_flops(&shape), 512.0 * 19968.0);
    shape.causal = false;
    shape.window = 0;
    ck_assert_double_eq(attention_useful_flops(&shape), 512.0 * 128.0 * 256.0);
}
END_TEST

/* 1,000 keys are 63 pages of 16: 1,008 x 256 x 2 B. */
START_TEST(a_cache_is_read_by_the_page)
{
    struct attention_shape shape = one_head(1, 1000, false);
    ck_assert_double_eq(attention_kv_bytes(&shape), 512000.0);
    shape.page_keys = 16;
    ck_assert_double_eq(attention_kv_bytes(&shape), 516096.0);
}
END_TEST

/* 200,000 keys and values of a head are 102.4 MB, the L2 holds 50: the rest is read again for each
 * of two blocks but for what they share. Blocks see 199,872 and 200,000 keys: 399,872 x 512 B x
 * (1 - 50 / 102.4). */
START_TEST(keys_beyond_the_l2_are_read_again)
{
    struct gpu gpu = round_gpu();
    struct attention_shape shape = one_head(256, 200000, true);
    double once = 102.4e6 + 256.0 * 512.0;
    ck_assert_double_eq_tol(attention_work(&gpu, &shape, 1).bytes,
                            once + 399872.0 * 512.0 * (1.0 - 50.0 / 102.4), 1.0);
    shape.keys = 50000; /* 25.6 MB: none */
    ck_assert_double_eq(attention_work(&gpu, &shape, 1).bytes, 25.6e6 + 256.0 * 512.0);
}
END_TEST

RUN_TESTS(gpu_kernel, gemm_goes_in_waves, gemm_splits_few_tiles, thin_gemm_is_bound_by_memory,
          rectangular_attention_goes_in_waves, causal_attention_ends_with_its_longest_block,
          two_rectangles_are_one_launch, decode_reads_the_cache_once,
          memory_kernels_read_memory_or_l2, a_row_takes_its_time, a_block_a_row_takes_its_time,
          small_heads_wait_for_softmax, backward_attention_has_five_products,
          clock_sinks_to_the_limit, clock_is_where_halvings_end, voltage_falls_with_the_clock,
          short_runs_may_draw_more, partial_sums_pass_through_l2,
          what_is_added_to_is_read_and_written, backward_attention_moves_twice_the_bytes,
          queries_see_what_is_before_them, a_cache_is_read_by_the_page,
          keys_beyond_the_l2_are_read_again)
