/* SPDX-License-Identifier: MIT */
#include "models/layers/train_builder.h"
#include "models/numeric/whole.h"

#include <math.h>

static struct step_operator attention(const struct train_builder *builder,
                                      const struct attention_heads *heads, uint64_t queries,
                                      uint64_t keys, bool causal, bool backward)
{
    const struct replica *replica = builder->training->replica;
    return (struct step_operator){
        .kind = OPERATOR_ATTENTION,
        .stream = STREAM_COMPUTE,
        .name = backward ? "attention backward" : "attention",
        .attention = {.sequences = builder->training->micro_batch,
                      .queries = queries,
                      .keys = keys,
                      .query_heads = heads->query_heads,
                      .kv_heads = heads->kv_heads,
                      .head_size = heads->head_size,
                      .causal = causal,
                      .format = replica->precision->activations,
                      .backward = backward},
    };
}

static double kv_bytes(const struct train_builder *builder, const struct attention_heads *heads,
                       uint64_t tokens)
{
    return 2.0 * (double)tokens * heads->kv_heads * heads->head_size *
           builder_element_bytes(builder);
}

/* Keys that a sequence's tokens see: of a sequence packed with documents those of a token's own, on
 * average, where a window does not end before. */
static struct attention_keys sequence_keys(const struct layer_training *training,
                                           const struct attention_heads *heads)
{
    struct attention_keys seen = attention_keys(heads, training->sequence_tokens, 0);
    double share = training->document_share;
    if (share <= 0.0 || share >= 1.0) {
        return seen;
    }
    double own = fmax(round(0.5 * share * (double)training->sequence_tokens), 1.0);
    bool window = !seen.causal && (double)seen.keys < own;
    return (struct attention_keys){.keys = window ? seen.keys : (uint64_t)own};
}

/* A rank's queries are the chunks i and 2N-1-i of 2N: on average they see half of all keys. */
static void gathered_attention(struct train_builder *builder, const struct attention_heads *heads,
                               uint64_t queries, bool backward)
{
    const struct layer_training *training = builder->training;
    uint32_t ranks = training->replica->layout->context;
    struct attention_keys seen = sequence_keys(training, heads);
    uint64_t keys = seen.causal ? (training->sequence_tokens + queries) / 2 : seen.keys;
    double all_keys = kv_bytes(builder, heads, builder->tokens) * ranks;
    builder_append(builder, builder_collective(builder, "kv all-gather", GROUP_CONTEXT,
                                               COLLECTIVE_ALL_GATHER, all_keys));
    builder_append(builder, attention(builder, heads, queries, keys, seen.causal, backward));
    if (backward) {
        builder_append(builder, builder_collective(builder, "kv reduce-scatter", GROUP_CONTEXT,
                                                   COLLECTIVE_REDUCE_SCATTER, all_keys));
    }
}

/* pass-KV: the next shard travels while this one computes; backward, gradients travel with it. A
 * shard that comes from before sees all queries over half its keys, one from after half the
 * queries over all of them (arXiv 2310.01889 with the zigzag cut): alike in work. */
static void ring_attention(struct train_builder *builder, const struct attention_heads *heads,
                           uint64_t queries, bool backward)
{
    uint32_t ranks = builder->training->replica->layout->context;
    struct attention_keys seen = sequence_keys(builder->training, heads);
    double bytes = kv_bytes(builder, heads, builder->tokens) * (backward ? 2.0 : 1.0);
    uint32_t arrived = STEP_NO_OPERATOR;
    for (uint32_t i = 0; i < ranks; i++) {
        uint32_t ready = builder->last, here = arrived;
        if (i + 1 < ranks) {
            struct step_operator hop =
                builder_collective(builder, "ring hop", GROUP_CONTEXT, COLLECTIVE_SEND_RECV, bytes);
            hop.iteration = i + 1;
            arrived = step_append(builder->segment, hop, i == 0 ? ready : here, STEP_NO_OPERATOR);
        }
        struct step_operator part =
            seen.causal
                ? attention(builder, heads, queries, i == 0 ? queries : queries / 2, i == 0,
                            backward)
                : attention(builder, heads, queries, divide_up(seen.keys, ranks), false, backward);
        part.iteration = i;
        part.attention.ring = true;
        builder->last = step_append(builder->segment, part, ready, here);
    }
    uint64_t columns = (uint64_t)heads->query_heads * heads->head_size;
    /* Each part's result is added to what is there, in fp32 when it is a gradient. */
    builder_memory(builder, "merge", MEMORY_MERGE, builder->tokens, columns,
                   (ranks - 1.0) * (backward ? 4.0 : 3.0) * builder_element_bytes(builder));
}

void train_attention(struct train_builder *builder, const struct attention_heads *heads,
                     bool backward)
{
    const struct layer_training *training = builder->training;
    uint32_t ranks = training->replica->layout->context;
    uint64_t queries = context_prefill_tokens(training->sequence_tokens, ranks);
    if (ranks == 1) {
        struct attention_keys seen = sequence_keys(training, heads);
        builder_append(builder,
                       attention(builder, heads, queries, seen.keys, seen.causal, backward));
    } else if (training->context_exchange == CONTEXT_ALL_GATHER) {
        gathered_attention(builder, heads, queries, backward);
    } else {
        ring_attention(builder, heads, queries, backward);
    }
}
