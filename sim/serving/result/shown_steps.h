/* SPDX-License-Identifier: MIT
 * Steps of a service that show their operators in the trace: of steps alike (one pool, octaves of
 * prompt tokens, of sequences that decode and of their contexts) the first that is played, of
 * SHOWN_STEPS at most; then the nearest of those. Each is a row of /phases, and its operators in
 * closed form are rows of /operators, one layer of each kind, on the replica's first GPU. */
#ifndef CPSIM_SIM_SERVING_RESULT_SHOWN_STEPS_H
#define CPSIM_SIM_SERVING_RESULT_SHOWN_STEPS_H

#include "sim/serving/replica/fleet.h"
#include "sim/trace/trace.h"

enum { SHOWN_STEPS = 64 };

struct shown_steps {
    struct shown_step {
        uint32_t pool;
        uint32_t phase; /* its row */
        int octaves[3]; /* of prompt tokens, of sequences that decode, of their contexts */
    } steps[SHOWN_STEPS];
    uint32_t count;
};

/* The row of /phases that shows steps like these, which is written when there is none yet. */
uint32_t shown_steps_like(struct shown_steps *shown, struct trace *trace,
                          const struct server *server, const struct played_steps *steps);

#endif
