/* SPDX-License-Identifier: MIT
 * NVLS all-reduce inside a node: each GPU reads its n-th part already added by the NVLink switch
 * (which reads every GPU) and multicasts the sum. A GPU's links carry (n + 1)/n of the buffer each
 * way, against a ring's 2(n - 1)/n. */
#include "models/collectives/collective_policy.h"

static bool applies(const struct collective_context *context)
{
    const struct collective_call *call = context->call;
    uint32_t least = context->library->nvls.ranks;
    return call->kind == COLLECTIVE_ALL_REDUCE && !call->integer && least > 0 &&
           call->group.ranks >= least && call->group.ranks == call->group.ranks_per_node;
}

static void plan_nvls(const struct collective_context *context, enum protocol protocol,
                      struct collective_plan *plan)
{
    const struct collective_call *call = context->call;
    double ranks = call->group.ranks;
    plan->latency_seconds = context->library->nvls.base_seconds;
    collective_add_node_flow(context, protocol, (ranks + 1.0) / ranks * call->bytes,
                             context->library->nvls.bytes_per_second, plan);
}

const struct collective_policy collective_nvls = {
    .name = "nvls",
    .launch = LAUNCH_COLLECTIVE,
    .protocols = PROTOCOLS_SIMPLE,
    .applies = applies,
    .plan = plan_nvls,
};
