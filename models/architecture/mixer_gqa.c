/* SPDX-License-Identifier: MIT
 * Multi-head, grouped-query and multi-query attention, over all of the context or a window. */
#include "models/architecture/mixer_rows.h"

static uint64_t value_size(const struct gqa *gqa)
{
    return gqa->value_head_size > 0 ? gqa->value_head_size : gqa->head_size;
}

static void norms(const struct gqa *gqa, struct weight_list *list)
{
    bool all = gqa->norm == QK_NORM_HEADS;
    if (gqa->norm == QK_NORM_NONE) {
        return;
    }
    weights_vector(list, "query norm", (uint64_t)gqa->head_size * (all ? gqa->query_heads : 1));
    if (!gqa->borrows_cache) {
        weights_vector(list, "key norm", (uint64_t)gqa->head_size * (all ? gqa->kv_heads : 1));
    }
}

static void gqa_weights(const struct mixer *mixer, uint32_t hidden, struct weight_list *list)
{
    const struct gqa *gqa = &mixer->gqa;
    uint64_t query = (uint64_t)gqa->query_heads * gqa->head_size;
    uint64_t keys = gqa->borrows_cache ? 0 : (uint64_t)gqa->kv_heads * gqa->head_size;
    uint64_t values =
        gqa->borrows_cache || gqa->keys_are_values ? 0 : gqa->kv_heads * value_size(gqa);
    uint64_t result = gqa->query_heads * value_size(gqa);
    struct weight qkv = {.name = "qkv",
                         .class = WEIGHT_ATTENTION,
                         .split = SPLIT_COLUMNS,
                         .depth = gqa->input > 0 ? gqa->input : hidden,
                         .product = true};
    uint32_t piece = 0;
    qkv.pieces[piece++] = (struct weight_piece){query, gqa->query_heads};
    if (gqa->gated_output) {
        qkv.pieces[piece++] = (struct weight_piece){result, gqa->query_heads};
    }
    if (keys > 0) {
        qkv.pieces[piece++] = (struct weight_piece){keys, gqa->kv_heads};
    }
    if (values > 0) {
        qkv.pieces[piece++] = (struct weight_piece){values, gqa->kv_heads};
    }
    if (gqa->head_gate) {
        qkv.pieces[piece++] = (struct weight_piece){gqa->query_heads, gqa->query_heads};
    }
    weights_add(list, qkv);
    weights_add(list, (struct weight){.name = "out",
                                      .class = WEIGHT_ATTENTION,
                                      .split = SPLIT_DEPTH,
                                      .pieces = {{.columns = hidden}},
                                      .depth = result,
                                      .depth_heads = gqa->query_heads,
                                      .product = true});
    norms(gqa, list);
    if (gqa->query_bias) {
        weights_vector(list, "query bias", query);
    }
    if (gqa->kv_bias && keys + values > 0) {
        weights_vector(list, "key and value bias", keys + values);
    }
    if (gqa->out_bias) {
        weights_vector(list, "out bias", hidden);
    }
    if (gqa->sinks) {
        weights_vector(list, "sinks", gqa->query_heads);
    }
}

static struct mixer_cache gqa_cache(const struct mixer *mixer)
{
    const struct gqa *gqa = &mixer->gqa;
    double values = gqa->keys_are_values ? 0.0 : (double)value_size(gqa);
    return (struct mixer_cache){
        .token_elements = gqa->borrows_cache ? 0.0 : gqa->kv_heads * (gqa->head_size + values),
        .heads = gqa->kv_heads,
        .token_elements_of_indexer = gqa->indexer.heads > 0 ? (double)gqa->indexer.head_size : 0.0,
        .tokens_per_entry = 1.0,
        .rows = gqa->keys_are_values ? 1 : 2,
        .window = gqa->reach == REACH_ALL ? 0 : gqa->window,
    };
}

/* Pairs of queries and keys under a causal mask: arXiv 2411.01783, appendix A, halves T^2. */
static double causal_pairs(double new_tokens, double cached_tokens)
{
    return new_tokens * cached_tokens + new_tokens * new_tokens / 2.0;
}

double gqa_pairs(const struct gqa *gqa, double new_tokens, double cached_tokens)
{
    double window = gqa->window;
    if (gqa->reach == REACH_ALL || window <= 0.0 || cached_tokens + new_tokens <= window) {
        return causal_pairs(new_tokens, cached_tokens);
    }
    double growing = window > cached_tokens ? window - cached_tokens : 0.0;
    double full = (new_tokens - growing) * window;
    if (gqa->reach == REACH_CHUNK) { /* from one multiple to the next, half of it on average */
        full = (new_tokens - growing) * window / 2.0;
    }
    return causal_pairs(growing, cached_tokens < window ? cached_tokens : 0.0) + full;
}

static double gqa_flops(const struct mixer *mixer, double new_tokens, double cached_tokens)
{
    const struct gqa *gqa = &mixer->gqa;
    return 2.0 * gqa->query_heads * (double)(gqa->head_size + value_size(gqa)) *
           gqa_pairs(gqa, new_tokens, cached_tokens);
}

const struct mixer_row mixer_gqa = {
    .name = "gqa",
    .doc = "Multi-head, grouped-query or multi-query attention.",
    .weights = gqa_weights,
    .cache = gqa_cache,
    .flops = gqa_flops,
};
