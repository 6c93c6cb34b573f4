/* SPDX-License-Identifier: MIT */
#include "models/transformer.h"

#include <assert.h>

static uint32_t divide_up(uint32_t dividend, uint32_t divisor)
{
    return dividend / divisor + (dividend % divisor != 0);
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

struct group_shape replica_group(const struct replica *replica, enum group group)
{
    uint32_t tensor = replica->layout->tensor, gpus = replica->cluster->gpus_per_node;
    if (group == GROUP_TENSOR) {
        return (struct group_shape){.ranks = tensor, .ranks_per_node = smaller(tensor, gpus)};
    }
    uint32_t context = replica->layout->context;
    uint32_t in_node = tensor < gpus ? gpus / tensor : 1;
    return (struct group_shape){.ranks = context, .ranks_per_node = smaller(context, in_node)};
}

uint32_t replica_query_heads(const struct replica *replica)
{
    return divide_up(replica->llm->query_heads, replica->layout->tensor);
}

uint32_t replica_kv_heads(const struct replica *replica)
{
    return divide_up(replica->llm->kv_heads, replica->layout->tensor);
}

static uint64_t slice_rank_tokens(const struct batch_slice *slice, uint32_t context)
{
    if (slice->phase == PHASE_DECODE) {
        return context_decode_tokens(slice->sequences, context);
    }
    return slice->sequences * context_prefill_tokens(slice->new_tokens, context);
}

uint64_t replica_rank_tokens(const struct replica *replica, const struct batch *batch)
{
    uint64_t tokens = 0;
    for (uint32_t i = 0; i < batch->slice_count; i++) {
        tokens += slice_rank_tokens(&batch->slices[i], replica->layout->context);
    }
    return tokens;
}

uint32_t transformer_max_operators(const struct replica *replica, uint32_t slice_count)
{
    /* A layer has at most 37 operators beside attention, and step_price() may add one; an
     * iteration of a slice's ring has three (hop, host, attention), and a ring begins with a wait
     * and a change of format and ends with an all-to-all and a merge. */
    return 38 + slice_count * (3 * replica->layout->context + 4);
}

/* What building one segment needs at hand. */
struct builder {
    const struct replica *replica;
    const struct batch *batch;
    enum ring_variant variant;
    struct step_segment *segment;
    uint64_t tokens; /* of one rank */
    bool graph;
    uint32_t last; /* the operator that the next one waits for */
};

static void append(struct builder *builder, struct step_operator op)
{
    builder->last = step_append(builder->segment, op, builder->last, STEP_NO_OPERATOR);
}

/* What a product multiplies: [rows][depth] with weights [depth][columns], or with those of experts.
 */
struct matrices {
    uint64_t rows, columns, depth;
    struct experts experts; /* count 0: none; otherwise rows are tokens x experts of a token */
};

static void gemm(struct builder *builder, const char *name, struct matrices matrices,
                 struct number number, const struct product_formats *product)
{
    bool dequantises = product->weights != FORMAT_UNSET;
    append(builder, (struct step_operator){
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

/* A memory-bound kernel over rows x columns that moves `bytes_per_element` for each. */
static void memory_kernel(struct builder *builder, const char *name, enum memory_kernel kernel,
                          uint64_t rows, uint64_t columns, double bytes_per_element)
{
    append(builder, (struct step_operator){
                        .kind = OPERATOR_MEMORY,
                        .stream = STREAM_COMPUTE,
                        .name = name,
                        .memory = {.kernel = kernel,
                                   .rows = rows,
                                   .columns = columns,
                                   .bytes = (double)rows * (double)columns * bytes_per_element,
                                   .fused = builder->replica->software->fused_kernels},
                    });
}

static struct step_operator host_operator(const char *name, uint32_t iteration, double seconds)
{
    return (struct step_operator){.kind = OPERATOR_HOST,
                                  .stream = STREAM_COMPUTE,
                                  .name = name,
                                  .iteration = iteration,
                                  .host_seconds = seconds};
}

static void host_work(struct builder *builder, const char *name, double seconds)
{
    if (seconds > 0.0) {
        append(builder, host_operator(name, 0, seconds));
    }
}

static struct step_operator collective(const struct builder *builder, const char *name,
                                       enum group group, enum collective_kind kind, double bytes)
{
    return (struct step_operator){
        .kind = OPERATOR_COLLECTIVE,
        .stream = STREAM_COMMUNICATION,
        .name = name,
        .collective = {.group = group,
                       .call = {.kind = kind,
                                .group = replica_group(builder->replica, group),
                                .bytes = bytes,
                                .graph = builder->graph}},
    };
}

static double activation_bytes(const struct builder *builder)
{
    return format_bytes(builder->replica->precision->activations);
}

static void tensor_all_reduce(struct builder *builder, const char *name)
{
    if (builder->replica->layout->tensor > 1) {
        uint64_t hidden = builder->replica->llm->hidden;
        double sent = format_bytes(precision_tensor_collectives(builder->replica->precision));
        bool narrower = sent < activation_bytes(builder);
        if (narrower) {
            memory_kernel(builder, "quantise sum", MEMORY_QUANTISE_ROW, builder->tokens, hidden,
                          activation_bytes(builder) + sent);
        }
        append(builder, collective(builder, name, GROUP_TENSOR, COLLECTIVE_ALL_REDUCE,
                                   (double)builder->tokens * (double)hidden * sent));
        if (narrower) {
            memory_kernel(builder, "dequantise sum", MEMORY_DEQUANTISE, builder->tokens, hidden,
                          activation_bytes(builder) + sent);
        }
    }
}

/* Per-tensor scales are known from earlier steps, so a cast is enough; others are found first. */
static enum memory_kernel quantise_kernel(enum scaling scaling)
{
    return scaling == SCALING_TENSOR ? MEMORY_QUANTISE : MEMORY_QUANTISE_ROW;
}

/* A product and the kernels that bring its operands into the format it is computed in. The input's
 * is one of its own unless the kernel before can write it so (`fusible`): a norm or an activation,
 * fused, and a scale that is known beforehand. */
static void product(struct builder *builder, const char *name, struct matrices matrices,
                    struct number number, bool fusible)
{
    const struct replica *replica = builder->replica;
    struct product_formats how =
        precision_product(replica->gpu, number, replica->precision->activations);
    bool fused = fusible && how.scaling == SCALING_TENSOR && replica->software->fused_kernels &&
                 !replica->software->separate_quantisation;
    if (how.casts_weights) {
        uint64_t copies = matrices.experts.count > 0 ? matrices.experts.count : 1;
        memory_kernel(builder, "cast weights", MEMORY_QUANTISE, copies * matrices.columns,
                      matrices.depth, format_bytes(number.format) + format_bytes(how.compute));
    }
    if (how.quantises_inputs && !fused) {
        /* Elements that have one scale. */
        uint64_t run = how.scaling == SCALING_BLOCK ? number.block : matrices.depth;
        memory_kernel(builder, "quantise", quantise_kernel(how.scaling),
                      matrices.rows * (matrices.depth / run), run,
                      activation_bytes(builder) + format_bytes(how.compute));
    }
    gemm(builder, name, matrices, number, &how);
}

/* A linear layer. */
static void linear(struct builder *builder, const char *name, uint64_t columns, uint64_t depth,
                   struct number number, bool fusible)
{
    struct matrices matrices = {.rows = builder->tokens, .columns = columns, .depth = depth};
    product(builder, name, matrices, number, fusible);
}

/* Bytes of the output of one token's attention on one rank, its log-sum-exp (fp32) included. */
static double partial_output_bytes(const struct builder *builder)
{
    return replica_query_heads(builder->replica) *
           (builder->replica->llm->head_size * activation_bytes(builder) + sizeof(float));
}

static struct step_operator attention(const struct builder *builder, uint32_t iteration,
                                      uint64_t sequences, uint64_t queries, uint64_t keys,
                                      bool causal)
{
    const struct replica *replica = builder->replica;
    const struct precision *precision = replica->precision;
    double head_size = replica->llm->head_size;
    /* Keys and values that came round the ring are as the hop carried them. */
    bool travelled = iteration > 0 && builder->variant == RING_PASS_KV && queries > 1;
    enum format format = travelled ? precision_kv_hops(precision) : precision->kv_cache;
    double key_bytes = travelled ? precision_hop_bytes(precision, head_size)
                                 : precision_cache_bytes(precision, head_size);
    return (struct step_operator){
        .kind = OPERATOR_ATTENTION,
        .stream = STREAM_COMPUTE,
        .name = "attention",
        .iteration = iteration,
        .attention = {.sequences = sequences,
                      .queries = queries,
                      .keys = keys,
                      .query_heads = replica_query_heads(replica),
                      .kv_heads = replica_kv_heads(replica),
                      .head_size = replica->llm->head_size,
                      .causal = causal,
                      .format = format,
                      .compute = precision_attention_compute(replica->gpu, precision),
                      .scale_bytes = key_bytes - head_size * format_bytes(format)},
    };
}

/* The bytes of one hop of a prefill's ring, one rank (Table 3; Algorithm 2 for the padding). */
static double hop_bytes(const struct builder *builder, const struct batch_slice *slice)
{
    const struct replica *replica = builder->replica;
    uint32_t ranks = replica->layout->context;
    double head_size = replica->llm->head_size;
    double rank_tokens = (double)slice_rank_tokens(slice, ranks);
    if (slice->phase == PHASE_DECODE || builder->variant == RING_PASS_Q) {
        return rank_tokens * replica_query_heads(replica) * head_size *
               format_bytes(precision_query_hops(replica->precision));
    }
    double cached = slice->sequences * (double)context_cached_tokens(slice->cached_tokens, ranks);
    return (rank_tokens + cached) * 2.0 * replica_kv_heads(replica) *
           precision_hop_bytes(replica->precision, head_size);
}

/* What goes round in a narrower format than it is kept in is converted once, before the first hop.
 */
static void quantise_hops(struct builder *builder, const struct batch_slice *slice)
{
    const struct replica *replica = builder->replica;
    const struct precision *precision = replica->precision;
    uint32_t ranks = replica->layout->context;
    bool queries = slice->phase == PHASE_DECODE || builder->variant == RING_PASS_Q;
    enum format kept = queries ? precision->activations : precision->kv_cache;
    double sent =
        format_bytes(queries ? precision_query_hops(precision) : precision_kv_hops(precision));
    if (sent >= format_bytes(kept)) {
        return;
    }
    uint64_t tokens = slice_rank_tokens(slice, ranks);
    if (!queries) {
        tokens += slice->sequences * context_cached_tokens(slice->cached_tokens, ranks);
    }
    uint64_t heads = queries ? replica_query_heads(replica) : 2 * replica_kv_heads(replica);
    memory_kernel(builder, "quantise hops", MEMORY_QUANTISE_ROW, tokens,
                  heads * replica->llm->head_size, format_bytes(kept) + sent);
}

/* pass-Q's end: partial outputs go home by an all-to-all, then each rank merges its own. */
static void ring_end(struct builder *builder, uint64_t rank_tokens, bool passed_queries)
{
    uint32_t ranks = builder->replica->layout->context;
    double partial = (double)rank_tokens * partial_output_bytes(builder);
    if (passed_queries) {
        append(builder, collective(builder, "all-to-all", GROUP_CONTEXT, COLLECTIVE_ALL_TO_ALL,
                                   ranks * partial));
    }
    uint64_t columns =
        (uint64_t)replica_query_heads(builder->replica) * builder->replica->llm->head_size;
    memory_kernel(builder, "merge", MEMORY_MERGE, rank_tokens, columns,
                  (ranks + 1.0) * partial / ((double)rank_tokens * (double)columns));
}

/* Algorithms 2 and 3: the shard of iteration i + 1 travels while iteration i computes. An eager
 * host prepares an iteration only when the one before it has ended, and nothing hides that. */
static void prefill_ring(struct builder *builder, const struct batch_slice *slice)
{
    const struct replica *replica = builder->replica;
    uint32_t ranks = replica->layout->context;
    uint64_t queries = context_prefill_tokens(slice->new_tokens, ranks);
    double bytes = hop_bytes(builder, slice);
    double host_seconds = builder->graph ? 0.0 : replica->software->ring_step_seconds;
    quantise_hops(builder, slice);
    uint32_t arrived = STEP_NO_OPERATOR;
    for (uint32_t i = 0; i < ranks; i++) {
        if (i > 0 && host_seconds > 0.0) {
            builder->last =
                step_append(builder->segment, host_operator("ring step", i, host_seconds),
                            builder->last, arrived);
        }
        uint32_t ready = builder->last, here = arrived;
        if (i + 1 < ranks) {
            struct step_operator hop =
                collective(builder, "ring hop", GROUP_CONTEXT, COLLECTIVE_SEND_RECV, bytes);
            hop.iteration = i + 1;
            arrived = step_append(builder->segment, hop,
                                  i == 0 || host_seconds > 0.0 ? ready : here, STEP_NO_OPERATOR);
        }
        builder->last = step_append(
            builder->segment,
            attention(builder, i, slice->sequences, queries,
                      context_ring_keys(slice->new_tokens, slice->cached_tokens, ranks, i), i == 0),
            ready, here);
    }
    ring_end(builder, slice->sequences * queries, builder->variant == RING_PASS_Q);
}

/* Algorithm 4: one query a sequence; every hop waits for the attention before it, as the paper
 * measured (Table 8: whole = attention + SendRecv + All2All). */
static void decode_ring(struct builder *builder, const struct batch_slice *slice)
{
    uint32_t ranks = builder->replica->layout->context;
    uint64_t queries = context_decode_tokens(slice->sequences, ranks);
    uint64_t keys = context_cached_tokens(slice->cached_tokens + 1, ranks);
    host_work(builder, "decode ring", builder->replica->software->decode_ring_seconds);
    quantise_hops(builder, slice);
    double bytes = hop_bytes(builder, slice);
    for (uint32_t i = 0; i < ranks; i++) {
        if (i > 0) {
            struct step_operator hop =
                collective(builder, "ring hop", GROUP_CONTEXT, COLLECTIVE_SEND_RECV, bytes);
            hop.iteration = i;
            append(builder, hop);
        }
        append(builder, attention(builder, i, queries, 1, keys, false));
    }
    ring_end(builder, queries, true);
}

static void slice_attention(struct builder *builder, const struct batch_slice *slice)
{
    if (builder->replica->layout->context > 1) {
        if (slice->phase == PHASE_DECODE) {
            decode_ring(builder, slice);
        } else {
            prefill_ring(builder, slice);
        }
        return;
    }
    append(builder, attention(builder, 0, slice->sequences, slice->new_tokens,
                              slice->cached_tokens + slice->new_tokens, slice->new_tokens > 1));
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

/* The block that all tokens go through: all there is, or what experts stand beside. */
static void dense_ffn(struct builder *builder, struct number weights, uint32_t ffn_hidden)
{
    const struct llm *llm = builder->replica->llm;
    uint64_t columns = divide_up(ffn_hidden, builder->replica->layout->tensor);
    linear(builder, llm->gated_ffn ? "gate+up" : "up", (llm->gated_ffn ? 2 : 1) * columns,
           llm->hidden, weights, true);
    memory_kernel(builder, "activation", MEMORY_SWIGLU, builder->tokens, columns,
                  (llm->gated_ffn ? 3.0 : 2.0) * activation_bytes(builder));
    linear(builder, "down", llm->hidden, columns, weights, true);
}

/* The router chooses, rows are sorted by expert, go through two grouped products and are added up
 * again, weighted. Every tensor rank has a part of every expert. A fused stack gathers rows while
 * it multiplies (vLLM, fused_moe.py); others copy them. */
static void experts_ffn(struct builder *builder, struct number weights)
{
    const struct llm *llm = builder->replica->llm;
    struct experts experts = llm->experts;
    uint64_t rows = builder->tokens * experts.per_token;
    uint64_t columns = divide_up(llm->ffn_hidden, builder->replica->layout->tensor);
    double element = activation_bytes(builder);
    struct number router = {.format = builder->replica->precision->activations};
    linear(builder, "router", experts.count, llm->hidden, router, false);
    memory_kernel(builder, "choose experts", MEMORY_QUANTISE_ROW, builder->tokens, experts.count,
                  element);
    memory_kernel(builder, "sort by expert", MEMORY_COPY, rows, 1, 2.0 * sizeof(uint32_t));
    if (!builder->replica->software->fused_kernels) {
        memory_kernel(builder, "gather rows", MEMORY_COPY, rows, llm->hidden, 2.0 * element);
    }
    product(builder, llm->gated_ffn ? "experts gate+up" : "experts up",
            (struct matrices){.rows = rows,
                              .columns = (llm->gated_ffn ? 2 : 1) * columns,
                              .depth = llm->hidden,
                              .experts = experts},
            weights, true);
    memory_kernel(builder, "activation", MEMORY_SWIGLU, rows, columns,
                  (llm->gated_ffn ? 3.0 : 2.0) * element);
    product(builder, "experts down",
            (struct matrices){
                .rows = rows, .columns = llm->hidden, .depth = columns, .experts = experts},
            weights, true);
    memory_kernel(builder, "add experts", MEMORY_COPY, builder->tokens, llm->hidden,
                  (experts.per_token + 1.0) * element);
    if (llm->shared_ffn_hidden > 0) {
        dense_ffn(builder, weights, llm->shared_ffn_hidden);
    }
}

static void layer(struct builder *builder, const struct precision *precision)
{
    const struct replica *replica = builder->replica;
    const struct llm *llm = replica->llm;
    uint64_t tokens = builder->tokens;
    double element = activation_bytes(builder);
    double cache_element = precision_cache_bytes(precision, llm->head_size) / llm->head_size;
    uint64_t query_columns = (uint64_t)replica_query_heads(replica) * llm->head_size;
    uint64_t kv_columns = (uint64_t)replica_kv_heads(replica) * llm->head_size;

    if (has_cached_prefill(builder->batch)) {
        host_work(builder, "cached prefill", replica->software->cached_prefill_seconds);
    }
    if (is_decode(builder->batch)) {
        host_work(builder, "decode layer", replica->software->decode_layer_seconds);
    }
    memory_kernel(builder, "attention norm", MEMORY_ADD_RMSNORM, tokens, llm->hidden,
                  4.0 * element);
    linear(builder, "qkv", query_columns + 2 * kv_columns, llm->hidden,
           precision->attention_weights, true);
    memory_kernel(builder, "rope", MEMORY_ROPE, tokens, query_columns + kv_columns, 2.0 * element);
    memory_kernel(builder, "kv append", MEMORY_KV_APPEND, tokens, 2 * kv_columns,
                  element + cache_element);
    for (uint32_t i = 0; i < builder->batch->slice_count; i++) {
        slice_attention(builder, &builder->batch->slices[i]);
    }
    linear(builder, "out", llm->hidden, query_columns, precision->attention_weights, false);
    tensor_all_reduce(builder, "attention all-reduce");
    memory_kernel(builder, "ffn norm", MEMORY_ADD_RMSNORM, tokens, llm->hidden, 4.0 * element);
    if (llm->experts.count > 0) {
        experts_ffn(builder, precision->ffn_weights);
    } else {
        dense_ffn(builder, precision->ffn_weights, llm->ffn_hidden);
    }
    tensor_all_reduce(builder, "ffn all-reduce");
}

static void embedding(struct builder *builder)
{
    const struct replica *replica = builder->replica;
    const struct software *software = replica->software;
    double sequences = 0.0;
    for (uint32_t i = 0; i < builder->batch->slice_count; i++) {
        sequences += builder->batch->slices[i].sequences;
    }
    host_work(builder, "step",
              software->step_seconds + sequences * software->step_sequence_seconds);
    memory_kernel(builder, "embedding", MEMORY_EMBEDDING, builder->tokens, replica->llm->hidden,
                  2.0 * activation_bytes(builder));
    tensor_all_reduce(builder, "embedding all-reduce");
}

/* Logits of each sequence's last token, gathered from the vocabulary-parallel head. */
static void head(struct builder *builder)
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
    double element = activation_bytes(builder);
    memory_kernel(builder, "final norm", MEMORY_ADD_RMSNORM, sequences, llm->hidden, 4.0 * element);
    struct matrices logits = {.rows = sequences,
                              .columns = divide_up(llm->vocabulary, replica->layout->tensor),
                              .depth = llm->hidden};
    product(builder, "head", logits, replica->precision->embedding, false);
    if (replica->layout->tensor > 1) {
        append(builder,
               collective(builder, "logits all-gather", GROUP_TENSOR, COLLECTIVE_ALL_GATHER,
                          (double)sequences * llm->vocabulary * element));
    }
}

static bool runs_from_graph(const struct replica *replica, const struct batch *batch)
{
    return is_decode(batch) ? replica->software->decode_graph : replica->software->prefill_graph;
}

/* Host work of a layer that bounds it from below. */
static double layer_host_seconds(const struct replica *replica, const struct batch *batch)
{
    const struct software *software = replica->software;
    if (is_decode(batch) && software->decode_graph) {
        return 0.0;
    }
    uint64_t tokens = replica_rank_tokens(replica, batch);
    return tokens <= software->piecewise_tokens ? software->piecewise_layer_seconds
                                                : software->prefill_layer_seconds;
}

void transformer_build(const struct replica *replica, const struct batch *batch,
                       enum ring_variant variant, struct step_operator *operators,
                       struct step_program *program)
{
    const struct llm *llm = replica->llm;
    uint32_t capacity = transformer_max_operators(replica, batch->slice_count);
    uint32_t high = smaller(2 * replica->precision->edge_layers_high, llm->layers);
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
         .repeat = llm->layers - high,
         .precision = replica->precision},
        {.name = "last layers",
         .layer = llm->layers - (high - high / 2),
         .repeat = high - high / 2,
         .precision = &edge},
        {.name = "head", .layer = llm->layers, .repeat = 1},
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
            .host_seconds = parts[i].precision == NULL ? 0.0 : layer_host_seconds(replica, batch),
        };
        program->segment_count++;
        struct builder builder = {
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
        } else if (i == 0) {
            embedding(&builder);
        } else {
            head(&builder);
        }
    }
}
