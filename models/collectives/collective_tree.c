/* SPDX-License-Identifier: MIT
 * Double binary trees between nodes, a chain inside each ("Two-Tree Algorithms for Full Bandwidth
 * Broadcast, Reduction and Scan", Sanders, Speck, Traff 2009): few hops for small all-reduces.
 * Only the low-latency protocols: NCCL's tuner gives a ring more bandwidth in Simple at every size
 * that is large enough for Simple (nccl/src/graph/tuning.cc, ratio .5 and treeCorrectionFactor). */
#include "models/collectives/collective_policy.h"

static bool applies(const struct collective_context *context)
{
    return context->library->tree && context->call->kind == COLLECTIVE_ALL_REDUCE &&
           group_nodes(&context->call->group) > 1.0;
}

static void plan_tree(const struct collective_context *context, enum protocol protocol,
                      struct collective_plan *plan)
{
    const struct collective_call *call = context->call;
    const struct protocol_constants *constants = &context->library->protocol[protocol];
    double chain = call->group.ranks_per_node - 1.0;
    double levels = collective_tree_levels(&call->group);
    plan->latency_seconds =
        constants->base_seconds + 2.0 * (chain * constants->node_hop_seconds +
                                         levels * collective_fabric_hop_seconds(context, protocol));
    if (chain > 0.0) {
        /* The bytes go up the chain and down again in chunks, and that pipeline has to fill. */
        double seconds = 2.0 * call->bytes / constants->payload_bytes_per_second;
        plan->latency_seconds += constants->tree_fill * seconds;
        collective_add_node_flow(context, protocol, 2.0 * call->bytes,
                                 constants->payload_bytes_per_second, plan);
    }
    collective_add_tree_flow(context, protocol, levels, plan);
}

const struct collective_policy collective_tree = {
    .name = "tree",
    .launch = LAUNCH_COLLECTIVE,
    .protocols = PROTOCOLS_LOW_LATENCY,
    .applies = applies,
    .plan = plan_tree,
};
