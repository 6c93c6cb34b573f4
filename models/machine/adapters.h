/* SPDX-License-Identifier: MIT
 * Low-rank adapters (LoRA, arXiv 2106.09685) of a service's requests: which linear layers have one,
 * and what an engine's kernels for them take (platforms/software/ *.yaml). */
#ifndef CPSIM_MODELS_MACHINE_ADAPTERS_H
#define CPSIM_MODELS_MACHINE_ADAPTERS_H

#include <stdint.h>

/* Linear layers that adapters stand beside. */
enum adapter_targets {
    ADAPTERS_ALL, /* all products of a layer but experts' and routers' */
    ADAPTERS_ATTENTION,
    ADAPTERS_FFN,
    ADAPTER_TARGETS_COUNT
};

/* A kernel that is launched as blocks of `rows` tokens by `columns` of its outputs for every place
 * that an adapter may have and one more, most of them empty. Seconds of blocks are of all SMs
 * together at boost clock: a hundred of them take a hundred times as long. */
struct adapter_kernel {
    double seconds;             /* of a launch */
    double step_seconds;        /* of each step along the depth, where too few blocks hide it */
    double block_seconds;       /* of each block, empty or not, ... */
    double tile_seconds;        /* ... more of one that has tokens, ... */
    double joined_tile_seconds; /* ... of one of a layer that joins several tensors, whose pointers
                                   are looked up ... */
    double depth_seconds;       /* ... and for each 256 elements of depth that it goes along */
    uint32_t rows, columns;     /* rows 0: no blocks, its bytes and FLOPs alone count */
    uint32_t joined_columns;    /* of a layer that joins several; 0: the same */
};

/* How shrink cuts its depth: between so many blocks, each of which goes along its part in steps. */
struct adapter_splits {
    uint32_t few_tokens; /* below: the first two; 0: never */
    uint32_t few_splits, few_step;
    uint32_t splits, step;
};

/* What an engine's kernels for adapters take beyond their bytes and FLOPs, which are counted. */
struct adapter_software {
    struct adapter_kernel shrink, expand;
    struct adapter_splits splits;
    double memory_efficiency;   /* rate at which they read and write, over the memory's; 0: 1 */
    double matmul_efficiency;   /* of the matrix units' peak; 0: 1 */
    double step_seconds;        /* of the host, in a step with prompts: which token has which */
    double load_matrix_seconds; /* of the host, for each of an adapter's matrices that it copies to
                                   the GPU */
};

#endif
