/* SPDX-License-Identifier: MIT */
#include "models/passes/adapters.h"

#include "models/kernels/gpu_matmul.h"
#include "models/layers/layer_rows.h"

#include <assert.h>
#include <math.h>

/* clear, shrink, expand */
enum { KERNELS = 3, BUFFER_BYTES = 4 /* an fp32 element */, HOST_ROOM = 2 };

/* Where adapters stand: a layer's products, of one rank. */
struct site {
    double depth, columns; /* all tensors together */
    double widest;         /* of a tensor */
    uint32_t tensors;      /* that it joins, each with an A and a B */
    double held;           /* experts of the rank, each with its own; 1: no experts */
    double chosen;         /* part of all experts that a token goes to; 0: no experts */
    double rows;           /* on the rank, of a token with an adapter */
};

static bool is_target(const struct half_op *op, enum adapter_targets targets)
{
    if (op->kind != HALF_PRODUCT) {
        return false;
    }
    switch (op->weight.class) {
    case WEIGHT_ATTENTION:
        return targets != ADAPTERS_FFN;
    case WEIGHT_FFN:
        return targets != ADAPTERS_ATTENTION;
    case WEIGHT_PLAIN:
    case WEIGHT_CLASS_COUNT:
        break;
    }
    return false;
}

static struct site site_of(const struct replica *replica, const struct weight *weight)
{
    uint32_t ranks = half_weight_ranks(replica, weight);
    struct site site = {.depth = (double)weight_depth(weight, ranks), .held = 1.0, .rows = 1.0};
    if (weight->experts.count > 0) { /* tokens of all ranks that share them come */
        site.held = half_weight_copies(replica, weight);
        site.chosen = (double)weight->experts.per_token / weight->experts.count;
        site.rows = layout_attention_data(replica->layout) * site.chosen * site.held;
    }
    for (uint32_t i = 0; i < WEIGHT_MAX_PIECES && weight->pieces[i].columns > 0; i++) {
        double columns = (double)weight_piece_columns(weight, i, ranks);
        site.columns += columns;
        site.widest = fmax(site.widest, columns);
        site.tensors++;
    }
    return site;
}

/* Of a layer: [at most 2 * HALF_MAX_OPS]. Returns how many. */
static uint32_t sites_of(const struct replica *replica, const struct layer_kind *kind,
                         enum adapter_targets targets, struct site *sites)
{
    struct half halves[LAYER_HALVES];
    layer_halves(replica, kind, halves);
    uint32_t count = 0;
    for (uint32_t i = 0; i < LAYER_HALVES; i++) {
        for (uint32_t j = 0; j < halves[i].count; j++) {
            if (is_target(&halves[i].ops[j], targets)) {
                sites[count++] = site_of(replica, &halves[i].ops[j].weight);
            }
        }
    }
    return count;
}

static uint32_t layers_of(const struct replica *replica, const struct model_stage *stage,
                          uint32_t kind)
{
    return stack_kind_layers(&replica->llm->stack, kind, stage->first_layer,
                             stage->first_layer + stage->layers);
}

static double element_bytes(const struct replica *replica)
{
    return format_bytes(replica->precision->activations);
}

/* Elements of A and B of all its tensors, a unit of rank. */
static double site_elements(const struct site *site)
{
    return site->held * (site->tensors * site->depth + site->columns);
}

double adapters_bytes(const struct replica *replica, const struct model_stage *stage,
                      enum adapter_targets targets, uint32_t rank)
{
    double elements = 0.0;
    for (uint32_t kind = 0; kind < replica->llm->stack.kind_count; kind++) {
        struct site sites[LAYER_HALVES * HALF_MAX_OPS];
        uint32_t count = sites_of(replica, &replica->llm->stack.kinds[kind], targets, sites);
        for (uint32_t i = 0; i < count; i++) {
            elements += layers_of(replica, stage, kind) * site_elements(&sites[i]);
        }
    }
    return elements * rank * element_bytes(replica);
}

uint32_t adapters_matrices(const struct replica *replica, const struct model_stage *stage,
                           enum adapter_targets targets)
{
    uint32_t matrices = 0;
    for (uint32_t kind = 0; kind < replica->llm->stack.kind_count; kind++) {
        struct site sites[LAYER_HALVES * HALF_MAX_OPS];
        uint32_t count = sites_of(replica, &replica->llm->stack.kinds[kind], targets, sites);
        for (uint32_t i = 0; i < count; i++) {
            matrices += 2 * sites[i].tensors * (uint32_t)ceil(sites[i].held) *
                        layers_of(replica, stage, kind);
        }
    }
    return matrices;
}

