/* SPDX-License-Identifier: MIT
 * A mixture of experts: which of a layer's feed-forward blocks a batch's tokens go to, as far as
 * costs depend on it. Every token goes to `per_token` different experts of `count`. Pure functions.
 *
 * How a step's expectation is taken: even routing is random, each token on its own (what a balanced
 * router aims at: arXiv 2101.03961, section 2.2), so an expert's rows are binomial, and numbers are
 * means. Balanced routing deals tokens out like cards, as benchmarks do. Under a power law the
 * loads of experts have a density of x^-exponent between 1 row and 80 % of the tokens (between
 * 1/100 and 2 rows where experts outnumber rows); an expert stands for each quantile (i - 1/2) /
 * count, loads are scaled to the rows there are, and none has more than every token. Where experts
 * lie on several ranks, all numbers are of the rank that has the fullest expert, for which the
 * others wait; its other experts are drawn from the rest. */
#ifndef CPSIM_MODELS_KERNELS_EXPERTS_H
#define CPSIM_MODELS_KERNELS_EXPERTS_H

#include <stdint.h>

struct experts {
    uint32_t count;     /* 0: one matrix for all rows, no experts */
    uint32_t per_token; /* 1 to count */
};

enum routing_kind { ROUTING_EVEN, ROUTING_BALANCED, ROUTING_POWER_LAW };

struct routing {
    enum routing_kind kind;
    double exponent; /* of the power law, above 1 */
    uint32_t ranks;  /* that the experts lie on, each whole on one; 0 and 1: one rank has all */
};

/* Rows that the experts of the fullest rank get of the `tokens` of all ranks. */
double experts_rows(struct experts experts, struct routing routing, double tokens);

/* Rows of the fullest expert. Of even routing: its mean, as of every other. */
double experts_fullest(struct experts experts, struct routing routing, double tokens);

/* Experts of the rank that at least one of `tokens` goes to: their weights are read. Even:
 * count x (1 - (1 - per_token / count)^tokens). */
double experts_touched(struct experts experts, struct routing routing, double tokens);

/* Blocks of `rows` rows that the rank's experts' rows make: the last block of an expert is seldom
 * full. Even: sum over experts of E[ceil(X / rows)], X binomial, its tail that of a normal. */
double experts_blocks(struct experts experts, struct routing routing, double tokens, double rows);

/* Of `places` (ranks, nodes) with as many experts each, the expected number that a token has
 * experts on: places x (1 - C(count - count / places, per_token) / C(count, per_token)). Where
 * experts lie has nothing to do with how many tokens they draw, so this holds for every routing. */
double experts_destinations(struct experts experts, double places);

#endif
