/* SPDX-License-Identifier: MIT */
#include "sim/serving/batching/step_cost.h"

void step_parts_add(struct step_parts *sum, const struct step_parts *parts, double times)
{
    sum->gemm_seconds += times * parts->gemm_seconds;
    sum->attention_seconds += times * parts->attention_seconds;
    sum->memory_kernel_seconds += times * parts->memory_kernel_seconds;
    sum->communication_seconds += times * parts->communication_seconds;
    sum->experts_seconds += times * parts->experts_seconds;
    sum->nvlink_seconds += times * parts->nvlink_seconds;
    sum->network_seconds += times * parts->network_seconds;
    sum->flops += times * parts->flops;
}

void step_launch_add(struct step_cost *sum, const struct step_segment *segment)
{
    double seconds = segment->repeat * segment->launch_seconds;
    sum->launch_seconds += seconds;
    sum->experts_launch_seconds += segment->experts_by_hand ? seconds : 0.0;
}
