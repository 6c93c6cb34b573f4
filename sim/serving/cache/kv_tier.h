/* SPDX-License-Identifier: MIT
 * A tier of the prefix cache below the GPUs': which blocks lie in some memory of a limited size, by
 * the label of their text (kv_cache.h). The least recently used goes first. Knows no links and no
 * clock. Owner: the arena; it grows, by doubling, to the most blocks that it ever had. */
#ifndef CPSIM_SIM_SERVING_CACHE_KV_TIER_H
#define CPSIM_SIM_SERVING_CACHE_KV_TIER_H

#include "sim/base/arena.h"
#include "sim/base/hash_table.h"

#include <stdbool.h>
#include <stdint.h>

struct tier_block {
    uint64_t label; /* 0: of a text that nobody else will ask for */
    uint32_t newer, older;
};

struct kv_tier {
    struct arena *arena;
    uint64_t capacity;         /* blocks; 0: there is no such tier */
    struct tier_block *blocks; /* [room], from 1 */
    uint32_t room, count;
    uint32_t newest, oldest;
    struct hash_table labels;
};

void kv_tier_create(struct kv_tier *tier, struct arena *arena, uint64_t capacity);

/* Whether it has a block; then it was used just now. */
bool kv_tier_find(struct kv_tier *tier, uint64_t label);
/* Puts one there, or uses it. Whether it is new. */
bool kv_tier_put(struct kv_tier *tier, uint64_t label);

void kv_tier_clear(struct kv_tier *tier);

#endif
