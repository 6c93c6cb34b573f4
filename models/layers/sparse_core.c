/* SPDX-License-Identifier: MIT */
#include "models/layers/sparse_core.h"

#include "models/kernels/kernel_default.h"
#include "models/kernels/sparse_attention.h"
#include "models/layers/context_policy.h"

#include <math.h>

/* Beside an indexer's key in 8 bits (DeepSeek-V3.2's kernels), its scale in fp32. */
static double indexer_key_bytes(const struct sparse_core *core)
{
    double size = core->indexer->head_size;
    return core->grouped ? size * format_bytes(FORMAT_BF16)
                         : size * format_bytes(FORMAT_FP8) + sizeof(float);
}

void sparse_indexer_half(const struct replica *replica, const struct indexer *indexer,
                         const struct weight_list *list, bool grouped, struct half *half)
{
    double element = format_bytes(replica->precision->activations);
    double kept = grouped ? element : format_bytes(FORMAT_FP8);
    uint64_t columns = (uint64_t)indexer->heads * indexer->head_size;
    /* Queries come from the layer's input too, or from the latent queries. */
    static const char *const all[] = {"indexer query", "indexer key", "indexer head weights", NULL};
    bool same = weights_find(list, "indexer query")->depth == replica->llm->hidden;
    if (!same) {
        half_product(half, list, "indexer query", true);
    }
    half_joined(half, list, same ? "indexer" : "indexer key and weights", same ? all : all + 1,
                true);
    half_pointwise(half, "indexer norm and rope", MEMORY_ADD_RMSNORM, columns + indexer->head_size,
                   2.0 * element, 4.0 * element);
    if (!grouped) {
        struct half_op *quantise = half_pointwise(half, "quantise indexer", MEMORY_QUANTISE_ROW,
                                                  indexer->head_size, element + kept, 0.0);
        quantise->copies = indexer->heads;
        quantise->of_inference = true;
    }
    half_pointwise(half, "indexer append", MEMORY_KV_APPEND, indexer->head_size, element + kept,
                   0.0)
        ->of_inference = true;
}

/* Entries that a query of the slice sees, on average, at most so many; and the largest number. */
static double mean_seen(const struct sparse_core *core, const struct batch_slice *slice,
                        double most)
{
    return core->ratio == 0 ? 0.0
                            : mean_entries((double)slice->cached_tokens, (double)slice->new_tokens,
                                           core->ratio, most);
}

static double last_entries(const struct sparse_core *core, const struct batch_slice *slice)
{
    return core->ratio == 0
               ? 0.0
               : floor((double)(slice->cached_tokens + slice->new_tokens) / core->ratio);
}

static uint32_t ranks_of(const struct layer_builder *builder)
{
    return builder->replica->layout->context;
}

/* That one rank answers: its own of a prompt, all that decode. */
static double queries_of(const struct layer_builder *builder, const struct batch_slice *slice)
{
    uint32_t ranks = ranks_of(builder);
    return slice->phase == PHASE_DECODE ? slice->sequences * (double)slice->new_tokens
                                        : (double)slice_rank_tokens(slice, ranks);
}

/* Ranks among which the entries that a query sees are shared while they are read. */
static double shards_of(const struct layer_builder *builder, const struct batch_slice *slice)
{
    return slice->phase == PHASE_DECODE ? ranks_of(builder) : 1.0;
}

void sparse_bring(struct layer_builder *builder, const struct sparse_core *core,
                  const struct batch_slice *slice)
{
    uint32_t ranks = ranks_of(builder);
    if (ranks == 1) {
        return;
    }
    double tokens = (double)slice_rank_tokens(slice, ranks);
    if (slice->phase == PHASE_DECODE) {
        double indexer = (double)core->indexer->heads * core->indexer->head_size;
        double columns = (double)core->heads * core->groups * core->key_size;
        context_gather(builder, "gather queries",
                       tokens * (columns + indexer) * layer_activation_bytes(builder));
        return;
    }
    double cached = slice->sequences * (double)context_cached_tokens(slice->cached_tokens, ranks);
    context_gather(builder, "gather keys",
                   (tokens + cached) * (core->key_bytes * core->groups + indexer_key_bytes(core)));
}

void sparse_return(struct layer_builder *builder, const struct sparse_core *core,
                   const struct batch_slice *slice)
{
    uint32_t ranks = ranks_of(builder);
    if (ranks == 1 || slice->phase != PHASE_DECODE) {
        return;
    }
    uint64_t all = ranks * slice_rank_tokens(slice, ranks);
    uint64_t heads = (uint64_t)core->heads * core->groups, columns = heads * core->value_size;
    context_put_together(builder, all, heads, columns);
}

