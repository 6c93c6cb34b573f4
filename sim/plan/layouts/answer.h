/* SPDX-License-Identifier: MIT
 * What one layout of a search answers, in closed form: whether it is possible, whether it fits the
 * memory, how long a step takes. Most are passed over before they are priced. */
#ifndef CPSIM_SIM_PLAN_LAYOUTS_ANSWER_H
#define CPSIM_SIM_PLAN_LAYOUTS_ANSWER_H

#include "sim/plan/layouts/space.h"

enum answer_state {
    ANSWER_SAME,    /* as another: something is turned that has no effect */
    ANSWER_REFUSED, /* impossible: heads, batch, stages, software */
    ANSWER_MEMORY,  /* does not fit */
    ANSWER_BOUNDED, /* another is as good at this one's peak: cannot be on a front */
    ANSWER_PRICED,
    ANSWER_STATE_COUNT
};

struct answer {
    uint64_t shape, variant;
    uint32_t gpus;
    double step_seconds, mfu, memory_bytes;
    /* Of the whole run where the scenario says how far it goes; else of a step of the base's batch.
     * Failures are left out. */
    double seconds;
};

/* Answers that nothing beats in GPUs, memory and time at once, so far. */
struct best_answers {
    struct answer *answers; /* [count], in `arena` */
    size_t count, capacity;
    struct arena *arena;
};

void best_add(struct best_answers *best, const struct answer *answer);
/* Whether one of them has no more GPUs, memory and time. */
bool best_beats(const struct best_answers *best, const struct answer *answer);

/* Every stage's cells, of one pipeline: layouts that differ in what its order does not depend on
 * share them. */
struct orders {
    const struct pipeline_schedule *schedule;
    struct pipeline pipeline;
    struct cell *cells; /* [stages][pipeline_cell_count()], room for `capacity`, in `arena` */
    size_t capacity;
    uint32_t filled; /* stages, the first ones */
    struct arena *arena;
};

/* A worker's copy of the base, whose layout and training are turned. */
struct answering {
    const struct layout_space *space;
    const struct scenario *base;
    struct node *tree; /* of the base: for marks */
    struct scenario *scenario;
    double reference_tokens; /* of the base's batch */
    struct orders orders;
};

struct answering answering_open(const struct layout_space *space, const struct scenario *base,
                                struct node *tree, struct arena *arena);

/* `best` NULL: nothing is passed over for being slow. The shape must have been set by
 * space_set_shape(). */
enum answer_state answer_variant(struct answering *answering, uint64_t shape, uint64_t variant,
                                 const struct best_answers *best, struct answer *answer);

#endif
