/* SPDX-License-Identifier: MIT */
#include "models/passes/transformer.h"

#include "models/layers/layer_rows.h"
#include "models/passes/graphs.h"

#include <assert.h>
#include <math.h>

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

uint32_t transformer_max_operators(const struct replica *replica, uint32_t slice_count)
{
    /* A layer has at most as many operators as both its halves, of which products take three (cast,
     * quantise), and norms, all-reduces, host work; step_price() may add one. An iteration of a
     * slice's ring has at most nine (hop, wait, a product with its three, a copy, attention), and a
     * core begins with a wait and a change of format, has products and kernels of its own, and ends
     * with an all-to-all and a merge. */
    return 92 + slice_count * (9 * replica->layout->context + 24);
}

size_t transformer_room(const struct replica *replica, uint32_t slice_count)
{
    uint32_t of_kind = replica->precision->edge_layers_high > 0 ? 3 : 1;
    return (size_t)(2 + of_kind * replica->llm->stack.kind_count) *
           transformer_max_operators(replica, slice_count);
}

static bool has_cached_prefill(const struct batch *batch)
{
    for (uint32_t i = 0; i < batch->slice_count; i++) {
        if (batch->slices[i].phase == PHASE_PREFILL && batch->slices[i].cached_tokens > 0) {
            return true;
        }
    }
    return false;
}

static bool is_decode(const struct batch *batch)
{
    for (uint32_t i = 0; i < batch->slice_count; i++) {
        if (batch->slices[i].phase != PHASE_DECODE) {
            return false;
        }
    }
    return true;
}

static bool has_latent(const struct layer_kind *kind)
{
    for (uint32_t i = 0; i < kind->mixer_count; i++) {
        if (kind->mixers[i].kind == MIXER_LATENT) {
            return true;
        }
    }
    return false;
}

/* Of a decode layer: small kernels and gaps that no operator stands for. */
static double decode_layer_seconds(const struct software *software, const struct layer_kind *kind)
{
    return software->decode_layer_seconds +
           (has_latent(kind) ? software->latent_decode_layer_seconds : 0.0);
}

static void layer(struct layer_builder *builder, const struct layer_kind *kind)
{
    const struct software *software = builder->replica->software;
    if (has_cached_prefill(builder->batch)) {
        layer_host(builder, "cached prefill", software->cached_prefill_seconds);
    }
    if (is_decode(builder->batch)) {
        layer_host(builder, "decode layer", decode_layer_seconds(software, kind));
    } else if (transformer_launched_by_hand(builder->replica, builder->batch)) {
        layer_host(builder, "gaps", software->hand_layer_seconds);
    }
    layer_forward(builder, kind);
}

static void embedding(struct layer_builder *builder)
{
    const struct replica *replica = builder->replica;
    const struct software *software = replica->software;
    double sequences = 0.0;
    for (uint32_t i = 0; i < builder->batch->slice_count; i++) {
        sequences += builder->batch->slices[i].sequences;
    }
    layer_host(builder, "step",
               software->step_seconds + sequences * software->step_sequence_seconds);
    layer_memory(builder, "embedding", MEMORY_EMBEDDING, builder->tokens, replica->llm->hidden,
                 2.0 * layer_activation_bytes(builder));
    layer_all_reduce(builder, "embedding all-reduce");
    if (replica->llm->joined_inputs > 0) {
        struct layer_matrices join = {
            .rows = builder->tokens,
            .columns = divide_up(replica->llm->hidden, replica->layout->tensor),
            .depth = (uint64_t)replica->llm->joined_inputs * replica->llm->hidden};
        layer_product(builder, "join", join, replica->precision->attention_weights, false);
        if (replica->layout->tensor > 1) {
            layer_append(builder, layer_collective(builder, "join all-gather", GROUP_TENSOR,
                                                   COLLECTIVE_ALL_GATHER,
                                                   (double)builder->tokens * replica->llm->hidden *
                                                       layer_activation_bytes(builder)));
        }
    }
}

