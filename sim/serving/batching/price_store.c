/* SPDX-License-Identifier: MIT */
#include "sim/serving/batching/price_store.h"

#include "models/numeric/random.h"

#include <stdatomic.h>
#include <sys/mman.h>

/* Prices lie one after another in the order in which they came, so that memory is touched for those
 * that there are; a table of numbers says where. PROBES: places looked at. */
enum { PLACES = 1 << 22, PRICES = 1 << 21, PROBES = 32 };
/* Places of one kind lie near to each other: a process, which has but one, gets few pages. */
enum { KIND_PLACES = 1 << 18 };

struct kept_price {
    struct price_key key;
    struct step_cost cost;
};

/* A place: 0, free; else the hash's upper half, and the price's number from 1. One store says all
 * of it, after the price is whole. */
struct price_store {
    _Atomic uint32_t count; /* of prices begun */
    _Atomic uint64_t places[PLACES];
    struct kept_price prices[PRICES];
};

struct price_store *price_store_create(void)
{
    void *memory = mmap(NULL, sizeof(struct price_store), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void price_store_destroy(struct price_store *store)
{
    if (store != NULL) {
        munmap(store, sizeof *store);
    }
}

uint64_t price_key_hash(const struct price_key *key)
{
    return random_mix(
        key->kind ^ (uint64_t)key->shared << 48 ^
        random_mix(((uint64_t)key->decodes << 32 | key->prompts) ^
                   random_mix(key->decode_context ^
                              random_mix(key->new_tokens ^ random_mix(key->cached_tokens)))) ^
        (key->query_prompts == 0
             ? 0
             : random_mix(key->query_prompts ^
                          random_mix(key->query_new_tokens ^ ~key->query_cached_tokens))));
}

bool price_key_same(const struct price_key *a, const struct price_key *b)
{
    return a->kind == b->kind && a->decodes == b->decodes && a->prompts == b->prompts &&
           a->decode_context == b->decode_context && a->new_tokens == b->new_tokens &&
           a->cached_tokens == b->cached_tokens && a->shared == b->shared &&
           a->query_prompts == b->query_prompts && a->query_new_tokens == b->query_new_tokens &&
           a->query_cached_tokens == b->query_cached_tokens;
}

/* Of the places that a price may have, number `probe`. */
static _Atomic uint64_t *place_of(struct price_store *store, const struct price_key *key,
                                  uint64_t hash, uint32_t probe)
{
    uint64_t first = random_mix(key->kind) + hash % KIND_PLACES;
    return &store->places[(first + probe) % PLACES];
}

/* What the place of a price says but for the price's number. */
static uint64_t upper_half(uint64_t hash)
{
    return hash >> 32 << 32;
}

bool price_store_find(struct price_store *store, const struct price_key *key,
                      struct step_cost *cost)
{
    uint64_t hash = price_key_hash(key);
    for (uint32_t i = 0; i < PROBES; i++) {
        uint64_t place = atomic_load_explicit(place_of(store, key, hash, i), memory_order_acquire);
        if (place == 0) {
            return false;
        }
        const struct kept_price *kept = &store->prices[(uint32_t)place - 1];
        if (upper_half(place) == upper_half(hash) && price_key_same(&kept->key, key)) {
            *cost = kept->cost;
            return true;
        }
    }
    return false;
}

void price_store_put(struct price_store *store, const struct price_key *key,
                     const struct step_cost *cost)
{
    if (atomic_load_explicit(&store->count, memory_order_relaxed) >= PRICES) {
        return;
    }
    uint32_t number = atomic_fetch_add_explicit(&store->count, 1, memory_order_relaxed);
    if (number >= PRICES) {
        return;
    }
    store->prices[number] = (struct kept_price){.key = *key, .cost = *cost};
    uint64_t hash = price_key_hash(key);
    for (uint32_t i = 0; i < PROBES; i++) {
        uint64_t free_place = 0;
        if (atomic_compare_exchange_strong_explicit(place_of(store, key, hash, i), &free_place,
                                                    upper_half(hash) | (number + 1),
                                                    memory_order_release, memory_order_relaxed)) {
            return;
        }
    }
}
