/* SPDX-License-Identifier: MIT
 * Attention in a step program: on one rank, or as a ring over context ranks (arXiv 2411.01783,
 * Algorithms 2 to 4). */
#include "models/layers/layer_builder.h"

/* Bytes of the output of one token's attention on one rank, its log-sum-exp (fp32) included. */
static double partial_output_bytes(const struct layer_builder *builder,
                                   const struct attention_heads *heads)
{
    return heads->query_heads *
           (heads->head_size * layer_activation_bytes(builder) + sizeof(float));
}

static struct step_operator attention(const struct layer_builder *builder,
                                      const struct attention_heads *heads, uint32_t iteration,
                                      uint64_t sequences, uint64_t queries, uint64_t keys,
                                      bool causal)
{
    const struct replica *replica = builder->replica;
    const struct precision *precision = replica->precision;
    double head_size = heads->head_size;
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

static uint64_t cached_on_rank(const struct attention_heads *heads, uint64_t cached_tokens,
                               uint32_t ranks)
{
    return context_cached_tokens(attention_kept_tokens(heads, cached_tokens), ranks);
}

/* The bytes of one hop of a prefill's ring, one rank (Table 3; Algorithm 2 for the padding). */
static double hop_bytes(const struct layer_builder *builder, const struct attention_heads *heads,
                        const struct batch_slice *slice)
{
    const struct replica *replica = builder->replica;
    uint32_t ranks = replica->layout->context;
    double head_size = heads->head_size;
    double rank_tokens = (double)slice_rank_tokens(slice, ranks);
    if (slice->phase == PHASE_DECODE || builder->variant == RING_PASS_Q) {
        return rank_tokens * heads->query_heads * head_size *
               format_bytes(precision_query_hops(replica->precision));
    }
    double cached = slice->sequences * (double)cached_on_rank(heads, slice->cached_tokens, ranks);
    return (rank_tokens + cached) * 2.0 * heads->kv_heads *
           precision_hop_bytes(replica->precision, head_size);
}

/* What goes round in a narrower format than it is kept in is converted once, before the first hop.
 */
static void quantise_hops(struct layer_builder *builder, const struct attention_heads *heads,
                          const struct batch_slice *slice)
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
        tokens += slice->sequences * cached_on_rank(heads, slice->cached_tokens, ranks);
    }
    uint64_t rows = queries ? heads->query_heads : 2 * heads->kv_heads;
    layer_memory(builder, "quantise hops", MEMORY_QUANTISE_ROW, tokens, rows * heads->head_size,
                 format_bytes(kept) + sent);
}

/* pass-Q's end: partial outputs go home by an all-to-all, then each rank merges its own. */
static void ring_end(struct layer_builder *builder, const struct attention_heads *heads,
                     uint64_t rank_tokens, bool passed_queries)
{
    uint32_t ranks = builder->replica->layout->context;
    double partial = (double)rank_tokens * partial_output_bytes(builder, heads);
    if (passed_queries) {
        layer_append(builder, layer_collective(builder, "all-to-all", GROUP_CONTEXT,
                                               COLLECTIVE_ALL_TO_ALL, ranks * partial));
    }
    uint64_t columns = (uint64_t)heads->query_heads * heads->head_size;
    layer_memory(builder, "merge", MEMORY_MERGE, rank_tokens, columns,
                 (ranks + 1.0) * partial / ((double)rank_tokens * (double)columns));
}

/* One iteration of a prefill's ring. Of a window's keys every shard has its share. */
static struct step_operator ring_attention(const struct layer_builder *builder,
                                           const struct attention_heads *heads,
                                           const struct batch_slice *slice, uint32_t iteration)
{
    uint32_t ranks = builder->replica->layout->context;
    uint64_t queries = context_prefill_tokens(slice->new_tokens, ranks);
    uint64_t keys = context_ring_keys(slice->new_tokens, slice->cached_tokens, ranks, iteration);
    struct attention_keys seen = attention_keys(heads, slice->new_tokens, slice->cached_tokens);
    bool windowed = seen.keys < slice->new_tokens + slice->cached_tokens;
    return attention(builder, heads, iteration, slice->sequences, queries,
                     windowed ? divide_up(seen.keys, ranks) : keys, iteration == 0 && !windowed);
}

/* Algorithms 2 and 3: the shard of iteration i + 1 travels while iteration i computes. An eager
 * host prepares an iteration only when the one before it has ended, and nothing hides that. */
