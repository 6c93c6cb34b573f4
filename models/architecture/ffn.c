/* SPDX-License-Identifier: MIT
 * Feed-forward blocks: what they are made of. */
#include "models/architecture/ffn.h"

static void block(struct weight_list *list, const char *up_name, const char *down_name,
                  uint32_t outer, uint32_t inner, bool gated, struct experts experts)
{
    struct weight up = {.name = up_name,
                        .class = WEIGHT_FFN,
                        .split = SPLIT_COLUMNS,
                        .pieces = {{.columns = inner}, {.columns = gated ? inner : 0}},
                        .depth = outer,
                        .experts = experts,
                        .product = true};
    weights_add(list, up);
    weights_add(list, (struct weight){.name = down_name,
                                      .class = WEIGHT_FFN,
                                      .split = SPLIT_DEPTH,
                                      .pieces = {{.columns = outer}},
                                      .depth = inner,
                                      .experts = experts,
                                      .product = true});
}

static void none_weights(const struct ffn *ffn, uint32_t hidden, struct weight_list *list)
{
    (void)ffn, (void)hidden, (void)list;
}

static void dense_weights(const struct ffn *ffn, uint32_t hidden, struct weight_list *list)
{
    uint32_t first = list->count;
    block(list, ffn->gated ? "gate+up" : "up", "down", hidden, ffn->hidden, ffn->gated,
          (struct experts){.count = 0});
    if (ffn->bias) {
        weights_vector(list, "up bias", (uint64_t)(ffn->gated ? 2 : 1) * ffn->hidden);
        weights_vector(list, "down bias", hidden);
    }
    if (ffn->inner_norm) {
        weights_vector(list, "inner norm", ffn->hidden);
    }
    for (uint32_t i = first; i < list->count; i++) {
        list->items[i].borrowed |= ffn->borrowed;
    }
    if (ffn->adapter_rank > 0) {
        uint64_t columns = (uint64_t)(ffn->gated ? 2 : 1) * ffn->hidden;
        weights_product(list, "up adapter down", ffn->adapter_rank, hidden);
        weights_product(list, "up adapter up", columns, ffn->adapter_rank);
    }
}

static void experts_weights(const struct ffn *ffn, uint32_t hidden, struct weight_list *list)
{
    uint32_t outer = ffn->latent > 0 ? ffn->latent : hidden;
    weights_product(list, "router", ffn->experts.count + ffn->zero_experts, hidden);
    if (ffn->router_bias) {
        weights_vector(list, "router bias", ffn->experts.count + ffn->zero_experts);
    }
    if (ffn->latent > 0) {
        weights_product(list, "latent down", ffn->latent, hidden);
        weights_product(list, "latent up", hidden, ffn->latent);
    }
    block(list, ffn->gated ? "experts gate+up" : "experts up", "experts down", outer, ffn->hidden,
          ffn->gated, ffn->experts);
    if (ffn->bias) {
        uint64_t up = (uint64_t)(ffn->gated ? 2 : 1) * ffn->hidden;
        weights_add(list, (struct weight){.name = "experts up bias",
                                          .pieces = {{.columns = up}},
                                          .depth = 1,
                                          .experts = ffn->experts});
        weights_add(list, (struct weight){.name = "experts down bias",
                                          .pieces = {{.columns = outer}},
                                          .depth = 1,
                                          .experts = ffn->experts});
    }
    if (ffn->shared_hidden > 0) {
        bool gated = ffn->gated && !ffn->shared_plain;
        block(list, gated ? "shared gate+up" : "shared up", "shared down", hidden,
              ffn->shared_hidden, gated, (struct experts){.count = 0});
    }
    if (ffn->shared_hidden > 0 && ffn->shared_bias) {
        uint64_t up = (uint64_t)(ffn->gated && !ffn->shared_plain ? 2 : 1) * ffn->shared_hidden;
        weights_vector(list, "shared biases", up + hidden);
    }
    if (ffn->shared_gate) {
        weights_product(list, "shared gate", 1, hidden);
    }
    if (ffn->output_bias) {
        weights_vector(list, "output bias", hidden);
    }
}

const struct ffn_row ffn_rows[FFN_KIND_COUNT] = {
    [FFN_NONE] = {.name = "none", .doc = "No feed-forward block.", .weights = none_weights},
    [FFN_DENSE] = {.name = "dense", .doc = "One block for all tokens.", .weights = dense_weights},
    [FFN_EXPERTS] = {.name = "experts",
                     .doc = "Blocks of which a router chooses some for each token.",
                     .weights = experts_weights},
};
