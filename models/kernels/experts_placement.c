/* SPDX-License-Identifier: MIT */
#include "models/kernels/experts_placement.h"

#include <assert.h>

/* Numbers of `loads`, the heaviest first; of equals the first. */
static void order_by_load(const double *loads, uint32_t count, uint16_t order[EXPERTS_MOST])
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = i;
        for (; at > 0 && loads[order[at - 1]] < loads[i]; at--) {
            order[at] = order[at - 1];
        }
        order[at] = (uint16_t)i;
    }
}

/* Packs of as many each, the heaviest first to the lightest that has room: `packs` [count] gets
 * each one's. */
static void pack(const double *loads, uint32_t count, uint32_t pack_count,
                 uint16_t packs[EXPERTS_MOST])
{
    uint16_t order[EXPERTS_MOST], held[EXPERTS_MOST] = {0};
    double sums[EXPERTS_MOST] = {0.0};
    uint32_t room = count / pack_count;
    order_by_load(loads, count, order);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t best = pack_count;
        for (uint32_t p = 0; p < pack_count; p++) {
            if (held[p] < room && (best == pack_count || sums[p] < sums[best])) {
                best = p;
            }
        }
        packs[order[i]] = (uint16_t)best;
        held[best]++;
        sums[best] += loads[order[i]];
    }
}

void experts_copies(const double *loads, uint32_t count, uint32_t redundant, uint16_t *copies)
{
    for (uint32_t i = 0; i < count; i++) {
        copies[i] = 1;
    }
    for (uint32_t i = 0; i < redundant; i++) {
        uint32_t heaviest = 0;
        for (uint32_t j = 1; j < count; j++) {
            heaviest = loads[j] / copies[j] > loads[heaviest] / copies[heaviest] ? j : heaviest;
        }
        copies[heaviest]++;
    }
}

/* The fullest of some ranks so far. */
struct best {
    double sum;
    uint32_t count;
    double *loads; /* [EXPERTS_MOST] */
};

/* Copies of `loads` over `ranks`; keeps those of the fullest rank if it is fuller than the best. */
static void place(const double *loads, uint32_t count, uint32_t redundant, uint32_t ranks,
                  struct best *best)
{
    uint16_t copies[EXPERTS_MOST], packs[EXPERTS_MOST];
    double shares[EXPERTS_MOST] = {0.0}, sums[EXPERTS_MOST] = {0.0};
    uint32_t all = 0, fullest = 0;
    experts_copies(loads, count, redundant, copies);
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t c = 0; c < copies[i]; c++) {
            shares[all++] = loads[i] / copies[i];
        }
    }
    pack(shares, all, ranks, packs);
    for (uint32_t i = 0; i < all; i++) {
        sums[packs[i]] += shares[i];
    }
    for (uint32_t r = 1; r < ranks; r++) {
        fullest = sums[r] > sums[fullest] ? r : fullest;
    }
    if (best->count > 0 && sums[fullest] <= best->sum) {
        return;
    }
    best->sum = sums[fullest];
    best->count = 0;
    for (uint32_t i = 0; i < all; i++) {
        if (packs[i] == fullest) {
            best->loads[best->count++] = shares[i];
        }
    }
}

/* A node at a time: the experts of its groups, with its part of the copies, over its ranks. */
static void place_by_nodes(const struct experts_to_place *question, struct best *best)
{
    uint32_t nodes = question->nodes, size = question->count / question->groups;
    double sums[EXPERTS_MOST] = {0.0}, loads[EXPERTS_MOST];
    uint16_t packs[EXPERTS_MOST];
    for (uint32_t i = 0; i < question->count; i++) {
        sums[i / size] += question->loads[i];
    }
    pack(sums, question->groups, nodes, packs);
    for (uint32_t node = 0; node < nodes; node++) {
        uint32_t count = 0;
        for (uint32_t i = 0; i < question->count; i++) {
            if (packs[i / size] == node) {
                loads[count++] = question->loads[i];
            }
        }
        place(loads, count, question->redundant / nodes, question->ranks / nodes, best);
    }
}

uint32_t experts_place(const struct experts_to_place *question, double fullest[EXPERTS_MOST])
{
    uint32_t all = question->count + question->redundant;
    assert(all <= EXPERTS_MOST && all % question->ranks == 0 && "copies that go over ranks");
    double sorted[EXPERTS_MOST];
    uint16_t order[EXPERTS_MOST];
    struct best best = {.loads = sorted};
    if (question->nodes > 1 && question->groups > 0 && question->groups % question->nodes == 0 &&
        question->redundant % question->nodes == 0) {
        place_by_nodes(question, &best);
    } else {
        place(question->loads, question->count, question->redundant, question->ranks, &best);
    }
    order_by_load(sorted, best.count, order);
    for (uint32_t i = 0; i < best.count; i++) {
        fullest[i] = sorted[order[i]];
    }
    return best.count;
}
