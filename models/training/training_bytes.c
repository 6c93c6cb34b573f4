/* SPDX-License-Identifier: MIT */
#include "models/training/training_bytes.h"

#include "models/training/galore.h"

#include <math.h>

static const double fp32_bytes = 4.0;

static double bytes_or(enum format format, double otherwise)
{
    return format == FORMAT_UNSET ? otherwise : format_bytes(format);
}

/* Of what a stack keeps two moments are fp32, or what there is; the rest is a master copy. */
static double default_moments(const struct training_software *stack)
{
    return fmin(stack->state_bytes_per_parameter, 2.0 * fp32_bytes);
}

double parameter_states(const struct parameter_bytes *bytes)
{
    return bytes->master + bytes->moments;
}

struct parameter_bytes training_other_bytes(const struct training *training)
{
    const struct training_software *stack = &training->replica.software->training;
    double moments = default_moments(stack);
    return (struct parameter_bytes){
        .kept = stack->parameter_bytes > 0.0
                    ? stack->parameter_bytes
                    : format_bytes(training->replica.precision->activations),
        .gradient = stack->gradient_bytes_per_parameter,
        .master = stack->state_bytes_per_parameter - moments,
        .moments = moments,
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

/* 8-bit integers stand for numbers of a codebook, which a block of 2,048 scales by a number of its
 * own in fp32 (arXiv 2110.02861, section 2.1). */
static double moment_bytes(enum format format, double otherwise)
{
    const double block = 2048.0;
    return bytes_or(format, otherwise) + (format == FORMAT_INT8 ? fp32_bytes / block : 0.0);
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
    bytes.master = bytes_or(precision->master_weights, bytes.master);
    bytes.moments = moment_bytes(precision->first_moment, 0.5 * bytes.moments) +
                    moment_bytes(precision->second_moment, 0.5 * bytes.moments);
    bytes.gather = bytes_or(precision->weight_gather, bytes.gather);
    bytes.reduce =
        bytes_or(precision->gradient_reduce, bytes_or(precision->gradients, bytes.reduce));
    return bytes;
}

/* Bytes that low-rank moments and their directions take less than whole moments. */
static double galore_saved(const struct training *training, uint32_t part, bool of_experts,
                           double moments)
{
    struct galore_sizes sizes = galore_part(training, part, of_experts);
    return moments * (sizes.parameters - sizes.moments) -
           format_bytes(training->replica.precision->activations) * sizes.directions;
}

double training_part_state_bytes(const struct training *training, uint32_t part, double *of_experts)
{
    struct parameter_bytes layer = training_layer_bytes(training);
    struct parameter_bytes other = training_other_bytes(training);
    *of_experts = 0.0;
    if (training->adapter_rank > 0) {
        return training_part_trained(training, part) * parameter_states(&layer);
    }
    double of_layers = training_part_layer_parameters(training, part);
    double of_others = training_part_parameters(training, part) - of_layers;
    double saved = galore_saved(training, part, true, layer.moments);
    *of_experts =
        training_part_expert_parameters(training, part) * parameter_states(&layer) - saved;
    return of_layers * parameter_states(&layer) + of_others * parameter_states(&other) - saved -
           galore_saved(training, part, false, layer.moments);
}

double training_update_saved_bytes(const struct training *training, uint32_t part,
                                   double *of_experts)
{
    struct parameter_bytes layer = training_layer_bytes(training);
    struct parameter_bytes other = training_other_bytes(training);
    double narrower = parameter_states(&other) - parameter_states(&layer);
    double experts = training_part_expert_parameters(training, part);
    double layers = training->adapter_rank > 0 ? training_part_trained(training, part)
                                               : training_part_layer_parameters(training, part);
    struct galore_sizes of_them = galore_part(training, part, true);
    struct galore_sizes others = galore_part(training, part, false);
    double gone =
        of_them.parameters - of_them.moments; /* elements of a moment that are not there */
    *of_experts = 2.0 * (experts * narrower + gone * layer.moments);
    return 2.0 * (layers * narrower + (gone + others.parameters - others.moments) * layer.moments);
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
