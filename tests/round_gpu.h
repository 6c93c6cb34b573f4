/* SPDX-License-Identifier: MIT
 * A GPU of round numbers, for tests that work times by hand: 100 SMs at 1 GHz, 4096 bf16 and 8192
 * fp8 FLOP a clock and SM, memory that costs nothing unless a test says so. */
#ifndef CPSIM_TESTS_ROUND_GPU_H
#define CPSIM_TESTS_ROUND_GPU_H

#include "models/machine/gpu.h"

#include "hopper.h"

static inline struct gpu round_gpu(void)
{
    return (struct gpu){
        .name = "round",
        .generation = HOPPER_GENERATION,
        .memory_bytes = 100e9,
        .memory_bytes_per_second = 1e18,
        .l2_bytes = 50e6,
        .dense_flops_per_second = {[FORMAT_BF16] = 409.6e12, [FORMAT_FP8] = 819.2e12},
        .rated_clock_hertz = 1e9,
        .boost_clock_hertz = 1e9,
        .streaming_multiprocessors = 100,
        .lanes = 128,
        .power_limit_watts = 500.0,
        .idle_watts = 100.0,
        .memory_efficiency = 1.0,
        .copy_efficiency = 1.0,
        .l2_bytes_per_second = 1e18,
        .overlap_exponent = 50.0, /* as good as the longer of the two */
        .matmul_efficiency = {1.0, 1.0, 1.0},
        .tile_bytes_per_clock = 1e9,
        .sm_memory_bytes_per_second = 1e18,
        .attention_efficiency = 1.0,
        .decode_ramp_bytes = 1.0,
        .norm_efficiency = 1.0,
        .swiglu_bytes_per_second = 1e18,
        .quantise_bytes_per_second = 1e18,
        .rope_passes = 1.0,
        .decode_efficiency = 1.0,
        .attention_backward_efficiency = 1.0,
        .voltage_floor = 1.0,
        .burst_watts = 1000.0,
        .burst_joules = 50.0,
    };
}

#endif
