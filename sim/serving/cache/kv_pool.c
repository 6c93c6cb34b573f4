/* SPDX-License-Identifier: MIT */
#include "sim/serving/cache/kv_pool.h"

#include "models/numeric/random.h"

#include <assert.h>

#define LOST_LABELS (UINT64_C(3) << 62) /* no text has them */

void kv_pool_create(struct kv_cache *cache)
{
    assert(cache->pages < UINT32_MAX / 4 && "blocks have numbers of 32 bits");
    cache->naming = ARENA_ARRAY(cache->arena, uint8_t, cache->pages + 1);
    cache->unnamed = ARENA_ARRAY(cache->arena, uint32_t, cache->pages + 1);
    cache->fresh = 1;
    cache->free = cache->pages;
    if (!cache->layout.keeps_prefixes) {
        return;
    }
    uint32_t room = 2;
    while (room < 2 * cache->pages) {
        room *= 2;
    }
    cache->named = ARENA_ARRAY(cache->arena, uint32_t, room);
    cache->named_mask = room - 1;
    hash_table_create(&cache->labels, cache->arena, (uint32_t)cache->pages);
    cache->names = ARENA_ARRAY(cache->arena, struct kv_name, cache->pages + 1);
}

/* --- the queue of named blocks: a ring with gaps where one was hit --- */

static uint32_t *named_at(const struct kv_cache *cache, uint64_t place)
{
    return &cache->named[place & cache->named_mask];
}

static void close_gaps(struct kv_cache *cache)
{
    uint64_t kept = cache->named_first;
    for (uint64_t place = cache->named_first; place < cache->named_end; place++) {
        uint32_t block = *named_at(cache, place);
        if (block != 0) {
            cache->names[block & ~KV_OWN].place = (uint32_t)kept & cache->named_mask;
            *named_at(cache, kept++) = block;
        }
    }
    cache->named_end = kept;
}

static void append_named(struct kv_cache *cache, uint32_t block)
{
    if (cache->named_end - cache->named_first > cache->named_mask) {
        close_gaps(cache); /* the ring has room for twice as many as there are */
    }
    if (cache->naming[block] == KV_LISTED) {
        cache->names[block].place = (uint32_t)cache->named_end & cache->named_mask;
    }
    *named_at(cache, cache->named_end++) = block;
}

/* The place of the first that is there, or the end. */
static uint64_t first_named(const struct kv_cache *cache, uint64_t place)
{
    while (place < cache->named_end && *named_at(cache, place) == 0) {
        place++;
    }
    return place;
}

/* --- the table of labels, with the first made of a label's blocks --- */

static uint64_t hash_of(uint64_t label)
{
    return label * UINT64_C(0x9e3779b97f4a7c15);
}

uint32_t kv_pool_find(const struct kv_cache *cache, uint64_t label)
{
    struct hash_walk walk = hash_walk(&cache->labels, hash_of(label));
    uint32_t block;
    while ((block = hash_next(&walk)) != HASH_NONE && cache->names[block].label != label) {
    }
    return block;
}

/* Puts a block behind those of the same label: they are found in the order in which they were made.
 */
static void enlist(struct kv_cache *cache, uint32_t block, uint64_t label)
{
    cache->naming[block] = KV_LISTED;
    cache->names[block].label = label;
    cache->names[block].copy = 0;
    uint32_t last = kv_pool_find(cache, label);
    if (last == HASH_NONE) {
        hash_table_add(&cache->labels, hash_of(label), block);
        return;
    }
    while (cache->names[last].copy != 0) {
        last = cache->names[last].copy;
    }
    cache->names[last].copy = block;
}

void kv_pool_show(struct kv_cache *cache, uint32_t block, uint64_t label)
{
    cache->names[block].holders = 1;
    enlist(cache, block, label);
}

void kv_pool_name(struct kv_cache *cache, uint32_t block, uint64_t label)
{
    assert(cache->naming[block] == KV_UNNAMED && label != 0);
    kv_pool_show(cache, block, label);
}

/* Takes a listed block out of the table. */
static void unlist(struct kv_cache *cache, uint32_t block)
{
    uint64_t label = cache->names[block].label;
    uint32_t first = kv_pool_find(cache, label), next = cache->names[block].copy;
    if (first == block && next == 0) {
        hash_table_remove(&cache->labels, hash_of(label), block);
    } else if (first == block) {
        hash_table_replace(&cache->labels, hash_of(label), block, next);
    } else {
        while (cache->names[first].copy != block) {
            first = cache->names[first].copy;
        }
        cache->names[first].copy = next;
    }
}

/* Blocks that somebody still holds (a cache on its way to another replica) lose their labels too.
 */
void kv_pool_clear(struct kv_cache *cache)
{
    for (uint64_t place = cache->named_first; place < cache->named_end; place++) {
        uint32_t block = *named_at(cache, place);
        *named_at(cache, place) = 0;
        if (block != 0) {
            cache->unnamed[cache->unnamed_count++] = block & ~KV_OWN;
        }
    }
    cache->named_first = cache->named_end = 0;
    hash_table_clear(&cache->labels);
    for (uint64_t block = 1; block <= cache->pages; block++) {
        /* Its holders' number is needed: a block that several hold stays listed under no label. */
        bool shared = cache->naming[block] == KV_LISTED && cache->names[block].holders > 0;
        cache->naming[block] = shared ? KV_LISTED : KV_UNNAMED;
        if (shared) {
            enlist(cache, (uint32_t)block, random_mix(LOST_LABELS | block) | 1U);
        }
    }
}

