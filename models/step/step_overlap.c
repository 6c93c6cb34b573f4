/* SPDX-License-Identifier: MIT */
#include "models/step/step_overlap.h"

#include <math.h>

struct step_overlap step_overlap(const struct step_program *program, const struct step_operator *op,
                                 const struct step_operator *collective)
{
    struct step_overlap none = {.kernel = 1.0, .transfer = 1.0};
    uint32_t multiprocessors = program->streaming_multiprocessors;
    if (multiprocessors == 0 || op == NULL || collective == NULL || op->kind == OPERATOR_HOST ||
        op->kind == OPERATOR_COLLECTIVE) {
        return none;
    }
    double seconds = op->cost.seconds, together = collective->cost.seconds;
    struct overlap_kernel kernel = {
        .memory_bound = op->cost.bound == BOUND_MEMORY,
        .seconds = seconds,
        .wave_seconds = op->kind != OPERATOR_GEMM
                            ? 0.0
                            : overlap_gemm_wave_seconds(&program->overlap, op->gemm.m, op->gemm.n,
                                                        seconds, multiprocessors),
    };
    const struct group_shape *group = &collective->plan.group;
    struct overlap_collective moved = {.fabric = group->ranks > group->ranks_per_node,
                                       .seconds = together};
    struct overlap_factors factors =
        overlap_slowdown(&program->overlap, multiprocessors, &kernel, &moved);
    double latency = collective->plan.latency_seconds;
    double transfer = together - latency;
    if (transfer <= 0.0) {
        return (struct step_overlap){.kernel = factors.kernel, .transfer = 1.0};
    }
    return (struct step_overlap){
        .kernel = factors.kernel,
        .transfer = fmax((factors.collective * together - latency) / transfer, 1.0),
    };
}
