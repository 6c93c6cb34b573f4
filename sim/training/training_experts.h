/* SPDX-License-Identifier: MIT
 * Tokens on their way to experts and back inside a training step's passes: which collectives a pass
 * plays when, so that the player can send them as flows. Internal to sim/training. */
#ifndef CPSIM_SIM_TRAINING_TRAINING_EXPERTS_H
#define CPSIM_SIM_TRAINING_TRAINING_EXPERTS_H

#include "models/training/training_step.h"
#include "sim/base/arena.h"

/* One dispatch or combine, in seconds from the start of a pass that nothing slows. */
struct expert_exchange {
    const struct collective_plan *plan;
    double start_seconds, seconds;
};

struct expert_exchanges {
    const struct expert_exchange *list; /* [count], in order */
    uint32_t count;
    double seconds; /* of all */
};

/* Of every pass of every part: [parts][CELL_KIND_COUNT], the arena's. */
struct expert_exchanges *expert_exchanges_create(const struct training *training,
                                                 const struct training_costs *costs,
                                                 const struct training_scratch *scratch,
                                                 struct arena *arena);

#endif
