/* SPDX-License-Identifier: MIT */
#include "models/passes/transformer.h"

#include "models/layers/layer_builder.h"

#include <math.h>

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

uint32_t transformer_max_operators(const struct replica *replica, uint32_t slice_count)
{
    /* A layer has at most 37 operators beside attention, and step_price() may add one; an
     * iteration of a slice's ring has three (hop, host, attention), and a ring begins with a wait
     * and a change of format and ends with an all-to-all and a merge. */
    return 38 + slice_count * (3 * replica->layout->context + 4);
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

static void layer(struct layer_builder *builder, const struct precision *precision)
{
    const struct replica *replica = builder->replica;
    const struct llm *llm = replica->llm;
    uint64_t tokens = builder->tokens;
    double element = layer_activation_bytes(builder);
    double cache_element =
        precision_cache_bytes(precision, llm->keys.head_size) / llm->keys.head_size;
    uint64_t query_columns = (uint64_t)replica_query_heads(replica) * llm->keys.head_size;
    uint64_t kv_columns = (uint64_t)replica_kv_heads(replica) * llm->keys.head_size;

    if (has_cached_prefill(builder->batch)) {
        layer_host(builder, "cached prefill", replica->software->cached_prefill_seconds);
    }
    if (is_decode(builder->batch)) {
        layer_host(builder, "decode layer", replica->software->decode_layer_seconds);
    }
    layer_memory(builder, "attention norm", MEMORY_ADD_RMSNORM, tokens, llm->hidden, 4.0 * element);
    layer_linear(builder, "qkv", query_columns + 2 * kv_columns, llm->hidden,
                 precision->attention_weights, true);
    layer_memory(builder, "rope", MEMORY_ROPE, tokens, query_columns + kv_columns, 2.0 * element);
    layer_memory(builder, "kv append", MEMORY_KV_APPEND, tokens, 2 * kv_columns,
                 element + cache_element);
    for (uint32_t i = 0; i < builder->batch->slice_count; i++) {
        layer_attention(builder, &builder->batch->slices[i]);
    }
    layer_linear(builder, "out", llm->hidden, query_columns, precision->attention_weights, false);
    layer_all_reduce(builder, "attention all-reduce");
    layer_memory(builder, "ffn norm", MEMORY_ADD_RMSNORM, tokens, llm->hidden, 4.0 * element);
    if (llm->keys.experts.count > 0) {
        layer_experts_ffn(builder, precision->ffn_weights);
    } else {
        layer_dense_ffn(builder, precision->ffn_weights, llm->keys.ffn_hidden);
    }
    layer_all_reduce(builder, "ffn all-reduce");
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
}

/* Logits of each sequence's last token, gathered from the vocabulary-parallel head. */
static void head(struct layer_builder *builder)
{
    const struct replica *replica = builder->replica;
    const struct llm *llm = replica->llm;
    uint64_t sequences = 0;
    for (uint32_t i = 0; i < builder->batch->slice_count; i++) {
        const struct batch_slice *slice = &builder->batch->slices[i];
        sequences += slice->phase == PHASE_DECODE
                         ? context_decode_tokens(slice->sequences, replica->layout->context)
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

/* The host's time for a layer with prompts, or without a graph; 0: its launches alone. */
static double layer_launch_seconds(const struct replica *replica, const struct batch *batch,
                                   const struct step_segment *segment, bool graph)
{
    const struct software *software = replica->software;
    if (is_decode(batch) && software->decode_graph) {
        return 0.0;
    }
    uint64_t tokens = replica_rank_tokens(replica, batch);
    double host = tokens <= software->piecewise_tokens ? software->piecewise_layer_seconds
                                                       : software->prefill_layer_seconds;
    return graph ? host : fmax(host, segment->count * software->eager_launch_seconds);
}

void transformer_build(const struct replica *replica, const struct batch *batch,
                       enum ring_variant variant, struct step_operator *operators,
                       struct step_program *program)
{
    const struct llm *llm = replica->llm;
    uint32_t capacity = transformer_max_operators(replica, batch->slice_count);
    uint32_t high = smaller(2 * replica->precision->edge_layers_high, llm->keys.layers);
    struct precision edge = *replica->precision;
    edge.attention_weights = edge.ffn_weights = (struct number){.format = edge.activations};
    const struct {
        const char *name;
        uint32_t layer, repeat;
        const struct precision *precision; /* of a layer; NULL: none */
    } parts[] = {
        {.name = "embedding", .repeat = 1},
        {.name = "first layers", .repeat = high / 2, .precision = &edge},
        {.name = "layers",
         .layer = high / 2,
         .repeat = llm->keys.layers - high,
         .precision = replica->precision},
        {.name = "last layers",
         .layer = llm->keys.layers - (high - high / 2),
         .repeat = high - high / 2,
         .precision = &edge},
        {.name = "head", .layer = llm->keys.layers, .repeat = 1},
    };
    *program = (struct step_program){.graph = runs_from_graph(replica, batch)};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].repeat == 0) {
            continue;
        }
        struct step_segment *segment = &program->segments[program->segment_count];
        *segment = (struct step_segment){
            .name = parts[i].name,
            .layer = parts[i].layer,
            .repeat = parts[i].repeat,
            .capacity = capacity,
            .operators = operators + (size_t)program->segment_count * capacity,
        };
        program->segment_count++;
        struct layer_builder builder = {
            .replica = replica,
            .batch = batch,
            .variant = variant,
            .segment = segment,
            .tokens = replica_rank_tokens(replica, batch),
            .graph = program->graph,
            .last = STEP_NO_OPERATOR,
        };
        if (parts[i].precision != NULL) {
            layer(&builder, parts[i].precision);
            segment->launch_seconds = layer_launch_seconds(replica, batch, segment, program->graph);
        } else if (i == 0) {
            embedding(&builder);
        } else {
            head(&builder);
        }
    }
}
