/* SPDX-License-Identifier: MIT
 * All-gathers in place of a ring. Prefill: every rank gathers all keys and values, then attends to
 * them in one call, with nothing hidden (Llama 3's context parallelism, arXiv 2407.21783, section
 * 3.3.2). Decode: every rank gathers all queries, attends to its own shard of the cache, and what
 * each made is put together by a reduce-scatter (vLLM's decode context parallelism). */
#include "models/layers/context_policy.h"

/* Over the chunks of a rank a query sees all cached tokens and, on average, half of the new ones.
 */
static void prefill(struct layer_builder *builder, const struct attention_heads *heads,
                    const struct batch_slice *slice)
{
    uint32_t ranks = builder->replica->layout->context;
    uint64_t queries = context_prefill_tokens(slice->new_tokens, ranks);
    struct attention_keys seen = attention_keys(heads, slice->new_tokens, slice->cached_tokens);
    uint64_t keys =
        seen.causal ? slice->cached_tokens + divide_up(slice->new_tokens, 2) : seen.keys;
    context_quantise(builder, heads, slice, LOAD_KEYS);
    context_gather(builder, "gather keys", context_shard_bytes(builder, heads, slice, LOAD_KEYS));
    layer_append(builder, context_attention(builder, heads, 0, slice->sequences, queries, keys,
                                            false, queries > 1));
}

/* Tokens that fill the last rank up travel and see nothing. */
static void decode(struct layer_builder *builder, const struct attention_heads *heads,
                   const struct batch_slice *slice)
{
    uint32_t ranks = builder->replica->layout->context;
    uint64_t all = ranks * slice_rank_tokens(slice, ranks);
    uint64_t keys =
        context_cached_tokens(attention_keys(heads, 1, slice->cached_tokens).keys, ranks);
    layer_host(builder, "decode ring", builder->replica->software->decode_ring_seconds);
    context_quantise(builder, heads, slice, LOAD_QUERIES);
    context_gather(builder, "gather queries",
                   context_shard_bytes(builder, heads, slice, LOAD_QUERIES));
    layer_append(builder, context_attention(builder, heads, 0, slice->sequences * slice->new_tokens,
                                            1, keys, false, false));
    context_put_together(builder, all, heads->query_heads,
                         (uint64_t)heads->query_heads * heads->head_size);
}

static double held_bytes(const struct replica *replica, const struct attention_heads *heads,
                         const struct batch *batch, double tokens)
{
    return replica->layout->context * context_held_keys(replica, heads, batch, tokens) +
           context_held_partials(replica, heads, tokens);
}

const struct context_policy context_all_gather = {
    .prefill = prefill, .decode = decode, .held_bytes = held_bytes};
