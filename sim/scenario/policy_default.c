/* SPDX-License-Identifier: MIT */
#include "sim/scenario/policy_default.h"

#include "sim/config/find.h"

void policy_default(struct node *root, struct scenario *scenario)
{
    struct node *policy = node_find(root, "workload.service.policy");
    const struct node *engine = node_find(root, "software.policy");
    if (scenario->workload != WORKLOAD_SERVING || policy == NULL || engine == NULL ||
        policy->origin != ORIGIN_DEFAULT || engine->origin == ORIGIN_DEFAULT || !engine->accepted) {
        return;
    }
    scenario->serving.service.policy = (enum batching_kind)scenario->software.policy;
    policy->mark = engine->mark;
    policy->origin = engine->origin;
    policy->source = engine->source;
    policy->text = engine->text;
}
