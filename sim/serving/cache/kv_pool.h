/* SPDX-License-Identifier: MIT
 * The blocks of a KV cache one by one: in which order they are taken, and which label is whose.
 * What kv_cache.c is made of; nobody else calls it. */
#ifndef CPSIM_SIM_SERVING_CACHE_KV_POOL_H
#define CPSIM_SIM_SERVING_CACHE_KV_POOL_H

#include "sim/serving/cache/kv_cache.h"

#include <assert.h>

#define KV_OWN (UINT32_C(1) << 31)

void kv_pool_create(struct kv_cache *cache);
void kv_pool_clear(struct kv_cache *cache); /* no block has a label any more */

/* Takes `count` blocks, which are free. */
void kv_pool_take(struct kv_cache *cache, uint32_t *blocks, uint32_t count);
void kv_pool_hold(struct kv_cache *cache, uint32_t block); /* one more does: it was found */

/* Lets go of blocks [count] one after the other, 0 being none, from the last to the first. Those
 * without a label are taken again in that order, before all others; those with one, after all. */
void kv_pool_let_go(struct kv_cache *cache, const uint32_t *blocks, uint32_t count);

/* The same of blocks none of which anybody else can ask for; the first `labelled` have labels that
 * were not made. */
void kv_pool_let_go_own(struct kv_cache *cache, const uint32_t *blocks, uint32_t labelled,
                        uint32_t count);

/* The first made block of a label; 0: there is none. */
uint32_t kv_pool_find(const struct kv_cache *cache, uint64_t label);
/* A block that had no label gets one. */
void kv_pool_name(struct kv_cache *cache, uint32_t block, uint64_t label);
/* A block gets a label that nobody can find until kv_pool_show() says what it is: what no other
 * request can ask for need not be in the table. */
static inline void kv_pool_hide(struct kv_cache *cache, uint32_t block)
{
    assert(cache->naming[block] == KV_UNNAMED);
    cache->naming[block] = KV_HIDDEN;
}
void kv_pool_show(struct kv_cache *cache, uint32_t block, uint64_t label);

#endif