void sparse_choose(struct layer_builder *builder, const struct sparse_core *core,
                   const struct batch_slice *slice)
{
    const struct gpu *gpu = builder->replica->gpu;
    struct sparse_kernels library = sparse_kernels_of(core->family, gpu);
    const struct indexer *indexer = core->indexer;
    bool decode = slice->phase == PHASE_DECODE;
    double shards = shards_of(builder, slice);
    double entries = last_entries(core, slice) / shards;
    double block = indexer->block > 1 ? indexer->block : 1.0;
    struct indexer_shape shape = {
        .queries = queries_of(builder, slice),
        .pairs = queries_of(builder, slice) * mean_seen(core, slice, entries * shards) / shards,
        .keys = slice->sequences * entries,
        .heads = core->grouped ? core->groups : indexer->heads,
        .head_size = indexer->head_size,
        .key_bytes = indexer_key_bytes(core),
        .format = core->grouped ? FORMAT_BF16 : FORMAT_FP8,
        .pair_bytes = format_bytes(FORMAT_FP32) / block,
    };
    if (!decode) { /* keys of a prompt are read by many queries at once, and stay */
        shape.keys = slice->sequences * entries;
    }
    const struct kernel_variants *scores =
        decode ? &library.indexer_decode : &library.indexer_prefill;
    const struct kernel_variants *choice = decode ? &library.top_k_decode : &library.top_k_prefill;
    layer_kernel(builder, "indexer scores", indexer_work(gpu, &scores->wide, &shape));
    layer_kernel(builder, "top-k", top_k_work(gpu, &choice->wide, &shape, indexer->top_k));
    if (shards >
        1.0) { /* each rank's candidates, an index and a score, and the choice among them */
        double candidates = fmin(indexer->top_k, entries);
        context_gather(builder, "gather candidates",
                       shape.queries * candidates / block *
                           (sizeof(uint32_t) + format_bytes(FORMAT_FP32)));
        shape.pairs = shape.queries * candidates * shards;
        layer_kernel(builder, "top-k", top_k_work(gpu, &choice->wide, &shape, indexer->top_k));
    }
}

/* Queries go to a buffer with as many heads as the kernel's tile has rows, results come from one.
 */
static void pad_heads(struct layer_builder *builder, const struct sparse_core *core,
                      const struct batch_slice *slice)
{
    double rows = sparse_rows(builder->replica->gpu, core->heads);
    if (rows <= core->heads) {
        return;
    }
    double columns = rows * core->key_size;
    double moved = columns + core->heads * (double)(core->key_size + core->value_size);
    layer_memory(builder, "pad heads", MEMORY_COPY, (uint64_t)queries_of(builder, slice),
                 (uint64_t)columns, moved / columns * layer_activation_bytes(builder));
}

void sparse_attend(struct layer_builder *builder, const struct sparse_core *core,
                   const struct batch_slice *slice)
{
    const struct replica *replica = builder->replica;
    struct sparse_kernels library = sparse_kernels_of(core->family, replica->gpu);
    bool decode = slice->phase == PHASE_DECODE;
    bool narrow = format_bits(replica->precision->kv_cache) < 16.0;
    double entries = last_entries(core, slice);
    double most = core->indexer->heads > 0 ? core->indexer->top_k : entries;
    double window = core->window > 0 ? mean_entries((double)slice->cached_tokens,
                                                    (double)slice->new_tokens, 1.0, core->window)
                                     : 0.0;
    double shards = shards_of(builder, slice); /* of what was chosen each holds as much */
    struct sparse_shape shape = {
        .queries = queries_of(builder, slice),
        .keys = (mean_seen(core, slice, most) + window) / shards,
        .most_keys = (most + core->window) / shards,
        .heads = core->heads,
        .groups = core->groups,
        .key_size = core->key_size,
        .value_size = core->value_size,
        .key_bytes = core->key_bytes,
    };
    const struct kernel_constants *constants =
        kernel_variant(decode ? &library.decode : &library.prefill, narrow, core->heads);
    if (library.pads_heads) {
        pad_heads(builder, core, slice);
    }
    layer_kernel(builder, "attention",
                 core->grouped ? group_sparse_work(replica->gpu, constants, &shape)
                               : sparse_attention_work(replica->gpu, constants, &shape));
    layer_rest(builder, decode ? &library.decode_rest : &library.prefill_rest,
               (uint64_t)queries_of(builder, slice));
}
