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
 * others wait; its other experts are drawn from the rest. Measured loads are the mean layer's, and
 * lie on ranks as they were placed (experts_placement.h) by what was seen of them; a power law's
 * too where they are placed. Copies of an expert share its rows evenly. */
#ifndef CPSIM_MODELS_KERNELS_EXPERTS_H
#define CPSIM_MODELS_KERNELS_EXPERTS_H

#include <stdbool.h>
#include <stdint.h>

struct experts {
    uint32_t count;     /* 0: one matrix for all rows, no experts */
    uint32_t per_token; /* 1 to count */
    /* Groups of as many experts each; a token's are of so many groups alone. 0: of any. */
    uint32_t groups, groups_per_token;
};

enum routing_kind { ROUTING_EVEN, ROUTING_BALANCED, ROUTING_POWER_LAW, ROUTING_MEASURED };

/* Which rank has which experts. */
enum expert_placement {
    PLACEMENT_DEALT,     /* whoever comes next, whatever its load */
    PLACEMENT_EPLB,      /* copies of the heaviest, packed evenly */
    PLACEMENT_EPLB_NODE, /* the same, groups of experts kept in a node */
    PLACEMENT_TOGETHER   /* those that tokens ask together on one node and rank, copies elsewhere */
};

/* Of the rank that has most to do: shares of all rows that its experts get, the fullest first. */
struct expert_loads {
    double *shares; /* [count] */
    uint32_t count;
    double copies_here; /* share of all rows whose expert has a copy in a token's own node */
    /* Where tokens were seen to go, of a token: different ranks, different nodes but its own, and
     * the share of its rows that leave its node. ranks_met 0: their choices are not known. */
    double ranks_met, nodes_away, rows_away;
};

struct routing {
    enum routing_kind kind;
    double exponent; /* of the power law, above 1 */
    double distinct; /* even: of the tokens beyond one, so many choose on their own, the others as
                        one of them; 0: all */
    double capacity; /* an expert takes so many times its even share of rows at most, and drops
                        what comes beyond; 0: it takes all (dropless) */
    uint32_t ranks;  /* that the experts lie on, each whole on one; 0 and 1: one rank has all */
    uint32_t nodes;  /* that those ranks lie on; 0 and 1: one */
    uint32_t redundant; /* copies of experts beside the first of each */
    enum expert_placement placement;
    bool nearest;                     /* tokens take a copy in their own node where there is one */
    const struct expert_loads *loads; /* measured ones, and those that were placed; NULL: none */
};

/* Rows that the experts of the fullest rank get of the `tokens` of all ranks. */
double experts_rows(struct experts experts, struct routing routing, double tokens);

/* Rows of the fullest expert. Of even routing: its mean, as of every other. */
double experts_fullest(struct experts experts, struct routing routing, double tokens);

/* Experts of the rank that at least one of `tokens` goes to: their weights are read. Even:
 * count x (1 - (1 - per_token / count)^tokens). */
double experts_touched(struct experts experts, struct routing routing, double tokens);

/* Of all rows the share that is dropped for want of room (capacity; arXiv 2101.03961, section 2.2).
 * Of measured loads, that of the fullest rank's rows. Balanced routing drops none. */
double experts_dropped(struct experts experts, struct routing routing, double tokens);

/* Blocks of `rows` rows that the rank's experts' rows make: the last block of an expert is seldom
 * full. Even: sum over experts of E[ceil(X / rows)], X binomial, its tail that of a normal. */
double experts_blocks(struct experts experts, struct routing routing, double tokens, double rows);

/* Of `places` (ranks, nodes) with as many experts each, the expected number that a token has
 * experts on: places x (1 - C(count - count / places, per_token) / C(count, per_token)). Where
 * experts lie has nothing to do with how many tokens they draw, so this holds for every routing.
 * With groups a token first draws those (DeepSeek-V3, arXiv 2412.19437, section 2.1.2: four of
 * eight, so that it goes to four nodes at most), a place being whole groups or a part of one. */
double experts_destinations(struct experts experts, double places);

/* Loads [count] of a power law over so many tokens, the fullest first. */
void experts_power_law(struct experts experts, double exponent, double tokens, double *loads);

/* Copies that a rank holds of all experts: those of every expert and the redundant ones. */
double experts_held(struct experts experts, struct routing routing);

/* Of the rows that would go to experts on other nodes, what still does where tokens take copies
 * near them; 1 where they do not. A token's rows to a node count apart (`by_row`), or once. */
double experts_remote(struct experts experts, struct routing routing, bool by_row);

/* Where a token's rows go, as an exchange counts it: different ranks and nodes, its own included,
 * and of what would go to other nodes the share that stays; by what was seen of tokens, or expected
 * of random ones. */
struct experts_reach {
    double ranks, nodes, kept_near;
};
struct experts_reach experts_reach(struct experts experts, struct routing routing, double ranks,
                                   double nodes, bool by_row);

#endif
