/* SPDX-License-Identifier: MIT
 * The pipeline of a replica: a batch on its way through the stages. */
#ifndef CPSIM_SIM_SERVING_REPLICA_LANES_H
#define CPSIM_SIM_SERVING_REPLICA_LANES_H

#include "sim/serving/replica/server.h"

/* Takes a batch of the lane through all stages: each serves it as soon as it is free, and its
 * activations (hidden state and residual, a tensor rank's share each) move on as flows. Returns
 * when the last stage has ended, or the replica has failed. `*busy_seconds` gets the mean time that
 * a stage worked, `*cost` means over the stages, and over their time for the power. */
void lane_pass(struct lane *lane, const struct step_shape *shape, struct step_cost *cost,
               double *busy_seconds);

#endif
