/* SPDX-License-Identifier: MIT */
#include "models/layers/train_builder.h"

#include "models/numeric/whole.h"

/* --- products --- */

static struct product_formats formats_of(const struct train_builder *builder, struct number number)
{
    const struct replica *replica = builder->training->replica;
    return precision_product(replica->gpu, number, replica->precision->activations);
}

/* One read of a bf16 tensor that leaves it in fp8, once for each product that takes it. */
static void cast(struct train_builder *builder, uint64_t rows, uint64_t columns,
                 struct number number)
{
    struct product_formats formats = formats_of(builder, number);
    if (formats.quantises_inputs) {
        bool by_row = formats.scaling != SCALING_TENSOR;
        builder_memory(builder, "cast", by_row ? MEMORY_QUANTISE_ROW : MEMORY_QUANTISE, rows,
                       columns,
                       by_row ? builder_stack(builder)->row_cast_bytes_per_element
                              : builder_stack(builder)->cast_bytes_per_element);
    }
}

static uint64_t rows_of(const struct train_builder *builder, const struct product *product)
{
    return product->rows > 0 ? product->rows : builder->tokens;
}

/* Of experts: forward's shape, and which gradient. */
static void routed_gemm(struct train_builder *builder, const struct product *product,
                        uint64_t columns, enum experts_gradient gradient)
{
    struct product_formats formats = formats_of(builder, product->number);
    builder_append(builder, (struct step_operator){.kind = OPERATOR_GEMM,
                                                   .stream = STREAM_COMPUTE,
                                                   .name = product->name,
                                                   .gemm = {.m = product->routed_rows,
                                                            .n = columns,
                                                            .k = product->depth,
                                                            .experts = product->experts,
                                                            .gradient = gradient,
                                                            .format = formats.compute,
                                                            .scaling = formats.scaling,
                                                            .block = product->number.block}});
}

static void gemm(struct train_builder *builder, const char *name, uint64_t m, uint64_t n,
                 uint64_t k, struct number number, bool accumulates)
{
    struct product_formats formats = formats_of(builder, number);
    builder_append(builder, (struct step_operator){.kind = OPERATOR_GEMM,
                                                   .stream = STREAM_COMPUTE,
                                                   .name = name,
                                                   .gemm = {.m = m,
                                                            .n = n,
                                                            .k = k,
                                                            .format = formats.compute,
                                                            .scaling = formats.scaling,
                                                            .block = number.block,
                                                            .accumulates = accumulates}});
}

static uint32_t part_count(const struct product *product)
{
    uint32_t count = 0;
    while (count < PRODUCT_MAX_PARTS && product->parts[count] > 0) {
        count++;
    }
    return count > 0 ? count : 1;
}

static uint64_t part_columns(const struct product *product, uint32_t part)
{
    return product->parts[0] > 0 ? product->parts[part] : product->columns;
}

void product_forward(struct train_builder *builder, const struct product *product)
{
    cast(builder, rows_of(builder, product), product->depth, product->number);
    for (uint32_t i = 0; i < part_count(product); i++) {
        if (product->experts.count > 0) {
            routed_gemm(builder, product, part_columns(product, i), EXPERTS_FORWARD);
        } else {
            gemm(builder, product->name, rows_of(builder, product), part_columns(product, i),
                 product->depth, product->number, false);
        }
    }
}

static void input_gradient(struct train_builder *builder, const struct product *product)
{
    uint32_t parts = part_count(product);
    for (uint32_t i = 0; i < parts; i++) {
        if (product->experts.count > 0) {
            routed_gemm(builder, product, part_columns(product, i), EXPERTS_INPUT_GRADIENT);
        } else {
            gemm(builder, product->name, rows_of(builder, product), product->depth,
                 part_columns(product, i), product->number, false);
        }
    }
    if (parts > 1) { /* two read, one written, for every part but one */
        builder_memory(builder, "gradient sum", MEMORY_COPY, rows_of(builder, product),
                       product->depth, (parts - 1.0) * 3.0 * builder_element_bytes(builder));
    }
}

