/* SPDX-License-Identifier: MIT */
#include "models/training/training_program.h"

#include "models/numeric/whole.h"
#include "models/training/galore.h"
#include "models/training/training_bytes.h"
#include "models/training/training_layer.h"

#include <math.h>

static const double fp32_bytes = 4.0;

/* --- embedding, head, optimizer --- */

static void embedding(const struct training *training, struct train_builder *builder)
{
    training_gather_copies(training, builder,
                           training_embedding_parameters(builder->training->replica));
    uint32_t hidden = builder->training->replica->llm->hidden;
    builder_memory(builder, "embedding", MEMORY_EMBEDDING, builder->tokens, hidden,
                   2.0 * builder_element_bytes(builder));
    if (builder_tensor_ranks(builder) > 1) {
        builder_append(builder, builder_collective(builder, "embedding sum", GROUP_TENSOR,
                                                   builder_sum_kind(builder),
                                                   builder_residual_bytes(builder)));
    }
}

/* Rows are gathered by token and their gradients added in place. */
static void embedding_backward(const struct training *training, struct train_builder *builder)
{
    if (training->adapter_rank > 0) {
        return;
    }
    training_reduce_copies(training, builder,
                           training_embedding_parameters(builder->training->replica));
    builder_memory(builder, "embedding", MEMORY_EMBEDDING, builder->tokens,
                   builder->training->replica->llm->hidden, 2.0 * fp32_bytes);
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

static bool gathers_logits(const struct train_builder *builder)
{
    return builder_tensor_ranks(builder) > 1 && builder_stack(builder)->whole_logits;
}

static uint64_t loss_columns(const struct train_builder *builder, const struct product *head)
{
    return gathers_logits(builder) ? builder->training->replica->llm->vocabulary : head->columns;
}

static void head(const struct training *training, struct train_builder *builder)
{
    training_gather_copies(training, builder,
                           training_embedding_parameters(builder->training->replica));
    struct product product = head_product(training);
    builder_norm(builder, "final norm", false);
    builder_gather_before(builder, "head all-gather", product.number);
    product_after_gather(builder, &product, product_forward);
    if (gathers_logits(builder)) {
        double bytes = (double)builder->tokens * builder->training->replica->llm->vocabulary *
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

static void head_backward(const struct training *training, struct train_builder *builder)
{
    if (!training->keeps_gathered) {
        training_gather_copies(training, builder,
                               2.0 * training_embedding_parameters(builder->training->replica));
    }
    training_reduce_copies(training, builder,
                           training_embedding_parameters(builder->training->replica));
    struct product product = head_product(training);
    builder_memory(builder, "loss gradient", MEMORY_COPY, builder->tokens,
                   loss_columns(builder, &product),
                   builder_stack(builder)->loss_backward_bytes_per_logit);
    product_column_backward(builder, "head gradient sum", &product,
                            training->adapter_rank > 0 ? GRADIENTS_INPUT : GRADIENTS_BOTH);
    builder_norm(builder, "final norm", true);
}

/* --- prediction of further tokens --- */

static struct product join_product(const struct replica *replica)
{
    return (struct product){
        .name = "join",
        .columns = divide_up(replica->llm->hidden, replica->layout->tensor),
        .depth = 2 * (uint64_t)replica->llm->hidden,
        .number = replica->precision->embedding,
    };
}

/* The next token's embedding and the residual, each normed, become the residual of a layer that
 * predicts the token after (arXiv 2412.19437, equation 21). */
static void join(const struct training *training, struct train_builder *builder)
{
    struct product product = join_product(&training->replica);
    embedding(training, builder);
    builder_norm(builder, "embedding norm", false);
    builder_norm(builder, "join norm", false);
    builder_gather_before(builder, "join all-gather", product.number);
    product_after_gather(builder, &product, product_forward);
    if (builder_tensor_ranks(builder) > 1) { /* its columns lie on tensor ranks */
        builder_append(builder,
                       builder_collective(builder, "joined all-gather", GROUP_TENSOR,
                                          COLLECTIVE_ALL_GATHER, builder_residual_bytes(builder)));
    }
}

static void join_backward(const struct training *training, struct train_builder *builder)
{
    struct product product = join_product(&training->replica);
    product_column_backward(builder, "join gradient sum", &product, GRADIENTS_BOTH);
    builder_norm(builder, "join norm", true);
    builder_norm(builder, "embedding norm", true);
    embedding_backward(training, builder);
}

/* Layers of a kind on the stage that has most of them. */
static uint32_t fullest_layers(const struct training *training, uint32_t kind)
{
    struct pipeline pipeline = training_pipeline(training);
    uint32_t most = 0;
    for (uint32_t stage = 0; stage < pipeline.stages; stage++) {
        uint32_t layers = 0;
        for (uint32_t chunk = 0; chunk < training->virtual_stages; chunk++) {
            layers += training_part_kind_layers(
                training, pipeline_part(training->schedule, &pipeline, stage, chunk), kind);
        }
        most = layers > most ? layers : most;
    }
    return most;
}

/* What a rank updates of `amount`, `of_experts` of it. */
static double updated(const struct training *training, double amount, double of_experts)
{
    return training->sharding == SHARDING_NONE ? amount
                                               : training_sharded(training, amount, of_experts);
}

/* A gradient onto its directions, and the low-rank update back: matrices alike as one product of
 * all their rows. */
static void project(const struct training *training, struct train_builder *builder, uint32_t stage)
{
    struct pipeline pipeline = training_pipeline(training);
    const struct stack *stack = &training->replica.llm->stack;
    for (uint32_t kind = 0; training->galore.rank > 0 && kind < stack->kind_count; kind++) {
        struct galore_matrix matrices[GALORE_MAX_MATRICES];
        uint32_t count = galore_matrices(training, &stack->kinds[kind], matrices);
        double layers = 0.0;
        for (uint32_t chunk = 0; chunk < pipeline.chunks; chunk++) {
            layers += training_part_kind_layers(
                training, pipeline_part(training->schedule, &pipeline, stage, chunk), kind);
        }
        for (uint32_t i = 0; layers > 0.0 && i < count; i++) {
            double all = layers * matrices[i].count * (double)matrices[i].large;
            double rows = fmax(updated(training, all, matrices[i].of_experts ? all : 0.0), 1.0);
            struct step_operator op = {
                .kind = OPERATOR_GEMM,
                .stream = STREAM_COMPUTE,
                .name = "projection",
                .gemm = {.m = (uint64_t)rows,
                         .n = training->galore.rank,
                         .k = matrices[i].small,
                         .format = training->replica.precision->activations},
            };
            builder_append(builder, op);
            op.gemm.n = matrices[i].small;
            op.gemm.k = training->galore.rank;
            builder_append(builder, op);
        }
    }
}

static void optimizer(const struct training *training, struct train_builder *builder)
{
    struct pipeline pipeline = training_pipeline(training);
    double most = 0.0, saved = 0.0;
    uint32_t fullest = 0;
    for (uint32_t stage = 0; stage < pipeline.stages; stage++) {
        double parameters = 0.0, experts = 0.0, less = 0.0, experts_less = 0.0;
        for (uint32_t chunk = 0; chunk < training->virtual_stages; chunk++) {
            uint32_t part = pipeline_part(training->schedule, &pipeline, stage, chunk);
            double of_experts = 0.0;
            parameters += training_part_trained(training, part);
            experts += training_part_expert_parameters(training, part);
            less += training_update_saved_bytes(training, part, &of_experts);
            experts_less += of_experts;
        }
        parameters = updated(training, parameters, experts);
        if (parameters > most) {
            most = parameters;
            saved = updated(training, less, experts_less);
            fullest = stage;
        }
    }
    project(training, builder, fullest);
    builder_counted(builder, "optimizer", MEMORY_OPTIMIZER, 1, (uint64_t)most,
                    builder_stack(builder)->optimizer_bytes_per_parameter - saved / most);
}

uint32_t training_max_operators(const struct training *training)
{
    /* A backward pass that computes its layer again: products with their casts, norms, kernels
     * between them twice over, and three rings. */
    uint32_t passes = 240 + 3 * (2 * training->replica.layout->context + 4), updates = 1;
    for (uint32_t i = 0; i < training->replica.llm->stack.kind_count; i++) {
        struct galore_matrix matrices[GALORE_MAX_MATRICES];
        updates += 2 * galore_matrices(training, &training->replica.llm->stack.kinds[i], matrices);
    }
    return updates > passes ? updates : passes;
}

uint32_t training_segment_of(enum training_segment pass, uint32_t kind)
{
    uint32_t of_layers = TRAINING_WEIGHT - TRAINING_FORWARD + 1;
    return kind == 0 ? (uint32_t)pass
                     : TRAINING_SEGMENT_COUNT + (kind - 1) * of_layers +
                           ((uint32_t)pass - TRAINING_FORWARD);
}

uint32_t training_segment_count(const struct training *training)
{
    return training_segment_of(TRAINING_FORWARD, training->replica.llm->stack.kind_count);
}

static void build_segment(const struct training *training, struct train_builder *builder,
                          enum training_segment pass, const struct layer_kind *kind)
{
    bool split = training->schedule->splits_backward;
    switch (pass) {
    case TRAINING_EMBEDDING:
        embedding(training, builder);
        break;
    case TRAINING_FORWARD:
        training_layer_forward(training, builder, kind);
        break;
    case TRAINING_BACKWARD:
        training_layer_backward(training, builder, kind, split ? GRADIENTS_INPUT : GRADIENTS_BOTH);
        break;
    case TRAINING_WEIGHT:
        if (split) {
            train_layer_weights(builder, kind);
        }
        break;
    case TRAINING_HEAD:
        head(training, builder);
        break;
    case TRAINING_HEAD_BACKWARD:
        head_backward(training, builder);
        break;
    case TRAINING_EMBEDDING_BACKWARD:
        embedding_backward(training, builder);
        break;
    case TRAINING_JOIN:
        if (training->predicted > 0) {
            join(training, builder);
        }
        break;
    case TRAINING_JOIN_BACKWARD:
        if (training->predicted > 0) {
            join_backward(training, builder);
        }
        break;
    case TRAINING_OPTIMIZER:
        optimizer(training, builder);
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

/* How often a step plays a pass on the stage that plays it most. */
static uint32_t repeats(const struct training *training, enum training_segment pass, uint32_t kind)
{
    uint32_t micro_batches = training_pipeline(training).micro_batches;
    if (pass >= TRAINING_FORWARD && pass <= TRAINING_WEIGHT) {
        return micro_batches * fullest_layers(training, kind);
    }
    if (pass == TRAINING_OPTIMIZER) {
        return 1;
    }
    bool joins = pass == TRAINING_JOIN || pass == TRAINING_JOIN_BACKWARD;
    bool heads = pass == TRAINING_HEAD || pass == TRAINING_HEAD_BACKWARD;
    uint32_t times = (joins ? 0 : 1) + (joins || heads ? training->predicted : 0);
    return training->replica.layout->pipeline == 1 ? times * micro_batches : 0;
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
        [TRAINING_JOIN] = "join",
        [TRAINING_JOIN_BACKWARD] = "join backward",
        [TRAINING_OPTIMIZER] = "optimizer",
    };
    _Static_assert((int)TRAINING_SEGMENT_COUNT + 3 * STACK_MAX_KINDS <= (int)STEP_MAX_SEGMENTS,
                   "too many segments");
    const struct stack *stack = &training->replica.llm->stack;
    struct layer_training of_layers = training_of_layers(training);
    uint32_t capacity = training_max_operators(training);
    uint64_t tokens = training_rank_tokens(training);
    *program = (struct step_program){.segment_count = training_segment_count(training)};
    for (uint32_t i = 0; i < program->segment_count; i++) {
        bool further = i >= TRAINING_SEGMENT_COUNT;
        uint32_t kind = further ? 1 + (i - TRAINING_SEGMENT_COUNT) / 3 : 0;
        enum training_segment pass =
            further ? (enum training_segment)(TRAINING_FORWARD + (i - TRAINING_SEGMENT_COUNT) % 3)
                    : (enum training_segment)i;
        bool is_layer = pass >= TRAINING_FORWARD && pass <= TRAINING_WEIGHT;
        struct step_segment *segment = &program->segments[i];
        *segment = (struct step_segment){
            .part = STEP_OTHER,
            .name = names[pass],
            .kind = kind,
            .repeat = repeats(training, pass, kind),
            .launch_seconds = is_layer ? layer_launch_seconds(training, pass) : 0.0,
            .capacity = capacity,
            .operators = operators + (size_t)i * capacity,
        };
        struct train_builder builder = {
            .training = &of_layers,
            .segment = segment,
            .tokens = tokens,
            .shard_tokens = training->sequence_parallel
                                ? divide_up(tokens, training->replica.layout->tensor)
                                : tokens,
            .last = STEP_NO_OPERATOR,
            .beside = STEP_NO_OPERATOR,
        };
        build_segment(training, &builder, pass, &stack->kinds[kind]);
    }
}
