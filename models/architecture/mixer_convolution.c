/* SPDX-License-Identifier: MIT
 * The gated short convolution of LFM2 (arXiv 2511.23404): a projection to two gates and an input,
 * a causal convolution a channel between them. */
#include "models/architecture/mixer_rows.h"

static void convolution_weights(const struct mixer *mixer, uint32_t hidden,
                                struct weight_list *list)
{
    const struct convolution *it = &mixer->convolution;
    uint32_t first = list->count;
    uint64_t width = it->width;
    weights_add(list, (struct weight){
                          .name = "in",
                          .class = WEIGHT_ATTENTION,
                          .split = SPLIT_COLUMNS,
                          .pieces = {{.columns = width}, {.columns = width}, {.columns = width}},
                          .depth = hidden,
                          .product = true});
    weights_add(list, (struct weight){.name = "out",
                                      .class = WEIGHT_ATTENTION,
                                      .split = SPLIT_DEPTH,
                                      .pieces = {{.columns = hidden}},
                                      .depth = width,
                                      .product = true});
    weights_vector(list, "convolution", width * ((uint64_t)it->taps + (it->bias ? 1 : 0)));
    if (it->bias) {
        weights_vector(list, "in and out biases", 3 * width + hidden);
    }
    mark_borrowed(list, first, mixer->borrowed);
}

static struct mixer_cache convolution_cache(const struct mixer *mixer)
{
    const struct convolution *it = &mixer->convolution;
    return (struct mixer_cache){
        .tokens_per_entry = 1.0,
        .convolution_elements = (double)it->width * (it->taps > 0 ? it->taps - 1 : 0),
        .convolution_channels = it->width,
    };
}

/* The taps and the two gates. */
static double convolution_flops(const struct mixer *mixer, double new_tokens, double cached_tokens)
{
    const struct convolution *it = &mixer->convolution;
    (void)cached_tokens;
    return (2.0 * it->taps + 2.0) * it->width * new_tokens;
}

const struct mixer_row mixer_convolution = {
    .weights = convolution_weights,
    .cache = convolution_cache,
    .flops = convolution_flops,
};
