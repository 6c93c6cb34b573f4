/* SPDX-License-Identifier: MIT
 * The KV cache of a replica in pages of equal size. A page is free, held by one request, or in the
 * prefix cache: there it is known by the hash of what it holds, may be held by many, and stays when
 * nobody holds it until the room is needed, least recently used first (vLLM's automatic prefix
 * caching). Pages are counted, not numbered: attention does not care where they lie. Owner: the
 * arena; no allocation after kv_cache_create() but for the table of hashes, which doubles. */
#ifndef CPSIM_SIM_SERVING_CACHE_KV_CACHE_H
#define CPSIM_SIM_SERVING_CACHE_KV_CACHE_H

#include "models/passes/memory.h"
#include "sim/base/arena.h"
#include "sim/serving/load/request.h"

#include <stdbool.h>

/* What a sequence takes beside the pages of its tokens, in pages: layers with windows fill up and
 * stay so, states are there from the first token. All 0: nothing. */
struct kv_beside {
    double state_pages, window_token_pages;
    uint64_t window_tokens;
};

/* From what one of `context` GPUs has, in pages of so many tokens of a sequence. */
struct kv_beside kv_beside_of(const struct kv_room *room, uint32_t context, uint32_t page_tokens);

/* Pages of a sequence of `tokens`, all told. */
uint64_t kv_pages_of(const struct kv_beside *beside, uint32_t page_tokens, uint64_t tokens);

struct cached_page {
    uint64_t hash;
    uint32_t holders;
    uint32_t older, newer; /* among pages that nobody holds */
};

struct kv_cache {
    struct arena *arena;
    uint32_t page_tokens;
    struct kv_beside beside;
    uint64_t pages;      /* in all */
    uint64_t free;       /* hold nothing */
    uint64_t idle;       /* cached, and nobody holds them: free when need be */
    bool keeps_prefixes; /* else nothing is cached */
    uint32_t trace_block_tokens;
    struct cached_page *cached; /* [cached_capacity]; 0 is no page */
    uint32_t cached_count, cached_capacity, first_spare;
    uint32_t *places; /* [place_count] hash table of numbers in `cached`, linear probing */
    uint32_t place_count;
    uint32_t oldest, newest;
    uint64_t evictions;
};

void kv_cache_create(struct kv_cache *cache, struct arena *arena, uint64_t pages,
                     uint32_t page_tokens, bool keeps_prefixes);

static inline uint64_t kv_cache_available(const struct kv_cache *cache)
{
    return cache->free + cache->idle;
}

/* Pages held by requests. */
static inline uint64_t kv_cache_held(const struct kv_cache *cache)
{
    return cache->pages - cache->free - cache->idle;
}

static inline uint32_t kv_cache_pages_of(const struct kv_cache *cache, uint64_t tokens)
{
    return (uint32_t)kv_pages_of(&cache->beside, cache->page_tokens, tokens);
}

/* Makes the request hold pages for `tokens` in all; false, and nothing changes, when there are not
 * enough. */
bool kv_cache_reserve(struct kv_cache *cache, struct request *request, uint64_t tokens);

/* Tokens at the start of the prompt that are in the prefix cache: whole pages, never the last
 * token, which must be computed to go on. */
uint32_t kv_cache_match(struct kv_cache *cache, const struct request *request);

/* Makes a request that holds nothing hold what kv_cache_match() found. */
void kv_cache_take_prefix(struct kv_cache *cache, struct request *request, uint32_t tokens);

/* Enters the full pages of what the request has computed into the prefix cache. */
void kv_cache_publish(struct kv_cache *cache, struct request *request);

/* The request holds nothing any more; what is cached stays. */
void kv_cache_release(struct kv_cache *cache, struct request *request);

/* Forgets everything: a machine that has failed. Requests must be released first. */
void kv_cache_clear(struct kv_cache *cache);

#endif
