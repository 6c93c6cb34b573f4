/* SPDX-License-Identifier: MIT */
#include "models/layers/layer_builder.h"

#include "models/kernels/gpu_matmul.h"

void layer_append(struct layer_builder *builder, struct step_operator op)
{
    builder->last = step_append(builder->segment, op, builder->last, builder->beside);
    builder->beside = STEP_NO_OPERATOR;
}

static void gemm(struct layer_builder *builder, const char *name, struct layer_matrices matrices,
                 struct number number, const struct product_formats *product)
{
    bool dequantises = product->weights != FORMAT_UNSET;
    layer_append(builder,
                 (struct step_operator){
                     .kind = OPERATOR_GEMM,
                     .stream = STREAM_COMPUTE,
                     .name = name,
                     .gemm = {.m = matrices.rows,
                              .n = matrices.columns,
                              .k = matrices.depth,
                              .experts = matrices.experts,
                              .format = product->compute,
                              .scaling = product->scaling,
                              .block = number.block,
                              .weights = product->weights,
                              .scale_bytes = dequantises ? precision_scale_bytes(
                                                               number, (double)matrices.columns,
                                                               (double)matrices.depth)
                                                         : 0.0},
                 });
}

void layer_memory(struct layer_builder *builder, const char *name, enum memory_kernel kernel,
                  uint64_t rows, uint64_t columns, double bytes_per_element)
{
    layer_append(builder, step_memory_operator(name, kernel, rows, columns, bytes_per_element,
                                               builder->replica->software->fused_kernels));
}

void layer_host(struct layer_builder *builder, const char *name, double seconds)
{
    if (seconds > 0.0) {
        layer_append(builder, step_host_operator(name, 0, seconds));
    }
}

struct step_operator layer_collective(const struct layer_builder *builder, const char *name,
                                      enum group group, enum collective_kind kind, double bytes)
{
    return step_collective_operator(
        name, group,
        (struct collective_call){.kind = kind,
                                 .group = replica_group(builder->replica, group),
                                 .bytes = bytes,
                                 .graph = builder->graph});
}

double layer_activation_bytes(const struct layer_builder *builder)
{
    return format_bytes(builder->replica->precision->activations);
}

void layer_all_reduce(struct layer_builder *builder, const char *name)
{
    if (builder->replica->layout->tensor > 1) {
        uint64_t hidden = builder->replica->llm->hidden;
        double sent = format_bytes(precision_tensor_collectives(builder->replica->precision));
        bool narrower = sent < layer_activation_bytes(builder);
        if (narrower) {
            layer_memory(builder, "quantise sum", MEMORY_QUANTISE_ROW, builder->tokens, hidden,
                         layer_activation_bytes(builder) + sent);
        }
        layer_append(builder, layer_collective(builder, name, GROUP_TENSOR, COLLECTIVE_ALL_REDUCE,
                                               (double)builder->tokens * (double)hidden * sent));
        if (narrower) {
            layer_memory(builder, "dequantise sum", MEMORY_DEQUANTISE, builder->tokens, hidden,
                         layer_activation_bytes(builder) + sent);
        }
    }
}

/* Per-tensor scales are known from earlier steps, so a cast is enough; others are found first. */
static enum memory_kernel quantise_kernel(enum scaling scaling)
{
    return scaling == SCALING_TENSOR ? MEMORY_QUANTISE : MEMORY_QUANTISE_ROW;
}

void layer_product(struct layer_builder *builder, const char *name, struct layer_matrices matrices,
                   struct number number, bool fusible)
{
    const struct replica *replica = builder->replica;
    struct product_formats how =
        precision_product(replica->gpu, number, replica->precision->activations);
    const struct software *software = replica->software;
    bool scales =
        how.scaling == SCALING_TENSOR || (how.scaling == SCALING_ROW && software->fuses_row_scales);
    bool fused = fusible && scales && software->fused_kernels && !software->separate_quantisation;
    if (how.casts_weights) {
        uint64_t experts = (uint64_t)experts_held(matrices.experts, replica_routing(replica));
        uint64_t copies = experts > 0 ? experts : 1;
        layer_memory(builder, "cast weights", MEMORY_QUANTISE, copies * matrices.columns,
                     matrices.depth, format_bytes(number.format) + format_bytes(how.compute));
    }
    if (how.quantises_inputs && !fused) {
        /* Elements that have one scale. */
        uint64_t run = how.scaling == SCALING_BLOCK ? number.block : matrices.depth;
        layer_memory(builder, "quantise", quantise_kernel(how.scaling),
                     (matrices.quantised_rows > 0 ? matrices.quantised_rows : matrices.rows) *
                         (matrices.depth / run),
                     run, layer_activation_bytes(builder) + format_bytes(how.compute));
    }
    gemm(builder, name, matrices, number, &how);
}

bool layer_has_experts_kernel(const struct layer_builder *builder, struct experts experts,
                              struct number number)
{
    const struct replica *replica = builder->replica;
    struct product_formats how =
        precision_product(replica->gpu, number, replica->precision->activations);
    struct gemm_shape shape = {.experts = experts,
                               .routing = replica_routing(replica),
                               .library = &replica->software->kernels,
                               .format = how.compute,
                               .scaling = how.scaling,
                               .block = number.block,
                               .weights = how.weights};
    return library_experts(&shape) != NULL;
}

void layer_kernel(struct layer_builder *builder, const char *name, struct kernel_work work)
{
    layer_append(builder, (struct step_operator){.kind = OPERATOR_KERNEL,
                                                 .stream = STREAM_COMPUTE,
                                                 .name = name,
                                                 .kernel = work});
}

void layer_plain_product(struct layer_builder *builder, const char *name, uint64_t rows,
                         uint64_t columns, uint64_t depth)
{
    struct layer_matrices matrices = {.rows = rows, .columns = columns, .depth = depth};
    struct number plain = {.format = builder->replica->precision->activations};
    layer_product(builder, name, matrices, plain, true);
}

void layer_rest(struct layer_builder *builder, const struct kernel_rest *rest, uint64_t tokens)
{
    if (rest->residual_bytes > 0.0) {
        layer_memory(builder, "around", MEMORY_COPY, tokens, builder->replica->llm->hidden,
                     rest->residual_bytes);
    }
    layer_host(builder, "around", builder->graph ? 0.0 : rest->seconds);
}
