/* SPDX-License-Identifier: MIT
 * Send, and the ring shift of send and receive: one message from a member to the next. */
#include "models/collectives/collective_policy.h"

#include <math.h>

static bool send_applies(const struct collective_context *context)
{
    return context->call->kind == COLLECTIVE_SEND;
}

static bool send_recv_applies(const struct collective_context *context)
{
    return context->call->kind == COLLECTIVE_SEND_RECV;
}

static void plan_point_to_point(const struct collective_context *context, enum protocol protocol,
                                struct collective_plan *plan)
{
    const struct collective_call *call = context->call;
    const struct collective_library *library = context->library;
    const struct group_shape *group = &call->group;
    plan->latency_seconds = library->p2p.base_seconds;
    if (group_nodes(group) > 1.0) {
        /* The proxy moves it, in whichever protocol; a shift leaves a node by one NIC only. */
        plan->latency_seconds += collective_fabric_hop_seconds(context, PROTOCOL_LL);
        enum collective_edge edge = group->ranks_per_node == 1 ? EDGE_FABRIC_NEXT : EDGE_RING_NEXT;
        collective_add_fabric_flow(context, edge, PROTOCOL_SIMPLE, call->bytes, 1, plan);
        return;
    }
    if (protocol == PROTOCOL_LL) {
        collective_add_node_flow(context, protocol, call->bytes, library->p2p.ll_bytes_per_second,
                                 plan);
        return;
    }
    plan->latency_seconds += library->p2p.simple_seconds;
    if (call->kind == COLLECTIVE_SEND_RECV) {
        plan->latency_seconds += collective_skew_seconds(context, call->bytes);
    }
    collective_add_node_flow(context, protocol, call->bytes, library->p2p.simple_bytes_per_second,
                             plan);
}

const struct collective_policy collective_send = {
    .name = "send",
    .launch = LAUNCH_SEND,
    .protocols = 1 << PROTOCOL_LL | 1 << PROTOCOL_SIMPLE,
    .applies = send_applies,
    .plan = plan_point_to_point,
};

const struct collective_policy collective_send_recv = {
    .name = "send-recv",
    .launch = LAUNCH_SEND_RECV,
    .protocols = 1 << PROTOCOL_LL | 1 << PROTOCOL_SIMPLE,
    .applies = send_recv_applies,
    .plan = plan_point_to_point,
};
