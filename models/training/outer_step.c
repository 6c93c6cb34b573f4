/* SPDX-License-Identifier: MIT */
#include "models/training/outer_step.h"

#include "models/training/training_bytes.h"

#include <math.h>

/* Of the whole model: stages and tensor ranks hold parts. */
static double trained_bytes(const struct training *training)
{
    const struct layout *layout = training->replica.layout;
    uint32_t parts = layout->pipeline * training->virtual_stages;
    double trained = 0.0;
    for (uint32_t part = 0; part < parts; part++) {
        double experts = training_part_expert_parameters(training, part);
        /* Experts that lie whole on ranks: as many others as there are parts of them. */
        double copies = experts > 0.0 ? (double)layout_experts(layout) / layout->tensor : 1.0;
        trained += training_part_trained(training, part) + (fmax(copies, 1.0) - 1.0) * experts;
    }
    return trained * layout->tensor * training_layer_bytes(training).reduce;
}

uint32_t outer_paths(const struct paths *paths)
{
    double count = pow(paths->modules, paths->levels);
    return count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
}

struct outer_step outer_step(const struct training *training, double hidden_seconds)
{
    const struct cluster_sites *sites = &training->replica.cluster->sites;
    const struct paths *paths = &training->paths;
    if (sites->count < 2) {
        return (struct outer_step){0};
    }
    bool split = paths->levels > 0;
    struct outer_step step = {
        .rings = split ? paths->levels : 1,
        .members = split ? sites->count / paths->modules : sites->count,
    };
    double hops = 2.0 * (step.members - 1.0);
    double shared = (1.0 - paths->own) * trained_bytes(training) / step.rings;
    step.ring_bytes = ceil(hops / step.members * shared);
    step.latency_seconds = hops * sites->latency_seconds;
    step.bytes = step.rings * step.ring_bytes;
    step.seconds = step.bytes / sites->bytes_per_second + step.latency_seconds;
    step.wait_seconds = fmax(step.seconds - hidden_seconds, 0.0);
    return step;
}

/* A site's number has a digit for each level: which module its path takes there. Others with that
 * digit are its ring, in order. */
uint32_t outer_next(const struct training *training, uint32_t site, uint32_t ring)
{
    const struct paths *paths = &training->paths;
    uint32_t sites = training->replica.cluster->sites.count;
    if (paths->levels == 0) {
        return (site + 1) % sites;
    }
    uint32_t below = 1;
    for (uint32_t i = 0; i < ring; i++) {
        below *= paths->modules;
    }
    uint32_t low = site % below, digit = site / below % paths->modules;
    uint32_t others = site / below / paths->modules * below + low;
    others = (others + 1) % (sites / paths->modules);
    return (others / below * paths->modules + digit) * below + others % below;
}

double outer_parameters(const struct training *training)
{
    const struct paths *paths = &training->paths;
    double path = llm_weights(training->replica.llm);
    return path * ((1.0 - paths->own) * (paths->levels > 0 ? paths->modules : 1.0) +
                   paths->own * outer_paths(paths));
}