/* --- kernels --- */

/* The same step as a site sees it: of experts, rows are a token's once an expert, and each pair of
 * an adapter and an expert that any of its tokens goes to is as an adapter of its own. An adapter's
 * t tokens miss an expert with (1 - chosen)^t. */
static struct adapter_batch batch_of_site(const struct replica *replica,
                                          const struct adapter_batch *batch,
                                          const struct site *site)
{
    struct adapter_batch seen = *batch;
    if (site->chosen > 0.0) {
        double all = batch->tokens * layout_attention_data(replica->layout);
        double met = site->held * (1.0 - pow(1.0 - site->chosen, all / batch->adapters));
        seen.tokens = batch->tokens * site->rows;
        seen.adapters = (uint32_t)fmax(1.0, round(batch->adapters * met));
    }
    return seen;
}

/* Blocks of a launch, tokens spread evenly over the adapters. */
struct blocks {
    double all, filled; /* of them, `filled` have tokens */
    double depth;       /* that each goes along, ... */
    double steps;       /* ... one after the other, where nothing hides them */
    bool joined;
};

static double block_seconds(const struct adapter_kernel *says, const struct blocks *blocks)
{
    double tile = blocks->joined ? says->joined_tile_seconds : says->tile_seconds;
    return blocks->steps * says->step_seconds + blocks->all * says->block_seconds +
           blocks->filled * (tile + blocks->depth / 256.0 * says->depth_seconds);
}

/* `tiles` of columns, all tensors, of the launch, and `own` that there are. */
static struct blocks blocks_of(const struct adapter_kernel *says, const struct adapter_batch *batch,
                               const struct site *site, double tiles, double own)
{
    if (says->rows == 0) {
        return (struct blocks){.all = 0.0};
    }
    double each = ceil(batch->tokens / batch->adapters / says->rows);
    return (struct blocks){.all = (batch->places + 1.0) * ceil(batch->tokens / says->rows) * tiles,
                           .filled = batch->adapters * each * own,
                           .joined = site->tensors > 1};
}

static struct blocks shrink_blocks(const struct adapter_software *software,
                                   const struct adapter_batch *batch, const struct site *site)
{
    const struct adapter_splits *cut = &software->splits;
    bool few = batch->tokens < cut->few_tokens;
    double splits = fmax(1.0, few ? cut->few_splits : cut->splits);
    double step = few ? cut->few_step : cut->step;
    double columns = software->shrink.columns > 0 ? software->shrink.columns : batch->rank;
    double tiles = splits * site->tensors * ceil(batch->rank / columns);
    struct blocks blocks = blocks_of(&software->shrink, batch, site, tiles, tiles);
    double steps = step > 0.0 ? ceil(site->depth / splits / step) : 1.0;
    blocks.depth = steps * step;
    blocks.steps = few ? 0.0 : steps;
    return blocks;
}

/* All tensors are launched as the widest; blocks beyond a tensor's columns are empty. */
static struct blocks expand_blocks(const struct adapter_software *software,
                                   const struct adapter_batch *batch, const struct site *site)
{
    enum { DEPTH = 32, COLUMNS = 64 }; /* what `depth_seconds` are of */
    const struct adapter_kernel *says = &software->expand;
    bool joined = site->tensors > 1 && says->joined_columns > 0;
    double columns = joined ? says->joined_columns : says->columns;
    columns = columns > 0.0 ? columns : site->columns;
    struct blocks blocks =
        blocks_of(says, batch, site, site->tensors * ceil(site->widest / columns),
                  ceil(site->columns / columns));
    blocks.depth = DEPTH * ceil(batch->rank / (double)DEPTH) * columns / COLUMNS;
    return blocks;
}

/* `padded` FLOPs on the matrix units, `flops` of them useful. */
static struct kernel_work kernel(const struct replica *replica, const struct adapter_kernel *says,
                                 const struct blocks *blocks, double bytes, double flops,
                                 double padded)
{
    const struct gpu *gpu = replica->gpu;
    const struct adapter_software *software = &replica->software->adapters;
    double rate = gpu->memory_bytes_per_second *
                  (software->memory_efficiency > 0.0 ? software->memory_efficiency : 1.0);
    double share = software->matmul_efficiency > 0.0 ? software->matmul_efficiency : 1.0;
    double per_clock = gpu->streaming_multiprocessors * matmul_flops_per_clock(gpu, FORMAT_BF16);
    return (struct kernel_work){
        .fixed_seconds = says->seconds,
        .sm_cycles =
            padded / (per_clock * share) + block_seconds(says, blocks) * gpu->boost_clock_hertz,
        .memory_seconds = bytes / rate,
        .flops = flops,
        .bytes = bytes,
        .core_joules =
            padded * matmul_joules_per_flop(gpu, FORMAT_BF16) + bytes * gpu->tile_joules_per_byte,
        .memory_joules = bytes * gpu->memory_joules_per_byte,
    };
}

