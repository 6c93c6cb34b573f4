/* SPDX-License-Identifier: MIT */
#include "sim/compare/module.h"

#include "models/kernels/measurement.h"
#include "models/passes/step_price.h"
#include "models/passes/transformer.h"
#include "sim/compare/shapes.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 128 }; /* elements that share a scale, in DeepSeek's checkpoints */

/* The layer's own norm comes first. */
static void take_layer(struct step_program *program)
{
    for (uint32_t i = 0; i < program->segment_count; i++) {
        if (program->segments[i].part == STEP_LAYERS) {
            program->segments[0] = program->segments[i];
        }
    }
    program->segment_count = 1;
    program->graph = true;
    struct step_segment *layer = &program->segments[0];
    layer->launch_seconds = 0.0;
    layer->operators++;
    layer->count--;
    layer->capacity--;
    for (uint32_t i = 0; i < layer->count; i++) {
        struct step_operator *op = &layer->operators[i];
        uint32_t kept = 0;
        for (uint32_t j = 0; j < op->after_count; j++) {
            if (op->after[j] > 0) {
                op->after[kept++] = op->after[j] - 1;
            }
        }
        op->after_count = kept;
    }
}

double module_seconds(struct measurement *row, const struct module_shape *shape)
{
    static const struct cluster alone = {.name = "one GPU",
                                         .nodes = 1,
                                         .gpus_per_node = 1,
                                         .nics_per_node = 1,
                                         .node_bytes_per_second = 1.0,
                                         .nic_bytes_per_second = 1.0};
    static const struct layout layout = {.tensor = 1, .context = 1, .pipeline = 1, .data = 1};
    struct arena *arena = row->scratch;
    struct llm *llm = ARENA_NEW(arena, struct llm);
    llm->hidden = shape->hidden;
    llm->vocabulary = 1;
    llm->stack.layers = llm->stack.kind_count = 1;
    llm->stack.kinds[0] = (struct layer_kind){
        .name = "module", .mixers = {*shape->mixer}, .mixer_count = 1, .norms = 1};
    static const uint32_t first = 0;
    static const struct layer_run run = {.kinds = &first, .kind_count = 1, .repeat = 1};
    llm->stack.runs = &run;
    llm->stack.run_count = 1;
    struct software software = *row->machine.software;
    software.kernels = *row_engine_kernels(row);
    software.decode_layer_seconds = software.latent_decode_layer_seconds = 0.0;
    software.cached_prefill_seconds = 0.0;
    software.hand_layer_seconds = 0.0;
    software.graphs = (struct graph_sizes){0};
    software.decode_graph = software.prefill_graph = false; /* measured one kernel at a time */
    struct replica replica = {.llm = llm,
                              .gpu = row->machine.gpu,
                              .cluster = &alone,
                              .software = &software,
                              .layout = &layout,
                              .precision = &shape->precision};
    struct batch batch = {.slices = &shape->slice, .slice_count = 1};
    struct step_program program;
    size_t room = transformer_room(&replica, 1);
    transformer_build(&replica, &batch, RING_NONE, ARENA_ARRAY(arena, struct step_operator, room),
                      &program);
    take_layer(&program);
    struct step_scratch scratch = {.spans = ARENA_ARRAY(arena, struct span, room),
                                   .works = ARENA_ARRAY(arena, struct kernel_work, room),
                                   .counts = ARENA_ARRAY(arena, double, room)};
    double seconds = 0.0;
    double run_seconds = measurement_kernel_run_seconds(1e-3);
    for (int round = 0; round < 2; round++) {
        step_price_for(&replica, &program, &scratch, run_seconds);
        seconds = program_seconds(&program, scratch.spans);
        run_seconds = measurement_kernel_run_seconds(seconds);
    }
    return fmax(seconds, shape->host_seconds);
}

struct batch_slice row_module_slice(struct measurement *row)
{
    static const struct measurement_choice phases[] = {
        {"prefill", PHASE_PREFILL}, {"decode", PHASE_DECODE}, {NULL, 0}};
    struct batch_slice slice = {
        .phase = (enum phase)measurement_choice(row, "phase", phases),
        .sequences = (uint32_t)measurement_count(row, "batch", 1, ROW_MOST),
        .new_tokens = measurement_count(row, "new_tokens", 1, ROW_MOST),
    };
    uint64_t context = measurement_count(row, "context", 1, ROW_MOST);
    if (!row->wrong && context < slice.new_tokens) {
        measurement_complain(row, "context", "new tokens are part of the context");
    }
    slice.cached_tokens = row->wrong ? 0 : context - slice.new_tokens;
    return slice;
}

struct precision row_module_precision(struct measurement *row)
{
    static const struct measurement_choice caches[] = {
        {"bfloat16", FORMAT_BF16}, {"fp8", FORMAT_FP8}, {NULL, 0}};
    static const struct measurement_choice weights[] = {
        {"bfloat16", SCALING_NONE}, {"fp8_block", SCALING_BLOCK}, {NULL, 0}};
    enum format cache = (enum format)measurement_choice(row, "kv_dtype", caches);
    struct number plain = {.format = FORMAT_BF16};
    struct number narrow = {
        .format = FORMAT_FP8, .scaling = SCALING_BLOCK, .block = BLOCK, .inputs = FORMAT_FP8};
    bool blocks = measurement_choice(row, "gemm_dtype", weights) == SCALING_BLOCK;
    return (struct precision){
        .attention_weights = blocks ? narrow : plain,
        .ffn_weights = plain,
        .embedding = plain,
        .activations = FORMAT_BF16,
        .kv_cache = cache,
    };
}
