/* SPDX-License-Identifier: MIT */
#include "sim/serving/batching/price_store.h"

#include "models/numeric/random.h"

#include <stdatomic.h>
#include <sys/mman.h>

/* Places are of memory that the system gives when it is touched. PROBES: places looked at. */
enum { PLACES = 1 << 18, PROBES = 32 };
enum { PLACE_FREE, PLACE_WRITING, PLACE_READY };

struct place {
    _Atomic uint32_t state;
    struct price_key key;
    struct step_cost cost;
};

struct price_store {
    struct place places[PLACES];
};

struct price_store *price_store_create(void)
{
    void *memory = mmap(NULL, sizeof(struct price_store), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
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

bool price_store_find(struct price_store *store, const struct price_key *key,
                      struct step_cost *cost)
{
    uint64_t first = price_key_hash(key);
    for (uint32_t i = 0; i < PROBES; i++) {
        struct place *place = &store->places[(first + i) & (PLACES - 1)];
        uint32_t state = atomic_load_explicit(&place->state, memory_order_acquire);
        if (state == PLACE_FREE) {
            return false;
        }
        if (state == PLACE_READY && price_key_same(&place->key, key)) {
            *cost = place->cost;
            return true;
        }
    }
    return false;
}

void price_store_put(struct price_store *store, const struct price_key *key,
                     const struct step_cost *cost)
{
    uint64_t first = price_key_hash(key);
    for (uint32_t i = 0; i < PROBES; i++) {
        struct place *place = &store->places[(first + i) & (PLACES - 1)];
        uint32_t expected = PLACE_FREE;
        if (atomic_compare_exchange_strong(&place->state, &expected, PLACE_WRITING)) {
            place->key = *key;
            place->cost = *cost;
            atomic_store_explicit(&place->state, PLACE_READY, memory_order_release);
            return;
        }
    }
}