static void append(struct step_segment *segment, const char *name, struct kernel_work work)
{
    uint32_t after = segment->count > 0 ? segment->count - 1 : STEP_NO_OPERATOR;
    step_append(segment,
                (struct step_operator){.kind = OPERATOR_KERNEL, .name = name, .kernel = work},
                after, STEP_NO_OPERATOR);
}

/* Rows of one adapter are tiles of their own, of 16 tokens and 16 of the rank at least: what a
 * matrix unit takes. */
static void append_site(struct step_segment *segment, const struct replica *replica,
                        const struct adapter_batch *batch, const struct site *site)
{
    enum { TILE = 16 };
    const struct adapter_software *software = &replica->software->adapters;
    double element = element_bytes(replica), tokens = batch->tokens, rank = batch->rank;
    double rows = batch->adapters * TILE * ceil(tokens / batch->adapters / TILE);
    double padded = TILE * ceil(rank / TILE);
    double buffer = tokens * site->tensors * rank * BUFFER_BYTES;
    struct memory_shape clear = {.kernel = MEMORY_COPY, .rows = 1, .columns = 1, .bytes = buffer};
    append(segment, "adapter clear", memory_kernel_work(replica->gpu, &clear));
    double down = site->tensors * site->depth * rank; /* of A, of one adapter */
    struct blocks blocks = shrink_blocks(software, batch, site);
    append(segment, "adapter shrink",
           kernel(replica, &software->shrink, &blocks,
                  (tokens * site->depth + batch->adapters * down) * element + buffer,
                  2.0 * tokens * down, 2.0 * rows * site->tensors * site->depth * padded));
    double up = site->columns * rank;
    blocks = expand_blocks(software, batch, site);
    append(segment, "adapter expand",
           kernel(replica, &software->expand, &blocks,
                  buffer + (batch->adapters * up + 2.0 * tokens * site->columns) * element,
                  2.0 * tokens * up, 2.0 * rows * site->columns * padded));
}

size_t adapters_room(const struct replica *replica)
{
    size_t of_segment = LAYER_HALVES * HALF_MAX_OPS * KERNELS + 1; /* step_price() adds one */
    return HOST_ROOM + replica->llm->stack.kind_count * of_segment;
}

static struct step_segment *start_segment(struct step_program *program, struct step_segment segment)
{
    program->segments[program->segment_count] = segment;
    return &program->segments[program->segment_count++];
}

void adapters_build(const struct replica *replica, const struct model_stage *stage,
                    const struct adapter_batch *batch, struct step_operator *operators,
                    struct step_program *program)
{
    assert(batch->adapters > 0 && batch->rank > 0 && "adapters of no request");
    const struct stack *stack = &replica->llm->stack;
    *program = (struct step_program){.graph = batch->graph};
    struct step_segment *host =
        start_segment(program, (struct step_segment){.part = STEP_OTHER,
                                                     .name = "adapters",
                                                     .repeat = 1,
                                                     .capacity = HOST_ROOM,
                                                     .launch_seconds = 1e-12, /* no launch of it */
                                                     .operators = operators});
    operators += HOST_ROOM;
    step_append(host,
                step_host_operator("adapters", 0,
                                   batch->changed ? replica->software->adapters.step_seconds : 0.0),
                STEP_NO_OPERATOR, STEP_NO_OPERATOR);
    for (uint32_t kind = 0; kind < stack->kind_count; kind++) {
        struct site sites[LAYER_HALVES * HALF_MAX_OPS];
        uint32_t count = sites_of(replica, &stack->kinds[kind], batch->targets, sites);
        uint32_t layers = layers_of(replica, stage, kind);
        if (count == 0 || layers == 0) {
            continue;
        }
        struct step_segment *segment =
            start_segment(program, (struct step_segment){.part = STEP_LAYERS,
                                                         .name = "adapters",
                                                         .kind = kind,
                                                         .repeat = layers,
                                                         .capacity = KERNELS * count + 1,
                                                         .operators = operators});
        operators += segment->capacity;
        for (uint32_t i = 0; i < count; i++) {
            const struct adapter_batch seen = batch_of_site(replica, batch, &sites[i]);
            append_site(segment, replica, &seen, &sites[i]);
        }
    }
}
