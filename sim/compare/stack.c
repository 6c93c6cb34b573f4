/* SPDX-License-Identifier: MIT */
#include "sim/compare/stack.h"

#include "models/kernels/measurement.h"
#include "models/layers/train_builder.h"
#include "sim/compare/shapes.h"

#include <assert.h>
#include <string.h>

/* Everything a program points to. */
struct measured_stack {
    struct llm llm;
    struct layout layout;
    struct software software;
    struct precision precision;
    struct replica replica;
    struct batch_slice slice;
    struct step_program program;
    struct step_segment *layer; /* its one segment */
    uint32_t operators;         /* of the layer, before pricing */
    struct step_scratch scratch;
};

/* --- choosing operators --- */

static bool is_wanted(const struct step_operator *op, enum stack_part part)
{
    bool merge = op->kind == OPERATOR_MEMORY && op->memory.kernel == MEMORY_MERGE;
    switch (part) {
    case STACK_LAYER:
        return op->kind != OPERATOR_MEMORY || op->memory.kernel != MEMORY_KV_APPEND;
    case STACK_RING:
        return merge || op->kind == OPERATOR_ATTENTION ||
               (op->kind == OPERATOR_COLLECTIVE && op->collective.group == GROUP_CONTEXT);
    case STACK_RING_ATTENTION:
        return merge || op->kind == OPERATOR_ATTENTION;
    case STACK_BLOCK:
        return op->kind != OPERATOR_MEMORY || op->memory.kernel != MEMORY_ADD_RMSNORM;
    case STACK_BLOCK_ALONE:
        return op->kind != OPERATOR_COLLECTIVE &&
               (op->kind != OPERATOR_MEMORY || op->memory.kernel != MEMORY_ADD_RMSNORM);
    }
    return false;
}

/* Takes unwanted operators out; what waited for one waits for what it waited for. */
static void keep_wanted(struct measured_stack *stack, struct arena *arena, enum stack_part part)
{
    struct step_segment *layer = stack->layer;
    uint32_t *moved = ARENA_ARRAY(arena, uint32_t, layer->count);
    struct step_operator *gone = ARENA_ARRAY(arena, struct step_operator, layer->count);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < layer->count; i++) {
        struct step_operator op = layer->operators[i];
        uint32_t after[2 * OPERATOR_MAX_DEPENDENCIES], after_count = 0;
        for (uint32_t j = 0; j < op.after_count; j++) {
            uint32_t before = op.after[j];
            if (moved[before] != STEP_NO_OPERATOR) {
                after[after_count++] = moved[before];
                continue;
            }
            for (uint32_t k = 0; k < gone[before].after_count; k++) {
                after[after_count++] = gone[before].after[k];
            }
        }
        assert(after_count <= OPERATOR_MAX_DEPENDENCIES && "operators that forked are kept");
        memcpy(op.after, after, after_count * sizeof *after);
        op.after_count = after_count;
        moved[i] = is_wanted(&op, part) ? kept : STEP_NO_OPERATOR;
        if (moved[i] == STEP_NO_OPERATOR) {
            gone[i] = op;
        } else {
            layer->operators[kept++] = op;
        }
    }
    layer->count = kept;
}

/* --- building --- */

static uint32_t shard(uint32_t whole, uint32_t shards)
{
    return whole / shards + (whole % shards != 0);
}

/* A model whose share of one of `tensor` GPUs is the row's shard. */
static struct llm cut_llm(const struct stack_shape *shape)
{
    struct llm llm = *shape->llm;
    for (uint32_t i = 0; i < llm.stack.kind_count; i++) {
        struct layer_kind *kind = &llm.stack.kinds[i];
        struct gqa *gqa = &kind->mixers[0].gqa;
        if (kind->mixer_count == 0) { /* a block alone, whose shapes are told whole */
            continue;
        }
        assert(kind->mixers[0].kind == MIXER_GQA && "measured stacks have attention");
        gqa->query_heads = shape->tensor * shard(gqa->query_heads, shape->shards);
        gqa->kv_heads = shape->tensor * shard(gqa->kv_heads, shape->shards);
        kind->ffn.hidden = shape->tensor * shard(kind->ffn.hidden, shape->shards);
    }
    return llm;
}

