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

struct outer_step outer_step(const struct training *training, double hidden_seconds)
{
    const struct cluster_sites *sites = &training->replica.cluster->sites;
    if (sites->count < 2) {
        return (struct outer_step){0};
    }
    double hops = 2.0 * (sites->count - 1.0);
    struct outer_step step = {.bytes = hops / sites->count * trained_bytes(training)};
    step.seconds = step.bytes / sites->bytes_per_second + hops * sites->latency_seconds;
    step.wait_seconds = fmax(step.seconds - hidden_seconds, 0.0);
    return step;
}
