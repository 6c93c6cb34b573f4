/* SPDX-License-Identifier: MIT
 * The real-gated linear recurrent unit of Griffin (arXiv 2402.19427, section 2.4): one state an
 * element of its width; both gates are block-diagonal products, a block a head. */
#include "models/architecture/mixer_rows.h"

static void recurrent_weights(const struct mixer *mixer, uint32_t hidden, struct weight_list *list)
{
    const struct recurrent *it = &mixer->recurrent;
    uint32_t first = list->count;
    uint64_t width = it->width, block = it->heads > 0 ? width / it->heads : width;
    weights_add(list, (struct weight){.name = "in",
                                      .class = WEIGHT_ATTENTION,
                                      .split = SPLIT_COLUMNS,
                                      .pieces = {{width, it->heads}, {width, it->heads}},
                                      .depth = hidden,
                                      .product = true});
    weights_add(list, (struct weight){.name = "gates",
                                      .class = WEIGHT_ATTENTION,
                                      .split = SPLIT_COLUMNS,
                                      .pieces = {{width, it->heads}, {width, it->heads}},
                                      .depth = block,
                                      .product = true});
    weights_add(list, (struct weight){.name = "out",
                                      .class = WEIGHT_ATTENTION,
                                      .split = SPLIT_DEPTH,
                                      .pieces = {{.columns = hidden}},
                                      .depth = width,
                                      .depth_heads = it->heads,
                                      .product = true});
    weights_vector(list, "in, gate and out biases", 4 * width + hidden);
    weights_vector(list, "convolution", width * ((uint64_t)it->convolution + 1));
    weights_vector(list, "decay", width);
    mark_borrowed(list, first, mixer->borrowed);
}

static struct mixer_cache recurrent_cache(const struct mixer *mixer)
{
    const struct recurrent *it = &mixer->recurrent;
    return (struct mixer_cache){
        .heads = it->heads,
        .tokens_per_entry = 1.0,
        .convolution_elements = (double)it->width * (it->convolution > 0 ? it->convolution - 1 : 0),
        .convolution_channels = it->width,
        .state_elements = it->width,
    };
}

/* A token and element: decay, gate and add, about ten operations without the gates' products. */
static double recurrent_flops(const struct mixer *mixer, double new_tokens, double cached_tokens)
{
    (void)cached_tokens;
    return 10.0 * mixer->recurrent.width * new_tokens;
}

const struct mixer_row mixer_recurrent = {
    .weights = recurrent_weights,
    .cache = recurrent_cache,
    .flops = recurrent_flops,
};
