/* SPDX-License-Identifier: MIT
 * Attention in a step program: on one rank, or shared among context ranks by a policy. */
#include "models/layers/context_policy.h"

#include <stddef.h>

double context_partial_bytes(const struct layer_builder *builder,
                             const struct attention_heads *heads)
{
    return heads->query_heads *
           (heads->head_size * layer_activation_bytes(builder) + sizeof(float));
}

struct step_operator context_attention(const struct layer_builder *builder,
                                       const struct attention_heads *heads, uint32_t iteration,
                                       uint64_t sequences, uint64_t queries, uint64_t keys,
                                       bool causal, bool travelled)
{
    const struct replica *replica = builder->replica;
    const struct precision *precision = replica->precision;
    double head_size = heads->head_size;
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
                      .query_heads = heads->query_heads,
                      .kv_heads = heads->kv_heads,
                      .head_size = heads->head_size,
                      .causal = causal,
                      .format = format,
                      .compute = precision_attention_compute(replica->gpu, precision),
                      .beside_prompts = queries == 1 && builder->mixed_by_hand,
                      .scale_bytes = key_bytes - head_size * format_bytes(format)},
    };
}

uint64_t context_kept_on_rank(const struct attention_heads *heads, uint64_t cached_tokens,
                              uint32_t ranks)
{
    return context_cached_tokens(attention_kept_tokens(heads, cached_tokens), ranks);
}

double context_shard_bytes(const struct layer_builder *builder, const struct attention_heads *heads,
                           const struct batch_slice *slice, enum context_load load)
{
    const struct replica *replica = builder->replica;
    uint32_t ranks = replica->layout->context;
    double head_size = heads->head_size;
    double rank_tokens = (double)slice_rank_tokens(slice, ranks);
    if (load == LOAD_QUERIES) {
        return rank_tokens * heads->query_heads * head_size *
               format_bytes(precision_query_hops(replica->precision));
    }
    double cached =
        slice->sequences * (double)context_kept_on_rank(heads, slice->cached_tokens, ranks);
    return (rank_tokens + cached) * 2.0 * heads->kv_heads *
           precision_hop_bytes(replica->precision, head_size);
}

void context_quantise(struct layer_builder *builder, const struct attention_heads *heads,
                      const struct batch_slice *slice, enum context_load load)
{
    const struct replica *replica = builder->replica;
    const struct precision *precision = replica->precision;
    uint32_t ranks = replica->layout->context;
    bool queries = load == LOAD_QUERIES;
    enum format kept = queries ? precision->activations : precision->kv_cache;
    double sent =
        format_bytes(queries ? precision_query_hops(precision) : precision_kv_hops(precision));
    if (sent >= format_bytes(kept)) {
        return;
    }
    uint64_t tokens = slice_rank_tokens(slice, ranks);
    if (!queries) {
        tokens += slice->sequences * context_kept_on_rank(heads, slice->cached_tokens, ranks);
    }
    uint64_t rows = queries ? heads->query_heads : 2 * heads->kv_heads;
    layer_memory(builder, "quantise hops", MEMORY_QUANTISE_ROW, tokens, rows * heads->head_size,
                 format_bytes(kept) + sent);
}

struct step_operator context_hop(const struct layer_builder *builder, uint32_t iteration,
                                 double bytes)
{
    struct step_operator hop =
        layer_collective(builder, "ring hop", GROUP_CONTEXT, COLLECTIVE_SEND_RECV, bytes);
    hop.iteration = iteration;
    return hop;
}

void context_gather(struct layer_builder *builder, const char *name, double shard_bytes)
{
    layer_append(builder, layer_collective(builder, name, GROUP_CONTEXT, COLLECTIVE_ALL_GATHER,
                                           builder->replica->layout->context * shard_bytes));
}

void context_put_together(struct layer_builder *builder, uint64_t tokens, uint64_t heads,
                          uint64_t columns)
{
    uint32_t ranks = builder->replica->layout->context;
    double sums = (double)(tokens * heads) * sizeof(float);
    double element = layer_activation_bytes(builder);
    context_gather(builder, "gather sums", sums);
    layer_memory(builder, "merge", MEMORY_MERGE, tokens, columns,
                 2.0 * element + ranks * sums / ((double)tokens * (double)columns));
    layer_append(builder,
                 layer_collective(builder, "reduce outputs", GROUP_CONTEXT,
                                  COLLECTIVE_REDUCE_SCATTER, (double)(tokens * columns) * element));
}

double context_held_keys(const struct replica *replica, const struct attention_heads *heads,
                         const struct batch *batch, double tokens)
{
    uint32_t ranks = replica->layout->context;
    double key_bytes =
        2.0 * heads->kv_heads * precision_hop_bytes(replica->precision, heads->head_size);
    double bytes = tokens * key_bytes;
    for (uint32_t i = 0; i < batch->slice_count; i++) {
        const struct batch_slice *slice = &batch->slices[i];
        bytes += slice->sequences * key_bytes *
                 (double)context_kept_on_rank(heads, slice->cached_tokens, ranks);
    }
    return bytes;
}

static double query_elements(const struct attention_heads *heads)
{
    return (double)heads->query_heads * heads->head_size;
}

