/* SPDX-License-Identifier: MIT
 * The architecture of a decoder-only transformer. The values come from models/llm/ *.yaml. */
#ifndef CPSIM_MODELS_ARCHITECTURE_LLM_H
#define CPSIM_MODELS_ARCHITECTURE_LLM_H

#include "models/architecture/stack.h"
#include "models/architecture/super_weight.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Norms in front of (and after) a layer's halves, and the last one before the output head. */
enum norm_kind {
    NORM_RMS,
    NORM_LAYER, /* with a bias */
    NORM_PLAIN  /* without weights (OLMo) */
};

/* What a model file says of one kind of layers: of all of them, or of those of a name in its
 * `kinds`. The loader's alone: everybody else asks the stack that llm_from_keys() makes of it. */
struct llm_keys {
    uint32_t layers;
    uint32_t ffn_hidden;    /* elements between the two halves of the feed-forward block, or of one
                               expert; 0: no block */
    uint32_t query_heads;   /* N_H */
    uint32_t kv_heads;      /* N_KV: query_heads for MHA, 1 for MQA, between for GQA */
    uint32_t head_size;     /* elements of one head */
    struct experts experts; /* of every layer; count 0: the block is one for all tokens */
    uint32_t
        shared_ffn_hidden; /* of a block that all tokens go through beside their experts; 0: none */
    bool gated_ffn;        /* SwiGLU: gate and up projections; otherwise up alone */
    bool parallel_blocks;  /* RESIDUAL_PARALLEL */
    const char *name;      /* of the kind */
    enum mixer_kind mixer;
    int mixer_beside;       /* 1 + the mixer_kind of a second mixer on the same input; 0: none */
    uint32_t window, chunk; /* tokens that a query sees, REACH_WINDOW or REACH_CHUNK; 0: all */
    struct gqa gqa;         /* what the keys above do not say of it */
    MIXERS_OF_SIZES(MIXER_SIZES)
    struct ffn ffn;               /* what the keys above do not say of it */
    uint32_t dense_beside_hidden; /* of a dense block beside experts */
    bool borrowed;                /* attention and feed-forward block are an earlier layer's */
    uint32_t streams;             /* of the residual; 0: one */
    bool streams_unmixed;
    enum norm_kind norm;
    uint32_t norms; /* of a layer; 0: two, or one with parallel_blocks or without a block */
    uint32_t scalars;
    uint32_t branch_ranks[LAYER_MAX_BRANCHES];
    bool input_projection;
};

struct llm {
    const char *name;
    uint32_t hidden;           /* D: elements of a token's residual stream */
    uint32_t vocabulary;       /* tokens */
    bool tied_embedding;       /* the output head reuses the embedding's weights */
    uint32_t embedding_size;   /* of a row, projected to hidden and back; 0: hidden (OPT-350M) */
    uint32_t positions;        /* rows of a table of learned positions; 0: none */
    uint32_t layer_embeddings; /* elements of a token's own row a layer (Gemma 3n, 4); 0: none */
    uint32_t layer_vocabulary; /* rows of that table */
    bool head_bias;            /* the output head has a bias */
    bool embedding_norm;       /* a norm of the embedding (BLOOM) */
    bool no_final_norm;
    uint64_t other_weights;          /* elements beside layers, embeddings and norms */
    uint32_t multi_token_prediction; /* layers that guess further tokens; in no count */
    uint32_t joined_inputs; /* of `hidden` elements each, which a product joins before the first
                               layer: what a drafter reads; 0: none. In no count */
    const char *family; /* model_type of its config.json: engines choose by it; NULL: not said */
    uint64_t context;   /* positions the model was made for; 0: not said */
    struct stack stack;
    struct llm_keys keys;
    const struct llm_keys *kinds; /* [kind_count]; 0: all layers are as keys says */
    size_t kind_count;
    const struct super_weight *super_weights; /* [super_weight_count] */
    size_t super_weight_count;                /* 0: none is known */
    struct int4_study int4;
};

/* Fills the stack's kinds: of kinds, or keys.layers of one. */
void llm_from_keys(struct llm *llm);

/* Exact numbers of a model, as transformers counts them (its classes on the meta device). */
struct llm_counts {
    double total;           /* a tied or borrowed tensor once */
    double active;          /* total less what a token leaves out of its experts */
    double embedding;       /* of tokens */
    double other_embedding; /* of positions, and tokens' rows a layer */
    double head;            /* the output head with its bias; 0 where it is the embedding's */
    double expert;          /* of all routed experts */
    /* Elements a sequence keeps, all layers together: of each token without end, of each token
     * while it is in a window, of an indexer's keys, and at any length. */
    double token_elements, window_token_elements, indexer_elements;
    double convolution_elements, state_elements;
    uint32_t window; /* the widest; 0: none */
    uint32_t attention_layers, window_layers, state_layers;
};
struct llm_counts llm_count(const struct llm *llm);

/* What tokens are multiplied with in all layers, elements: routers and experts included, norms,
 * embedding and output head not; and of those the mixers' projections. */
double llm_product_weights(const struct llm *llm);
double llm_attention_weights(const struct llm *llm);
/* Of the products' weights those that one token meets: of experts those it is sent to. */
double llm_met_weights(const struct llm *llm);
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
/* The same of one layer of a kind. */
double llm_layer_flops(const struct llm *llm, uint32_t kind, double new_tokens,
                       double cached_tokens);

#endif
