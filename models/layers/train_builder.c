/* SPDX-License-Identifier: MIT */
#include "models/layers/train_builder.h"

uint32_t builder_tensor_ranks(const struct train_builder *builder)
{
    return builder->training->replica->layout->tensor;
}

double builder_element_bytes(const struct train_builder *builder)
{
    return format_bytes(builder->training->replica->precision->activations);
}

const struct training_software *builder_stack(const struct train_builder *builder)
{
    return &builder->training->replica->software->training;
}

void builder_append(struct train_builder *builder, struct step_operator op)
{
    builder->last = step_append(builder->segment, op, builder->last, builder->beside);
    builder->beside = STEP_NO_OPERATOR;
}

void builder_counted(struct train_builder *builder, const char *name, enum memory_kernel kernel,
                     uint64_t rows, uint64_t columns, double bytes_per_element)
{
    builder_append(builder, step_memory_operator(name, kernel, rows, columns, bytes_per_element,
                                                 builder_stack(builder)->fused_kernels));
}

void builder_memory(struct train_builder *builder, const char *name, enum memory_kernel kernel,
                    uint64_t rows, uint64_t columns, double bytes_per_element)
{
    builder_counted(builder, name, kernel, rows, columns,
                    bytes_per_element * builder_stack(builder)->memory_passes);
}

void builder_host(struct train_builder *builder, const char *name, double seconds)
{
    if (seconds > 0.0) {
        builder_append(builder, step_host_operator(name, 0, seconds));
    }
}