/* transformer.h plans collectives on a cluster even where none is left. */
static const struct cluster *cluster_of(const struct measurement *row)
{
    static const struct cluster alone = {.name = "one GPU",
                                         .nodes = 1,
                                         .gpus_per_node = 1,
                                         .nics_per_node = 1,
                                         .node_bytes_per_second = 1.0,
                                         .nic_bytes_per_second = 1.0};
    return row->machine.cluster != NULL ? row->machine.cluster : &alone;
}

/* The stack's one segment, empty. */
static void start_layer(struct measured_stack *stack, struct arena *arena, uint32_t capacity)
{
    stack->program = (struct step_program){.segment_count = 1};
    stack->layer = &stack->program.segments[0];
    *stack->layer =
        (struct step_segment){.part = STEP_LAYERS,
                              .name = "layer",
                              .repeat = 1,
                              .capacity = capacity,
                              .operators = ARENA_ARRAY(arena, struct step_operator, capacity)};
}

/* A layer's forward pass in inference, of which the measuring program ran a part. */
static void build_inference(struct measured_stack *stack, struct arena *arena,
                            const struct stack_shape *shape)
{
    struct batch batch = {.slices = &stack->slice, .slice_count = 1};
    struct step_program whole;
    transformer_build(
        &stack->replica, &batch, shape->variant,
        ARENA_ARRAY(arena, struct step_operator, transformer_room(&stack->replica, 1)), &whole);
    start_layer(stack, arena, transformer_max_operators(&stack->replica, 1) + 1);
    for (uint32_t i = 0; i < whole.segment_count; i++) {
        const struct step_segment *segment = &whole.segments[i];
        if (segment->part == STEP_LAYERS) {
            memcpy(stack->layer->operators, segment->operators,
                   segment->count * sizeof *segment->operators);
            stack->layer->count = segment->count;
            stack->layer->launch_seconds = segment->launch_seconds;
        }
    }
    stack->program.graph = whole.graph;
    keep_wanted(stack, arena, shape->part);
}

/* A layer's passes in training. */
static void build_training(struct measured_stack *stack, struct arena *arena,
                           const struct stack_shape *shape)
{
    enum { MOST_OPERATORS = 256 };
    struct layer_training training = {.replica = &stack->replica,
                                      .micro_batch = shape->slice.sequences,
                                      .sequence_tokens = shape->slice.new_tokens,
                                      .micro_batches = 1.0};
    const struct layer_kind *kind = &stack->llm.stack.kinds[0];
    start_layer(stack, arena, MOST_OPERATORS);
    stack->program.graph = stack->software.prefill_graph;
    uint64_t tokens = shape->slice.sequences * shape->slice.new_tokens;
    struct train_builder builder = {.training = &training,
                                    .segment = stack->layer,
                                    .tokens = tokens,
                                    .shard_tokens = tokens,
                                    .last = STEP_NO_OPERATOR,
                                    .beside = STEP_NO_OPERATOR};
    train_layer_forward(&builder, kind);
    if (shape->backward) {
        train_layer_backward(&builder, kind, GRADIENTS_BOTH);
    }
}

static struct measured_stack *build(const struct measurement *row, const struct stack_shape *shape)
{
    struct arena *arena = row->scratch;
    struct measured_stack *stack = ARENA_NEW(arena, struct measured_stack);
    stack->llm = cut_llm(shape);
    stack->layout = (struct layout){
        .tensor = shape->tensor,
        .context = shape->context,
        .pipeline = 1,
        .data = 1,
        .expert = shape->expert,
        .attention_data = shape->attention_data,
    };
    stack->software = *row->machine.software;
    if (shape->eager) {
        stack->software.prefill_graph = stack->software.decode_graph = false;
    }
    stack->precision = shape->precision;
    stack->slice = shape->slice;
    stack->replica = (struct replica){.llm = &stack->llm,
                                      .gpu = row->machine.gpu,
                                      .cluster = cluster_of(row),
                                      .software = &stack->software,
                                      .layout = &stack->layout,
                                      .precision = &stack->precision,
                                      .routing = {.kind = shape->routing}};
    if (shape->training) {
        build_training(stack, arena, shape);
    } else {
        build_inference(stack, arena, shape);
    }
    uint32_t room = stack->layer->capacity;
    for (uint32_t i = 0; i < stack->layer->count; i++) {
        if (stack->layer->operators[i].kind == OPERATOR_MEMORY) {
            stack->layer->operators[i].memory.fused = shape->compiled;
        }
    }
    stack->operators = stack->layer->count;
    stack->scratch = (struct step_scratch){.spans = ARENA_ARRAY(arena, struct span, room),
                                           .works = ARENA_ARRAY(arena, struct kernel_work, room),
                                           .counts = ARENA_ARRAY(arena, double, room)};
    return stack;
}

