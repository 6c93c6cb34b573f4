/* SPDX-License-Identifier: MIT
 * A ring over context ranks ("Context Parallelism for Scalable Million-Token Inference", arXiv
 * 2411.01783, Algorithms 2 to 4): keys and values go round, or queries do. */
#include "models/layers/context_policy.h"

/* pass-Q's end: partial outputs go home by an all-to-all, then each rank merges its own. */
static void ring_end(struct layer_builder *builder, const struct attention_heads *heads,
                     uint64_t rank_tokens, bool passed_queries)
{
    uint32_t ranks = builder->replica->layout->context;
    double partial = (double)rank_tokens * context_partial_bytes(builder, heads);
    if (passed_queries) {
        layer_append(builder, layer_collective(builder, "all-to-all", GROUP_CONTEXT,
                                               COLLECTIVE_ALL_TO_ALL, ranks * partial));
    }
    uint64_t columns = (uint64_t)heads->query_heads * heads->head_size;
    layer_memory(builder, "merge", MEMORY_MERGE, rank_tokens, columns,
                 (ranks + 1.0) * partial / ((double)rank_tokens * (double)columns));
}

/* One iteration of a prefill's ring. Of a window's keys every shard has its share. Keys and values
 * that came round the ring are as the hop carried them. */
static struct step_operator ring_attention(const struct layer_builder *builder,
                                           const struct attention_heads *heads,
                                           const struct batch_slice *slice, uint32_t iteration,
                                           enum context_load load)
{
    uint32_t ranks = builder->replica->layout->context;
    uint64_t queries = context_prefill_tokens(slice->new_tokens, ranks);
    uint64_t keys = context_ring_keys(slice->new_tokens, slice->cached_tokens, ranks, iteration);
    struct attention_keys seen = attention_keys(heads, slice->new_tokens, slice->cached_tokens);
    bool windowed = seen.keys < slice->new_tokens + slice->cached_tokens;
    return context_attention(builder, heads, iteration, slice->sequences, queries,
                             windowed ? divide_up(seen.keys, ranks) : keys,
                             iteration == 0 && !windowed,
                             iteration > 0 && load == LOAD_KEYS && queries > 1);
}

/* Sequences of a batch that send the same round. */
struct ring_part {
    const struct batch_slice *slice;
    enum context_load load;
};

/* Algorithms 2 and 3: the shard of iteration i + 1 travels while iteration i computes; with several
 * parts one message has the shards of all, and their attention follows one after the other. An
 * eager host prepares an iteration only when the one before it has ended, and nothing hides that.
 */
static void prefill_ring(struct layer_builder *builder, const struct attention_heads *heads,
                         const struct ring_part parts[], uint32_t count)
{
    const struct replica *replica = builder->replica;
    uint32_t ranks = replica->layout->context;
    double bytes = 0.0;
    double host_seconds = builder->graph ? 0.0 : replica->software->ring_step_seconds;
    for (uint32_t part = 0; part < count; part++) {
        bytes += context_shard_bytes(builder, heads, parts[part].slice, parts[part].load);
        context_quantise(builder, heads, parts[part].slice, parts[part].load);
    }
    uint32_t arrived = STEP_NO_OPERATOR;
    for (uint32_t i = 0; i < ranks; i++) {
        if (i > 0 && host_seconds > 0.0) {
            builder->last =
                step_append(builder->segment, step_host_operator("ring step", i, host_seconds),
                            builder->last, arrived);
        }
        uint32_t ready = builder->last, here = arrived;
        if (i + 1 < ranks) {
            arrived = step_append(builder->segment, context_hop(builder, i + 1, bytes),
                                  i == 0 || host_seconds > 0.0 ? ready : here, STEP_NO_OPERATOR);
        }
        for (uint32_t part = 0; part < count; part++) {
            builder->last =
                step_append(builder->segment,
                            ring_attention(builder, heads, parts[part].slice, i, parts[part].load),
                            part == 0 ? ready : builder->last, part == 0 ? here : STEP_NO_OPERATOR);
        }
    }
    for (uint32_t part = 0; part < count; part++) {
        const struct batch_slice *slice = parts[part].slice;
        ring_end(builder, heads,
                 slice->sequences * context_prefill_tokens(slice->new_tokens, ranks),
                 parts[part].load == LOAD_QUERIES);
    }
}

static void prefill_keys(struct layer_builder *builder, const struct attention_heads *heads,
                         const struct batch_slice *slice)
{
    const struct ring_part part = {slice, LOAD_KEYS};
    prefill_ring(builder, heads, &part, 1);
}

static void prefill_queries(struct layer_builder *builder, const struct attention_heads *heads,
                            const struct batch_slice *slice)
{
    const struct ring_part part = {slice, LOAD_QUERIES};
    prefill_ring(builder, heads, &part, 1);
}

void context_ring_of_all(struct layer_builder *builder, const struct attention_heads *heads,
                         const struct batch_slice *first, uint32_t keys, uint32_t queries)
{
    struct ring_part parts[BATCH_MAX_SLICES];
    for (uint32_t i = 0; i < keys + queries; i++) {
        parts[i] = (struct ring_part){first + i, i < keys ? LOAD_KEYS : LOAD_QUERIES};
    }
    prefill_ring(builder, heads, parts, keys + queries);
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
    context_quantise(builder, heads, slice, LOAD_QUERIES);
    double bytes = context_shard_bytes(builder, heads, slice, LOAD_QUERIES);
    for (uint32_t i = 0; i < ranks; i++) {
        if (i > 0) {
            layer_append(builder, context_hop(builder, i, bytes));
        }
        layer_append(builder, context_attention(builder, heads, i, queries, 1, keys, false, false));
    }
    ring_end(builder, heads, queries, true);
}

/* Two shards, one at work and one on its way, and a partial output of every iteration. */
static double held_keys(const struct replica *replica, const struct attention_heads *heads,
                        const struct batch *batch, double tokens)
{
    return 2.0 * context_held_keys(replica, heads, batch, tokens) +
           replica->layout->context * context_held_partials(replica, heads, tokens);
}

static double held_queries(const struct replica *replica, const struct attention_heads *heads,
                           const struct batch *batch, double tokens)
{
    (void)batch;
    return 2.0 * context_held_queries(replica, heads, tokens) +
           replica->layout->context * context_held_partials(replica, heads, tokens);
}

const struct context_policy context_pass_kv = {
    .prefill = prefill_keys, .decode = decode_ring, .held_bytes = held_keys};
const struct context_policy context_pass_q = {
    .prefill = prefill_queries, .decode = decode_ring, .held_bytes = held_queries};
