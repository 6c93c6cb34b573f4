/* SPDX-License-Identifier: MIT
 * Lightning attention (MiniMax-01, arXiv 2501.08313): a state of head_size x head_size a head that
 * decays at a fixed rate, its output normed and gated. */
#include "models/architecture/mixer_rows.h"

static void linear_weights(const struct mixer *mixer, uint32_t hidden, struct weight_list *list)
{
    const struct linear *it = &mixer->linear;
    uint32_t first = list->count;
    uint64_t width = (uint64_t)it->heads * it->head_size;
    weights_add(list, (struct weight){
                          .name = "qkv",
                          .class = WEIGHT_ATTENTION,
                          .split = SPLIT_COLUMNS,
                          .pieces = {{width, it->heads}, {width, it->heads}, {width, it->heads}},
                          .depth = hidden,
                          .product = true});
    weights_add(list, (struct weight){.name = "gate",
                                      .class = WEIGHT_ATTENTION,
                                      .split = SPLIT_COLUMNS,
                                      .pieces = {{width, it->heads}},
                                      .depth = hidden,
                                      .product = true});
    weights_add(list, (struct weight){.name = "out",
                                      .class = WEIGHT_ATTENTION,
                                      .split = SPLIT_DEPTH,
                                      .pieces = {{.columns = hidden}},
                                      .depth = width,
                                      .depth_heads = it->heads,
                                      .product = true});
    weights_vector(list, "output norm", width);
    mark_borrowed(list, first, mixer->borrowed);
}

static struct mixer_cache linear_cache(const struct mixer *mixer)
{
    const struct linear *it = &mixer->linear;
    return (struct mixer_cache){
        .heads = it->heads,
        .tokens_per_entry = 1.0,
        .state_elements = (double)it->heads * it->head_size * it->head_size,
    };
}

/* A token and element of the state: decay (1), key times value added (2), the query reads it (2).
 */
static double linear_flops(const struct mixer *mixer, double new_tokens, double cached_tokens)
{
    const struct linear *it = &mixer->linear;
    (void)cached_tokens;
    return 5.0 * it->heads * it->head_size * it->head_size * new_tokens;
}

const struct mixer_row mixer_linear = {
    .weights = linear_weights,
    .cache = linear_cache,
    .flops = linear_flops,
};
