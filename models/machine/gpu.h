/* SPDX-License-Identifier: MIT
 * One GPU, as the data sheet and measurements describe it. The values come from
 * platforms/gpus/ *.yaml, each with its source; the kernel models of gpu_kernel.h read nothing
 * else. Seconds, bytes, FLOPs, hertz, watts, joules. */
#ifndef CPSIM_MODELS_MACHINE_GPU_H
#define CPSIM_MODELS_MACHINE_GPU_H

#include "models/machine/fitted.h"
#include "models/machine/format.h"
#include "models/machine/gpu_generation.h"
#include "models/machine/jitter.h"

#include <stdint.h>

struct gpu {
    const char *name;
    const char *devices; /* names that drivers and tables give it, "; " between them; NULL: none */
    const char *like;    /* whose constants it has, scaled to its data sheet; NULL: its own */
    struct gpu_generation generation;
    /* The data sheet. */
    double memory_bytes;
    double memory_bytes_per_second;              /* peak */
    double l2_bytes;                             /* last-level cache */
    double dense_flops_per_second[FORMAT_COUNT]; /* matrix units at rated_clock; 0: not native */
    double stated_flops_per_second; /* bf16, what MFU and the ring rules are told; 0: as dense */
    double rated_clock_hertz;       /* clock that dense_flops_per_second is stated at */
    double boost_clock_hertz;       /* highest clock */
    uint32_t streaming_multiprocessors; /* SMs */
    uint32_t lanes;               /* of an SM, beside the matrix units: instructions a clock */
    double link_bytes_per_second; /* to GPUs of its node, each direction; 0: the cluster says */
    double power_limit_watts;
    double idle_watts;

    /* Memory: the share of the peak that reaches a kernel, and how it ramps up. */
    double memory_efficiency;    /* of the peak, long reads */
    double experts_memory_ratio; /* of the memory rate that engines' own kernels for experts reach
                                    on this GPU, over what their libraries say of the H100; 0: 1 */
    double copy_efficiency;      /* of the peak, half the bytes written */
    double l2_bytes_per_second;
    double overlap_exponent; /* p of (a^p + b^p)^(1/p), which joins compute and memory time */
    double kernel_seconds;   /* the shortest kernel, launched from a CUDA graph */

    /* GEMM. */
    double matmul_efficiency[SCALING_COUNT]; /* of the matrix units' peak at the same clock, inside
                                                a tile's main loop */
    double
        matmul_integer_efficiency; /* the same of integers, whatever their scales; 0: as others */
    double matmul_seconds[SCALING_COUNT]; /* launch, pipeline fill and drain of one GEMM */
    double tile_seconds[SCALING_COUNT];   /* between two tiles on one SM, at boost clock */
    double grouped_efficiency;   /* of the matrix units, inside a tile of a product of experts */
    double grouped_seconds;      /* launch, descriptors, fill and drain of a product of experts */
    double grouped_tile_seconds; /* between two of its tiles on one SM, at boost clock */
    double split_seconds;        /* the extra kernel that adds up a split product */
    double tile_bytes_per_clock; /* L2 to one SM */
    double sm_memory_bytes_per_second; /* GPU memory to one SM: few tiles can't fill the
                                          memory's rate */

    /* Attention. */
    double attention_efficiency;        /* of the bf16 peak at the same clock, a block's products */
    double attention_ragged_efficiency; /* rate where keys do not fill their last block and the
                                           kernel masks all of them, over that where they do */
    double attention_narrow_efficiency; /* of the peak of a narrower format; 0: as bf16's */
    double attention_backward_efficiency; /* the same of the backward pass */
    double softmax_cycles;                /* of a block's 128 scores a key, beside its products */
    double attention_seconds;             /* launch, fill and drain of a prefill kernel */
    double attention_block_seconds;       /* between two blocks on one SM, at boost clock */
    double few_queries_seconds;           /* of a kernel for a few queries a sequence that cuts
                                             keys into parts: launch, fill, drain */
    double few_queries_cycles;            /* of it, a head and key; 0: as decode's kernel */
    double decode_attention_seconds;      /* launch, fill and drain of a decode kernel */
    double decode_efficiency;             /* of the memory's peak, cached keys and values */
    double decode_split_seconds; /* more when sequences are cut into parts: joining them ... */
    double decode_ramp_seconds;  /* ... and lost until the memory's full rate is reached, */
    double decode_ramp_bytes;    /* half of it at this size */

    /* Kernels bound by memory. */
    double norm_efficiency;             /* of the memory's peak: add + RMSNorm, one by one */
    double swiglu_bytes_per_second;     /* of SiLU and product, one by one, whatever the memory */
    double quantise_bytes_per_second;   /* whatever the memory */
    double dequantise_bytes_per_second; /* the same of the way back; 0: the memory's */
    double rope_passes;                 /* over queries and keys, of a framework's own RoPE */
    double cast_seconds;                /* to fp8: the least */
    double row_seconds;                 /* a reduction over one row: fixed part */
    double row_element_seconds;         /* and its growth per column and pass */

    /* Power. */
    double clock_watts;   /* above idle, busy with nothing, at boost clock */
    double voltage_slope; /* how far the voltage falls, relative, when the clock falls by
                             all of itself */
    double voltage_floor; /* lowest voltage, relative to that at boost clock */
    double matmul_joules_per_flop[FORMAT_COUNT]; /* at boost voltage */
    double softmax_joules_per_score;             /* at boost voltage, beside attention's products */
    double tile_joules_per_byte;                 /* L2 to SM, at boost voltage */
    double memory_joules_per_byte;               /* GPU memory to L2 and back, at any clock */
    double burst_watts;  /* what the fast limiter lets through before the slow one acts */
    double burst_joules; /* drawn above the limit before the slow one has acted */

    struct jitter jitter;

    struct gpu_fitted fitted;
};

/* The bf16 rate that MFU is a share of, FLOP per second. */
static inline double gpu_stated_flops_per_second(const struct gpu *gpu)
{
    return gpu->stated_flops_per_second > 0.0 ? gpu->stated_flops_per_second
                                              : gpu->dense_flops_per_second[FORMAT_BF16];
}

#endif