/* Gradients kept narrower than products write them are added up by kernels of their own: widened,
 * added, and cast again to a scale that is looked for. */
void product_weight_gradient(struct train_builder *builder, const struct product *product)
{
    const struct training_software *stack = builder_stack(builder);
    enum format kept = builder->training->replica->precision->gradients;
    bool narrow = kept != FORMAT_UNSET && format_bytes(kept) < builder_element_bytes(builder);
    uint32_t ranks = layout_experts(builder->training->replica->layout);
    uint64_t copies = product->experts.count > 0 ? divide_up(product->experts.count, ranks) : 1;
    for (uint32_t i = 0; i < part_count(product); i++) {
        if (product->experts.count > 0) {
            routed_gemm(builder, product, part_columns(product, i), EXPERTS_WEIGHT_GRADIENT);
        } else {
            gemm(builder, product->name, part_columns(product, i), product->depth,
                 rows_of(builder, product), product->number, stack->fp32_gradients && !narrow);
        }
    }
    double passes = builder->training->micro_batches;
    double accumulate = stack->accumulate_bytes_per_parameter;
    if (narrow) {
        builder_counted(builder, "add gradients", MEMORY_QUANTISE, copies * product->columns,
                        product->depth, stack->narrow_gradient_bytes_per_parameter);
    } else if (accumulate > 0.0 && passes > 1.0) { /* all but the first */
        builder_memory(builder, "accumulate", MEMORY_COPY, copies * product->columns,
                       product->depth, accumulate * (passes - 1.0) / passes);
    }
}

/* --- tensor-parallel exchanges --- */

struct step_operator builder_collective(const struct train_builder *builder, const char *name,
                                        enum group group, enum collective_kind kind, double bytes)
{
    return step_collective_operator(
        name, group,
        (struct collective_call){.kind = kind,
                                 .group = replica_group(builder->training->replica, group),
                                 .bytes = bytes});
}

double builder_residual_bytes(const struct train_builder *builder)
{
    return (double)builder->tokens * builder->training->replica->llm->hidden *
           builder_element_bytes(builder);
}

/* Starts an exchange that runs beside what comes next; returns it. */
static uint32_t start_exchange(struct train_builder *builder, const char *name,
                               enum collective_kind kind, double bytes)
{
    return step_append(builder->segment,
                       builder_collective(builder, name, GROUP_TENSOR, kind, bytes), builder->last,
                       STEP_NO_OPERATOR);
}

/* Of a split tensor that a product takes with one scale a tensor, the narrow copy travels: the
 * scale is known beforehand (Transformer Engine gathers after its cast, as torchtitan's float8
 * tensor parallelism and MS-AMP do; FP8-LM's Table 7 has a third less of activations to carry). A
 * scale a row is looked for once the row is whole. */
static double gathered_bytes(const struct train_builder *builder, struct number number)
{
    struct product_formats formats = formats_of(builder, number);
    bool narrow = formats.quantises_inputs && formats.scaling == SCALING_TENSOR;
    return builder_residual_bytes(builder) *
           (narrow ? format_bytes(formats.compute) / builder_element_bytes(builder) : 1.0);
}

void builder_gather_before(struct train_builder *builder, const char *name, struct number number)
{
    const struct layer_training *training = builder->training;
    if (builder_tensor_ranks(builder) == 1 || !training->sequence_parallel) {
        return;
    }
    double bytes = gathered_bytes(builder, number);
    if (training->tensor_overlap) {
        builder->beside = STEP_NO_OPERATOR;
        uint32_t exchange = start_exchange(builder, name, COLLECTIVE_ALL_GATHER, bytes);
        builder->beside = exchange; /* taken over by overlapped_product() */
    } else {
        builder_append(
            builder, builder_collective(builder, name, GROUP_TENSOR, COLLECTIVE_ALL_GATHER, bytes));
    }
}

enum collective_kind builder_sum_kind(const struct train_builder *builder)
{
    return builder->training->sequence_parallel ? COLLECTIVE_REDUCE_SCATTER : COLLECTIVE_ALL_REDUCE;
}

