/* SPDX-License-Identifier: MIT
 * What a call of attention needs to know of the heads of one rank, and what it sees. Internal to
 * models/layers. Pure. */
#ifndef CPSIM_MODELS_LAYERS_ATTENTION_HEADS_H
#define CPSIM_MODELS_LAYERS_ATTENTION_HEADS_H

#include "models/architecture/mixer.h"

struct attention_heads {
    uint32_t query_heads, kv_heads, head_size;
    const struct gqa *reach; /* NULL: every earlier token */
};

/* The keys that a call over `new_tokens` of a sequence on top of `cached_tokens` names. */
struct attention_keys {
    uint64_t keys;
    bool causal;
};

/* Of all, causal; where a window is shorter than that, as many for every query as it sees on
 * average. */
struct attention_keys attention_keys(const struct attention_heads *heads, uint64_t new_tokens,
                                     uint64_t cached_tokens);

/* Of `tokens` of a sequence, those that are kept: the window's. */
uint64_t attention_kept_tokens(const struct attention_heads *heads, uint64_t tokens);

#endif
