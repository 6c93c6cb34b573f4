/* SPDX-License-Identifier: MIT
 * Servers that share one set of experts, each with requests and a cache of its own (attention data
 * parallelism). They run in step: a layer's experts need everybody's tokens, so all begin a step
 * together, the fullest decides how long it takes, and who has nothing to do runs along with an
 * empty batch (vLLM, v1/engine/core.py, DPEngineCoreProc; SGLang, DP attention). One actor plays
 * them. */
#ifndef CPSIM_SIM_SERVING_REPLICA_STEP_GROUP_H
#define CPSIM_SIM_SERVING_REPLICA_STEP_GROUP_H

#include "sim/serving/replica/server.h"

struct step_group {
    struct server *servers; /* [count] */
    uint32_t count;
    struct actor_signal signal;
    struct step_shape *shapes; /* [count]: of the step under way */
    bool *made_up;             /* [count]: whether its next step is */
    uint32_t held_steps;       /* since prompts were last let in (service.align_prompts) */
};

void step_group_create(struct step_group *group, struct server *servers, uint32_t count,
                       struct arena *arena);
void step_group_start(struct step_group *group);
void step_group_wake(struct step_group *group);
void step_group_destroy(struct step_group *group);

#endif
