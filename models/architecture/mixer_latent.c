/* SPDX-License-Identifier: MIT
 * Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434, section 2.1): keys and values of a
 * token are one vector of `kv_rank` elements and a part with a position that all heads share.
 * Prefill expands them to heads, decode reads them as they are. With an indexer (DeepSeek-V3.2,
 * arXiv 2512.02556) a query reads the best `top_k` of them. */
#include "models/architecture/mixer_rows.h"

static void queries(const struct latent *latent, uint32_t hidden, struct weight_list *list)
{
    uint64_t columns = (uint64_t)latent->query_heads * (latent->nope_size + latent->rope_size);
    if (latent->query_rank > 0) {
        weights_add(list, (struct weight){.name = "query down",
                                          .class = WEIGHT_ATTENTION,
                                          .pieces = {{.columns = latent->query_rank}},
                                          .depth = hidden,
                                          .product = true});
        weights_vector(list, "query norm", latent->query_rank);
    }
    weights_add(list, (struct weight){.name = latent->query_rank > 0 ? "query up" : "query",
                                      .class = WEIGHT_ATTENTION,
                                      .split = SPLIT_COLUMNS,
                                      .pieces = {{columns, latent->query_heads}},
                                      .depth = latent->query_rank > 0 ? latent->query_rank : hidden,
                                      .product = true});
}

/* What weighs the heads' results before the projection out. */
static void gates(const struct latent *latent, uint32_t hidden, struct weight_list *list)
{
    uint64_t values = (uint64_t)latent->query_heads * latent->value_head_size;
    uint64_t columns = latent->gated_output ? values : latent->head_gate ? latent->query_heads : 0;
    if (columns > 0) {
        weights_add(list, (struct weight){.name = "gate",
                                          .class = WEIGHT_ATTENTION,
                                          .split = SPLIT_COLUMNS,
                                          .pieces = {{columns, latent->query_heads}},
                                          .depth = hidden,
                                          .product = true});
    }
}

static void latent_weights(const struct mixer *mixer, uint32_t hidden, struct weight_list *list)
{
    const struct latent *latent = &mixer->latent;
    uint32_t first = list->count, heads = latent->query_heads;
    uint64_t values = (uint64_t)heads * latent->value_head_size;
    queries(latent, hidden, list);
    weights_add(list, (struct weight){
                          .name = "kv down",
                          .class = WEIGHT_ATTENTION,
                          .pieces = {{.columns = latent->kv_rank}, {.columns = latent->rope_size}},
                          .depth = hidden,
                          .product = true});
    weights_vector(list, "kv norm", latent->kv_rank);
    weights_add(list, (struct weight){
                          .name = "kv up",
                          .class = WEIGHT_ATTENTION,
                          .split = SPLIT_COLUMNS,
                          .pieces = {{(uint64_t)heads * latent->nope_size, heads}, {values, heads}},
                          .depth = latent->kv_rank,
                          .product = true});
    gates(latent, hidden, list);
    weights_add(list, (struct weight){.name = "out",
                                      .class = WEIGHT_ATTENTION,
                                      .split = SPLIT_DEPTH,
                                      .pieces = {{.columns = hidden}},
                                      .depth = values,
                                      .depth_heads = heads,
                                      .product = true});
    if (latent->bias) {
        weights_vector(list, "latent biases",
                       (uint64_t)latent->query_rank + latent->kv_rank + latent->rope_size + hidden);
    }
    if (latent->sinks) {
        weights_vector(list, "sinks", heads);
    }
    if (latent->rope_norm) {
        weights_vector(list, "rope norm", latent->rope_size);
    }
    if (latent->indexer.heads > 0) {
        indexer_weights(&latent->indexer, latent->query_rank > 0 ? latent->query_rank : hidden,
                        hidden, list);
    }
    mark_borrowed(list, first, mixer->borrowed);
}

static struct mixer_cache latent_cache(const struct mixer *mixer)
{
    const struct latent *latent = &mixer->latent;
    return (struct mixer_cache){
        .token_elements = (double)latent->kv_rank + latent->rope_size,
        .token_elements_of_indexer = latent->indexer.heads > 0 ? latent->indexer.head_size : 0.0,
        .tokens_per_entry = 1.0,
        .window = latent->window,
    };
}

/* Counted expanded, the useful work however it is done. */
static double latent_flops(const struct mixer *mixer, double new_tokens, double cached_tokens)
{
    const struct latent *latent = &mixer->latent;
    const struct indexer *indexer = &latent->indexer;
    double head = latent->nope_size + latent->rope_size + latent->value_head_size;
    double sees = indexer->heads > 0 ? indexer->top_k : latent->window;
    double pairs = window_pairs(sees, new_tokens, cached_tokens);
    return 2.0 * latent->query_heads * head * pairs +
           2.0 * indexer->heads * indexer->head_size * causal_pairs(new_tokens, cached_tokens);
}

const struct mixer_row mixer_latent = {
    .weights = latent_weights,
    .cache = latent_cache,
    .flops = latent_flops,
};
