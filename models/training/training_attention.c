/* SPDX-License-Identifier: MIT */
#include "models/training/training_builder.h"

static struct step_operator attention(const struct builder *builder, uint64_t queries,
                                      uint64_t keys, bool causal, bool backward)
{
    const struct replica *replica = &builder->training->replica;
    return (struct step_operator){
        .kind = OPERATOR_ATTENTION,
        .stream = STREAM_COMPUTE,
        .name = backward ? "attention backward" : "attention",
        .attention = {.sequences = builder->training->micro_batch,
                      .queries = queries,
                      .keys = keys,
                      .query_heads = replica_query_heads(replica),
                      .kv_heads = replica_kv_heads(replica),
                      .head_size = replica->llm->keys.head_size,
                      .causal = causal,
                      .format = replica->precision->activations,
                      .backward = backward},
    };
}

static double kv_bytes(const struct builder *builder, uint64_t tokens)
{
    const struct replica *replica = &builder->training->replica;
    return 2.0 * (double)tokens * replica_kv_heads(replica) * replica->llm->keys.head_size *
           builder_element_bytes(builder);
}

/* A rank's queries are the chunks i and 2N-1-i of 2N: on average they see half of all keys. */
static void gathered_attention(struct builder *builder, uint64_t queries, bool backward)
{
    const struct training *training = builder->training;
    uint32_t ranks = training->replica.layout->context;
    uint64_t keys = (training->sequence_tokens + queries) / 2;
    double all_keys = kv_bytes(builder, builder->tokens) * ranks;
    builder_append(builder, builder_collective(builder, "kv all-gather", GROUP_CONTEXT,
                                               COLLECTIVE_ALL_GATHER, all_keys));
    builder_append(builder, attention(builder, queries, keys, true, backward));
    if (backward) {
        builder_append(builder, builder_collective(builder, "kv reduce-scatter", GROUP_CONTEXT,
                                                   COLLECTIVE_REDUCE_SCATTER, all_keys));
    }
}

/* pass-KV: the next shard travels while this one computes; backward, gradients travel with it. A
 * shard that comes from before sees all queries over half its keys, one from after half the
 * queries over all of them (arXiv 2310.01889 with the zigzag cut): alike in work. */
static void ring_attention(struct builder *builder, uint64_t queries, bool backward)
{
    uint32_t ranks = builder->training->replica.layout->context;
    double bytes = kv_bytes(builder, builder->tokens) * (backward ? 2.0 : 1.0);
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
            attention(builder, queries, i == 0 ? queries : queries / 2, i == 0, backward);
        part.iteration = i;
        part.attention.ring = true;
        builder->last = step_append(builder->segment, part, ready, here);
    }
    uint64_t columns = (uint64_t)replica_query_heads(&builder->training->replica) *
                       builder->training->replica.llm->keys.head_size;
    /* Each part's result is added to what is there, in fp32 when it is a gradient. */
    builder_memory(builder, "merge", MEMORY_MERGE, builder->tokens, columns,
                   (ranks - 1.0) * (backward ? 4.0 : 3.0) * builder_element_bytes(builder));
}

void builder_attend(struct builder *builder, bool backward)
{
    const struct training *training = builder->training;
    uint32_t ranks = training->replica.layout->context;
    uint64_t queries = context_prefill_tokens(training->sequence_tokens, ranks);
    if (ranks == 1) {
        builder_append(builder, attention(builder, queries, queries, true, backward));
    } else if (training->context_exchange == CONTEXT_ALL_GATHER) {
        gathered_attention(builder, queries, backward);
    } else {
        ring_attention(builder, queries, backward);
    }
}