/* Logits of each sequence's last token, or of all that decode with drafts to be verified, gathered
 * from the vocabulary-parallel head. */
static void head(struct layer_builder *builder)
{
    const struct replica *replica = builder->replica;
    const struct llm *llm = replica->llm;
    uint64_t sequences = 0;
    for (uint32_t i = 0; i < builder->batch->slice_count; i++) {
        const struct batch_slice *slice = &builder->batch->slices[i];
        sequences += slice->phase == PHASE_DECODE
                         ? slice->new_tokens *
                               context_decode_tokens(slice->sequences, replica->layout->context)
                         : slice->sequences;
    }
    double element = layer_activation_bytes(builder);
    layer_memory(builder, "final norm", MEMORY_ADD_RMSNORM, sequences, llm->hidden, 4.0 * element);
    struct layer_matrices logits = {.rows = sequences,
                                    .columns = divide_up(llm->vocabulary, replica->layout->tensor),
                                    .depth = llm->hidden};
    layer_product(builder, "head", logits, replica->precision->embedding, false);
    if (replica->layout->tensor > 1) {
        layer_append(builder, layer_collective(builder, "logits all-gather", GROUP_TENSOR,
                                               COLLECTIVE_ALL_GATHER,
                                               (double)sequences * llm->vocabulary * element));
    }
}

static bool runs_from_graph(const struct replica *replica, const struct batch *batch)
{
    return is_decode(batch) ? replica->software->decode_graph : replica->software->prefill_graph;
}

bool transformer_launched_by_hand(const struct replica *replica, const struct batch *batch)
{
    bool limited = replica->software->piecewise_tokens > 0;
    return !runs_from_graph(replica, batch) ||
           (limited && replica_rank_tokens(replica, batch) > graphs_largest(replica));
}

bool transformer_launched_by_layer(const struct replica *replica, const struct batch *batch)
{
    const struct software *software = replica->software;
    bool pieces = software->piecewise_tokens > 0 && !is_decode(batch);
    return pieces || transformer_launched_by_hand(replica, batch);
}

/* Of one rank, those that only fill a graph up included. */
static uint64_t computed_tokens(const struct replica *replica, const struct batch *batch)
{
    uint64_t tokens = replica_rank_tokens(replica, batch);
    return transformer_launched_by_hand(replica, batch)
               ? tokens
               : graphs_size(&replica->software->graphs, tokens);
}

/* The host's time for a layer of that kind without a graph. */
static double by_hand_seconds(const struct replica *replica, const struct layer_kind *kind)
{
    const struct software *software = replica->software;
    double of_experts = kind->ffn.kind != FFN_EXPERTS ? 0.0
                        : graphs_narrow_experts(replica, kind)
                            ? software->narrow_experts_layer_seconds
                            : software->experts_layer_seconds;
    double seconds = fmax(software->prefill_layer_seconds, of_experts);
    seconds += has_latent(kind) ? software->latent_layer_seconds : 0.0;
    bool shared = kind->ffn.kind == FFN_EXPERTS && kind->ffn.shared_hidden > 0;
    return seconds + (shared ? software->shared_experts_layer_seconds : 0.0);
}

/* The host's time for a layer with prompts, or without a graph; 0: its launches alone. */
static double layer_launch_seconds(const struct replica *replica, const struct batch *batch,
                                   const struct step_segment *segment, bool graph)
{
    const struct software *software = replica->software;
    bool by_hand = transformer_launched_by_hand(replica, batch);
    if (is_decode(batch) && !by_hand) {
        return 0.0;
    }
    const struct layer_kind *kind = &replica->llm->stack.kinds[segment->kind];
    double host = software->piecewise_tokens > 0 && !by_hand ? software->piecewise_layer_seconds
                                                             : by_hand_seconds(replica, kind);
    return graph ? host : fmax(host, segment->count * software->eager_launch_seconds);
}

/* What all segments of a program are built with. */
struct build {
    struct layer_builder builder;
    struct step_operator *operators;
    uint32_t capacity;
    struct step_program *program;
};

