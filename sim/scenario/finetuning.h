/* SPDX-License-Identifier: MIT
 * Adapters that are trained on the replicas that serve (service.finetuning): one micro-batch as a
 * training step of one replica, and what it takes of a GPU's memory. */
#ifndef CPSIM_SIM_SCENARIO_FINETUNING_H
#define CPSIM_SIM_SCENARIO_FINETUNING_H

#include "sim/base/arena.h"

struct checker;
struct scenario;

void finetuning_check(const struct checker *checker);

/* Of a GPU, beside the weights, which are those that serve: the adapters with their gradients and
 * states, and what a micro-batch keeps for its backward pass; 0: nothing is trained. */
double finetuning_room_bytes(const struct scenario *scenario);

/* A micro-batch, forward, backward and the adapters' update. */
struct finetuning_price {
    double seconds;
    double pieces; /* passes of a layer, forward or backward: what a step trains is whole ones */
    double tokens;
    double watts; /* of one GPU */
    double flops; /* useful, of one GPU */
};

struct finetuning_price finetuning_price(const struct scenario *scenario, struct arena *arena);

#endif
