/* SPDX-License-Identifier: MIT
 * Tokens to their experts and back by kernels that send by themselves (DeepEP,
 * github.com/deepseek-ai/DeepEP). Normal: a token goes once to every node that has one of its
 * experts, over the NIC of its own rail, and from there once to every rank of it, over NVLink;
 * channels hand on as they receive, so the slower hop decides. Low latency: a row for each expert
 * goes straight to the expert's rank, over NVLink in the node and by RDMA to others. */
#include "models/collectives/collective_policy.h"

#include <math.h>

static bool is_exchange(const struct collective_call *call, enum exchange_kind kind)
{
    return (call->kind == COLLECTIVE_DISPATCH || call->kind == COLLECTIVE_COMBINE) &&
           call->experts.kind == kind;
}

static bool normal_applies(const struct collective_context *context)
{
    return is_exchange(context->call, EXCHANGE_NORMAL);
}

static bool low_latency_applies(const struct collective_context *context)
{
    return is_exchange(context->call, EXCHANGE_LOW_LATENCY);
}

static void plan_exchange(const struct collective_context *context,
                          const struct exchange_library *library, double copies, double node_bytes,
                          double fabric_bytes, struct collective_plan *plan)
{
    const struct collective_call *call = context->call;
    const struct experts_traffic *traffic = &call->experts;
    bool dispatch = call->kind == COLLECTIVE_DISPATCH;
    const struct exchange_way *way = dispatch ? &library->dispatch : &library->combine;
    double tokens = traffic->tokens * traffic->imbalance;
    bool fabric = fabric_bytes > 0.0;
    double notice = library->notify_seconds + traffic->tokens * library->notify_token_seconds;
    plan->latency_seconds = way->base_seconds + traffic->hidden * way->element_seconds +
                            traffic->experts * way->expert_seconds;
    if (fabric) {
        plan->latency_seconds += way->fabric_seconds + (dispatch ? notice : 0.0) +
                                 way->fabric_spread_seconds * sqrt(fabric_bytes / 1e6);
        collective_add_shift_flows(context, fabric_bytes, context->exchange->fabric_efficiency,
                                   plan);
    } else {
        plan->latency_seconds +=
            way->node_spread_seconds * sqrt(copies * traffic->token_bytes / 1e6);
    }
    double kernel = tokens * way->token_seconds + copies * way->copy_seconds +
                    node_bytes / way->node_bytes_per_second;
    double slots = fmin(traffic->experts, context->exchange->senders);
    kernel = fmax(kernel, slots > 0.0 ? tokens * way->expert_token_seconds / slots : 0.0);
    if (node_bytes > 0.0) {
        collective_add_node_flow(context, PROTOCOL_SIMPLE, node_bytes, node_bytes / kernel, plan);
    }
}

static void plan_normal(const struct collective_context *context, enum protocol protocol,
                        struct collective_plan *plan)
{
    (void)protocol;
    const struct collective_call *call = context->call;
    const struct experts_traffic *traffic = &call->experts;
    double nodes = group_nodes(&call->group);
    double tokens = traffic->tokens * traffic->imbalance;
    double copies = tokens * traffic->ranks;
    double fabric = tokens * traffic->nodes * (nodes - 1.0) / nodes * (1.0 - traffic->kept_near) *
                    traffic->token_bytes;
    plan_exchange(context, &context->exchange->normal, copies, copies * traffic->token_bytes,
                  fabric, plan);
}

static void plan_low_latency(const struct collective_context *context, enum protocol protocol,
                             struct collective_plan *plan)
{
    (void)protocol;
    const struct collective_call *call = context->call;
    const struct experts_traffic *traffic = &call->experts;
    double nodes = group_nodes(&call->group);
    double copies = traffic->tokens * traffic->imbalance * traffic->copies;
    double bytes = copies * traffic->token_bytes;
    double fabric = bytes * (nodes - 1.0) / nodes * (1.0 - traffic->kept_near);
    plan_exchange(context, &context->exchange->low_latency, copies, bytes - fabric, fabric, plan);
}

const struct collective_policy collective_deepep_normal = {
    .name = "deepep",
    .custom = true,
    .launch = LAUNCH_CUSTOM,
    .protocols = PROTOCOLS_SIMPLE,
    .applies = normal_applies,
    .plan = plan_normal,
};

const struct collective_policy collective_deepep_low_latency = {
    .name = "deepep-low-latency",
    .custom = true,
    .launch = LAUNCH_CUSTOM,
    .protocols = PROTOCOLS_SIMPLE,
    .applies = low_latency_applies,
    .plan = plan_low_latency,
};
