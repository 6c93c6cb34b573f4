/* SPDX-License-Identifier: MIT */
#include "sim/trace/trace_time.h"

void trace_phase_time(struct trace_phase *phase, const struct breakdown *breakdown,
                      double beyond_seconds)
{
    const double *seconds = breakdown->seconds;
    phase->gemm_seconds = seconds[TIME_GEMM];
    phase->attention_seconds = seconds[TIME_ATTENTION];
    phase->memory_kernel_seconds = seconds[TIME_MEMORY];
    phase->tp_collective_seconds = seconds[TIME_TENSOR];
    phase->ring_exposed_seconds = seconds[TIME_RING];
    phase->host_seconds = seconds[TIME_HOST];
    phase->other_seconds = seconds[TIME_EXPERTS] + seconds[TIME_IDLE] + beyond_seconds;
}

enum trace_ring trace_ring_of(enum ring_variant variant)
{
    static const enum trace_ring rings[RING_VARIANT_COUNT] = {
        [RING_NONE] = TRACE_RING_NONE,     [RING_PASS_KV] = TRACE_RING_PASS_KV,
        [RING_PASS_Q] = TRACE_RING_PASS_Q, [RING_ALL_GATHER] = TRACE_RING_ALL_GATHER,
        [RING_TREE] = TRACE_RING_TREE,
    };
    return rings[variant];
}

void trace_gpu_time(struct trace_gpu *gpu, const struct breakdown *breakdown)
{
    gpu->gemm_seconds = breakdown->seconds[TIME_GEMM];
    gpu->attention_seconds = breakdown->seconds[TIME_ATTENTION];
    gpu->memory_kernel_seconds = breakdown->seconds[TIME_MEMORY];
    gpu->communication_seconds = breakdown_communication_seconds(breakdown);
    gpu->experts_seconds = breakdown->seconds[TIME_EXPERTS];
}
