/* SPDX-License-Identifier: MIT */
#include "sim/serving/cache/kv_cache.h"

#include "models/numeric/random.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Mooncake's hash_ids name blocks of 512 tokens (FAST25 release, README of the trace). */
enum { TRACE_BLOCK_TOKENS = 512, FIRST_CAPACITY = 1024 };

void kv_cache_create(struct kv_cache *cache, struct arena *arena, uint64_t pages,
                     uint32_t page_tokens, bool keeps_prefixes)
{
    *cache = (struct kv_cache){
        .arena = arena,
        .page_tokens = page_tokens,
        .pages = pages,
        .free = pages,
        .keeps_prefixes = keeps_prefixes,
        .trace_block_tokens = TRACE_BLOCK_TOKENS,
    };
}

struct kv_beside kv_beside_of(const struct kv_room *room, uint32_t context, uint32_t page_tokens)
{
    double page_bytes = room->token_bytes * page_tokens / context;
    return (struct kv_beside){.state_pages = room->state_bytes / page_bytes,
                              .window_token_pages = room->window_token_bytes / page_bytes,
                              .window_tokens = room->window_tokens};
}

uint64_t kv_pages_of(const struct kv_beside *beside, uint32_t page_tokens, uint64_t tokens)
{
    uint64_t pages = (tokens + page_tokens - 1) / page_tokens;
    if (tokens == 0 || (beside->state_pages <= 0.0 && beside->window_tokens == 0)) {
        return pages;
    }
    double in_window =
        tokens < beside->window_tokens ? (double)tokens : (double)beside->window_tokens;
    return pages + (uint64_t)ceil(beside->state_pages + in_window * beside->window_token_pages);
}

/* --- the table of hashes --- */

/* What page `index` of the request holds, and all before it. 0: nobody else's, never cached. */
static uint64_t page_hash(const struct kv_cache *cache, const struct request *request,
                          uint32_t index)
{
    if (request->content == CONTENT_SESSION) {
        return random_mix((uint64_t)request->session << 32 | (index + 1U)) | 1U;
    }
    uint64_t last_token = (uint64_t)(index + 1) * cache->page_tokens - 1;
    uint64_t block = last_token / cache->trace_block_tokens;
    if (request->content != CONTENT_HASHES || block >= request->hash_count ||
        last_token >= request->prompt_tokens) {
        return 0;
    }
    uint64_t part = last_token % cache->trace_block_tokens;
    return random_mix(((uint64_t)request->hashes[block] << 16) ^ (part << 48) ^ part) | 1U;
}

static uint32_t *place_of(const struct kv_cache *cache, uint64_t hash)
{
    uint32_t mask = cache->place_count - 1, place = (uint32_t)(hash >> 16) & mask;
    while (cache->places[place] != 0 && cache->cached[cache->places[place]].hash != hash) {
        place = (place + 1) & mask;
    }
    return &cache->places[place];
}

static void grow(struct kv_cache *cache)
{
    uint32_t capacity = cache->cached_capacity == 0 ? FIRST_CAPACITY : 2 * cache->cached_capacity;
    struct cached_page *pages = ARENA_ARRAY(cache->arena, struct cached_page, capacity);
    if (cache->cached_capacity > 0) {
        memcpy(pages, cache->cached, cache->cached_capacity * sizeof *pages);
    }
    uint32_t first_new = cache->cached_capacity == 0 ? 1 : cache->cached_capacity;
    for (uint32_t i = first_new; i < capacity; i++) {
        pages[i].newer = i + 1 < capacity ? i + 1 : 0; /* the chain of spares */
    }
    assert(cache->first_spare == 0 && "the table grows when it is full");
    cache->first_spare = first_new;
    cache->cached = pages;
    cache->cached_capacity = capacity;
    cache->place_count = 2 * capacity;
    cache->places = ARENA_ARRAY(cache->arena, uint32_t, cache->place_count);
    for (uint32_t i = 1; i < first_new; i++) {
        *place_of(cache, pages[i].hash) = i;
    }
}

/* Takes a number out of the table; those that were pushed past its place move up. */
static void remove_place(struct kv_cache *cache, uint64_t hash)
{
    uint32_t mask = cache->place_count - 1;
    uint32_t hole = (uint32_t)(place_of(cache, hash) - cache->places);
    for (uint32_t next = (hole + 1) & mask; cache->places[next] != 0; next = (next + 1) & mask) {
        uint32_t home = (uint32_t)(cache->cached[cache->places[next]].hash >> 16) & mask;
        if (((next - home) & mask) >= ((next - hole) & mask)) {
            cache->places[hole] = cache->places[next];
            hole = next;
        }
    }
    cache->places[hole] = 0;
}

