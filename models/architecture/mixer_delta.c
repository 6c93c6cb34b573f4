/* SPDX-License-Identifier: MIT
 * The gated delta rule (arXiv 2412.06464; Qwen3-Next, OLMo-Hybrid) and Kimi delta attention
 * (2510.26692): a state of key_size x value_size a value head, which decays, forgets what the new
 * key held and takes its value; queries, keys and values pass a short convolution first. */
#include "models/architecture/mixer_rows.h"

/* As wide a product, or two through a rank. */
static void through_rank(struct weight_list *list, const char *down, const char *up, uint32_t rank,
                         uint64_t columns, uint32_t heads, uint32_t hidden)
{
    if (rank > 0) {
        weights_add(list, (struct weight){.name = down,
                                          .class = WEIGHT_ATTENTION,
                                          .pieces = {{.columns = rank}},
                                          .depth = hidden,
                                          .product = true});
    }
    weights_add(list, (struct weight){.name = up,
                                      .class = WEIGHT_ATTENTION,
                                      .split = SPLIT_COLUMNS,
                                      .pieces = {{columns, heads}},
                                      .depth = rank > 0 ? rank : hidden,
                                      .product = true});
}

static void delta_weights(const struct mixer *mixer, uint32_t hidden, struct weight_list *list)
{
    const struct delta *delta = &mixer->delta;
    uint32_t first = list->count, heads = delta->value_heads;
    uint64_t keys = (uint64_t)delta->key_heads * delta->key_size;
    uint64_t values = (uint64_t)heads * delta->value_size;
    weights_add(list,
                (struct weight){
                    .name = "qkv",
                    .class = WEIGHT_ATTENTION,
                    .split = SPLIT_COLUMNS,
                    .pieces = {{keys, delta->key_heads}, {keys, delta->key_heads}, {values, heads}},
                    .depth = hidden,
                    .product = true});
    /* How much of the new value is taken, a head; and the decay, a head or a channel. */
    weights_add(list, (struct weight){.name = "beta",
                                      .class = WEIGHT_ATTENTION,
                                      .split = SPLIT_COLUMNS,
                                      .pieces = {{heads, heads}},
                                      .depth = hidden,
                                      .product = true});
    through_rank(list, "decay down", "decay", delta->channel_decay ? delta->decay_rank : 0,
                 delta->channel_decay ? keys : heads, heads, hidden);
    through_rank(list, "gate down", "gate", delta->gate_rank, values, heads, hidden);
    weights_add(list, (struct weight){.name = "out",
                                      .class = WEIGHT_ATTENTION,
                                      .split = SPLIT_DEPTH,
                                      .pieces = {{.columns = hidden}},
                                      .depth = values,
                                      .depth_heads = heads,
                                      .product = true});
    weights_vector(list, "convolution", (2 * keys + values) * delta->convolution);
    weights_vector(list, "decay scale and bias", heads + (delta->channel_decay ? keys : heads));
    weights_vector(list, "output norm", delta->value_size);
    mark_borrowed(list, first, mixer->borrowed);
}

static struct mixer_cache delta_cache(const struct mixer *mixer)
{
    const struct delta *delta = &mixer->delta;
    double channels =
        2.0 * delta->key_heads * delta->key_size + (double)delta->value_heads * delta->value_size;
    return (struct mixer_cache){
        .heads = delta->value_heads,
        .tokens_per_entry = 1.0,
        .convolution_elements = channels * (delta->convolution > 0 ? delta->convolution - 1 : 0),
        .convolution_channels = channels,
        .state_elements = (double)delta->value_heads * delta->key_size * delta->value_size,
    };
}

/* A token and element of the state: what the key held is read (2), the state decays (1) and takes
 * the difference (2), the query reads it (2). */
static double delta_flops(const struct mixer *mixer, double new_tokens, double cached_tokens)
{
    const struct delta *delta = &mixer->delta;
    (void)cached_tokens;
    return 7.0 * delta->value_heads * delta->key_size * delta->value_size * new_tokens;
}

const struct mixer_row mixer_delta = {
    .weights = delta_weights,
    .cache = delta_cache,
    .flops = delta_flops,
};
