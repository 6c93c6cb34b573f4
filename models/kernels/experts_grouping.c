/* SPDX-License-Identifier: MIT */
#include "models/kernels/experts_grouping.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

/* The member that is left with the greatest sum towards group `group`, or by itself when nobody is
 * in it yet; of equals the first. */
static uint32_t most_wanted(const double *together, uint32_t stride, const uint16_t *members,
                            uint32_t count, uint32_t group, bool begins, const bool *taken,
                            const uint16_t *group_of)
{
    uint32_t best = count;
    double most = -1.0;
    for (uint32_t i = 0; i < count; i++) {
        if (taken[i]) {
            continue;
        }
        double sum = begins ? together[(size_t)members[i] * stride + members[i]] : 0.0;
        for (uint32_t j = 0; j < count && !begins; j++) {
            sum += taken[j] && group_of[j] == group
                       ? together[(size_t)members[i] * stride + members[j]]
                       : 0.0;
        }
        if (sum > most) {
            most = sum;
            best = i;
        }
    }
    return best;
}

void experts_group(const double *together, uint32_t stride, const uint16_t *members, uint32_t count,
                   uint32_t groups, uint16_t *group_of)
{
    assert(count <= EXPERTS_MOST && count % groups == 0 && "groups of as many experts each");
    bool taken[EXPERTS_MOST] = {false};
    for (uint32_t group = 0; group < groups; group++) {
        for (uint32_t i = 0; i < count / groups; i++) {
            uint32_t next =
                most_wanted(together, stride, members, count, group, i == 0, taken, group_of);
            taken[next] = true;
            group_of[next] = (uint16_t)group;
        }
    }
}

/* The first copies: nodes, and ranks within them. */
static void place_first(const struct experts_to_place *question, const double *together,
                        struct placed_experts *placed)
{
    uint32_t count = question->count, nodes = question->nodes > 1 ? question->nodes : 1;
    uint32_t ranks = question->ranks / nodes;
    uint16_t all[EXPERTS_MOST] = {0}, node_of[EXPERTS_MOST] = {0};
    for (uint32_t i = 0; i < count; i++) {
        all[i] = (uint16_t)i;
    }
    experts_group(together, count, all, count, nodes, node_of);
    for (uint32_t node = 0; node < nodes; node++) {
        uint16_t here[EXPERTS_MOST] = {0}, rank_of[EXPERTS_MOST] = {0};
        uint32_t held = 0;
        for (uint32_t i = 0; i < count; i++) {
            if (node_of[i] == node) {
                here[held++] = (uint16_t)i;
            }
        }
        experts_group(together, count, here, held, ranks, rank_of);
        for (uint32_t i = 0; i < held; i++) {
            placed->experts[placed->count] = here[i];
            placed->ranks[placed->count++] = (uint16_t)(node * ranks + rank_of[i]);
        }
    }
}

/* What is known of the ranks while copies are added. */
struct ranks_so_far {
    double load[EXPERTS_MOST];
    uint32_t held[EXPERTS_MOST];
    bool has_it[EXPERTS_MOST], near_it[EXPERTS_MOST]; /* the rank; its node */
};

static void look(const struct experts_to_place *question, const struct placed_experts *placed,
                 const uint16_t *copies, uint32_t expert, struct ranks_so_far *ranks)
{
    uint32_t nodes = question->nodes > 1 ? question->nodes : 1, of_node = question->ranks / nodes;
    *ranks = (struct ranks_so_far){.load = {0.0}};
    for (uint32_t i = 0; i < placed->count; i++) {
        uint32_t rank = placed->ranks[i], other = placed->experts[i];
        ranks->load[rank] += question->loads[other] / copies[other];
        ranks->held[rank]++;
        if (other == expert) {
            ranks->has_it[rank] = true;
            for (uint32_t r = rank / of_node * of_node; r < (rank / of_node + 1) * of_node; r++) {
                ranks->near_it[r] = true;
            }
        }
    }
}

/* The rank with the least load that has room: on a node without the expert, else on any rank
 * without it, else anywhere. */
static uint32_t rank_for_copy(const struct ranks_so_far *so_far, uint32_t ranks, uint32_t room)
{
    uint32_t best = ranks;
    int best_kind = -1;
    for (uint32_t r = 0; r < ranks; r++) {
        int kind = so_far->near_it[r] ? (so_far->has_it[r] ? 0 : 1) : 2;
        bool better = best == ranks || kind > best_kind ||
                      (kind == best_kind && so_far->load[r] < so_far->load[best]);
        if (so_far->held[r] < room && better) {
            best = r;
            best_kind = kind;
        }
    }
    return best;
}

void experts_place_together(const struct experts_to_place *question, const double *together,
                            struct placed_experts *placed)
{
    uint32_t all = question->count + question->redundant;
    assert(all <= EXPERTS_MOST && all % question->ranks == 0 && "copies that go over ranks");
    uint16_t copies[EXPERTS_MOST];
    placed->count = 0;
    place_first(question, together, placed);
    experts_copies(question->loads, question->count, 0, copies);
    for (uint32_t i = 0; i < question->redundant; i++) {
        uint32_t heaviest = 0;
        for (uint32_t j = 1; j < question->count; j++) {
            bool heavier =
                question->loads[j] / copies[j] > question->loads[heaviest] / copies[heaviest];
            heaviest = heavier ? j : heaviest;
        }
        struct ranks_so_far so_far;
        look(question, placed, copies, heaviest, &so_far);
        copies[heaviest]++;
        placed->experts[placed->count] = (uint16_t)heaviest;
        placed->ranks[placed->count++] =
            (uint16_t)rank_for_copy(&so_far, question->ranks, all / question->ranks);
    }
}
