/* SPDX-License-Identifier: MIT
 * NVLSTree all-reduce: NVLS adds inside a node, a double binary tree on every rail adds between
 * nodes, NVLS multicasts the sum. All three are pipelined; a tree's hop hands on whole chunks. */
#include "models/collectives/collective_policy.h"

#include <math.h>

static bool applies(const struct collective_context *context)
{
    const struct collective_call *call = context->call;
    const struct nvls_constants *nvls = &context->library->nvls;
    return call->kind == COLLECTIVE_ALL_REDUCE && !call->integer && nvls->tree && nvls->ranks > 0 &&
           call->group.ranks_per_node >= nvls->ranks && group_nodes(&call->group) > 1.0;
}

static void plan_nvls_tree(const struct collective_context *context, enum protocol protocol,
                           struct collective_plan *plan)
{
    const struct collective_call *call = context->call;
    const struct collective_library *library = context->library;
    double ranks_per_node = call->group.ranks_per_node;
    double levels = collective_tree_levels(&call->group);
    double rail_bytes = call->bytes / ranks_per_node;
    double chunk = fmin(library->nvls.tree_chunk_bytes, rail_bytes);
    double hop = collective_fabric_hop_seconds(context, protocol) +
                 chunk / (context->cluster->nic_bytes_per_second * library->fabric_efficiency);
    plan->latency_seconds = library->nvls.tree_base_seconds + 2.0 * levels * hop;
    collective_add_node_flow(context, protocol,
                             (ranks_per_node + 1.0) / ranks_per_node * call->bytes,
                             library->nvls.bytes_per_second, plan);
    collective_add_tree_flow(context, protocol, levels, plan);
}

const struct collective_policy collective_nvls_tree = {
    .name = "nvls-tree",
    .launch = LAUNCH_COLLECTIVE,
    .protocols = PROTOCOLS_SIMPLE,
    .applies = applies,
    .plan = plan_nvls_tree,
};
