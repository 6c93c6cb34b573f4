/* SPDX-License-Identifier: MIT */
#include "models/step_price.h"

#include <math.h>

static void price_operator(const struct replica *replica, struct step_operator *op,
                           double clock_hertz)
{
    switch (op->kind) {
    case OPERATOR_GEMM:
        op->cost = gemm_cost(replica->gpu, &op->gemm, clock_hertz);
        break;
    case OPERATOR_ATTENTION:
        op->cost = attention_cost(replica->gpu, &op->attention, clock_hertz);
        break;
    case OPERATOR_MEMORY:
        op->cost = memory_kernel_cost(replica->gpu, &op->memory, clock_hertz);
        break;
    case OPERATOR_HOST:
        op->cost = (struct kernel_cost){.seconds = op->host_seconds, .bound = BOUND_LAUNCH};
        break;
    case OPERATOR_COLLECTIVE:
        op->plan =
            collective_plan(replica->cluster, &replica->software->library, &op->collective.call);
        for (uint32_t i = 0; i < op->plan.flow_count; i++) {
            op->plan.flows[i].bytes = ceil(op->plan.flows[i].bytes); /* links carry whole bytes */
        }
        op->cost = (struct kernel_cost){
            .seconds = collective_seconds(replica->cluster, &op->plan),
            .bound = BOUND_NETWORK,
        };
        break;
    case OPERATOR_KIND_COUNT:
        break;
    }
}

/* Launched one by one, kernels cannot end faster than the host starts them: what is missing is
 * waited for at the segment's end. The host runs ahead, so within the segment nothing shows. */
static void wait_for_launches(const struct replica *replica, struct step_segment *segment,
                              struct span *scratch)
{
    double floor_seconds = segment->count * replica->software->eager_launch_seconds;
    double missing = floor_seconds - segment_play(replica->cluster, segment, scratch);
    if (missing > 0.0) {
        struct step_operator op = {
            .kind = OPERATOR_HOST,
            .stream = STREAM_COMPUTE,
            .name = "launch",
            .host_seconds = missing,
            .cost = {.seconds = missing, .bound = BOUND_LAUNCH},
        };
        step_append(segment, op, segment->count - 1, STEP_NO_OPERATOR);
    }
}

void step_price(const struct replica *replica, struct step_program *program, struct span *scratch)
{
    double clock_hertz = replica->gpu->boost_clock_hertz;
    for (uint32_t i = 0; i < program->segment_count; i++) {
        struct step_segment *segment = &program->segments[i];
        for (uint32_t j = 0; j < segment->count; j++) {
            price_operator(replica, &segment->operators[j], clock_hertz);
        }
        if (!program->graph) {
            wait_for_launches(replica, segment, scratch);
        }
    }
}
