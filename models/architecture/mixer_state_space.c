/* SPDX-License-Identifier: MIT
 * Selective state spaces: Mamba (arXiv 2312.00752), whose step, B and C come from the convolved
 * input through a rank, and Mamba-2 (2405.21060), whose heads share one decay and take all from
 * one projection. */
#include "models/architecture/mixer_rows.h"

static uint64_t inner_width(const struct state_space *it)
{
    return (uint64_t)it->heads * it->head_size;
}

static uint64_t convolved(const struct state_space *it)
{
    uint64_t inner = inner_width(it);
    return it->step_rank > 0 ? inner : inner + 2 * (uint64_t)it->groups * it->state_size;
}

static void out_projection(const struct state_space *it, uint32_t hidden, struct weight_list *list)
{
    weights_add(list, (struct weight){.name = "out",
                                      .class = WEIGHT_ATTENTION,
                                      .split = SPLIT_DEPTH,
                                      .pieces = {{.columns = hidden}},
                                      .depth = inner_width(it),
                                      .depth_heads = it->heads,
                                      .product = true});
    weights_vector(list, "convolution",
                   convolved(it) * (it->convolution + (it->convolution_bias ? 1 : 0)));
    if (it->out_bias) {
        weights_vector(list, "out bias", hidden);
    }
}

static void mamba_weights(const struct state_space *it, uint32_t hidden, struct weight_list *list)
{
    uint64_t inner = inner_width(it);
    weights_add(list, (struct weight){.name = "in",
                                      .class = WEIGHT_ATTENTION,
                                      .split = SPLIT_COLUMNS,
                                      .pieces = {{.columns = inner}, {.columns = inner}},
                                      .depth = hidden,
                                      .product = true});
    weights_add(list, (struct weight){.name = "step, B, C",
                                      .class = WEIGHT_ATTENTION,
                                      .split = SPLIT_DEPTH,
                                      .pieces = {{.columns = it->step_rank},
                                                 {.columns = it->state_size},
                                                 {.columns = it->state_size}},
                                      .depth = inner,
                                      .product = true});
    weights_add(list, (struct weight){.name = "step up",
                                      .class = WEIGHT_ATTENTION,
                                      .split = SPLIT_COLUMNS,
                                      .pieces = {{.columns = inner}},
                                      .depth = it->step_rank,
                                      .product = true});
    weights_vector(list, "step bias and skip", 2 * inner);
    weights_vector(list, "decay", inner * it->state_size);
    if (it->bias) {
        weights_vector(list, "in bias", 2 * inner);
    }
    if (it->norm) {
        weights_vector(list, "step, B and C norms", it->step_rank + 2 * (uint64_t)it->state_size);
    }
}

static void mamba2_weights(const struct state_space *it, uint32_t hidden, struct weight_list *list)
{
    uint64_t inner = inner_width(it), group = (uint64_t)it->groups * it->state_size;
    weights_add(list, (struct weight){.name = "in",
                                      .class = WEIGHT_ATTENTION,
                                      .split = SPLIT_COLUMNS,
                                      .pieces = {{inner, it->heads},
                                                 {inner, it->heads},
                                                 {group, it->groups},
                                                 {group, it->groups},
                                                 {it->heads, it->heads}},
                                      .depth = hidden,
                                      .product = true});
    weights_vector(list, "step bias, decay and skip", 3 * (uint64_t)it->heads);
    if (it->bias) {
        weights_vector(list, "in bias", 2 * inner + 2 * group + it->heads);
    }
    if (it->norm) {
        weights_vector(list, "gated norm", inner);
    }
}

static void state_space_weights(const struct mixer *mixer, uint32_t hidden,
                                struct weight_list *list)
{
    const struct state_space *it = &mixer->state_space;
    uint32_t first = list->count;
    if (it->step_rank > 0) {
        mamba_weights(it, hidden, list);
    } else {
        mamba2_weights(it, hidden, list);
    }
    out_projection(it, hidden, list);
    mark_borrowed(list, first, mixer->borrowed);
}

static struct mixer_cache state_space_cache(const struct mixer *mixer)
{
    const struct state_space *it = &mixer->state_space;
    double channels = (double)convolved(it);
    return (struct mixer_cache){
        .heads = it->heads,
        .tokens_per_entry = 1.0,
        .convolution_elements = channels * (it->convolution > 0 ? it->convolution - 1 : 0),
        .convolution_channels = channels,
        .state_elements = (double)inner_width(it) * it->state_size,
    };
}

/* A token and element of the state: decay (1), the input times B added (2), C reads it (2). */
static double state_space_flops(const struct mixer *mixer, double new_tokens, double cached_tokens)
{
    const struct state_space *it = &mixer->state_space;
    (void)cached_tokens;
    return 5.0 * (double)inner_width(it) * it->state_size * new_tokens;
}

const struct mixer_row mixer_state_space = {
    .weights = state_space_weights,
    .cache = state_space_cache,
    .flops = state_space_flops,
};
