/* SPDX-License-Identifier: MIT
 * What a run needed of the limits of its replicas, from above: seats (max_sequences) and blocks of
 * the KV cache. A service that differs from it in nothing but those limits, and whose own are no
 * less, decides the same at every moment, so that its times are the same to the last bit: whoever
 * asks for a seat or a block gets it in both. Told after a run, of its requests alone. Pure.
 *
 * A request takes a seat, and holds blocks, between its arrival at its replica and its last token,
 * and never more blocks than its prompt and its whole answer fill. So the requests that are there
 * at once bound the seats, and the sum of what they fill the blocks; a block more of each covers
 * the look ahead of steps that are slept through together (batch_repeats()). */
#ifndef CPSIM_SIM_SERVING_RESULT_NEED_H
#define CPSIM_SIM_SERVING_RESULT_NEED_H

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct scenario;
struct serving_run;

struct serving_need {
    bool known;         /* false: other limits may change what happens */
    uint32_t sequences; /* of a replica at once, as prices of steps round them */
    uint64_t blocks;    /* of its KV cache */
};

/* The most that a run may need and yet never meet a limit of this service; `known` false: its
 * policy, its router or what shares its cache look at the limits in other ways. */
struct serving_need serving_room(const struct scenario *scenario);

/* What a run needed that has ended, or has ended early because it missed its goal. Unknown where it
 * met a limit, or may have. Scratch goes to `arena`. */
struct serving_need serving_need(const struct serving_run *run, struct arena *arena);

/* Whether a run that needed so much goes the same way where there is that room. */
bool serving_need_fits(const struct serving_need *need, const struct serving_need *room);

#endif
