/* SPDX-License-Identifier: MIT
 * Adapters that are trained on the replicas that serve, in what their steps leave and while nobody
 * asks for anything (CoLLM, arXiv 2604.16400). Two time scales: each step its policy says how long
 * it trains, in whole passes of a layer; each `interval` a replica looks at its queue and trains
 * until the next look, or does not. Products, memory and sums of both go one after the other: what
 * kernels of a step would lose beside a pass is not asked. */
#ifndef CPSIM_SIM_SERVING_REPLICA_FINETUNING_H
#define CPSIM_SIM_SERVING_REPLICA_FINETUNING_H

#include "sim/scenario/finetuning.h"
#include "sim/serving/batching/step_cost.h"

struct fleet;
struct server;

struct finetuning_policy {
    /* Seconds that a step of `seconds` leaves for training; 0 and more. */
    double (*slack)(const struct finetuning *says, double seconds);
};

extern const struct finetuning_policy *const finetuning_policies[FINETUNING_KIND_COUNT];

extern const struct finetuning_policy finetuning_slack;
extern const struct finetuning_policy finetuning_share;

/* What a server has trained so far. */
struct finetuning_state {
    bool trains;         /* until the next look */
    double look_seconds; /* the next look */
    double in_steps_seconds, idle_seconds;
};

void finetuning_create(struct fleet *fleet);

/* Seconds that it trains in a step of `seconds`. */
double finetuning_extra(const struct server *server, double seconds);
/* The step with what it trains. */
struct step_cost finetuning_extend(const struct server *server, const struct step_cost *step);

/* Before a step is made up: whether it is time to look, and what is seen. */
void finetuning_look(struct server *server);

/* `steps` alike have been played. */
void finetuning_account(struct server *server, const struct step_cost *cost, uint32_t steps);

/* Nobody asked for anything since a time: it has trained meanwhile, and ends the pass under way. */
void finetuning_idle(struct server *server, double since_seconds);

/* Of all servers: seconds, and tokens of whole and begun micro-batches. */
double finetuning_seconds(const struct fleet *fleet);
double finetuning_tokens(const struct fleet *fleet);

#endif
