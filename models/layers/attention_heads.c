/* SPDX-License-Identifier: MIT */
#include "models/layers/attention_heads.h"

#include <math.h>
#include <stddef.h>

static uint64_t window_of(const struct attention_heads *heads)
{
    const struct gqa *reach = heads->reach;
    return reach == NULL || reach->reach == REACH_ALL ? 0 : reach->window;
}

struct attention_keys attention_keys(const struct attention_heads *heads, uint64_t new_tokens,
                                     uint64_t cached_tokens)
{
    uint64_t all = cached_tokens + new_tokens, window = window_of(heads);
    if (window == 0 || all <= window) {
        return (struct attention_keys){.keys = all, .causal = new_tokens > 1};
    }
    double pairs = gqa_pairs(heads->reach, (double)new_tokens, (double)cached_tokens);
    return (struct attention_keys){
        .keys = (uint64_t)fmax(1.0, round(pairs / (double)new_tokens)),
    };
}

uint64_t attention_kept_tokens(const struct attention_heads *heads, uint64_t tokens)
{
    uint64_t window = window_of(heads);
    return window > 0 && window < tokens ? window : tokens;
}
