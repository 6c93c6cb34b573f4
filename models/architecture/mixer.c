/* SPDX-License-Identifier: MIT */
#include "models/architecture/mixer_rows.h"

#include <assert.h>

static void none_weights(const struct mixer *mixer, uint32_t hidden, struct weight_list *list)
{
    (void)mixer, (void)hidden, (void)list;
}

static struct mixer_cache none_cache(const struct mixer *mixer)
{
    (void)mixer;
    return (struct mixer_cache){.tokens_per_entry = 1.0};
}

static double none_flops(const struct mixer *mixer, double new_tokens, double cached_tokens)
{
    (void)mixer, (void)new_tokens, (void)cached_tokens;
    return 0.0;
}

const struct mixer_row mixer_none = {
    .weights = none_weights, .cache = none_cache, .flops = none_flops};

#define MIXER_ROW(member, stem, name, sentence) [member] = &mixer_##stem,
const struct mixer_row *const mixer_rows[MIXER_KIND_COUNT] = {MIXERS(MIXER_ROW)};

const char *mixer_kind_name(enum mixer_kind kind)
{
    static const char *const names[MIXER_KIND_COUNT] = {MIXERS(ROW_NAME)};
    assert(kind < MIXER_KIND_COUNT && "not a kind of mixer");
    return names[kind];
}

double causal_pairs(double new_tokens, double cached_tokens)
{
    return new_tokens * cached_tokens + new_tokens * new_tokens / 2.0;
}

double window_pairs(double window, double new_tokens, double cached_tokens)
{
    if (window <= 0.0 || cached_tokens + new_tokens <= window) {
        return causal_pairs(new_tokens, cached_tokens);
    }
    double growing = window > cached_tokens ? window - cached_tokens : 0.0;
    return causal_pairs(growing, growing > 0.0 ? cached_tokens : 0.0) +
           (new_tokens - growing) * window;
}

void indexer_weights(const struct indexer *indexer, uint64_t depth, uint32_t hidden,
                     struct weight_list *list)
{
    uint64_t columns = (uint64_t)indexer->heads * indexer->head_size;
    weights_product(list, "indexer query", columns, depth);
    weights_product(list, "indexer key", indexer->head_size, hidden);
    weights_vector(list, "indexer norms", 2 * (uint64_t)indexer->head_size);
    if (indexer->pool > 0) {
        weights_vector(list, "indexer pool positions",
                       (uint64_t)indexer->pool * indexer->head_size);
        weights_product(list, "indexer pool gate", indexer->head_size, hidden);
    }
    if (indexer->block == 0) {
        weights_product(list, "indexer head weights", indexer->heads, hidden);
    }
}

void mark_borrowed(struct weight_list *list, uint32_t first, bool borrowed)
{
    for (uint32_t i = first; i < list->count; i++) {
        list->items[i].borrowed |= borrowed;
    }
}