static struct step_segment *start_segment(struct build *build, struct step_segment segment)
{
    struct step_program *program = build->program;
    assert(program->segment_count < STEP_MAX_SEGMENTS && "a program with too many segments");
    segment.capacity = build->capacity;
    segment.operators = build->operators + (size_t)program->segment_count * build->capacity;
    program->segments[program->segment_count] = segment;
    build->builder.segment = &program->segments[program->segment_count++];
    build->builder.last = build->builder.beside = STEP_NO_OPERATOR;
    return build->builder.segment;
}

/* A segment for each kind among layers [first, end). */
static void build_layers(struct build *build, const char *name, uint32_t first, uint32_t end,
                         const struct precision *precision)
{
    struct layer_builder *builder = &build->builder;
    const struct replica *replica = builder->replica;
    const struct stack *stack = &replica->llm->stack;
    for (uint32_t kind = 0; kind < stack->kind_count; kind++) {
        uint32_t layers = stack_kind_layers(stack, kind, first, end);
        if (layers == 0) {
            continue;
        }
        struct step_segment *segment = start_segment(
            build, (struct step_segment){
                       .part = STEP_LAYERS,
                       .name = stack->kind_count > 1 ? stack->kinds[kind].name : name,
                       .distinct = stack->kind_count > 1 || precision != replica->precision,
                       .kind = kind,
                       .layer = stack_nth_layer(stack, kind, first, 0),
                       .end = end,
                       .repeat = layers});
        builder->precision = precision;
        layer(builder, &stack->kinds[kind]);
        segment->launch_seconds =
            layer_launch_seconds(replica, builder->batch, segment, builder->graph);
        segment->experts_by_hand = stack->kinds[kind].ffn.kind == FFN_EXPERTS &&
                                   transformer_launched_by_hand(replica, builder->batch);
        if (segment->launch_seconds > 0.0) {
            segment->launch_seconds =
                fmax(segment->launch_seconds,
                     layer_host_seconds(replica, &stack->kinds[kind], is_decode(builder->batch)));
        }
    }
}

void transformer_build(const struct replica *replica, const struct batch *batch,
                       enum ring_variant variant, struct step_operator *operators,
                       struct step_program *program)
{
    uint32_t layers = replica->llm->stack.layers;
    uint32_t high = smaller(2 * replica->precision->edge_layers_high, layers);
    uint32_t first = high / 2, last = layers - (high - high / 2);
    struct precision edge = *replica->precision;
    edge.attention_weights = edge.ffn_weights = (struct number){.format = edge.activations};
    *program = (struct step_program){.segment_count = 0, .graph = runs_from_graph(replica, batch)};
    struct replica own = *replica;
    own.exchange =
        is_decode(batch) ? replica->software->exchange.decode : replica->software->exchange.prompts;
    uint64_t tokens = computed_tokens(replica, batch);
    struct build build = {
        .builder = {.replica = &own,
                    .precision = replica->precision,
                    .batch = batch,
                    .variant = variant,
                    .tokens = tokens,
                    .shared_tokens = batch->shared_tokens > 0
                                         ? (double)batch->shared_tokens
                                         : half_counts(replica, (double)tokens).all,
                    .graph = program->graph,
                    .mixed_by_hand =
                        !is_decode(batch) && transformer_launched_by_hand(replica, batch)},
        .operators = operators,
        .capacity = transformer_max_operators(replica, batch->slice_count),
        .program = program,
    };
    start_segment(&build,
                  (struct step_segment){.part = STEP_EMBEDDING, .name = "embedding", .repeat = 1});
    embedding(&build.builder);
    build_layers(&build, "first layers", 0, first, &edge);
    build_layers(&build, "layers", first, last, replica->precision);
    build_layers(&build, "last layers", last, layers, &edge);
    start_segment(&build, (struct step_segment){
                              .part = STEP_HEAD, .name = "head", .layer = layers, .repeat = 1});
    head(&build.builder);
}
