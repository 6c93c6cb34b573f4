/* SPDX-License-Identifier: MIT */
#include "models/training/training_bytes.h"

#include <math.h>

static double bytes_or(enum format format, double otherwise)
{
    return format == FORMAT_UNSET ? otherwise : format_bytes(format);
}

struct parameter_bytes training_other_bytes(const struct training *training)
{
    const struct training_software *stack = &training->replica.software->training;
    return (struct parameter_bytes){
        .kept = stack->parameter_bytes > 0.0
                    ? stack->parameter_bytes
                    : format_bytes(training->replica.precision->activations),
        .gradient = stack->gradient_bytes_per_parameter,
        .states = stack->state_bytes_per_parameter,
        .gather = stack->gather_bytes_per_parameter,
        .reduce = stack->reduce_bytes_per_parameter,
    };
}

/* Products that want their weights narrower than they are kept, or kept narrow at all, hold them
 * twice from micro-batch to micro-batch: as they are and transposed, since an H100's fp8 matrix
 * units take one order only (Transformer Engine's weight cache). */
static double copies(const struct replica *replica, struct number number, double kept)
{
    const struct precision *precision = replica->precision;
    const struct training_software *stack = &replica->software->training;
    const struct gpu *gpu = replica->gpu;
    enum format compute = precision_product(gpu, number, precision->activations).compute;
    double bytes = format_bytes(compute);
    if (bytes >= format_bytes(precision->activations)) {
        return 0.0;
    }
    if (precision->weight_gather == FORMAT_UNSET) { /* the stack's business */
        return stack->narrow_weight_bytes > 0.0 ? stack->narrow_weight_bytes - kept : 0.0;
    }
    bool kept_so = format_bytes(precision->weight_gather) <= bytes;
    return kept_so ? bytes : 2.0 * bytes;
}

struct parameter_bytes training_layer_bytes(const struct training *training)
{
    const struct replica *replica = &training->replica;
    const struct precision *precision = replica->precision;
    struct parameter_bytes bytes = training_other_bytes(training);
    double attention = llm_attention_weights(replica->llm);
    double all = llm_product_weights(replica->llm);
    bytes.kept = bytes_or(precision->weight_gather, bytes.kept) +
                 (attention * copies(replica, precision->attention_weights, bytes.kept) +
                  (all - attention) * copies(replica, precision->ffn_weights, bytes.kept)) /
                     all;
    bytes.gradient = bytes_or(precision->gradients, bytes.gradient);
    if (precision->master_weights != FORMAT_UNSET && precision->first_moment != FORMAT_UNSET &&
        precision->second_moment != FORMAT_UNSET) {
        bytes.states = format_bytes(precision->master_weights) +
                       format_bytes(precision->first_moment) +
                       format_bytes(precision->second_moment);
    }
    bytes.gather = bytes_or(precision->weight_gather, bytes.gather);
    bytes.reduce =
        bytes_or(precision->gradient_reduce, bytes_or(precision->gradients, bytes.reduce));
    return bytes;
}

/* Of a layer on average, without experts that lie whole on ranks. */
static double shared_layer_parameters(const struct replica *replica)
{
    const struct stack *stack = &replica->llm->stack;
    double experts = 0.0;
    for (uint32_t kind = 0; kind < stack->kind_count; kind++) {
        experts += stack_kind_layers(stack, kind, 0, stack->layers) *
                   train_layer_expert_parameters(replica, &stack->kinds[kind]);
    }
    return training_layer_parameters(replica) - experts / stack->layers;
}

double training_bucket_parameters(const struct training *training)
{
    const struct training_software *stack = &training->replica.software->training;
    double ranks = training_data_group(training).ranks;
    double parameters = fmax(stack->bucket_parameters, stack->bucket_parameters_per_rank * ranks);
    if (stack->bucket_bytes > 0.0) {
        parameters = stack->bucket_bytes / training_layer_bytes(training).reduce;
    }
    bool by_layer = parameters <= 0.0 || training->sharding == SHARDING_FSDP;
    return by_layer ? shared_layer_parameters(&training->replica) : parameters;
}

double training_exchange_bytes(const struct training *training, double layers, double shared)
{
    struct parameter_bytes layer = training_layer_bytes(training);
    struct parameter_bytes other = training_other_bytes(training);
    double ranks = training_data_group(training).ranks;
    return (layers * (layer.gather + layer.reduce) + shared * (other.gather + other.reduce)) *
           (ranks - 1.0) / ranks;
}
