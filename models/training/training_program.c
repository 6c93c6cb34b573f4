/* SPDX-License-Identifier: MIT */
#include "models/training/training_program.h"

#include "models/numeric/whole.h"
#include "models/training/training_layer.h"

static const double fp32_bytes = 4.0;

/* --- embedding, head, optimizer --- */

static void embedding(struct builder *builder)
{
    builder_gather_copies(builder, training_embedding_parameters(&builder->training->replica));
    uint32_t hidden = builder->training->replica.llm->hidden;
    builder_memory(builder, "embedding", MEMORY_EMBEDDING, builder->tokens, hidden,
                   2.0 * builder_element_bytes(builder));
    if (builder_tensor_ranks(builder) > 1) {
        builder_append(builder, builder_collective(builder, "embedding sum", GROUP_TENSOR,
                                                   builder_sum_kind(builder),
                                                   builder_residual_bytes(builder)));
    }
}

/* Rows are gathered by token and their gradients added in place. */
static void embedding_backward(struct builder *builder)
{
    if (builder->training->adapter_rank > 0) {
        return;
    }
    builder_reduce_copies(builder, training_embedding_parameters(&builder->training->replica));
    builder_memory(builder, "embedding", MEMORY_EMBEDDING, builder->tokens,
                   builder->training->replica.llm->hidden, 2.0 * fp32_bytes);
}

static struct product head_product(const struct training *training)
{
    const struct replica *replica = &training->replica;
    uint32_t tensor = replica->layout->tensor;
    return (struct product){
        .name = "head",
        .columns = divide_up(replica->llm->vocabulary, tensor),
        .depth = replica->llm->hidden,
        .number = replica->precision->embedding,
    };
}

static bool gathers_logits(const struct builder *builder)
{
    return builder_tensor_ranks(builder) > 1 && builder_stack(builder)->whole_logits;
}

static uint64_t loss_columns(const struct builder *builder, const struct product *head)
{
    return gathers_logits(builder) ? builder->training->replica.llm->vocabulary : head->columns;
}

static void head(struct builder *builder)
{
    builder_gather_copies(builder, training_embedding_parameters(&builder->training->replica));
    struct product product = head_product(builder->training);
    builder_norm(builder, "final norm", false);
    builder_gather_before(builder, "head all-gather", product.number);
    product_after_gather(builder, &product, product_forward);
    if (gathers_logits(builder)) {
        double bytes = (double)builder->tokens * builder->training->replica.llm->vocabulary *
                       builder_element_bytes(builder);
        builder_append(builder, builder_collective(builder, "logits all-gather", GROUP_TENSOR,
                                                   COLLECTIVE_ALL_GATHER, bytes));
    }
    builder_memory(builder, "loss", MEMORY_COPY, builder->tokens, loss_columns(builder, &product),
                   builder_stack(builder)->loss_forward_bytes_per_logit);
    if (builder_tensor_ranks(builder) > 1 &&
        !gathers_logits(builder)) { /* the largest logit, the sum, the target's: fp32 a token */
        builder_append(builder,
                       builder_collective(builder, "loss sum", GROUP_TENSOR, COLLECTIVE_ALL_REDUCE,
                                          3.0 * fp32_bytes * (double)builder->tokens));
    }
}

static void head_backward(struct builder *builder)
{
    if (!builder->training->keeps_gathered) {
        builder_gather_copies(builder,
                              2.0 * training_embedding_parameters(&builder->training->replica));
    }
    builder_reduce_copies(builder, training_embedding_parameters(&builder->training->replica));
    struct product product = head_product(builder->training);
    builder_memory(builder, "loss gradient", MEMORY_COPY, builder->tokens,
                   loss_columns(builder, &product),
                   builder_stack(builder)->loss_backward_bytes_per_logit);
    product_column_backward(builder, "head gradient sum", &product,
                            builder->training->adapter_rank > 0 ? GRADIENTS_INPUT : GRADIENTS_BOTH);
    builder_norm(builder, "final norm", true);
}

static uint32_t fullest_layers(const struct training *training)
{
    struct pipeline pipeline = training_pipeline(training);
    uint32_t most = 0;
    for (uint32_t stage = 0; stage < pipeline.stages; stage++) {
        uint32_t layers = 0;
        for (uint32_t chunk = 0; chunk < training->virtual_stages; chunk++) {
            layers += training_part_layers(
                training, pipeline_part(training->schedule, &pipeline, stage, chunk));
        }
        most = layers > most ? layers : most;
    }
    return most;
}

static void optimizer(struct builder *builder)
{
    const struct training *training = builder->training;
    struct pipeline pipeline = training_pipeline(training);
    double most = 0.0;
    for (uint32_t stage = 0; stage < pipeline.stages; stage++) {
        double parameters = 0.0;
        for (uint32_t chunk = 0; chunk < training->virtual_stages; chunk++) {
            parameters += training_part_trained(
                training, pipeline_part(training->schedule, &pipeline, stage, chunk));
        }
        most = parameters > most ? parameters : most;
    }
    if (training->sharding != SHARDING_NONE) {
        most /= training_data_group(training).ranks;
    }
    builder_counted(builder, "optimizer", MEMORY_OPTIMIZER, 1, (uint64_t)most,
                    builder_stack(builder)->optimizer_bytes_per_parameter);
}

