/* SPDX-License-Identifier: MIT
 * Tree attention (arXiv 2408.04093, Algorithm 3): every rank has all queries, attends to its own
 * shard of keys and values, and the softmax is put together by all-reduces: first the largest
 * log-sum-exp, then numerators and denominators. The library's own algorithms are the tree. In a
 * prefill a rank keeps its own tokens' results alone: the second is a reduce-scatter. */
#include "models/layers/context_policy.h"

static void gather_queries(struct layer_builder *builder, const struct attention_heads *heads,
                           const struct batch_slice *slice)
{
    context_quantise(builder, heads, slice, LOAD_QUERIES);
    context_gather(builder, "gather queries",
                   context_shard_bytes(builder, heads, slice, LOAD_QUERIES));
}

void context_reduce(struct layer_builder *builder, uint64_t tokens, uint64_t heads,
                    uint64_t columns, enum collective_kind kind)
{
    double element = layer_activation_bytes(builder);
    double sums = (double)(tokens * heads) * sizeof(float);
    layer_append(builder, layer_collective(builder, "reduce maxima", GROUP_CONTEXT,
                                           COLLECTIVE_ALL_REDUCE, sums));
    layer_memory(builder, "merge", MEMORY_MERGE, tokens, columns, 2.0 * element);
    layer_append(builder, layer_collective(builder, "reduce outputs", GROUP_CONTEXT, kind,
                                           (double)(tokens * columns) * element + sums));
}

static void reduce(struct layer_builder *builder, const struct attention_heads *heads,
                   uint64_t tokens, enum collective_kind kind)
{
    context_reduce(builder, tokens, heads->query_heads,
                   (uint64_t)heads->query_heads * heads->head_size, kind);
}

/* All queries meet a shard: its cached tokens and, by the load-balanced cut, half of its new ones.
 * Of a window's keys every shard has its share. */
static void prefill(struct layer_builder *builder, const struct attention_heads *heads,
                    const struct batch_slice *slice)
{
    uint32_t ranks = builder->replica->layout->context;
    uint64_t all = ranks * context_prefill_tokens(slice->new_tokens, ranks);
    struct attention_keys seen = attention_keys(heads, slice->new_tokens, slice->cached_tokens);
    uint64_t keys = context_ring_keys(slice->new_tokens, slice->cached_tokens, ranks, 1);
    gather_queries(builder, heads, slice);
    layer_append(builder,
                 context_attention(builder, heads, 0, slice->sequences, all,
                                   seen.causal ? keys : divide_up(seen.keys, ranks), false, false));
    reduce(builder, heads, slice->sequences * all, COLLECTIVE_REDUCE_SCATTER);
}

static void decode(struct layer_builder *builder, const struct attention_heads *heads,
                   const struct batch_slice *slice)
{
    uint32_t ranks = builder->replica->layout->context;
    uint64_t all = slice->sequences * slice->new_tokens;
    uint64_t keys =
        context_cached_tokens(attention_keys(heads, 1, slice->cached_tokens).keys, ranks);
    layer_host(builder, "decode ring", builder->replica->software->decode_ring_seconds);
    gather_queries(builder, heads, slice);
    layer_append(builder, context_attention(builder, heads, 0, all, 1, keys, false, false));
    reduce(builder, heads, all, COLLECTIVE_ALL_REDUCE);
}

static double held_bytes(const struct replica *replica, const struct attention_heads *heads,
                         const struct batch *batch, double tokens)
{
    double all = replica->layout->context * tokens;
    (void)batch;
    return context_held_queries(replica, heads, all) + context_held_partials(replica, heads, all);
}

const struct context_policy context_tree = {
    .prefill = prefill, .decode = decode, .held_bytes = held_bytes};
