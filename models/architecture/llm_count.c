/* SPDX-License-Identifier: MIT
 * Exact counts of a model: its layers' tensors, its embeddings and norms, what it keeps of a
 * sequence. */
#include "models/architecture/llm.h"

static void add_layer_weights(const struct llm *llm, const struct layer_kind *kind, double layers,
                              struct llm_counts *counts)
{
    struct weight_list list = {.count = 0};
    layer_kind_weights(kind, llm->hidden, &list);
    for (uint32_t i = 0; i < list.count; i++) {
        const struct weight *weight = &list.items[i];
        double elements = layers * weight_elements(weight);
        counts->total += elements;
        counts->active += elements;
        if (weight->experts.count > 0 && !weight->borrowed) {
            counts->expert += elements;
            counts->active -= elements - layers * weight_active_elements(weight);
        }
    }
}

static void add_layer_cache(const struct mixer *mixer, double layers, struct llm_counts *counts)
{
    struct mixer_cache cache = mixer_rows[mixer->kind]->cache(mixer);
    uint32_t window = cache.window;
    double token = cache.token_elements;
    if (mixer->kind == MIXER_COMPRESSED) {
        window = mixer->compressed.window;
        counts->window_token_elements += layers * mixer->compressed.head_size;
    }
    if (cache.window > 0) {
        counts->window_token_elements += layers * token;
    } else {
        counts->token_elements += layers * token / cache.tokens_per_entry;
    }
    if (token > 0.0 || mixer->kind == MIXER_COMPRESSED) {
        counts->attention_layers += (uint32_t)layers;
        counts->window_layers += window > 0 ? (uint32_t)layers : 0;
        counts->window = window > counts->window ? window : counts->window;
    }
    counts->indexer_elements += layers * cache.token_elements_of_indexer / cache.tokens_per_entry;
    /* transformers keeps the newest input of a convolution too, but RecurrentGemma's. */
    bool newest = mixer->kind != MIXER_RECURRENT;
    counts->convolution_elements +=
        layers * (cache.convolution_elements + (newest ? cache.convolution_channels : 0.0));
    counts->state_elements += layers * cache.state_elements;
    counts->state_layers +=
        cache.state_elements > 0.0 || cache.convolution_elements > 0.0 ? (uint32_t)layers : 0;
}

static double add_embeddings(const struct llm *llm, struct llm_counts *counts)
{
    double row = llm->embedding_size > 0 ? llm->embedding_size : llm->hidden;
    double hidden = llm->hidden, tables = (double)llm->stack.layers * llm->layer_embeddings;
    counts->embedding = llm->vocabulary * row;
    counts->other_embedding = llm->positions * hidden + llm->layer_vocabulary * tables;
    counts->head = (llm->tied_embedding ? 0.0 : llm->vocabulary * row) +
                   (llm->head_bias ? llm->vocabulary : 0.0);
    /* In and out of a narrower row; from hidden to the layers' rows, and their norm. */
    double projections = row == hidden ? 0.0 : 2.0 * row * hidden;
    projections += tables * hidden + llm->layer_embeddings;
    return counts->embedding + counts->other_embedding + counts->head + projections;
}

struct llm_counts llm_count(const struct llm *llm)
{
    struct llm_counts counts = {.total = 0.0};
    for (uint32_t i = 0; i < llm->stack.kind_count; i++) {
        const struct layer_kind *kind = &llm->stack.kinds[i];
        double layers = stack_kind_layers(&llm->stack, i, 0, llm->stack.layers);
        add_layer_weights(llm, kind, layers, &counts);
        for (uint32_t k = 0; k < kind->mixer_count; k++) {
            add_layer_cache(&kind->mixers[k], layers, &counts);
        }
    }
    double norms = (llm->embedding_norm ? 1.0 : 0.0) + (llm->no_final_norm ? 0.0 : 1.0);
    double norm = llm->keys.norm == NORM_PLAIN ? 0.0 : llm->keys.norm == NORM_LAYER ? 2.0 : 1.0;
    double beside =
        add_embeddings(llm, &counts) + norms * norm * llm->hidden + (double)llm->other_weights;
    counts.total += beside;
    counts.active += beside;
    return counts;
}