double context_held_queries(const struct replica *replica, const struct attention_heads *heads,
                            double tokens)
{
    return tokens * query_elements(heads) * format_bytes(precision_query_hops(replica->precision));
}

double context_held_partials(const struct replica *replica, const struct attention_heads *heads,
                             double tokens)
{
    double element = format_bytes(replica->precision->activations);
    return tokens * (query_elements(heads) * element + heads->query_heads * sizeof(float));
}

/* --- policies --- */

static const struct context_policy *const policies[RING_VARIANT_COUNT] = {
    [RING_NONE] = NULL,
    [RING_PASS_KV] = &context_pass_kv,
    [RING_PASS_Q] = &context_pass_q,
    [RING_ALL_GATHER] = &context_all_gather,
    [RING_TREE] = &context_tree,
};

/* Tokens of one of a rank's two chunks. */
static uint64_t chunk_tokens(const struct layer_builder *builder, const struct batch_slice *slice)
{
    return context_prefill_tokens(slice->new_tokens, builder->replica->layout->context) / 2;
}

/* A window no longer than a chunk reaches into the chunk before and no further. */
static bool window_is_near(const struct layer_builder *builder, const struct attention_heads *heads,
                           const struct batch_slice *slice)
{
    uint64_t all = slice->cached_tokens + slice->new_tokens;
    uint64_t window = attention_kept_tokens(heads, all);
    return window < all && window <= chunk_tokens(builder, slice);
}

/* Rank i holds chunks i and 2N-1-i, so what a window reaches into lies on ranks i-1 and i+1: one
 * exchange sends the last keys of the one chunk on and of the other back, and no ring is needed.
 * The cached tokens of the window, which only the first chunk reads, go with them. */
static void near_window(struct layer_builder *builder, const struct attention_heads *heads,
                        const struct batch_slice *slice)
{
    const struct replica *replica = builder->replica;
    uint32_t ranks = replica->layout->context;
    uint64_t window = attention_kept_tokens(heads, slice->cached_tokens + slice->new_tokens);
    double cached = (double)context_kept_on_rank(heads, slice->cached_tokens, ranks);
    double key_bytes =
        2.0 * heads->kv_heads * precision_hop_bytes(replica->precision, heads->head_size);
    layer_append(builder,
                 layer_collective(builder, "window exchange", GROUP_CONTEXT, COLLECTIVE_SEND_RECV,
                                  slice->sequences * (2.0 * (double)window + cached) * key_bytes));
    struct attention_keys seen = attention_keys(heads, slice->new_tokens, slice->cached_tokens);
    layer_append(builder, context_attention(builder, heads, 0, slice->sequences,
                                            context_prefill_tokens(slice->new_tokens, ranks),
                                            seen.keys, false, false));
}

static bool in_ring(const struct layer_builder *builder, const struct attention_heads *heads,
                    const struct batch_slice *slice)
{
    return slice->phase == PHASE_PREFILL && !window_is_near(builder, heads, slice);
}

/* All prompts of a batch go round in one ring, with the first of them. */
static void ring_of(struct layer_builder *builder, const struct attention_heads *heads,
                    const struct batch_slice *slice)
{
    const struct batch *batch = builder->batch;
    const struct batch_slice *end = batch->slices + batch->slice_count;
    uint32_t parts[2] = {0, 0}; /* that pass keys, queries */
    if (slice > batch->slices && in_ring(builder, heads, slice - 1)) {
        return; /* it has come along */
    }
    for (const struct batch_slice *at = slice; at < end && in_ring(builder, heads, at); at++) {
        bool queries =
            builder->variant == RING_PASS_Q || end - at <= (ptrdiff_t)batch->query_slices;
        parts[queries]++;
    }
    context_ring_of_all(builder, heads, slice, parts[0], parts[1]);
}

static void shared_attention(struct layer_builder *builder, const struct batch_slice *slice,
                             const struct attention_heads *heads)
{
    bool ring = builder->variant == RING_PASS_KV || builder->variant == RING_PASS_Q;
    if (slice->phase == PHASE_DECODE) {
        policies[builder->variant]->decode(builder, heads, slice);
    } else if (window_is_near(builder, heads, slice)) {
        near_window(builder, heads, slice);
    } else if (ring) {
        ring_of(builder, heads, slice);
    } else {
        policies[builder->variant]->prefill(builder, heads, slice);
    }
}

void layer_attention(struct layer_builder *builder, const struct batch_slice *slice,
                     const struct attention_heads *heads)
{
    if (builder->replica->layout->context > 1) {
        shared_attention(builder, slice, heads);
        return;
    }
    struct attention_keys seen = attention_keys(heads, slice->new_tokens, slice->cached_tokens);
    /* Few new tokens over a cache: a kernel of decode's kind, in which each sees all keys. */
    bool causal = seen.causal && slice->phase != PHASE_DECODE;
    layer_append(builder, context_attention(builder, heads, 0, slice->sequences, slice->new_tokens,
                                            seen.keys, causal, false));
}

double layer_ring_bytes(const struct replica *replica, const struct attention_heads *heads,
                        const struct batch *batch, enum ring_variant variant, double tokens)
{
    return replica->layout->context == 1
               ? 0.0
               : policies[variant]->held_bytes(replica, heads, batch, tokens);
}
