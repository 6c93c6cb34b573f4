/* SPDX-License-Identifier: MIT
 * How a model is spread over GPUs. Ranks are numbered tensor-fastest: the GPU of a replica's rank
 * is tensor_rank + tensor * (context_rank + context * pipeline_stage), and a replica's first rank
 * sits on GPU 0 of its first node. */
#ifndef CPSIM_MODELS_LAYOUT_LAYOUT_H
#define CPSIM_MODELS_LAYOUT_LAYOUT_H

#include <stdint.h>

struct layout {
    uint32_t tensor;   /* GPUs that share each layer's matrices */
    uint32_t context;  /* groups of GPUs that share a sequence's tokens */
    uint32_t pipeline; /* groups of GPUs that share the layers */
    uint32_t data;     /* replicas */
};

static inline uint32_t layout_gpus(const struct layout *layout)
{
    return layout->tensor * layout->context * layout->pipeline * layout->data;
}

#endif
