/* SPDX-License-Identifier: MIT
 * How a model is spread over GPUs. Ranks are numbered tensor-fastest: the GPU of a replica's rank
 * is tensor_rank + tensor * (context_rank + context * (attention_rank + attention_data *
 * pipeline_stage)), and a replica's first rank sits on GPU 0 of its first node.
 *
 * Experts lie on the ranks of a group. In inference that is a replica's tensor x attention_data
 * ranks of a stage, each expert on ranks / expert of them, which cut it. In training it is `expert`
 * ranks: tensor ranks (of which tensor / expert cut each expert), or where there are more experts'
 * ranks than tensor ranks, all tensor and context ranks of expert / (tensor x context) replicas,
 * each with whole experts (Megatron-LM's expert parallelism, expert tensor parallelism 1). */
#ifndef CPSIM_MODELS_LAYOUT_LAYOUT_H
#define CPSIM_MODELS_LAYOUT_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

struct layout {
    uint32_t tensor;   /* GPUs that share each layer's matrices */
    uint32_t context;  /* groups of GPUs that share a sequence's tokens */
    uint32_t pipeline; /* groups of GPUs that share the layers */
    uint32_t data;     /* replicas */
    uint32_t expert;   /* GPUs, or groups of GPUs that cut each expert, over which a layer's experts
                          are shared out; 0 and 1: every one of the ranks has a part of each */
    uint32_t attention_data; /* inference: groups of tensor x context GPUs of a replica with
                                requests of their own that share one set of experts; 0 is 1 */
};

static inline uint32_t layout_experts(const struct layout *layout)
{
    return layout->expert > 1 ? layout->expert : 1;
}

static inline uint32_t layout_attention_data(const struct layout *layout)
{
    return layout->attention_data > 1 ? layout->attention_data : 1;
}

/* Whether experts lie on ranks of several replicas, as in training only. */
static inline bool layout_experts_over_data(const struct layout *layout)
{
    return layout_experts(layout) > layout->tensor * layout_attention_data(layout);
}

/* Groups of tensor x context ranks that share one set of experts. */
static inline uint32_t layout_sharers(const struct layout *layout)
{
    return layout_experts_over_data(layout)
               ? layout_experts(layout) / (layout->tensor * layout->context)
               : layout_attention_data(layout);
}

/* Ranks that cut each expert. */
static inline uint32_t layout_expert_cut(const struct layout *layout)
{
    uint32_t ranks = layout->tensor * layout_attention_data(layout);
    return layout_experts_over_data(layout) ? 1 : ranks / layout_experts(layout);
}

static inline uint32_t layout_gpus(const struct layout *layout)
{
    return layout->tensor * layout->context * layout_attention_data(layout) * layout->pipeline *
           layout->data;
}

#endif
