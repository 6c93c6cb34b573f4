/* SPDX-License-Identifier: MIT */
#include "models/layers/kept.h"

#include <stdbool.h>

const struct kept_row kept_rows[KEPT_PART_COUNT] = {
    [KEPT_INPUT] = {"input", "The residual stream that the layer takes: the first norm's gradient "
                             "wants it, and recomputation starts from it."},
    [KEPT_NORMS] = {"norms", "What the norms gave, which the products after them take for the "
                             "gradients of their weights, and each norm's statistics in fp32."},
    [KEPT_COLLECTIVES] = {"collectives",
                          "With sequence parallelism, what was gathered for the products, in place "
                          "of the norm's shard; and results that were reduced and scattered, "
                          "where a list of operators keeps them."},
    [KEPT_QKV] = {"qkv", "Query, key and value as their products gave them, where attention or a "
                         "norm takes them as they are."},
    [KEPT_ROPE] = {"rope", "Query and key as the rotary embedding left them: attention's gradient "
                           "wants them."},
    [KEPT_ATTENTION] = {"attention", "Attention's result, which the output projection takes too, "
                                     "and a log-sum-exp a head in fp32; written out, the scores."},
    [KEPT_OUT] = {"out", "Behind the output projection: the mask of its dropout."},
    [KEPT_RESIDUAL] = {"residual", "The stream between the two halves: the second norm's gradient "
                                   "wants it."},
    [KEPT_GATE_UP] = {"gate_up", "Gate and up as their products gave them: the activation's "
                                 "gradient wants them."},
    [KEPT_ACTIVATION] = {"activation", "What the down projection takes; without a compiler the "
                                       "gate's activation besides, which the product's gradient "
                                       "wants."},
    [KEPT_DOWN] = {"down", "Behind the down projection: the mask of its dropout; its result where "
                           "a list of operators keeps it without need."},
    [KEPT_ROUTER] = {"router", "Scores of the experts, and those that were chosen."},
    [KEPT_DISPATCH] = {"dispatch", "What the experts gave, in the format it is weighted in."},
    [KEPT_EXPERTS] = {"experts", "A token's rows in its experts: input, gate, up, activation and "
                                 "product, with the rows that fill groups up."},
};

static bool is_left(const struct kept *kept, unsigned under)
{
    enum recompute recompute = kept->recompute;
    return recompute == RECOMPUTE_FULL        ? under == UNDER_ALL
           : recompute == RECOMPUTE_ATTENTION ? (under & UNDER_ATTENTION) != 0
           : recompute == RECOMPUTE_OPERATORS ? (under & UNDER_OPERATORS) != 0
           : recompute == RECOMPUTE_CHEAP     ? (under & (UNDER_NONE | CHEAP_AGAIN)) == UNDER_NONE
                                              : (under & UNDER_NONE) != 0;
}

void kept_add(struct kept *kept, enum kept_part part, unsigned under, double token_bytes)
{
    kept->token_bytes[part] += is_left(kept, under) ? token_bytes : 0.0;
}

void kept_add_layer(struct kept *kept, unsigned under, double bytes)
{
    kept->layer_bytes += is_left(kept, under) ? bytes : 0.0;
}

void kept_add_sequence(struct kept *kept, unsigned under, double bytes)
{
    kept->sequence_bytes += is_left(kept, under) ? bytes : 0.0;
}

double kept_token_bytes(const struct kept *kept)
{
    double bytes = 0.0;
    for (int part = 0; part < KEPT_PART_COUNT; part++) {
        bytes += kept->token_bytes[part];
    }
    return bytes;
}
