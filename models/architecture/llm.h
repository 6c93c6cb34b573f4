/* SPDX-License-Identifier: MIT
 * The architecture of a decoder-only transformer. The values come from models/llm/ *.yaml. */
#ifndef CPSIM_MODELS_ARCHITECTURE_LLM_H
#define CPSIM_MODELS_ARCHITECTURE_LLM_H

#include "models/architecture/stack.h"
#include "models/architecture/super_weight.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a model file says of a model whose layers are all of one kind, attention of
 * query_heads over kv_heads and one feed-forward block. The loader's alone: everybody else asks the
 * stack that llm_from_keys() makes of it. */
struct llm_keys {
    uint32_t layers;
    uint32_t ffn_hidden;    /* elements between the two halves of the feed-forward block, or of one
                               expert */
    uint32_t query_heads;   /* N_H */
    uint32_t kv_heads;      /* N_KV: query_heads for MHA, 1 for MQA, between for GQA */
    uint32_t head_size;     /* elements of one head */
    struct experts experts; /* of every layer; count 0: the block is one for all tokens */
    uint32_t
        shared_ffn_hidden; /* of a block that all tokens go through beside their experts; 0: none */
    bool gated_ffn;        /* SwiGLU: gate and up projections; otherwise up alone */
    bool parallel_blocks;  /* RESIDUAL_PARALLEL */
};

struct llm {
    const char *name;
    uint32_t hidden;     /* D: elements of a token's residual stream */
    uint32_t vocabulary; /* tokens */
    bool tied_embedding; /* the output head reuses the embedding's weights */
    struct stack stack;
    struct llm_keys keys;
    const struct super_weight *super_weights; /* [super_weight_count] */
    size_t super_weight_count;                /* 0: none is known */
    struct int4_study int4;
};

/* Fills the stack: keys.layers of one kind. */
void llm_from_keys(struct llm *llm);

/* What tokens are multiplied with in all layers, elements: routers and experts included, norms,
 * embedding and output head not; and of those the mixers' projections. */
double llm_product_weights(const struct llm *llm);
double llm_attention_weights(const struct llm *llm);
/* Embedding and output head together (one when tied), elements. */
double llm_embedding_weights(const struct llm *llm);
/* The whole model, norms included, elements. Llama 3 405B: 405.85e9. */
double llm_weights(const struct llm *llm);

/* Whether a super weight lies in one of the model's down projections, and how many do: a scenario
 * may cut layers off. */
bool llm_has_super_weight(const struct llm *llm, const struct super_weight *weight);
size_t llm_super_weights(const struct llm *llm);

/* The weights of the whole model that a token is multiplied with. Mixtral 8x7B: 12.9e9 of 46.7e9.
 */
double llm_active_weights(const struct llm *llm);

/* Useful FLOPs of a forward pass over `new_tokens` of one sequence on top of `cached_tokens`,
 * without embedding and output head: 2 a weight and token, and what mixers do beside: 4 x query
 * heads x head size for each pair of a query and a key it sees (arXiv 2411.01783, appendix A,
 * halves T^2 for the causal mask). */
double llm_forward_flops(const struct llm *llm, double new_tokens, double cached_tokens);

#endif
