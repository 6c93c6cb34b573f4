/* SPDX-License-Identifier: MIT
 * Low-rank adapters (LoRA, arXiv 2106.09685) of a service's requests: which linear layers have one,
 * and what an engine's kernels for them take (platforms/software/ *.yaml). */
#ifndef CPSIM_MODELS_MACHINE_ADAPTERS_H
#define CPSIM_MODELS_MACHINE_ADAPTERS_H

/* Linear layers that adapters stand beside. */
enum adapter_targets {
    ADAPTERS_ALL, /* all products of a layer but experts' and routers' */
    ADAPTERS_ATTENTION,
    ADAPTERS_FFN,
    ADAPTER_TARGETS_COUNT
};

/* What an engine's kernels for adapters take beyond their bytes and FLOPs, which are counted. */
struct adapter_software {
    double shrink_seconds, expand_seconds; /* of a kernel, at least */
    double memory_efficiency;   /* rate at which they read and write, over the memory's; 0: 1 */
    double matmul_efficiency;   /* of the matrix units' peak; 0: 1 */
    double step_seconds;        /* of the host, in a step that has any: which token has which */
    double load_matrix_seconds; /* of the host, for each of an adapter's matrices that it copies to
                                   the GPU */
};

#endif