/* --- pages that nobody holds, by age --- */

static void idle_remove(struct kv_cache *cache, uint32_t number)
{
    struct cached_page *page = &cache->cached[number];
    *(page->older == 0 ? &cache->oldest : &cache->cached[page->older].newer) = page->newer;
    *(page->newer == 0 ? &cache->newest : &cache->cached[page->newer].older) = page->older;
    cache->idle--;
}

static void idle_append(struct kv_cache *cache, uint32_t number)
{
    struct cached_page *page = &cache->cached[number];
    page->older = cache->newest;
    page->newer = 0;
    *(cache->newest == 0 ? &cache->oldest : &cache->cached[cache->newest].newer) = number;
    cache->newest = number;
    cache->idle++;
}

static void evict_oldest(struct kv_cache *cache)
{
    uint32_t number = cache->oldest;
    idle_remove(cache, number);
    remove_place(cache, cache->cached[number].hash);
    cache->cached[number].newer = cache->first_spare;
    cache->first_spare = number;
    cache->cached_count--;
    cache->free++;
    cache->evictions++;
}

/* --- requests --- */

bool kv_cache_reserve(struct kv_cache *cache, struct request *request, uint64_t tokens)
{
    uint32_t wanted = kv_cache_pages_of(cache, tokens);
    if (wanted <= request->blocks) {
        return true;
    }
    uint32_t more = wanted - request->blocks;
    if (more > kv_cache_available(cache)) {
        return false;
    }
    while (cache->free < more) {
        evict_oldest(cache);
    }
    cache->free -= more;
    request->blocks = wanted;
    return true;
}

uint32_t kv_cache_match(struct kv_cache *cache, const struct request *request)
{
    if (!cache->keeps_prefixes || request->content == CONTENT_OWN || cache->cached_count == 0) {
        return 0;
    }
    uint32_t most = (request_target(request) - 1) / cache->page_tokens, found = 0;
    while (found < most) {
        uint64_t hash = page_hash(cache, request, found);
        if (hash == 0 || *place_of(cache, hash) == 0) {
            break;
        }
        found++;
    }
    return found * cache->page_tokens;
}

static void hold(struct kv_cache *cache, uint32_t number)
{
    if (cache->cached[number].holders++ == 0) {
        idle_remove(cache, number);
    }
}

void kv_cache_take_prefix(struct kv_cache *cache, struct request *request, uint32_t tokens)
{
    assert(request->blocks == 0 && "a prefix is taken first");
    uint32_t pages = tokens / cache->page_tokens;
    for (uint32_t i = 0; i < pages; i++) {
        hold(cache, *place_of(cache, page_hash(cache, request, i)));
    }
    request->blocks = request->shared_blocks = pages;
}

void kv_cache_publish(struct kv_cache *cache, struct request *request)
{
    if (!cache->keeps_prefixes || request->content == CONTENT_OWN) {
        return;
    }
    uint32_t full = request->computed_tokens / cache->page_tokens;
    for (uint32_t i = request->shared_blocks; i < full; i++) {
        uint64_t hash = page_hash(cache, request, i);
        if (hash == 0) {
            return;
        }
        if (cache->first_spare == 0) {
            grow(cache);
        }
        uint32_t *place = place_of(cache, hash);
        if (*place != 0) { /* another has computed the same: one copy is enough */
            hold(cache, *place);
            cache->free++;
        } else {
            uint32_t number = cache->first_spare;
            cache->first_spare = cache->cached[number].newer;
            cache->cached[number] = (struct cached_page){.hash = hash, .holders = 1};
            cache->cached_count++;
            *place = number;
        }
        request->shared_blocks = i + 1;
    }
}

/* The last pages are let go first: a prefix is worth more than what follows it. */
void kv_cache_release(struct kv_cache *cache, struct request *request)
{
    cache->free += request->blocks - request->shared_blocks;
    for (uint32_t i = request->shared_blocks; i-- > 0;) {
        uint32_t number = *place_of(cache, page_hash(cache, request, i));
        assert(number != 0 && "a page that is held is cached");
        if (--cache->cached[number].holders == 0) {
            idle_append(cache, number);
        }
    }
    request->blocks = request->shared_blocks = 0;
}

void kv_cache_clear(struct kv_cache *cache)
{
    while (cache->idle > 0) {
        evict_oldest(cache);
    }
}
