/* SPDX-License-Identifier: MIT */
#include "models/passes/kv_groups.h"

#include "models/numeric/whole.h"
#include "models/passes/memory.h"

#include <math.h>

/* Layers alike. */
struct cache_kind {
    uint32_t window_tokens, first_layer;
    double entry_bytes;
    uint32_t layers, stage_layers;
};

/* Of a mixer that keeps keys and values of tokens; false: something else is kept, too. */
static bool is_plain_cache(const struct mixer *mixer, const struct mixer_cache *cache)
{
    return (mixer->kind == MIXER_GQA ? mixer->gqa.reach != REACH_CHUNK
                                     : mixer->kind == MIXER_LATENT) &&
           cache->token_elements_of_indexer <= 0.0 && cache->tokens_per_entry <= 1.0 &&
           cache->window_elements <= 0.0;
}

static uint32_t first_layer_of(const struct stack *stack, uint32_t kind)
{
    uint32_t layer = 0;
    while (layer < stack->layers && stack_kind_layers(stack, kind, layer, layer + 1) == 0) {
        layer++;
    }
    return layer;
}

static bool add_layers(struct cache_kind *kinds, uint32_t *count, const struct cache_kind *more)
{
    uint32_t at = 0;
    while (at < *count && (kinds[at].window_tokens != more->window_tokens ||
                           kinds[at].entry_bytes != more->entry_bytes)) {
        at++;
    }
    if (at == KV_GROUPING_MOST) {
        return false;
    }
    if (at == *count) {
        kinds[(*count)++] = *more;
        return true;
    }
    kinds[at].layers += more->layers;
    kinds[at].stage_layers += more->stage_layers;
    kinds[at].first_layer =
        kinds[at].first_layer < more->first_layer ? kinds[at].first_layer : more->first_layer;
    return true;
}

/* By their first layers; few, so by insertion. */
static void sort_kinds(struct cache_kind *kinds, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        struct cache_kind kind = kinds[i];
        uint32_t place = i;
        for (; place > 0 && kinds[place - 1].first_layer > kind.first_layer; place--) {
            kinds[place] = kinds[place - 1];
        }
        kinds[place] = kind;
    }
}

/* Returns how many kinds of layers keep tokens, 0 where one keeps something else. */
static uint32_t kinds_of(const struct replica *replica, const struct model_stage *stage,
                         struct cache_kind *kinds)
{
    const struct stack *stack = &replica->llm->stack;
    uint32_t count = 0;
    for (uint32_t kind = 0; kind < stack->kind_count; kind++) {
        for (uint32_t i = 0; i < stack->kinds[kind].mixer_count; i++) {
            const struct mixer *mixer = &stack->kinds[kind].mixers[i];
            struct mixer_cache cache = mixer_rows[mixer->kind]->cache(mixer);
            bool borrows = cache.token_elements <= 0.0 && mixer->kind == MIXER_GQA;
            uint32_t layers = stack_kind_layers(stack, kind, 0, stack->layers);
            if (mixer->kind == MIXER_NONE || borrows || layers == 0) {
                continue;
            }
            struct cache_kind more = {
                .window_tokens = cache.window,
                .first_layer = first_layer_of(stack, kind),
                .entry_bytes = memory_kv_entry_bytes(replica, mixer),
                .layers = layers,
                .stage_layers = stack_kind_layers(stack, kind, stage->first_layer,
                                                  stage->first_layer + stage->layers),
            };
            if (!is_plain_cache(mixer, &cache) || !add_layers(kinds, &count, &more)) {
                return 0;
            }
        }
    }
    sort_kinds(kinds, count);
    return count;
}

static uint32_t group_layers(const struct cache_kind *kinds, uint32_t count)
{
    uint32_t fewest = kinds[0].layers, most = kinds[0].layers;
    for (uint32_t i = 1; i < count; i++) {
        fewest = kinds[i].layers < fewest ? kinds[i].layers : fewest;
        most = kinds[i].layers > most ? kinds[i].layers : most;
    }
    return 2 * most < 3 * fewest ? most : fewest;
}

bool kv_grouping_of(const struct replica *replica, const struct model_stage *stage,
                    uint32_t block_tokens, struct kv_grouping *grouping)
{
    struct cache_kind kinds[KV_GROUPING_MOST];
    uint32_t count = kinds_of(replica, stage, kinds), windows = 0;
    double largest = 0.0;
    for (uint32_t i = 0; i < count; i++) {
        windows += kinds[i].window_tokens > 0;
        largest = fmax(largest, kinds[i].entry_bytes);
    }
    if (windows == 0) {
        return false;
    }
    uint32_t layers = group_layers(kinds, count);
    *grouping = (struct kv_grouping){0};
    for (uint32_t i = 0; i < count; i++) {
        double ratio = largest / kinds[i].entry_bytes;
        uint32_t more = ratio == floor(ratio) ? (uint32_t)ratio : 1;
        uint32_t groups = (uint32_t)divide_up(kinds[i].layers, layers);
        for (uint32_t g = 0; g < groups; g++) {
            if (grouping->count == KV_GROUPING_MOST) {
                return false;
            }
            grouping->groups[grouping->count].window_tokens = kinds[i].window_tokens;
            grouping->groups[grouping->count++].block_tokens = more * block_tokens;
        }
        uint32_t held = (uint32_t)divide_up(kinds[i].stage_layers, groups);
        grouping->block_layers = held > grouping->block_layers ? held : grouping->block_layers;
    }
    grouping->block_bytes = grouping->block_layers * largest * block_tokens;
    return true;
}
