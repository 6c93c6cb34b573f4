/* SPDX-License-Identifier: MIT */
#include "models/passes/memory.h"

#include <math.h>

static double larger(double a, double b)
{
    return a > b ? a : b;
}

/* A feed-forward block with so many elements between its halves, on one rank. */
static double block_weight_bytes(const struct replica *replica, struct number ffn,
                                 uint32_t ffn_hidden)
{
    double hidden = replica->llm->hidden;
    double columns = ceil((double)ffn_hidden / replica->layout->tensor);
    return (replica->llm->keys.gated_ffn ? 2.0 : 1.0) *
               precision_matrix_bytes(ffn, columns, hidden) +
           precision_matrix_bytes(ffn, hidden, columns);
}

/* So many of its experts, the block they share and their router, which stays in the activations'
 * format. */
static double ffn_weight_bytes(const struct replica *replica, struct number ffn, double experts)
{
    const struct llm *llm = replica->llm;
    double block = block_weight_bytes(replica, ffn, llm->keys.ffn_hidden);
    if (llm->keys.experts.count == 0) {
        return block;
    }
    double shared = llm->keys.shared_ffn_hidden > 0
                        ? block_weight_bytes(replica, ffn, llm->keys.shared_ffn_hidden)
                        : 0.0;
    double router = (double)llm->hidden * llm->keys.experts.count *
                    format_bytes(replica->precision->activations);
    return experts * block + shared + router;
}

static double layer_weight_bytes(const struct replica *replica, struct number attention,
                                 struct number ffn, double experts)
{
    const struct llm *llm = replica->llm;
    double hidden = llm->hidden;
    double query_columns = (double)replica_query_heads(replica) * llm->keys.head_size;
    double kv_columns = (double)replica_kv_heads(replica) * llm->keys.head_size;
    double norms = 2.0 * hidden * format_bytes(replica->precision->activations);
    return precision_matrix_bytes(attention, query_columns + 2.0 * kv_columns, hidden) +
           precision_matrix_bytes(attention, hidden, query_columns) +
           ffn_weight_bytes(replica, ffn, experts) + norms;
}

/* Layers of the stage that the precision keeps high: the model's first and last ones. */
static double edge_layers(const struct replica *replica, const struct model_stage *stage)
{
    uint32_t edge = replica->precision->edge_layers_high, layers = replica->llm->keys.layers,
             count = 0;
    for (uint32_t i = stage->first_layer; i < stage->first_layer + stage->layers; i++) {
        count += i < edge || i + edge >= layers;
    }
    return count;
}

/* With so many of each layer's experts. */
static double stage_weight_bytes(const struct replica *replica, const struct model_stage *stage,
                                 double experts)
{
    const struct llm *llm = replica->llm;
    const struct precision *precision = replica->precision;
    double high_layers = edge_layers(replica, stage);
    struct number high = {.format = precision->activations};
    bool both = stage->embeds && stage->heads;
    double matrices = both ? llm_embedding_weights(llm)
                           : (stage->embeds + stage->heads) * (double)llm->vocabulary * llm->hidden;
    double rows = matrices / llm->hidden / replica->layout->tensor;
    double embedding =
        rows > 0.0 ? precision_matrix_bytes(precision->embedding, rows, llm->hidden) : 0.0;
    return high_layers * layer_weight_bytes(replica, high, high, experts) +
           (stage->layers - high_layers) * layer_weight_bytes(replica, precision->attention_weights,
                                                              precision->ffn_weights, experts) +
           embedding;
}

double memory_stage_weight_bytes(const struct replica *replica, const struct model_stage *stage)
{
    return stage_weight_bytes(replica, stage, replica->llm->keys.experts.count);
}

double memory_weight_bytes(const struct replica *replica)
{
    struct model_stage whole = model_stage(replica->llm, 1, 0);
    return memory_stage_weight_bytes(replica, &whole);
}

double memory_stage_kv_bytes_per_token(const struct replica *replica,
                                       const struct model_stage *stage)
{
    return 2.0 * stage->layers * replica_kv_heads(replica) *
           precision_cache_bytes(replica->precision, replica->llm->keys.head_size);
}

