/* SPDX-License-Identifier: MIT
 * Puts a price on every operator of a step program: the kernel models' seconds for what computes,
 * a plan of flows for what communicates, the software stack's host time. Kernels are priced at the
 * clock that a GPU settles to when it repeats the program without end under its power limit. Pure.
 */
#ifndef CPSIM_MODELS_PASSES_STEP_PRICE_H
#define CPSIM_MODELS_PASSES_STEP_PRICE_H

#include "models/kernels/gpu_power.h"
#include "models/passes/product_memo.h"
#include "models/passes/transformer.h"
#include "models/step/critical_path.h"
#include "models/step/step_program.h"

/* Room to work in, the caller's; each [STEP_MAX_SEGMENTS * transformer_max_operators()]. */
struct step_scratch {
    struct span *spans;
    struct kernel_work *works;
    double *counts;
    struct kernel_cost *at_boost;  /* or NULL: kernels are priced anew each time */
    struct product_memo *products; /* one for all prices (product_memo.h), or NULL */
};

/* The operator that stands for launches which take longer than a segment's kernels, its last. */
#define STEP_LAUNCH_NAME "launch"

/* Fills cost and plan of every operator. An eager program whose kernels are shorter than the host
 * takes to launch them gets an operator "launch" for the rest of each segment. Returns the clock
 * and the average power of one GPU, its waits included. */
struct power_state step_price(const struct replica *replica, struct step_program *program,
                              const struct step_scratch *scratch);

/* The same for a run of `run_seconds` in all: short ones may draw more than the limit
 * (gpu_power.h). */
struct power_state step_price_for(const struct replica *replica, struct step_program *program,
                                  const struct step_scratch *scratch, double run_seconds);

#endif
