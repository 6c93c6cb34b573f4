/* SPDX-License-Identifier: MIT
 * Models whose layers are all of one kind, as initialisers of struct llm. */
#ifndef CPSIM_TESTS_ONE_KIND_H
#define CPSIM_TESTS_ONE_KIND_H

#include "models/architecture/llm.h"

#define ONE_KIND_(LAYERS, QUERY_HEADS, KV_HEADS, HEAD_SIZE, ...)                                   \
    .stack = {.layers = (LAYERS),                                                                  \
              .kind_count = 1,                                                                     \
              .kinds = {{.name = "layers",                                                         \
                         .mixers = {{.kind = MIXER_GQA,                                            \
                                     .gqa = {.query_heads = (QUERY_HEADS),                         \
                                             .kv_heads = (KV_HEADS),                               \
                                             .head_size = (HEAD_SIZE)}}},                          \
                         .mixer_count = 1,                                                         \
                         .ffn = {__VA_ARGS__},                                                     \
                         .norms = 2}}}

/* A gated block of FFN_HIDDEN. */
#define DENSE_LAYERS(LAYERS, QUERY_HEADS, KV_HEADS, HEAD_SIZE, FFN_HIDDEN)                         \
    ONE_KIND_(LAYERS, QUERY_HEADS, KV_HEADS, HEAD_SIZE, .kind = FFN_DENSE, .hidden = (FFN_HIDDEN), \
              .gated = true)

/* An ungated one. */
#define PLAIN_LAYERS(LAYERS, QUERY_HEADS, KV_HEADS, HEAD_SIZE, FFN_HIDDEN)                         \
    ONE_KIND_(LAYERS, QUERY_HEADS, KV_HEADS, HEAD_SIZE, .kind = FFN_DENSE, .hidden = (FFN_HIDDEN))

/* COUNT gated experts of FFN_HIDDEN, PER_TOKEN of them for each token. */
#define EXPERT_LAYERS(LAYERS, QUERY_HEADS, KV_HEADS, HEAD_SIZE, FFN_HIDDEN, COUNT, PER_TOKEN)      \
    ONE_KIND_(LAYERS, QUERY_HEADS, KV_HEADS, HEAD_SIZE, .kind = FFN_EXPERTS,                       \
              .hidden = (FFN_HIDDEN), .gated = true,                                               \
              .experts = {.count = (COUNT), .per_token = (PER_TOKEN)})

/* Its only kind, to change. */
static inline struct layer_kind *only_kind(struct llm *llm)
{
    return &llm->stack.kinds[0];
}

#endif