double memory_step_weight_bytes(const struct replica *replica, double tokens)
{
    const struct llm *llm = replica->llm;
    double experts = llm->keys.experts.count > 0 ? experts_touched(llm->keys.experts, tokens) : 0.0;
    double rows = (double)llm->vocabulary / replica->layout->tensor;
    double embedding = llm->tied_embedding ? 0.0
                                           : precision_matrix_bytes(replica->precision->embedding,
                                                                    rows, llm->hidden);
    struct model_stage whole = model_stage(llm, 1, 0);
    return stage_weight_bytes(replica, &whole, experts) - embedding;
}

double memory_kv_bytes_per_token(const struct replica *replica)
{
    struct model_stage whole = model_stage(replica->llm, 1, 0);
    return memory_stage_kv_bytes_per_token(replica, &whole);
}

double memory_kv_cache_bytes(const struct replica *replica, uint64_t sequences, uint64_t tokens)
{
    return (double)sequences * (double)context_cached_tokens(tokens, replica->layout->context) *
           memory_kv_bytes_per_token(replica);
}

double memory_knee_sequences(const struct replica *replica, uint64_t context_tokens)
{
    double kv_bytes = memory_kv_bytes_per_token(replica) *
                      (double)context_cached_tokens(context_tokens, replica->layout->context);
    double knee = memory_step_weight_bytes(replica, INFINITY) / kv_bytes, above = INFINITY;
    /* Fewer sequences touch fewer experts: the knee falls until it fits the experts that it has. */
    while (knee < above * (1.0 - 1e-12)) {
        above = knee;
        knee = memory_step_weight_bytes(replica, fmax(1.0, above / replica->layout->context)) /
               kv_bytes;
    }
    return knee;
}

/* What ring attention holds beside a rank's own queries. */
static double ring_bytes(const struct replica *replica, const struct batch *batch,
                         enum ring_variant variant, double tokens)
{
    uint32_t ranks = replica->layout->context;
    if (ranks == 1) {
        return 0.0;
    }
    double element = format_bytes(replica->precision->activations);
    double query_bytes =
        (double)replica_query_heads(replica) * replica->llm->keys.head_size * element;
    const struct precision *precision = replica->precision;
    double key_bytes = 2.0 * replica_kv_heads(replica) *
                       precision_hop_bytes(precision, replica->llm->keys.head_size);
    double shard = tokens * query_bytes / element * format_bytes(precision_query_hops(precision));
    if (variant == RING_PASS_KV) {
        shard = tokens * key_bytes;
        for (uint32_t i = 0; i < batch->slice_count; i++) {
            const struct batch_slice *slice = &batch->slices[i];
            shard += slice->sequences * key_bytes *
                     (double)context_cached_tokens(slice->cached_tokens, ranks);
        }
    }
    double partial = tokens * (query_bytes + replica_query_heads(replica) * sizeof(float));
    return 2.0 * shard + ranks * partial;
}

double memory_activation_bytes(const struct replica *replica, const struct batch *batch,
                               enum ring_variant variant)
{
    const struct llm *llm = replica->llm;
    double tokens = (double)replica_rank_tokens(replica, batch);
    double element = format_bytes(replica->precision->activations);
    double residual = 2.0 * tokens * llm->hidden * element; /* the stream and a block's input */
    double heads = replica_query_heads(replica) + 2.0 * replica_kv_heads(replica);
    double attention = tokens * 2.0 * heads * llm->keys.head_size * element +
                       ring_bytes(replica, batch, variant, tokens);
    double rows = tokens * (llm->keys.experts.count > 0 ? llm->keys.experts.per_token : 1.0);
    double ffn = rows * (llm->keys.gated_ffn ? 3.0 : 2.0) *
                 ceil((double)llm->keys.ffn_hidden / replica->layout->tensor) * element;
    if (llm->keys.experts.count > 0) { /* their inputs by expert, and their outputs */
        ffn += 2.0 * rows * llm->hidden * element;
    }
    return residual + larger(attention, ffn);
}

double memory_total_bytes(const struct memory_use *use)
{
    return use->weight_bytes + use->kv_cache_bytes + use->activation_bytes;
}