static void prefill_ring(struct layer_builder *builder, const struct attention_heads *heads,
                         const struct batch_slice *slice)
{
    const struct replica *replica = builder->replica;
    uint32_t ranks = replica->layout->context;
    uint64_t queries = context_prefill_tokens(slice->new_tokens, ranks);
    double bytes = hop_bytes(builder, heads, slice);
    double host_seconds = builder->graph ? 0.0 : replica->software->ring_step_seconds;
    quantise_hops(builder, heads, slice);
    uint32_t arrived = STEP_NO_OPERATOR;
    for (uint32_t i = 0; i < ranks; i++) {
        if (i > 0 && host_seconds > 0.0) {
            builder->last =
                step_append(builder->segment, step_host_operator("ring step", i, host_seconds),
                            builder->last, arrived);
        }
        uint32_t ready = builder->last, here = arrived;
        if (i + 1 < ranks) {
            struct step_operator hop =
                layer_collective(builder, "ring hop", GROUP_CONTEXT, COLLECTIVE_SEND_RECV, bytes);
            hop.iteration = i + 1;
            arrived = step_append(builder->segment, hop,
                                  i == 0 || host_seconds > 0.0 ? ready : here, STEP_NO_OPERATOR);
        }
        builder->last =
            step_append(builder->segment, ring_attention(builder, heads, slice, i), ready, here);
    }
    ring_end(builder, heads, slice->sequences * queries, builder->variant == RING_PASS_Q);
}

/* Algorithm 4: one query a sequence; every hop waits for the attention before it, as the paper
 * measured (Table 8: whole = attention + SendRecv + All2All). */
static void decode_ring(struct layer_builder *builder, const struct attention_heads *heads,
                        const struct batch_slice *slice)
{
    uint32_t ranks = builder->replica->layout->context;
    uint64_t queries = context_decode_tokens(slice->sequences, ranks);
    uint64_t keys =
        context_cached_tokens(attention_keys(heads, 1, slice->cached_tokens).keys, ranks);
    layer_host(builder, "decode ring", builder->replica->software->decode_ring_seconds);
    quantise_hops(builder, heads, slice);
    double bytes = hop_bytes(builder, heads, slice);
    for (uint32_t i = 0; i < ranks; i++) {
        if (i > 0) {
            struct step_operator hop =
                layer_collective(builder, "ring hop", GROUP_CONTEXT, COLLECTIVE_SEND_RECV, bytes);
            hop.iteration = i;
            layer_append(builder, hop);
        }
        layer_append(builder, attention(builder, heads, i, queries, 1, keys, false));
    }
    ring_end(builder, heads, queries, true);
}

void layer_attention(struct layer_builder *builder, const struct batch_slice *slice,
                     const struct attention_heads *heads)
{
    if (builder->replica->layout->context > 1) {
        if (slice->phase == PHASE_DECODE) {
            decode_ring(builder, heads, slice);
        } else {
            prefill_ring(builder, heads, slice);
        }
        return;
    }
    struct attention_keys seen = attention_keys(heads, slice->new_tokens, slice->cached_tokens);
    /* Few new tokens over a cache: a kernel of decode's kind, in which each sees all keys. */
    bool causal = seen.causal && slice->phase != PHASE_DECODE;
    layer_append(builder, attention(builder, heads, 0, slice->sequences, slice->new_tokens,
                                    seen.keys, causal));
}

double layer_ring_bytes(const struct replica *replica, const struct attention_heads *heads,
                        const struct batch *batch, enum ring_variant variant, double tokens)
{
    uint32_t ranks = replica->layout->context;
    if (ranks == 1) {
        return 0.0;
    }
    const struct precision *precision = replica->precision;
    double element = format_bytes(precision->activations);
    double query_bytes = (double)heads->query_heads * heads->head_size * element;
    double key_bytes = 2.0 * heads->kv_heads * precision_hop_bytes(precision, heads->head_size);
    double shard = tokens * query_bytes / element * format_bytes(precision_query_hops(precision));
    if (variant == RING_PASS_KV) {
        shard = tokens * key_bytes;
        for (uint32_t i = 0; i < batch->slice_count; i++) {
            const struct batch_slice *slice = &batch->slices[i];
            shard += slice->sequences * key_bytes *
                     (double)cached_on_rank(heads, slice->cached_tokens, ranks);
        }
    }
    double partial = tokens * (query_bytes + heads->query_heads * sizeof(float));
    return 2.0 * shard + ranks * partial;
}