static void mark_extrapolation(struct measurement *row, const struct measured_stack *stack)
{
    const struct gpu *gpu = row->machine.gpu;
    for (uint32_t i = 0; i < stack->layer->count; i++) {
        const struct step_operator *op = &stack->layer->operators[i];
        switch (op->kind) {
        case OPERATOR_GEMM:
            measurement_extrapolates(row, gemm_extrapolation(gpu, &op->gemm));
            break;
        case OPERATOR_ATTENTION:
            measurement_extrapolates(row, attention_extrapolation(gpu, &op->attention));
            break;
        case OPERATOR_MEMORY:
            measurement_extrapolates(row, memory_extrapolation(gpu, &op->memory));
            break;
        case OPERATOR_COLLECTIVE:
            measurement_extrapolates(
                row, collective_extrapolation(&stack->software.library, &op->collective.call));
            break;
        case OPERATOR_KERNEL:
        case OPERATOR_HOST:
        case OPERATOR_KIND_COUNT:
            break;
        }
    }
}

static struct power_state price(struct measured_stack *stack, double run_seconds)
{
    stack->layer->count = stack->operators; /* without the wait for launches of a pricing before */
    struct power_state state =
        step_price_for(&stack->replica, &stack->program, &stack->scratch, run_seconds);
    state.seconds = program_seconds(&stack->program, stack->scratch.spans);
    return state;
}

struct power_state stack_price(struct measurement *row, const struct stack_shape *shape,
                               double passes, double run_seconds)
{
    struct measured_stack *stack = build(row, shape);
    mark_extrapolation(row, stack);
    if (run_seconds > 0.0) {
        return price(stack, run_seconds);
    }
    double alone = price(stack, 1e-6).seconds; /* too short for the limit to act */
    return price(stack, measurement_stack_run_seconds(passes * alone));
}

double stack_collective_seconds(struct measurement *row, const struct stack_shape *shape,
                                const char *name)
{
    struct measured_stack *stack = build(row, shape);
    price(stack, 1e-6);
    double seconds = 0.0;
    for (uint32_t i = 0; i < stack->layer->count; i++) {
        const struct step_operator *op = &stack->layer->operators[i];
        if (op->kind == OPERATOR_COLLECTIVE && strcmp(op->name, name) == 0) {
            seconds += op->cost.seconds;
        }
    }
    return seconds;
}

/* --- columns --- */

const struct llm *row_llm(struct measurement *row)
{
    int column = csv_column(row->csv, "model");
    assert(column != CSV_NO_COLUMN && "a kind asks for the columns it has named");
    const struct csv_field *field = &row->row->fields[column];
    const struct llm *llm = machine_llm(row->files, field->text, csv_mark(row->csv, field));
    row->wrong = row->wrong || llm == NULL;
    return llm;
}

struct precision row_precision(struct measurement *row)
{
    enum { BF16, FP8_FFN, FP8, MXFP4 };
    static const struct measurement_choice choices[] = {
        {"bf16", BF16}, {"fp8ffn", FP8_FFN}, {"fp8", FP8}, {"mxfp4", MXFP4}, {NULL, 0}};
    const struct number high = {.format = FORMAT_BF16, .scaling = SCALING_NONE};
    const struct number low = {.format = FORMAT_FP8, .scaling = SCALING_TENSOR};
    const struct number narrow = {.format = FORMAT_MXFP4, .scaling = SCALING_BLOCK, .block = 32};
    int choice = measurement_choice(row, "precision", choices);
    return (struct precision){
        .attention_weights = choice == FP8 ? low : high,
        .ffn_weights = choice == BF16    ? high
                       : choice == MXFP4 ? narrow
                                         : low,
        .embedding = high,
        .activations = FORMAT_BF16,
        .kv_cache = FORMAT_BF16,
    };
}

struct batch_slice row_slice(struct measurement *row, enum phase phase)
{
    struct batch_slice slice = {
        .phase = phase,
        .sequences = (uint32_t)measurement_count(row, "batch", 1, ROW_MOST),
        .new_tokens = phase == PHASE_DECODE ? 1 : measurement_count(row, "new_tokens", 1, ROW_MOST),
    };
    slice.cached_tokens =
        measurement_count(row, "context", slice.new_tokens, ROW_MOST) - slice.new_tokens;
    return slice;
}
