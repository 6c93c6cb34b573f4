/* SPDX-License-Identifier: MIT */
#include "models/step/breakdown.h"

static enum time_class class_of(const struct step_operator *op)
{
    switch (op->kind) {
    case OPERATOR_GEMM:
        return TIME_GEMM;
    case OPERATOR_ATTENTION:
    case OPERATOR_KERNEL:
        return TIME_ATTENTION;
    case OPERATOR_MEMORY:
        return TIME_MEMORY;
    case OPERATOR_COLLECTIVE:
        return op->collective.group == GROUP_TENSOR    ? TIME_TENSOR
               : op->collective.group == GROUP_CONTEXT ? TIME_RING
                                                       : TIME_EXPERTS;
    case OPERATOR_HOST:
        return TIME_HOST;
    case OPERATOR_KIND_COUNT:
        break;
    }
    return TIME_IDLE;
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

/* The compute stream waits in [from, to]: that belongs to the collectives running then. */
static void walk_wait(const struct step_segment *segment, const struct span *spans, double from,
                      double to, breakdown_visit *visit, void *context)
{
    for (uint32_t i = 0; i < segment->count && from < to; i++) {
        const struct step_operator *op = &segment->operators[i];
        if (op->stream != STREAM_COMMUNICATION || spans[i].end_seconds <= from) {
            continue;
        }
        double start = smaller(larger(from, spans[i].start_seconds), to);
        double end = smaller(spans[i].end_seconds, to);
        visit(context, NULL, start - from);
        visit(context, op, end > start ? end - start : 0.0);
        from = larger(start, end);
    }
    if (from < to) {
        visit(context, NULL, to - from);
    }
}

void breakdown_walk(const struct step_segment *segment, const struct span *spans,
                    double end_seconds, breakdown_visit *visit, void *context)
{
    double reached = 0.0;
    for (uint32_t i = 0; i < segment->count; i++) {
        if (segment->operators[i].stream != STREAM_COMPUTE) {
            continue;
        }
        walk_wait(segment, spans, reached, spans[i].start_seconds, visit, context);
        visit(context, &segment->operators[i], spans[i].end_seconds - spans[i].start_seconds);
        reached = spans[i].end_seconds;
    }
    walk_wait(segment, spans, reached, end_seconds, visit, context);
}

struct addition {
    struct breakdown *breakdown;
    double times;
};

static void add_part(void *context, const struct step_operator *op, double seconds)
{
    const struct addition *addition = context;
    enum time_class time_class = op == NULL ? TIME_IDLE : class_of(op);
    addition->breakdown->seconds[time_class] += addition->times * seconds;
}

void breakdown_add(struct breakdown *breakdown, const struct step_segment *segment,
                   const struct span *spans, double end_seconds, double times)
{
    struct addition addition = {.breakdown = breakdown, .times = times};
    breakdown_walk(segment, spans, end_seconds, add_part, &addition);
    for (uint32_t i = 0; i < segment->count; i++) {
        const struct step_operator *op = &segment->operators[i];
        if (op->stream == STREAM_COMPUTE) {
            breakdown->flops += times * op->cost.flops;
            breakdown->bytes += times * op->cost.bytes;
        }
    }
}

double breakdown_total_seconds(const struct breakdown *breakdown)
{
    double total = 0.0;
    for (int i = 0; i < TIME_CLASS_COUNT; i++) {
        total += breakdown->seconds[i];
    }
    return total;
}

double breakdown_communication_seconds(const struct breakdown *breakdown)
{
    return breakdown->seconds[TIME_TENSOR] + breakdown->seconds[TIME_RING] +
           breakdown->seconds[TIME_EXPERTS];
}

struct traffic operator_traffic(const struct step_operator *op)
{
    struct traffic traffic = {0};
    for (uint32_t j = 0; op->kind == OPERATOR_COLLECTIVE && j < op->plan.flow_count; j++) {
        const struct collective_flow *flow = &op->plan.flows[j];
        const struct group_shape *group = &op->collective.call.group;
        /* Of a ring that runs through r ranks a node, one edge in r crosses the fabric. */
        double fabric_share =
            flow->edge == EDGE_FABRIC_NEXT || flow->edge == EDGE_FABRIC_FAR ? 1.0
            : flow->edge == EDGE_NODE_NEXT || group->ranks == group->ranks_per_node
                ? 0.0
                : 1.0 / group->ranks_per_node;
        traffic.fabric_bytes += fabric_share * flow->bytes;
        traffic.node_bytes += (1.0 - fabric_share) * flow->bytes;
    }
    return traffic;
}

struct traffic segment_traffic(const struct step_segment *segment)
{
    struct traffic traffic = {0};
    for (uint32_t i = 0; i < segment->count; i++) {
        struct traffic once = operator_traffic(&segment->operators[i]);
        traffic.fabric_bytes += once.fabric_bytes;
        traffic.node_bytes += once.node_bytes;
    }
    return traffic;
}
