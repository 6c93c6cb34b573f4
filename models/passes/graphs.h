/* SPDX-License-Identifier: MIT
 * Which steps a serving engine runs from CUDA graphs, and what they compute: a graph holds a fixed
 * number of tokens, and a step of fewer computes as many. Pure functions. */
#ifndef CPSIM_MODELS_PASSES_GRAPHS_H
#define CPSIM_MODELS_PASSES_GRAPHS_H

#include "models/layout/replica.h"

/* Tokens of the graph that a step of `tokens` runs from: the smallest size that is not less. */
uint64_t graphs_size(const struct graph_sizes *sizes, uint64_t tokens);

/* Tokens of the largest graph; 0: there is no such limit. */
uint32_t graphs_largest(const struct replica *replica);

/* Whether a layer has experts whose weights have fewer than 8 bits. */
bool graphs_narrow_experts(const struct replica *replica, const struct layer_kind *kind);

#endif
