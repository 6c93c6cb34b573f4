/* SPDX-License-Identifier: MIT */
#include "models/training/training_layer.h"

static void exchange_copies(const struct training *training, struct train_builder *builder,
                            const char *name, double parameters, double bytes_per_parameter)
{
    struct pipeline pipeline = training_pipeline(training);
    bool every_pass = training->sharding == SHARDING_FSDP && pipeline.stages == 1;
    bool alone = training_data_group(training).ranks == 1;
    double times = every_pass ? 1.0 : 1.0 / pipeline.micro_batches;
    if (bytes_per_parameter > 0.0 && !alone) {
        builder_memory(builder, name, MEMORY_COPY, 1, (uint64_t)parameters,
                       times * bytes_per_parameter);
    }
}

void training_gather_copies(const struct training *training, struct train_builder *builder,
                            double parameters)
{
    const struct training_software *stack = builder_stack(builder);
    if (training->sharding == SHARDING_FSDP) {
        exchange_copies(training, builder, "gather copy", parameters,
                        stack->gather_copy_bytes_per_parameter +
                            stack->shard_copy_bytes_per_parameter /
                                training_data_group(training).ranks);
    }
}

void training_reduce_copies(const struct training *training, struct train_builder *builder,
                            double parameters)
{
    if (training->adapter_rank == 0) {
        exchange_copies(training, builder, "reduce copy", parameters,
                        builder_stack(builder)->reduce_copy_bytes_per_parameter);
    }
}

static void weight_casts(struct train_builder *builder, double parameters)
{
    double bytes = builder_stack(builder)->weight_cast_bytes_per_parameter;
    if (bytes > 0.0) {
        builder_memory(builder, "weight cast", MEMORY_COPY, 1, (uint64_t)parameters, bytes);
    }
}

void training_layer_forward(const struct training *training, struct train_builder *builder,
                            const struct layer_kind *kind)
{
    double parameters = train_layer_parameters(&training->replica, kind);
    training_gather_copies(training, builder, parameters);
    weight_casts(builder, parameters);
    builder_host(builder, "layer", builder_stack(builder)->layer_seconds);
    train_layer_forward(builder, kind);
}

void training_layer_backward(const struct training *training, struct train_builder *builder,
                             const struct layer_kind *kind, enum gradients gradients)
{
    double parameters = train_layer_parameters(&training->replica, kind);
    builder_host(builder, "layer", 2.0 * builder_stack(builder)->layer_seconds);
    if (!training->keeps_gathered) {
        training_gather_copies(training, builder, parameters);
    }
    train_layer_backward(builder, kind, gradients);
    weight_casts(builder, parameters);
    training_reduce_copies(training, builder, parameters);
}