uint32_t training_max_operators(const struct training *training)
{
    /* A backward pass that computes its layer again: 3 casts, 4 products, 3 norms, ... twice over,
     * and three rings. */
    return 96 + 3 * (2 * training->replica.layout->context + 4);
}

static void build_segment(struct builder *builder, enum training_segment kind)
{
    bool split = builder->training->schedule->splits_backward;
    switch (kind) {
    case TRAINING_EMBEDDING:
        embedding(builder);
        break;
    case TRAINING_FORWARD:
        layer_forward(builder);
        break;
    case TRAINING_BACKWARD:
        layer_backward(builder, split ? GRADIENTS_INPUT : GRADIENTS_BOTH);
        break;
    case TRAINING_WEIGHT:
        if (split) {
            layer_weights(builder);
        }
        break;
    case TRAINING_HEAD:
        head(builder);
        break;
    case TRAINING_HEAD_BACKWARD:
        head_backward(builder);
        break;
    case TRAINING_EMBEDDING_BACKWARD:
        embedding_backward(builder);
        break;
    case TRAINING_OPTIMIZER:
        optimizer(builder);
        break;
    case TRAINING_SEGMENT_COUNT:
        break;
    }
    if (builder->beside != STEP_NO_OPERATOR) { /* the segment ends when its exchange has */
        builder->last = STEP_NO_OPERATOR;
    }
}

/* Host time to launch a layer's passes kernel by kernel; 0: the stack counts none. */
static double layer_launch_seconds(const struct training *training, enum training_segment kind)
{
    const struct software *software = training->replica.software;
    const struct training_software *stack = &software->training;
    double forward = stack->forward_kernels, backward = stack->backward_kernels;
    bool split = training->schedule->splits_backward;
    double kernels = 0.0;
    if (kind == TRAINING_FORWARD) {
        kernels = forward;
    } else if (kind == TRAINING_BACKWARD) {
        kernels = backward + (training->recompute == RECOMPUTE_FULL ? forward : 0.0);
        kernels *= split ? 0.75 : 1.0;
    } else if (kind == TRAINING_WEIGHT && split) {
        kernels = 0.25 * backward; /* one product of every linear layer */
    }
    if (kernels <= 0.0) {
        return 0.0;
    }
    bool sharded = training->sharding == SHARDING_FSDP && kind != TRAINING_WEIGHT;
    double split_seconds =
        split && kind != TRAINING_FORWARD ? 0.5 * stack->split_layer_seconds : 0.0;
    double each = software->eager_launch_seconds +
                  (training->replica.layout->tensor > 1 ? stack->tensor_kernel_seconds : 0.0);
    return kernels * each + (sharded ? stack->sharded_layer_seconds : 0.0) + split_seconds;
}

void training_build(const struct training *training, struct step_operator *operators,
                    struct step_program *program)
{
    static const char *const names[TRAINING_SEGMENT_COUNT] = {
        [TRAINING_EMBEDDING] = "embedding",
        [TRAINING_FORWARD] = "forward",
        [TRAINING_BACKWARD] = "backward",
        [TRAINING_WEIGHT] = "weight gradients",
        [TRAINING_HEAD] = "head",
        [TRAINING_HEAD_BACKWARD] = "head backward",
        [TRAINING_EMBEDDING_BACKWARD] = "embedding backward",
        [TRAINING_OPTIMIZER] = "optimizer",
    };
    _Static_assert((int)TRAINING_SEGMENT_COUNT <= (int)STEP_MAX_SEGMENTS, "too many segments");
    uint32_t capacity = training_max_operators(training);
    uint32_t micro_batches = training_pipeline(training).micro_batches;
    bool alone = training->replica.layout->pipeline == 1;
    uint64_t tokens = training_rank_tokens(training);
    uint32_t tensor = training->replica.layout->tensor;
    *program = (struct step_program){.segment_count = TRAINING_SEGMENT_COUNT};
    for (uint32_t kind = 0; kind < TRAINING_SEGMENT_COUNT; kind++) {
        struct step_segment *segment = &program->segments[kind];
        bool of_layers =
            kind == TRAINING_FORWARD || kind == TRAINING_BACKWARD || kind == TRAINING_WEIGHT;
        *segment = (struct step_segment){
            .name = names[kind],
            .repeat = of_layers                    ? micro_batches * fullest_layers(training)
                      : kind == TRAINING_OPTIMIZER ? 1
                      : alone                      ? micro_batches
                                                   : 0,
            .launch_seconds = of_layers ? layer_launch_seconds(training, kind) : 0.0,
            .capacity = capacity,
            .operators = operators + (size_t)kind * capacity,
        };
        struct builder builder = {
            .training = training,
            .segment = segment,
            .tokens = tokens,
            .shard_tokens = training->sequence_parallel ? divide_up(tokens, tensor) : tokens,
            .last = STEP_NO_OPERATOR,
            .beside = STEP_NO_OPERATOR,
        };
        build_segment(&builder, (enum training_segment)kind);
    }
}
