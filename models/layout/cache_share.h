/* SPDX-License-Identifier: MIT
 * What a rank holds of a sequence's KV cache, and what of it a rank of another layout wants: the
 * cache as a box of heads x tokens x layers, each from 0 to 1, of which every rank holds a smaller
 * box. Pure. */
#ifndef CPSIM_MODELS_LAYOUT_CACHE_SHARE_H
#define CPSIM_MODELS_LAYOUT_CACHE_SHARE_H

#include "models/layout/replica.h"

enum cache_side { CACHE_HEADS, CACHE_TOKENS, CACHE_LAYERS, CACHE_SIDES };

struct cache_share {
    double begin[CACHE_SIDES], end[CACHE_SIDES];
    uint32_t copy, copies; /* ranks that hold the same, and which of them it is: tensor ranks beyond
                              the KV heads, all of them of a latent */
};

/* Of rank tensor_rank + tensor * (context_rank + context * stage) of a replica's ranks that have
 * requests in common. `head_parts`: different parts that tensor ranks hold, at most `tensor`. */
struct cache_share cache_share_of(const struct replica *replica, uint32_t head_parts,
                                  uint32_t rank);

/* Of the whole cache, what `to` gets from `from`: of ranks with copies one sends, the one in the
 * receiver's place among those that hold the same: of four to two the first and the third, of two
 * to four each to two. 0 to 1. */
double cache_share_sent(const struct cache_share *from, const struct cache_share *to);

#endif
