/* SPDX-License-Identifier: MIT
 * A mixture of experts: which of a layer's feed-forward blocks a batch's tokens go to, as far as
 * costs depend on it. Every token goes to `per_token` different experts of `count`; which ones is
 * taken as even and independent of its neighbours (what a balanced router aims at: arXiv
 * 2101.03961, section 2.2), so an expert's rows are binomial. Pure functions. */
#ifndef CPSIM_MODELS_KERNELS_EXPERTS_H
#define CPSIM_MODELS_KERNELS_EXPERTS_H

#include <stdint.h>

struct experts {
    uint32_t count;     /* 0: one matrix for all rows, no experts */
    uint32_t per_token; /* 1 to count */
};

/* Experts that at least one of `tokens` goes to, on average: their weights are read.
 * count x (1 - (1 - per_token / count)^tokens). */
double experts_touched(struct experts experts, double tokens);

/* Blocks of `rows` rows that all experts' rows make, on average: the last block of an expert is
 * seldom full. Sum over experts of E[ceil(X / rows)], X binomial, its tail that of a normal. */
double experts_blocks(struct experts experts, double tokens, double rows);

#endif
