/* SPDX-License-Identifier: MIT
 * DeepSeek-V4's attention: one head of keys that are values too, kept as they are for the latest
 * `window` tokens and as one entry for each `ratio` before them. At ratio 4 entries overlap, so
 * they are made of twice the columns, and an indexer chooses among them; at 128 all are read. What
 * its parts are: transformers 5.24, models/deepseek_v4. */
#include "models/architecture/mixer_rows.h"

static uint64_t wide(const struct compressed *it)
{
    return it->indexer.heads > 0 ? 2 : 1;
}

static void compressor(const char *names[4], uint64_t columns, uint64_t head, uint32_t ratio,
                       uint32_t hidden, struct weight_list *list)
{
    weights_product(list, names[0], columns, hidden);
    weights_product(list, names[1], columns, hidden);
    weights_vector(list, names[2], (uint64_t)ratio * columns);
    weights_vector(list, names[3], head);
}

static void compressed_weights(const struct mixer *mixer, uint32_t hidden, struct weight_list *list)
{
    const struct compressed *it = &mixer->compressed;
    uint32_t first = list->count, heads = it->query_heads;
    uint64_t columns = (uint64_t)heads * it->head_size;
    weights_add(list, (struct weight){.name = "query down",
                                      .class = WEIGHT_ATTENTION,
                                      .pieces = {{.columns = it->query_rank}},
                                      .depth = hidden,
                                      .product = true});
    weights_vector(list, "query norm", it->query_rank);
    weights_add(list, (struct weight){.name = "query up",
                                      .class = WEIGHT_ATTENTION,
                                      .split = SPLIT_COLUMNS,
                                      .pieces = {{columns, heads}},
                                      .depth = it->query_rank,
                                      .product = true});
    weights_add(list, (struct weight){.name = "kv",
                                      .class = WEIGHT_ATTENTION,
                                      .pieces = {{.columns = it->head_size}},
                                      .depth = hidden,
                                      .product = true});
    weights_vector(list, "kv norm", it->head_size);
    /* Each group of heads is projected to out_rank by itself, then all together to hidden. */
    weights_add(
        list, (struct weight){.name = "out down",
                              .class = WEIGHT_ATTENTION,
                              .split = SPLIT_COLUMNS,
                              .pieces = {{(uint64_t)it->out_groups * it->out_rank, it->out_groups}},
                              .depth = columns / (it->out_groups > 0 ? it->out_groups : 1),
                              .product = true});
    weights_add(list, (struct weight){.name = "out",
                                      .class = WEIGHT_ATTENTION,
                                      .split = SPLIT_DEPTH,
                                      .pieces = {{.columns = hidden}},
                                      .depth = (uint64_t)it->out_groups * it->out_rank,
                                      .depth_heads = it->out_groups,
                                      .product = true});
    weights_vector(list, "sinks", heads);
    if (it->ratio > 0) {
        static const char *names[4] = {"compressor", "compressor gate", "compressor positions",
                                       "compressor norm"};
        compressor(names, wide(it) * it->head_size, it->head_size, it->ratio, hidden, list);
    }
    if (it->ratio > 0 && it->indexer.heads > 0) {
        static const char *names[4] = {"indexer compressor", "indexer compressor gate",
                                       "indexer positions", "indexer norm"};
        const struct indexer *indexer = &it->indexer;
        compressor(names, 2 * (uint64_t)indexer->head_size, indexer->head_size, it->ratio, hidden,
                   list);
        weights_product(list, "indexer query", (uint64_t)indexer->heads * indexer->head_size,
                        it->query_rank);
        weights_product(list, "indexer head weights", indexer->heads, hidden);
    }
    mark_borrowed(list, first, mixer->borrowed);
}

static struct mixer_cache compressed_cache(const struct mixer *mixer)
{
    const struct compressed *it = &mixer->compressed;
    bool indexed = it->ratio > 0 && it->indexer.heads > 0;
    return (struct mixer_cache){
        .token_elements = it->ratio > 0 ? it->head_size : 0.0,
        .token_elements_of_indexer = indexed ? it->indexer.head_size : 0.0,
        .tokens_per_entry = it->ratio > 0 ? it->ratio : 1.0,
        .window_elements = (double)it->window * it->head_size,
    };
}

static double compressed_flops(const struct mixer *mixer, double new_tokens, double cached_tokens)
{
    const struct compressed *it = &mixer->compressed;
    double pairs = window_pairs(it->window, new_tokens, cached_tokens), scored = 0.0;
    if (it->ratio > 0) {
        double entries = cached_tokens / it->ratio, all = causal_pairs(new_tokens, cached_tokens);
        double seen = all / it->ratio;
        if (it->indexer.heads > 0) {
            scored = seen;
            double most = new_tokens * it->indexer.top_k;
            seen = entries >= it->indexer.top_k || seen > most ? most : seen;
        }
        pairs += seen;
    }
    return 4.0 * it->query_heads * it->head_size * pairs +
           2.0 * it->indexer.heads * it->indexer.head_size * scored;
}

const struct mixer_row mixer_compressed = {
    .weights = compressed_weights,
    .cache = compressed_cache,
    .flops = compressed_flops,
};