/* --- taking and letting go --- */

/* A named block that is free, the one that has waited longest. */
static uint32_t take_named(struct kv_cache *cache)
{
    uint64_t place = first_named(cache, cache->named_first);
    uint32_t block = *named_at(cache, place);
    *named_at(cache, place) = 0;
    cache->named_first = place + 1;
    if (cache->sink.put != NULL && cache->sink.at_eviction) {
        bool known = (block & KV_OWN) == 0 && cache->naming[block] == KV_LISTED;
        cache->sink.put(cache->sink.data, known ? cache->names[block].label : 0);
    }
    if ((block & KV_OWN) != 0) {
        return block & ~KV_OWN; /* it is unnamed already */
    }
    if (cache->naming[block] == KV_LISTED) {
        unlist(cache, block);
    }
    cache->naming[block] = KV_UNNAMED;
    return block;
}

/* Fills blocks[i, count) as take_named() does, as long as they are nobody else's; returns how far
 * it came. */
static uint32_t take_own(struct kv_cache *cache, uint32_t *blocks, uint32_t i, uint32_t count)
{
    uint32_t *named = cache->named;
    uint64_t mask = cache->named_mask, place = cache->named_first, end = cache->named_end;
    while (i < count && place < end) {
        uint32_t block = named[place & mask];
        if (block != 0 && (block & KV_OWN) == 0) {
            break;
        }
        if (block != 0) {
            blocks[i++] = block & ~KV_OWN;
        }
        named[place++ & mask] = 0;
    }
    cache->named_first = place;
    return i;
}

void kv_pool_take(struct kv_cache *cache, uint32_t *blocks, uint32_t count)
{
    assert(cache->free >= count && "who takes a block has seen that it is free");
    cache->free -= count;
    const uint32_t *unnamed = cache->unnamed;
    uint32_t i = 0, left = cache->unnamed_count, fresh = cache->fresh;
    while (i < count && left > 0) {
        blocks[i++] = unnamed[--left];
    }
    while (i < count && fresh <= cache->pages) {
        blocks[i++] = fresh++;
    }
    cache->unnamed_count = left;
    cache->fresh = fresh;
    i = cache->sink.put == NULL && i < count ? take_own(cache, blocks, i, count) : i;
    while (i < count) {
        blocks[i++] = take_named(cache);
    }
}

void kv_pool_hold(struct kv_cache *cache, uint32_t block)
{
    if (cache->names[block].holders++ == 0) {
        cache->named[cache->names[block].place] = 0;
        cache->free--;
    }
}

void kv_pool_let_go(struct kv_cache *cache, const uint32_t *blocks, uint32_t count)
{
    uint32_t first = cache->unnamed_count;
    for (uint32_t i = count; i-- > 0;) {
        uint32_t block = blocks[i];
        uint8_t naming = cache->naming[block];
        if (block == 0 || (naming == KV_LISTED && --cache->names[block].holders > 0)) {
            continue;
        }
        cache->free++;
        if (naming == KV_UNNAMED) {
            cache->unnamed[cache->unnamed_count++] = block;
        } else {
            append_named(cache, block);
        }
    }
    /* The first let go is taken first: the last on the stack. */
    for (uint32_t low = first, high = cache->unnamed_count; low + 1 < high; low++, high--) {
        uint32_t swapped = cache->unnamed[low];
        cache->unnamed[low] = cache->unnamed[high - 1];
        cache->unnamed[high - 1] = swapped;
    }
}

void kv_pool_let_go_own(struct kv_cache *cache, const uint32_t *blocks, uint32_t labelled,
                        uint32_t count)
{
    cache->free += count;
    for (uint32_t i = labelled; i < count; i++) { /* the last is taken first */
        cache->unnamed[cache->unnamed_count++] = blocks[i];
    }
    if (labelled == 0) {
        return;
    }
    if (cache->named_end - cache->named_first + labelled > cache->named_mask + UINT64_C(1)) {
        close_gaps(cache); /* then there is room for twice as many as there are */
    }
    uint32_t *named = cache->named;
    uint64_t mask = cache->named_mask, end = cache->named_end;
    for (uint32_t i = labelled; i-- > 0;) {
        named[end++ & mask] = blocks[i] | KV_OWN;
    }
    cache->named_end = end;
}

uint32_t kv_cache_taken(const struct kv_cache *cache, uint64_t index)
{
    if (index < cache->unnamed_count) {
        return cache->unnamed[cache->unnamed_count - 1 - index];
    }
    index -= cache->unnamed_count;
    uint64_t fresh = cache->pages + 1 - cache->fresh;
    if (index < fresh) {
        return cache->fresh + (uint32_t)index;
    }
    index -= fresh;
    uint64_t place = first_named(cache, cache->named_first);
    for (; index > 0 && place < cache->named_end; index--) {
        place = first_named(cache, place + 1);
    }
    return place < cache->named_end ? *named_at(cache, place) & ~KV_OWN : 0;
}

uint64_t kv_cache_named(const struct kv_cache *cache)
{
    uint64_t count = 0;
    for (uint64_t place = cache->named_first; place < cache->named_end; place++) {
        count += *named_at(cache, place) != 0;
    }
    return count;
}
