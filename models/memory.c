/* SPDX-License-Identifier: MIT */
#include "models/memory.h"

#include <math.h>

static double larger(double a, double b)
{
    return a > b ? a : b;
}

/* A [rows][columns] matrix in its format, with a fp32 scale a row when it has row scales. */
static double matrix_bytes(double rows, double columns, struct number number)
{
    double scales = number.scaling == SCALING_ROW ? rows * sizeof(float) : 0.0;
    return rows * columns * format_bytes(number.format) + scales;
}

static double layer_weight_bytes(const struct replica *replica, struct number attention,
                                 struct number ffn)
{
    const struct llm *llm = replica->llm;
    double hidden = llm->hidden;
    double query_columns = (double)replica_query_heads(replica) * llm->head_size;
    double kv_columns = (double)replica_kv_heads(replica) * llm->head_size;
    double ffn_columns = ceil((double)llm->ffn_hidden / replica->layout->tensor);
    double norms = 2.0 * hidden * format_bytes(replica->precision->activations);
    return matrix_bytes(query_columns + 2.0 * kv_columns, hidden, attention) +
           matrix_bytes(hidden, query_columns, attention) +
           (llm->gated_ffn ? 2.0 : 1.0) * matrix_bytes(ffn_columns, hidden, ffn) +
           matrix_bytes(hidden, ffn_columns, ffn) + norms;
}

double memory_weight_bytes(const struct replica *replica)
{
    const struct llm *llm = replica->llm;
    const struct precision *precision = replica->precision;
    double edge_layers = fmin(2.0 * precision->edge_layers_high, llm->layers);
    struct number high = {.format = precision->activations};
    double embedding = llm_embedding_weights(llm) / replica->layout->tensor *
                       format_bytes(precision->embedding.format);
    return edge_layers * layer_weight_bytes(replica, high, high) +
           (llm->layers - edge_layers) *
               layer_weight_bytes(replica, precision->attention_weights, precision->ffn_weights) +
           embedding;
}

double memory_kv_bytes_per_token(const struct replica *replica)
{
    return 2.0 * replica->llm->layers * replica_kv_heads(replica) * replica->llm->head_size *
           format_bytes(replica->precision->kv_cache);
}

double memory_kv_cache_bytes(const struct replica *replica, uint64_t sequences, uint64_t tokens)
{
    return (double)sequences * (double)context_cached_tokens(tokens, replica->layout->context) *
           memory_kv_bytes_per_token(replica);
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
    double query_bytes = (double)replica_query_heads(replica) * replica->llm->head_size * element;
    double key_bytes = memory_kv_bytes_per_token(replica) / replica->llm->layers;
    double shard = tokens * query_bytes;
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
    double attention = tokens * 2.0 * heads * llm->head_size * element +
                       ring_bytes(replica, batch, variant, tokens);
    double ffn = tokens * (llm->gated_ffn ? 3.0 : 2.0) *
                 ceil((double)llm->ffn_hidden / replica->layout->tensor) * element;
    return residual + larger(attention, ffn);
}

double memory_total_bytes(const struct memory_use *use)
{
    return use->weight_bytes + use->kv_cache_bytes + use->activation_bytes;
}
