/* SPDX-License-Identifier: MIT
 * How an operator of a priced program and a collective that runs beside it slow each other; the
 * rule that both executors follow. A collective's latency passes as it would alone, its transfer
 * takes what is left of its time together. Pure. */
#ifndef CPSIM_MODELS_STEP_STEP_OVERLAP_H
#define CPSIM_MODELS_STEP_STEP_OVERLAP_H

#include "models/step/step_program.h"

struct step_overlap {
    double kernel;   /* seconds together over seconds alone, of the operator */
    double transfer; /* the same of the collective's bytes, after its latency */
};

/* `op`: what the compute stream runs, NULL when it waits; `collective`: what the communication
 * stream runs, NULL when it waits. Host work slows nothing and is slowed by nothing. */
struct step_overlap step_overlap(const struct step_program *program, const struct step_operator *op,
                                 const struct step_operator *collective);

#endif
