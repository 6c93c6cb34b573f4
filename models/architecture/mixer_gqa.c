/* SPDX-License-Identifier: MIT
 * Multi-head, grouped-query and multi-query attention, over all of the context or a window. */
#include "models/architecture/mixer_rows.h"

static uint64_t value_size(const struct gqa *gqa)
{
    return gqa->value_head_size > 0 ? gqa->value_head_size : gqa->head_size;
}

static void norms(const struct gqa *gqa, uint64_t result, struct weight_list *list)
{
    uint64_t head = (uint64_t)gqa->head_size * (gqa->norm_bias ? 2 : 1);
    bool all = gqa->norm == QK_NORM_HEADS;
    if (gqa->norm != QK_NORM_NONE) {
        weights_vector(list, "query norm", head * (all ? gqa->query_heads : 1));
    }
    if (gqa->norm != QK_NORM_NONE && !gqa->borrows_cache) {
        weights_vector(list, "key norm", head * (all ? gqa->kv_heads : 1));
    }
    if (gqa->output_norm) {
        weights_vector(list, "output norm", result);
    }
}

/* A low-rank addition to a product of `columns` columns. */
static void adapter(const char *down, const char *up, uint32_t rank, uint64_t columns,
                    uint64_t depth, struct weight_list *list)
{
    weights_add(list, (struct weight){.name = down,
                                      .class = WEIGHT_ATTENTION,
                                      .pieces = {{.columns = rank}},
                                      .depth = depth,
                                      .product = true});
    weights_add(list, (struct weight){.name = up,
                                      .class = WEIGHT_ATTENTION,
                                      .split = SPLIT_COLUMNS,
                                      .pieces = {{.columns = columns}},
                                      .depth = rank,
                                      .product = true});
}

/* Keys and values are one projection for all tokens; queries and output are experts', whose heads
 * a token has from each it is sent to (JetMoE, arXiv 2404.07413). */
static void expert_projections(const struct gqa *gqa, uint32_t hidden, struct weight_list *list)
{
    uint64_t width = (uint64_t)gqa->kv_heads * gqa->head_size;
    weights_add(list, (struct weight){.name = "attention router",
                                      .pieces = {{.columns = gqa->experts.count}},
                                      .depth = hidden,
                                      .product = true});
    weights_add(list, (struct weight){.name = "experts query",
                                      .class = WEIGHT_ATTENTION,
                                      .split = SPLIT_COLUMNS,
                                      .pieces = {{width, gqa->kv_heads}},
                                      .depth = hidden,
                                      .experts = gqa->experts,
                                      .product = true});
    weights_add(list, (struct weight){.name = "kv",
                                      .class = WEIGHT_ATTENTION,
                                      .split = SPLIT_COLUMNS,
                                      .pieces = {{width, gqa->kv_heads}, {width, gqa->kv_heads}},
                                      .depth = hidden,
                                      .product = true});
    weights_add(list, (struct weight){.name = "experts out",
                                      .class = WEIGHT_ATTENTION,
                                      .split = SPLIT_DEPTH,
                                      .pieces = {{.columns = hidden}},
                                      .depth = width,
                                      .depth_heads = gqa->kv_heads,
                                      .experts = gqa->experts,
                                      .product = true});
    if (gqa->out_bias) {
        weights_vector(list, "out bias", hidden);
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
    uint64_t input = gqa->input > 0 ? gqa->input : hidden;
    uint32_t first = list->count;
    if (gqa->experts.count > 0) {
        expert_projections(gqa, hidden, list);
        return;
    }
    struct weight qkv = {.name = "qkv",
                         .class = WEIGHT_ATTENTION,
                         .split = SPLIT_COLUMNS,
                         .depth = input,
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
    norms(gqa, result, list);
    if (gqa->query_bias) {
        weights_vector(list, "query bias",
                       query + (gqa->gated_output && gqa->gate_bias ? result : 0));
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
    if (gqa->indexer.heads > 0) {
        indexer_weights(&gqa->indexer, hidden, hidden, list);
    }
    mark_borrowed(list, first, mixer->borrowed);
    if (gqa->adapter_rank > 0) {
        adapter("query adapter down", "query adapter up", gqa->adapter_rank, input, input, list);
        adapter("key adapter down", "key adapter up", gqa->adapter_rank, input, input, list);
        adapter("value adapter down", "value adapter up", gqa->adapter_rank, input, input, list);
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

/* In chunks a query sees what came since the last multiple, half of a chunk on average. */
double gqa_pairs(const struct gqa *gqa, double new_tokens, double cached_tokens)
{
    if (gqa->reach != REACH_CHUNK || cached_tokens + new_tokens <= gqa->window) {
        return window_pairs(gqa->reach == REACH_ALL ? 0.0 : gqa->window, new_tokens, cached_tokens);
    }
    double window = gqa->window;
    double growing = cached_tokens < window ? window - cached_tokens : 0.0;
    return causal_pairs(growing, growing > 0.0 ? cached_tokens : 0.0) +
           (new_tokens - growing) * window / 2.0;
}

static double gqa_flops(const struct mixer *mixer, double new_tokens, double cached_tokens)
{
    const struct gqa *gqa = &mixer->gqa;
    return 2.0 * gqa->query_heads * (double)(gqa->head_size + value_size(gqa)) *
           gqa_pairs(gqa, new_tokens, cached_tokens);
}

const struct mixer_row mixer_gqa = {
    .weights = gqa_weights,
    .cache = gqa_cache,
    .flops = gqa_flops,
};
