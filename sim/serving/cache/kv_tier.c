/* SPDX-License-Identifier: MIT */
#include "sim/serving/cache/kv_tier.h"

#include <string.h>

enum { FIRST_ROOM = 1024 };

void kv_tier_create(struct kv_tier *tier, struct arena *arena, uint64_t capacity)
{
    uint64_t most = UINT32_MAX / 4; /* blocks have numbers of 32 bits */
    *tier = (struct kv_tier){.arena = arena, .capacity = capacity < most ? capacity : most};
    if (tier->capacity > 0) {
        hash_table_create(&tier->labels, arena, FIRST_ROOM);
    }
}

static uint64_t hash_of(uint64_t label)
{
    return label * UINT64_C(0x9e3779b97f4a7c15);
}

static uint32_t find(const struct kv_tier *tier, uint64_t label)
{
    struct hash_walk walk = hash_walk(&tier->labels, hash_of(label));
    uint32_t block;
    while ((block = hash_next(&walk)) != HASH_NONE && tier->blocks[block].label != label) {
    }
    return block;
}

static void take_out(struct kv_tier *tier, uint32_t block)
{
    uint32_t newer = tier->blocks[block].newer, older = tier->blocks[block].older;
    *(newer != 0 ? &tier->blocks[newer].older : &tier->newest) = older;
    *(older != 0 ? &tier->blocks[older].newer : &tier->oldest) = newer;
}

static void put_first(struct kv_tier *tier, uint32_t block)
{
    tier->blocks[block].newer = 0;
    tier->blocks[block].older = tier->newest;
    *(tier->newest != 0 ? &tier->blocks[tier->newest].newer : &tier->oldest) = block;
    tier->newest = block;
}

bool kv_tier_find(struct kv_tier *tier, uint64_t label)
{
    uint32_t block = tier->capacity > 0 ? find(tier, label) : HASH_NONE;
    if (block != HASH_NONE) {
        take_out(tier, block);
        put_first(tier, block);
    }
    return block != HASH_NONE;
}

/* A place for one more: a fresh one, or that of the oldest. */
static uint32_t make_place(struct kv_tier *tier)
{
    if (tier->count == tier->capacity) {
        uint32_t block = tier->oldest;
        take_out(tier, block);
        if (tier->blocks[block].label != 0) {
            hash_table_remove(&tier->labels, hash_of(tier->blocks[block].label), block);
        }
        return block;
    }
    if (tier->count + 1 >= tier->room) {
        uint32_t room = tier->room == 0 ? FIRST_ROOM : 2 * tier->room;
        struct tier_block *blocks = ARENA_ARRAY(tier->arena, struct tier_block, room);
        if (tier->count > 0) {
            memcpy(blocks, tier->blocks, (tier->count + 1) * sizeof *blocks);
        }
        tier->blocks = blocks;
        tier->room = room;
    }
    return ++tier->count;
}

bool kv_tier_put(struct kv_tier *tier, uint64_t label)
{
    if (tier->capacity == 0 || (label != 0 && kv_tier_find(tier, label))) {
        return false;
    }
    uint32_t block = make_place(tier);
    tier->blocks[block].label = label;
    put_first(tier, block);
    if (label != 0) {
        hash_table_add(&tier->labels, hash_of(label), block);
    }
    return true;
}

void kv_tier_clear(struct kv_tier *tier)
{
    if (tier->capacity > 0) {
        hash_table_clear(&tier->labels);
    }
    tier->count = tier->newest = tier->oldest = 0;
}
