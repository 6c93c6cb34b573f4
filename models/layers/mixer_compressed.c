/* SPDX-License-Identifier: MIT
 * DeepSeek-V4's attention in a layer's passes: all heads share one key that is its value, kept as
 * one entry for each `ratio` tokens and as it is for the latest `window`. Tensor ranks share heads
 * and groups of the output; each holds the rest, the compressed cache and the indexer whole. */
#include "models/layers/layer_rows.h"

#include "models/layers/sparse_core.h"

/* Sums, weighted by a softmax, of the columns that two products made: read once, written a
 * ratio-th as often. */
static void compress(struct half *half, const char *name, uint64_t columns, double element)
{
    half_pointwise(half, name, MEMORY_COPY, columns, 2.0 * element, 4.0 * element);
}

static void compressed_half(const struct replica *replica, const struct mixer *mixer,
                            struct half *half)
{
    static const char *const down[] = {"query down", "kv", NULL};
    static const char *const compressors[] = {"compressor",           "compressor gate",
                                              "indexer compressor",   "indexer compressor gate",
                                              "indexer head weights", NULL};
    const struct compressed *it = &mixer->compressed;
    double element = format_bytes(replica->precision->activations);
    uint64_t heads = replica_heads(replica, it->query_heads);
    bool indexed = it->ratio > 0 && it->indexer.heads > 0;
    struct weight_list list = {.count = 0};
    mixer_rows[MIXER_COMPRESSED]->weights(mixer, replica->llm->hidden, &list);

    half_joined(half, &list, "query down+kv", down, true);
    if (it->ratio > 0) {
        struct half_op *op = half_joined(half, &list, "compressors", compressors, true);
        op->weight.class = WEIGHT_PLAIN; /* kept and computed in 16 bits */
        uint64_t columns = (indexed ? 4U : 2U) * (uint64_t)it->head_size;
        compress(half, "compress", columns, element);
    }
    half_pointwise(half, "query and kv norm", MEMORY_ADD_RMSNORM,
                   (uint64_t)it->query_rank + it->head_size, 2.0 * element, 4.0 * element);
    half_product(half, &list, "query up", true);
    double kept = precision_cache_bytes(replica->precision, it->head_size) / it->head_size;
    struct half_op *heads_norm = half_pointwise(half, "head norm and rope", MEMORY_ADD_RMSNORM,
                                                it->head_size, 2.0 * element, 4.0 * element);
    heads_norm->copies = heads;
    half_pointwise(half, "kv append", MEMORY_KV_APPEND, it->head_size, element + kept, 0.0)
        ->of_inference = true;
    if (indexed) {
        half_product(half, &list, "indexer query", false);
        struct half_op *quantise =
            half_pointwise(half, "quantise indexer", MEMORY_QUANTISE_ROW, it->indexer.head_size,
                           element + format_bytes(FORMAT_FP8), 0.0);
        quantise->copies = it->indexer.heads;
        quantise->of_inference = true;
        compress(half, "compress indexer", 4 * (uint64_t)it->indexer.head_size, element);
    }
    half_core(half, "attention", mixer);
    half_pointwise(half, "result rope", MEMORY_ROPE, heads * it->head_size, 2.0 * element,
                   2.0 * element);
    half_product(half, &list, "out down", false);
    half_product(half, &list, "out", false)->again = AGAIN_WHOLE;
}

static struct sparse_core core_of(const struct replica *replica, const struct compressed *it)
{
    return (struct sparse_core){
        .family = &replica->software->kernels.mixers.compressed,
        .indexer = &it->indexer,
        .ratio = it->ratio,
        .window = it->window,
        .heads = replica_heads(replica, it->query_heads),
        .groups = 1,
        .key_size = it->head_size,
        .value_size = it->head_size,
        .key_bytes = precision_cache_bytes(replica->precision, it->head_size),
    };
}

static void compressed_infer(struct layer_builder *builder, const struct mixer *mixer)
{
    const struct compressed *it = &mixer->compressed;
    struct sparse_core core = core_of(builder->replica, it);
    for (uint32_t i = 0; i < builder->batch->slice_count; i++) {
        const struct batch_slice *slice = &builder->batch->slices[i];
        if (it->ratio > 0 && it->indexer.heads > 0) {
            sparse_choose(builder, &core, slice);
        }
        sparse_attend(builder, &core, slice);
    }
}

/* Queries and results of all heads, and the compressors' columns. */
static double compressed_working_bytes(const struct replica *replica, const struct mixer *mixer,
                                       const struct batch *batch, enum ring_variant variant,
                                       double tokens)
{
    const struct compressed *it = &mixer->compressed;
    double element = format_bytes(replica->precision->activations);
    double heads = replica_heads(replica, it->query_heads);
    (void)batch, (void)variant;
    return tokens * element * (2.0 * heads + 4.0) * it->head_size;
}

static const char *compressed_refusal(const struct mixer *mixer)
{
    (void)mixer;
    return "its entries are made of runs of neighbouring tokens, which a ring's shards cut, and "
           "its "
           "window lies on other ranks";
}

const struct mixer_passes mixer_compressed_passes = {
    .context_refusal = compressed_refusal,
    .half = compressed_half,
    .infer = compressed_infer,
    .working_bytes = compressed_working_bytes,
};