/* A product whose input was gathered by builder_gather_before(). */
void product_after_gather(struct train_builder *builder, const struct product *product,
                          void (*run)(struct train_builder *, const struct product *))
{
    uint32_t exchange = builder->beside;
    builder->beside = STEP_NO_OPERATOR;
    run(builder, product);
    builder->beside = exchange;
}

/* A product whose result is summed over the tensor ranks. Cut in pieces, all but the last travel
 * while it still runs. */
void product_and_sum(struct train_builder *builder, const char *name, const struct product *product,
                     void (*run)(struct train_builder *, const struct product *))
{
    uint32_t ranks = builder_tensor_ranks(builder);
    if (ranks == 1) {
        run(builder, product);
        return;
    }
    double bytes = builder_residual_bytes(builder), exposed = bytes;
    uint32_t early = STEP_NO_OPERATOR;
    if (builder->training->tensor_overlap) {
        exposed = bytes / ranks;
        if (builder->beside != STEP_NO_OPERATOR) { /* streams keep their order */
            builder->last = builder->beside;
            builder->beside = STEP_NO_OPERATOR;
        }
        early = start_exchange(builder, name, builder_sum_kind(builder), bytes - exposed);
    }
    run(builder, product);
    builder->beside = early;
    builder_append(builder, builder_collective(builder, name, GROUP_TENSOR,
                                               builder_sum_kind(builder), exposed));
}

/* --- backward --- */

/* Of a product whose output was summed (row-parallel): its gradient arrives split, is gathered, and
 * both products take it. */
void product_row_backward(struct train_builder *builder, const char *name,
                          const struct product *product, enum gradients gradients)
{
    if (gradients & GRADIENTS_INPUT) {
        builder_gather_before(builder, name, product->number);
        uint32_t exchange = builder->beside;
        builder->beside = STEP_NO_OPERATOR;
        cast(builder, rows_of(builder, product), product->columns, product->number);
        builder->beside = STEP_NO_OPERATOR;
        input_gradient(builder, product);
        builder->beside = exchange;
    }
    if (gradients & GRADIENTS_WEIGHT) {
        product_weight_gradient(builder, product);
    }
}

/* Of a product whose input was gathered (column-parallel): the input is gathered again beside the
 * first product, the sum of the input's gradient travels beside the second (Megatron-LM,
 * tensor_parallel/layers.py, LinearWithGradAccumulationAndAsyncCommunication). */
void product_column_backward(struct train_builder *builder, const char *name,
                             const struct product *product, enum gradients gradients)
{
    bool exchanges = builder_tensor_ranks(builder) > 1;
    uint32_t sum = STEP_NO_OPERATOR;
    if (gradients & GRADIENTS_INPUT) {
        uint32_t gathered = builder->beside;
        builder->beside = STEP_NO_OPERATOR;
        cast(builder, rows_of(builder, product), product->columns, product->number);
        if (exchanges && builder->training->sequence_parallel) {
            gathered = start_exchange(builder, "input all-gather", COLLECTIVE_ALL_GATHER,
                                      gathered_bytes(builder, product->number));
        }
        input_gradient(builder, product);
        if (exchanges) {
            sum = step_append(builder->segment,
                              builder_collective(builder, name, GROUP_TENSOR,
                                                 builder_sum_kind(builder),
                                                 builder_residual_bytes(builder)),
                              builder->last, STEP_NO_OPERATOR);
        }
        builder->beside = gathered;
    }
    if (gradients & GRADIENTS_WEIGHT) {
        product_weight_gradient(builder, product);
    }
    if (sum != STEP_NO_OPERATOR) {
        if (builder->beside != STEP_NO_OPERATOR) {
            builder->last = builder->beside;
        }
        builder->beside = sum;
    }
}

void product_inner_backward(struct train_builder *builder, const struct product *product,
                            enum gradients gradients)
{
    if (gradients & GRADIENTS_INPUT) {
        cast(builder, rows_of(builder, product), product->columns, product->number);
        input_gradient(builder, product);
    }
    if (gradients & GRADIENTS_WEIGHT) {
        product_weight_gradient(builder, product);
    }
}
