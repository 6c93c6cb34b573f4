/* SPDX-License-Identifier: MIT
 * The custom all-reduces of serving engines (vLLM, TensorRT-LLM) inside a node. One-shot: every GPU
 * reads every peer's whole buffer. Two-shot: it reads its n-th part of every peer's, then every
 * peer's sum. Multimem: the same two halves, added and multicast by the NVLink switch (PyTorch's
 * symmetric memory). Reads in flight are few, so a GPU that reads from few peers waits for their
 * latency: 1/rate = 1/read + 1/(peers x in-flight). */
#include "models/collectives/collective_policy.h"

static bool fits(const struct collective_context *context)
{
    const struct collective_call *call = context->call;
    const struct collective_library *library = context->library;
    double own = library->nvls.ranks > 0 ? 0.0 : library->custom.own_largest_bytes;
    return call->kind == COLLECTIVE_ALL_REDUCE &&
           call->bytes <= (own > 0.0 ? own : library->custom.largest_bytes) &&
           call->group.ranks == call->group.ranks_per_node;
}

/* Engines don't ask a tuner here: they go by ranks and bytes. */
static bool multimem_applies(const struct collective_context *context)
{
    const struct custom_constants *custom = &context->library->custom;
    return fits(context) && !context->call->integer && custom->multimem_ranks > 0 &&
           context->call->group.ranks >= custom->multimem_ranks &&
           context->call->bytes >= custom->multimem_smallest_bytes;
}

static bool shots_apply(const struct collective_context *context)
{
    return fits(context) && !multimem_applies(context);
}

/* Kernel, barrier, and in eager mode the copy into the buffer that the peers have mapped. */
static double start_seconds(const struct collective_context *context, double kernel_seconds)
{
    const struct collective_call *call = context->call;
    double copy = call->graph ? 0.0 : call->bytes / context->library->custom.copy_bytes_per_second;
    return kernel_seconds + copy;
}

static void add_reads(const struct collective_context *context, double payload,
                      struct collective_plan *plan)
{
    const struct collective_library *library = context->library;
    double peers = context->call->group.ranks - 1.0;
    double rate = 1.0 / (1.0 / library->custom.read_bytes_per_second +
                         1.0 / (peers * library->custom.in_flight_bytes_per_second));
    collective_add_node_flow(context, PROTOCOL_SIMPLE, payload, rate, plan);
}

static double barrier_seconds(const struct collective_context *context)
{
    double peers = context->call->group.ranks - 1.0;
    return context->library->custom.base_seconds + peers * context->library->custom.peer_seconds;
}

static void plan_one_shot(const struct collective_context *context, enum protocol protocol,
                          struct collective_plan *plan)
{
    (void)protocol;
    double peers = context->call->group.ranks - 1.0;
    plan->latency_seconds = start_seconds(context, barrier_seconds(context));
    add_reads(context, peers * context->call->bytes, plan);
}

static void plan_two_shot(const struct collective_context *context, enum protocol protocol,
                          struct collective_plan *plan)
{
    (void)protocol;
    double ranks = context->call->group.ranks;
    plan->latency_seconds =
        start_seconds(context, barrier_seconds(context) + context->library->custom.barrier_seconds);
    add_reads(context, 2.0 * (ranks - 1.0) / ranks * context->call->bytes, plan);
}

static void plan_multimem(const struct collective_context *context, enum protocol protocol,
                          struct collective_plan *plan)
{
    double ranks = context->call->group.ranks;
    plan->latency_seconds = start_seconds(context, context->library->custom.multimem_seconds);
    collective_add_node_flow(context, protocol, (ranks + 1.0) / ranks * context->call->bytes,
                             context->library->custom.multimem_bytes_per_second, plan);
}

const struct collective_policy collective_one_shot = {
    .name = "one-shot",
    .custom = true,
    .launch = LAUNCH_CUSTOM,
    .protocols = PROTOCOLS_SIMPLE,
    .applies = shots_apply,
    .plan = plan_one_shot,
};

const struct collective_policy collective_two_shot = {
    .name = "two-shot",
    .custom = true,
    .launch = LAUNCH_CUSTOM,
    .protocols = PROTOCOLS_SIMPLE,
    .applies = shots_apply,
    .plan = plan_two_shot,
};

const struct collective_policy collective_multimem = {
    .name = "multimem",
    .custom = true,
    .launch = LAUNCH_MULTIMEM,
    .protocols = PROTOCOLS_SIMPLE,
    .applies = multimem_applies,
    .plan = plan_multimem,
};
