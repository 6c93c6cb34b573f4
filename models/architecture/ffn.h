/* SPDX-License-Identifier: MIT
 * The half of a layer that works on each token alone: a block, experts of which a router chooses
 * some, or nothing. A kind is a row of ffn_rows[] (ffn_NAME.c) and one in models/layers. Pure. */
#ifndef CPSIM_MODELS_ARCHITECTURE_FFN_H
#define CPSIM_MODELS_ARCHITECTURE_FFN_H

#include "models/architecture/weights.h"

enum ffn_kind { FFN_NONE, FFN_DENSE, FFN_EXPERTS, FFN_KIND_COUNT };

enum ffn_router {
    ROUTER_LEARNED,
    ROUTER_HASH /* by the token's number; the product still weighs them (DeepSeek-V4's first) */
};

struct ffn {
    enum ffn_kind kind;
    uint32_t hidden;  /* between the two halves of the block, or of one expert */
    bool gated;       /* SwiGLU and its kin: gate and up; otherwise up alone */
    bool bias;        /* of its projections */
    bool clamp;       /* gate and up are clamped before the activation (gpt-oss) */
    bool shared_bias; /* of the shared block's */
    bool inner_norm;  /* a norm of `hidden` between its halves (BitNet) */
    /* FFN_EXPERTS: */
    struct experts experts;
    enum ffn_router router;
    bool router_bias;       /* a weight an expert, added to the router's logits */
    uint32_t zero_experts;  /* that a token may be sent to and that return it (LongCat-Flash) */
    uint32_t latent;        /* experts work on so many elements, projected down and up; 0: hidden */
    uint32_t shared_hidden; /* of a block all tokens go through beside their experts; 0: none */
    bool shared_plain;      /* it has no gate although the experts have one */
    bool shared_gate;       /* its output is weighted by a product with one column (Qwen2-MoE) */
    bool output_bias;       /* one for all experts together (JetMoE) */
    uint32_t adapter_rank;  /* FFN_DENSE: of a low-rank addition to gate and up, a layer's own where
                               the rest is borrowed (Zamba2); 0: none */
    bool borrowed;          /* its weights are an earlier layer's */
};

struct ffn_row {
    const char *name; /* "dense", "experts" */
    const char *doc;
    void (*weights)(const struct ffn *ffn, uint32_t hidden, struct weight_list *list);
};

extern const struct ffn_row ffn_rows[FFN_KIND_COUNT];

#endif
