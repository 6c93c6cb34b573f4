/* SPDX-License-Identifier: MIT
 * The least of many numbers that change one at a time: a tournament tree (Knuth, "The Art of
 * Computer Programming", volume 3, section 5.4.1). A change replays one path, log2(count) matches;
 * the least is there at once. Pure: the caller passes the room. */
#ifndef CPSIM_MODELS_NUMERIC_TOURNAMENT_H
#define CPSIM_MODELS_NUMERIC_TOURNAMENT_H

#include <stdint.h>

struct tournament {
    uint64_t *keys;    /* [count] */
    uint32_t *winners; /* [count]: of the matches below node i, from 1; node 0 is not used */
    uint32_t count;    /* at least 1 */
};

/* All keys are 0; `keys` and `winners` are [count]. */
void tournament_open(struct tournament *tournament, uint64_t *keys, uint32_t *winners,
                     uint32_t count);

/* The key of one of them is now another. */
void tournament_set(struct tournament *tournament, uint32_t index, uint64_t key);

/* Whose key is the least; of equals the first. */
uint32_t tournament_least(const struct tournament *tournament);

#endif
