/* SPDX-License-Identifier: MIT */
#include "models/numeric/tournament.h"

/* Nodes 1 to count - 1 are matches; number i plays first as node count + i. */
static uint32_t winner_of(const struct tournament *tournament, uint32_t node)
{
    return node < tournament->count ? tournament->winners[node] : node - tournament->count;
}

static uint32_t match(const struct tournament *tournament, uint32_t node)
{
    uint32_t a = winner_of(tournament, 2 * node), b = winner_of(tournament, 2 * node + 1);
    uint64_t of_a = tournament->keys[a], of_b = tournament->keys[b];
    return of_a < of_b || (of_a == of_b && a < b) ? a : b;
}

void tournament_open(struct tournament *tournament, uint64_t *keys, uint32_t *winners,
                     uint32_t count)
{
    *tournament = (struct tournament){.keys = keys, .winners = winners, .count = count};
    for (uint32_t i = 0; i < count; i++) {
        keys[i] = 0;
    }
    for (uint32_t node = count - 1; node > 0; node--) {
        winners[node] = match(tournament, node);
    }
}

void tournament_set(struct tournament *tournament, uint32_t index, uint64_t key)
{
    tournament->keys[index] = key;
    for (uint32_t node = (tournament->count + index) / 2; node > 0; node /= 2) {
        uint32_t before = tournament->winners[node], now = match(tournament, node);
        if (now == before && now != index) {
            return; /* it lost here before, and does again: nothing changes above */
        }
        tournament->winners[node] = now;
    }
}

uint32_t tournament_least(const struct tournament *tournament)
{
    return winner_of(tournament, 1);
}
