/* SPDX-License-Identifier: MIT */
#include "models/kernels/experts_placement.h"

#include <assert.h>
#include <stddef.h>

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

/* Some of the experts, by their numbers, over ranks from the first. */
struct part {
    const uint16_t *numbers; /* [count]; NULL: all, in order */
    uint32_t count, redundant, first_rank, ranks;
};

static void place(const double *loads, const struct part *part, struct placed_experts *placed)
{
    uint16_t copies[EXPERTS_MOST], packs[EXPERTS_MOST];
    double shares[EXPERTS_MOST] = {0.0};
    uint32_t all = 0;
    uint16_t *experts = &placed->experts[placed->count];
    experts_copies(loads, part->count, part->redundant, copies);
    for (uint32_t i = 0; i < part->count; i++) {
        for (uint32_t c = 0; c < copies[i]; c++) {
            experts[all] = part->numbers != NULL ? part->numbers[i] : (uint16_t)i;
            shares[all++] = loads[i] / copies[i];
        }
    }
    pack(shares, all, part->ranks, packs);
    for (uint32_t i = 0; i < all; i++) {
        placed->ranks[placed->count++] = (uint16_t)(part->first_rank + packs[i]);
    }
}

/* A node at a time: the experts of its groups, with its part of the copies, over its ranks. */
static void place_by_nodes(const struct experts_to_place *question, struct placed_experts *placed)
{
    uint32_t nodes = question->nodes, size = question->count / question->groups;
    double sums[EXPERTS_MOST] = {0.0}, loads[EXPERTS_MOST];
    uint16_t packs[EXPERTS_MOST], numbers[EXPERTS_MOST];
    for (uint32_t i = 0; i < question->count; i++) {
        sums[i / size] += question->loads[i];
    }
    pack(sums, question->groups, nodes, packs);
    for (uint32_t node = 0; node < nodes; node++) {
        uint32_t count = 0;
        for (uint32_t i = 0; i < question->count; i++) {
            if (packs[i / size] == node) {
                numbers[count] = (uint16_t)i;
                loads[count++] = question->loads[i];
            }
        }
        uint32_t ranks = question->ranks / nodes;
        const struct part part = {.numbers = numbers,
                                  .count = count,
                                  .redundant = question->redundant / nodes,
                                  .first_rank = node * ranks,
                                  .ranks = ranks};
        place(loads, &part, placed);
    }
}

void experts_place_all(const struct experts_to_place *question, struct placed_experts *placed)
{
    uint32_t all = question->count + question->redundant;
    assert(all <= EXPERTS_MOST && all % question->ranks == 0 && "copies that go over ranks");
    placed->count = 0;
    if (question->nodes > 1 && question->groups > 0 && question->groups % question->nodes == 0 &&
        question->redundant % question->nodes == 0) {
        place_by_nodes(question, placed);
        return;
    }
    const struct part part = {
        .count = question->count, .redundant = question->redundant, .ranks = question->ranks};
    place(question->loads, &part, placed);
}

uint32_t experts_place(const struct experts_to_place *question, double fullest[EXPERTS_MOST])
{
    struct placed_experts placed;
    uint16_t copies[EXPERTS_MOST] = {0}, order[EXPERTS_MOST];
    double sums[EXPERTS_MOST] = {0.0}, loads[EXPERTS_MOST] = {0.0};
    uint32_t best = 0, count = 0;
    experts_place_all(question, &placed);
    for (uint32_t i = 0; i < placed.count; i++) {
        copies[placed.experts[i]]++;
    }
    for (uint32_t i = 0; i < placed.count; i++) {
        sums[placed.ranks[i]] += question->loads[placed.experts[i]] / copies[placed.experts[i]];
    }
    for (uint32_t r = 1; r < question->ranks; r++) {
        best = sums[r] > sums[best] ? r : best;
    }
    for (uint32_t i = 0; i < placed.count; i++) {
        if (placed.ranks[i] == best) {
            loads[count++] = question->loads[placed.experts[i]] / copies[placed.experts[i]];
        }
    }
    order_by_load(loads, count, order);
    for (uint32_t i = 0; i < count; i++) {
        fullest[i] = loads[order[i]];
    }
    return count;
}
