/* SPDX-License-Identifier: MIT
 * Puts a price on every operator of a step program: the kernel models' seconds for what computes,
 * a plan of flows for what communicates, the software stack's host time. Pure. */
#ifndef CPSIM_MODELS_STEP_PRICE_H
#define CPSIM_MODELS_STEP_PRICE_H

#include "models/critical_path.h"
#include "models/step_program.h"
#include "models/transformer.h"

/* Fills cost and plan of every operator. An eager program whose kernels are shorter than the host
 * takes to launch them gets an operator "launch" for the rest of each segment. `scratch` holds
 * transformer_max_operators() spans. */
void step_price(const struct replica *replica, struct step_program *program, struct span *scratch);

#endif
