/* SPDX-License-Identifier: MIT */
#include "models/training/training_checkpoint.h"

#include "models/training/training_bytes.h"

#include <math.h>

/* Beside the optimizer's states. */
static double weight_bytes(const struct training *training, struct parameter_bytes bytes)
{
    return training->sharding == SHARDING_FSDP ? 0.0 : bytes.gather;
}

/* The whole storage, or what the job's nodes push into it. */
static double write_seconds(const struct cluster *cluster, double bytes, double gpus)
{
    double nodes = ceil(gpus / cluster->gpus_per_node);
    double seconds = 0.0;
    if (cluster->storage_bytes_per_second > 0.0) {
        seconds = bytes / cluster->storage_bytes_per_second;
    }
    if (cluster->node_storage_bytes_per_second > 0.0) {
        seconds = fmax(seconds, bytes / (nodes * cluster->node_storage_bytes_per_second));
    }
    return seconds;
}

struct training_checkpoint training_checkpoint_of(const struct training *training)
{
    const struct layout *layout = training->replica.layout;
    double layer_bytes = weight_bytes(training, training_layer_bytes(training));
    double other_bytes = weight_bytes(training, training_other_bytes(training));
    struct training_checkpoint checkpoint = {0};
    for (uint32_t stage = 0; stage < layout->pipeline; stage++) {
        double parameters = 0.0, of_layers = 0.0, of_experts = 0.0, states = 0.0;
        double expert_states = 0.0;
        for (uint32_t chunk = 0; chunk < training->virtual_stages; chunk++) {
            uint32_t part = chunk * layout->pipeline + stage;
            parameters += training_part_parameters(training, part);
            of_layers += training_part_layer_parameters(training, part);
            of_experts += training_part_expert_parameters(training, part);
            double experts = 0.0;
            states += training_part_state_bytes(training, part, &experts);
            expert_states += experts;
        }
        double bytes = states + of_layers * layer_bytes + (parameters - of_layers) * other_bytes;
        double expert_bytes = expert_states + of_experts * layer_bytes;
        checkpoint.bytes +=
            (bytes - expert_bytes) * layout->tensor + expert_bytes * layout_experts(layout);
        checkpoint.bytes_per_gpu =
            fmax(checkpoint.bytes_per_gpu, training_sharded(training, bytes, expert_bytes));
    }
    checkpoint.seconds =
        write_seconds(training->replica.cluster, checkpoint.bytes, layout_gpus(layout));
    return checkpoint;
}
