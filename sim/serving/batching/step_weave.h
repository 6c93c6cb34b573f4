/* SPDX-License-Identifier: MIT
 * A step whose tokens go through the layers in two groups (models/passes/token_weave.h): where it
 * is split, and what it costs then. */
#ifndef CPSIM_SIM_SERVING_BATCHING_STEP_WEAVE_H
#define CPSIM_SIM_SERVING_BATCHING_STEP_WEAVE_H

#include "sim/serving/batching/step_cost.h"

/* What a batch costs unsplit. */
typedef struct step_cost step_weave_price(void *context, const struct batch *batch,
                                          enum ring_variant variant);

/* One kernel for sums and norms; and the best of splits near the middle whose first group fills
 * whole tiles, where there is one that pays. */
struct step_cost step_weave(const struct replica *replica, const struct batch *batch,
                            enum ring_variant variant, step_weave_price *price, void *context);

#endif
