/* SPDX-License-Identifier: MIT
 * Multi-head latent attention in a layer's passes. Tensor ranks share heads; each holds the down
 * projections and the latent cache whole. Prefill makes keys and values of all heads from the
 * latent vectors; decode brings queries to the latent vectors' side instead and reads the cache
 * once for all heads. Round a ring of context ranks go latent vectors: rank + rope a token. */
#include "models/layers/layer_rows.h"

#include "models/kernels/kernel_default.h"
#include "models/kernels/latent_attention.h"
#include "models/layers/context_policy.h"
#include "models/layers/sparse_core.h"

#include <math.h>

static uint64_t key_size(const struct latent *latent)
{
    return (uint64_t)latent->nope_size + latent->rope_size;
}

static uint64_t latent_size(const struct latent *latent)
{
    return (uint64_t)latent->kv_rank + latent->rope_size;
}

static void norm(struct half *half, const char *name, uint64_t columns, double element)
{
    half_pointwise(half, name, MEMORY_ADD_RMSNORM, columns, 2.0 * element, 4.0 * element)
        ->cheap_again = true;
}

static void latent_half(const struct replica *replica, const struct mixer *mixer, struct half *half)
{
    static const char *const down[] = {"query down", "kv down", NULL};
    const struct latent *latent = &mixer->latent;
    double element = format_bytes(replica->precision->activations);
    uint64_t heads = replica_heads(replica, latent->query_heads);
    struct weight_list list = {.count = 0};
    mixer_rows[MIXER_LATENT]->weights(mixer, replica->llm->hidden, &list);

    half_joined(half, &list, latent->query_rank > 0 ? "query+kv down" : "kv down", down, true);
    if (latent->query_rank > 0) {
        norm(half, "query norm", latent->query_rank, element);
        half_product(half, &list, "query up", true)->cheap_again = true;
    } else {
        half_product(half, &list, "query", true);
    }
    norm(half, "kv norm", latent->kv_rank, element);
    struct half_op *rope = half_pointwise(
        half, "rope", MEMORY_ROPE, (heads + 1) * latent->rope_size, 2.0 * element, 2.0 * element);
    rope->pointwise = POINTWISE_ROPE;
    rope->cheap_again = latent->query_rank > 0;
    double kept = precision_cache_bytes(replica->precision, (double)latent_size(latent)) /
                  (double)latent_size(latent);
    half_pointwise(half, "kv append", MEMORY_KV_APPEND, latent_size(latent), element + kept, 0.0)
        ->of_inference = true;
    if (latent->indexer.heads > 0) {
        sparse_indexer_half(replica, &latent->indexer, &list, false, half);
    }
    struct half_op *up = half_product(half, &list, "kv up", true);
    up->of_training = up->cheap_again = true;
    half_core(half, "attention", mixer);
    if (weights_find(&list, "gate") != NULL) {
        half_product(half, &list, "gate", false);
        half_pointwise(half, "output gate", MEMORY_SWIGLU, heads * latent->value_head_size,
                       3.0 * element, 5.0 * element);
    }
    half_product(half, &list, "out", false)->again = AGAIN_WHOLE;
}

/* What the slices of a batch have in common. */
struct latent_core {
    struct layer_builder *builder;
    const struct latent *latent;
    struct latent_kernels library;
    uint32_t heads;
    bool narrow; /* the cache has 8 bits or fewer */
};

static struct latent_shape shape_of(const struct latent_core *core, uint64_t sequences,
                                    uint64_t queries, uint64_t keys, bool absorbed)
{
    const struct latent *latent = core->latent;
    bool casts = core->narrow && core->library.casts_cache;
    uint64_t window = latent->window > queries ? latent->window : queries;
    uint64_t seen = latent->window > 0 && window < keys ? window : keys;
    return (struct latent_shape){
        .sequences = sequences,
        .queries = queries,
        .keys = seen,
        .heads = core->heads,
        .rank = latent->kv_rank,
        .rope = latent->rope_size,
        .nope = latent->nope_size,
        .value = latent->value_head_size,
        .absorbed = absorbed,
        .cache = absorbed && !casts ? core->builder->replica->precision->kv_cache : FORMAT_BF16,
    };
}

/* What a narrow cache costs beside attention: a cast of all of it where the library has no kernel
 * for it. */
static void cast_cache(const struct latent_core *core, uint64_t tokens)
{
    if (core->narrow && core->library.casts_cache) {
        const struct precision *precision = core->builder->replica->precision;
        layer_append(core->builder, step_memory_operator("cast cache", MEMORY_DEQUANTISE, tokens,
                                                         latent_size(core->latent),
                                                         format_bytes(precision->kv_cache) +
                                                             layer_activation_bytes(core->builder),
                                                         false));
    }
}

static void absorbed_attention(const struct latent_core *core, const struct kernel_variants *kernel,
                               uint64_t sequences, uint64_t queries, uint64_t keys)
{
    const struct gpu *gpu = core->builder->replica->gpu;
    struct latent_shape shape = shape_of(core, sequences, queries, keys, true);
    bool narrow = core->narrow && !core->library.casts_cache;
    cast_cache(core, sequences * keys);
    layer_kernel(core->builder, "attention",
                 latent_attention_work(gpu, kernel_variant(kernel, narrow, core->heads), &shape));
}

/* Queries to the latent side, attention over the cache, results back. */
static void absorbed_slice(const struct latent_core *core, const struct batch_slice *slice,
                           const struct kernel_variants *kernel)
{
    struct layer_builder *builder = core->builder;
    const struct latent *latent = core->latent;
    uint64_t tokens = slice->sequences * slice->new_tokens, heads = core->heads;
    layer_plain_product(builder, "absorb keys", tokens, heads * latent->kv_rank, latent->nope_size);
    absorbed_attention(core, kernel, slice->sequences, slice->new_tokens,
                       slice->cached_tokens + slice->new_tokens);
    layer_plain_product(builder, "absorb values", tokens, heads * latent->value_head_size,
                        latent->kv_rank);
}

/* Keys and values of `tokens` in all heads, beside the part that they share. */
static void expand(const struct latent_core *core, uint64_t tokens)
{
    struct layer_builder *builder = core->builder;
    const struct latent *latent = core->latent;
    uint64_t columns =
        (uint64_t)core->heads * ((uint64_t)latent->nope_size + latent->value_head_size);
    struct layer_matrices matrices = {.rows = tokens, .columns = columns, .depth = latent->kv_rank};
    layer_product(builder, "kv up", matrices, builder->precision->attention_weights, true);
    layer_memory(builder, "join keys", MEMORY_COPY, tokens, core->heads * key_size(latent),
                 2.0 * layer_activation_bytes(builder));
}

static void expanded_attention(const struct latent_core *core, uint64_t sequences, uint64_t queries,
                               uint64_t keys)
{
    struct layer_builder *builder = core->builder;
    const struct latent *latent = core->latent;
    const struct kernel_variants *kernel = &core->library.expanded;
    bool narrow = core->narrow && kernel->narrow.start_seconds > 0.0;
    if (narrow) { /* queries, keys and values of all heads */
        layer_memory(builder, "quantise heads", MEMORY_QUANTISE_ROW, sequences * keys * core->heads,
                     2 * key_size(latent) + latent->value_head_size,
                     layer_activation_bytes(builder) + format_bytes(FORMAT_FP8));
    }
    struct latent_shape shape = shape_of(core, sequences, queries, keys, false);
    layer_kernel(builder, "attention",
                 latent_attention_work(builder->replica->gpu,
                                       kernel_variant(kernel, narrow, core->heads), &shape));
}

static void expanded_slice(const struct latent_core *core, const struct batch_slice *slice)
{
    uint64_t keys = slice->cached_tokens + slice->new_tokens;
    expand(core, slice->sequences * keys);
    expanded_attention(core, slice->sequences, slice->new_tokens, keys);
}

/* FLOPs of both ways; absorbed attention's products have wider heads, expanded makes keys and
 * values of all tokens first. */
static bool absorbed_is_cheaper(const struct latent *latent, const struct batch_slice *slice)
{
    double queries = (double)slice->new_tokens;
    double keys = (double)(slice->cached_tokens + slice->new_tokens);
    double pairs = queries * (keys - 0.5 * (queries - 1.0));
    double rank = latent->kv_rank;
    double up = rank * ((double)latent->nope_size + latent->value_head_size);
    double expanded = keys * up + pairs * ((double)key_size(latent) + latent->value_head_size);
    double absorbed = queries * up + pairs * (2.0 * rank + latent->rope_size);
    return absorbed < expanded;
}

static bool runs_absorbed(const struct latent_core *core, const struct batch_slice *slice)
{
    if (slice->phase == PHASE_DECODE) {
        return true;
    }
    uint32_t most = core->narrow && core->library.narrow_absorbed_tokens > 0
                        ? core->library.narrow_absorbed_tokens
                        : core->library.absorbed_tokens;
    return most > 0 ? slice->new_tokens <= most : absorbed_is_cheaper(core->latent, slice);
}

/* --- a ring of context ranks --- */

/* An exchange whose next shard travels while this one is worked on. */
static void prefill_ring(const struct latent_core *core, const struct batch_slice *slice)
{
    struct layer_builder *builder = core->builder;
    uint32_t ranks = builder->replica->layout->context;
    uint64_t queries = context_prefill_tokens(slice->new_tokens, ranks);
    uint64_t cached = context_cached_tokens(slice->cached_tokens, ranks);
    double bytes =
        (double)slice->sequences * (double)(queries + cached) *
        precision_hop_bytes(builder->replica->precision, (double)latent_size(core->latent));
    double element = layer_activation_bytes(builder);
    uint32_t arrived = STEP_NO_OPERATOR;
    for (uint32_t i = 0; i < ranks; i++) {
        uint32_t ready = builder->last, here = arrived;
        if (i + 1 < ranks) {
            arrived = step_append(builder->segment, context_hop(builder, i + 1, bytes),
                                  i == 0 ? ready : here, STEP_NO_OPERATOR);
        }
        if (here != STEP_NO_OPERATOR) { /* what comes next waits for the shard too */
            builder->last =
                step_append(builder->segment, step_host_operator("shard", i, 0.0), ready, here);
        }
        uint64_t keys = context_ring_keys(slice->new_tokens, slice->cached_tokens, ranks, i);
        expand(core, slice->sequences * keys);
        /* Half of a shard's new keys on average: as many pairs as of the rank's own, causal. */
        expanded_attention(core, slice->sequences, queries, cached + queries);
    }
    uint64_t columns = (uint64_t)core->heads * core->latent->value_head_size;
    layer_memory(builder, "merge", MEMORY_MERGE, slice->sequences * queries, columns,
                 (ranks + 1.0) * element);
}

/* Each rank's queries visit all shards of the cache; what they made there goes home at the end. */
static void decode_ring(const struct latent_core *core, const struct batch_slice *slice)
{
    struct layer_builder *builder = core->builder;
    const struct latent *latent = core->latent;
    uint32_t ranks = builder->replica->layout->context;
    uint64_t queries = context_decode_tokens(slice->sequences, ranks), heads = core->heads;
    uint64_t keys = context_cached_tokens(slice->cached_tokens + 1, ranks);
    double element = format_bytes(precision_query_hops(builder->replica->precision));
    layer_host(builder, "decode ring", builder->replica->software->decode_ring_seconds);
    layer_plain_product(builder, "absorb keys", queries, heads * latent->kv_rank,
                        latent->nope_size);
    double bytes = (double)queries * (double)(heads * latent_size(latent)) * element;
    for (uint32_t i = 0; i < ranks; i++) {
        if (i > 0) {
            layer_append(builder, context_hop(builder, i, bytes));
        }
        absorbed_attention(core, &core->library.decode, queries, 1, keys);
    }
    double partial = (double)(queries * heads) *
                     (latent->kv_rank * layer_activation_bytes(builder) + sizeof(float));
    layer_append(builder, layer_collective(builder, "all-to-all", GROUP_CONTEXT,
                                           COLLECTIVE_ALL_TO_ALL, ranks * partial));
    layer_memory(builder, "merge", MEMORY_MERGE, queries, heads * latent->kv_rank,
                 (ranks + 1.0) * layer_activation_bytes(builder));
    layer_plain_product(builder, "absorb values", queries, heads * latent->value_head_size,
                        latent->kv_rank);
}

/* --- gathers in place of a ring --- */

/* Every rank makes keys and values of all tokens and attends in one call; latent vectors are
 * smaller than queries, so tree attention gathers them too in prefill. Of the keys a query sees all
 * cached ones and, over its rank's two chunks, half of the new ones: as many pairs as if its rank's
 * queries came last over so many keys. */
static void prefill_gather(const struct latent_core *core, const struct batch_slice *slice)
{
    struct layer_builder *builder = core->builder;
    uint32_t ranks = builder->replica->layout->context;
    uint64_t queries = context_prefill_tokens(slice->new_tokens, ranks);
    uint64_t cached = context_cached_tokens(slice->cached_tokens, ranks);
    context_gather(
        builder, "gather keys",
        (double)slice->sequences * (double)(queries + cached) *
            precision_hop_bytes(builder->replica->precision, (double)latent_size(core->latent)));
    expand(core, slice->sequences * (slice->cached_tokens + slice->new_tokens));
    expanded_attention(core, slice->sequences, queries,
                       slice->cached_tokens + divide_up(slice->new_tokens + queries, 2));
}

/* Absorbed queries of all ranks meet a rank's share of the cache. */
static void decode_gather(const struct latent_core *core, const struct batch_slice *slice)
{
    struct layer_builder *builder = core->builder;
    const struct latent *latent = core->latent;
    uint32_t ranks = builder->replica->layout->context;
    uint64_t own = slice_rank_tokens(slice, ranks), all = ranks * own, heads = core->heads;
    double element = format_bytes(precision_query_hops(builder->replica->precision));
    layer_host(builder, "decode ring", builder->replica->software->decode_ring_seconds);
    layer_plain_product(builder, "absorb keys", own, heads * latent->kv_rank, latent->nope_size);
    context_gather(builder, "gather queries",
                   (double)(own * heads * latent_size(latent)) * element);
    absorbed_attention(core, &core->library.decode, slice->sequences * slice->new_tokens, 1,
                       context_cached_tokens(slice->cached_tokens + 1, ranks));
    if (builder->variant == RING_TREE) {
        context_reduce(builder, slice->sequences * slice->new_tokens, heads,
                       heads * latent->kv_rank, COLLECTIVE_ALL_REDUCE);
    } else {
        context_put_together(builder, all, heads, heads * latent->kv_rank);
    }
    layer_plain_product(builder, "absorb values", own, heads * latent->value_head_size,
                        latent->kv_rank);
}

static void shared_slice(const struct latent_core *core, const struct batch_slice *slice)
{
    bool decode = slice->phase == PHASE_DECODE;
    enum ring_variant variant = core->builder->variant;
    if (variant == RING_ALL_GATHER || variant == RING_TREE) {
        (decode ? decode_gather : prefill_gather)(core, slice);
    } else {
        (decode ? decode_ring : prefill_ring)(core, slice);
    }
}

/* --- passes --- */

static bool is_sparse(const struct replica *replica, const struct latent *latent,
                      const struct batch_slice *slice)
{
    uint64_t keys = slice->cached_tokens + slice->new_tokens;
    uint64_t dense = replica->software->kernels.mixers.sparse.dense_tokens;
    return latent->indexer.heads > 0 && (slice->phase == PHASE_DECODE || keys > dense);
}

static void sparse_slice(const struct latent_core *core, const struct batch_slice *slice)
{
    struct layer_builder *builder = core->builder;
    const struct latent *latent = core->latent;
    uint64_t tokens = slice_rank_tokens(slice, builder->replica->layout->context);
    uint64_t heads = core->heads;
    bool shared = builder->replica->layout->context > 1;
    struct sparse_core sparse = {
        .family = &builder->replica->software->kernels.mixers.sparse,
        .indexer = &latent->indexer,
        .ratio = 1,
        .heads = core->heads,
        .groups = 1,
        .key_size = (uint32_t)latent_size(latent),
        .value_size = latent->kv_rank,
        .key_bytes =
            precision_cache_bytes(builder->replica->precision, (double)latent_size(latent)),
    };
    if (!shared) {
        sparse_choose(builder, &sparse, slice);
    }
    layer_plain_product(builder, "absorb keys", tokens, heads * latent->kv_rank, latent->nope_size);
    if (shared) { /* absorbed queries travel with the indexer's */
        sparse_bring(builder, &sparse, slice);
        sparse_choose(builder, &sparse, slice);
    }
    sparse_attend(builder, &sparse, slice);
    sparse_return(builder, &sparse, slice);
    layer_plain_product(builder, "absorb values", tokens, heads * latent->value_head_size,
                        latent->kv_rank);
}

static void latent_infer(struct layer_builder *builder, const struct mixer *mixer)
{
    const struct replica *replica = builder->replica;
    const struct latent *latent = &mixer->latent;
    struct latent_core core = {
        .builder = builder,
        .latent = latent,
        .library = latent_kernels_of(&replica->software->kernels.mixers.latent, replica->gpu),
        .heads = replica_heads(replica, latent->query_heads),
        .narrow = format_bits(replica->precision->kv_cache) < 16.0,
    };
    for (uint32_t i = 0; i < builder->batch->slice_count; i++) {
        const struct batch_slice *slice = &builder->batch->slices[i];
        bool decode = slice->phase == PHASE_DECODE;
        if (is_sparse(replica, latent, slice)) {
            sparse_slice(&core, slice);
            continue; /* it has a rest of its own */
        }
        if (replica->layout->context > 1) {
            shared_slice(&core, slice);
        } else if (runs_absorbed(&core, slice)) {
            absorbed_slice(&core, slice, decode ? &core.library.decode : &core.library.absorbed);
        } else {
            expanded_slice(&core, slice);
        }
        layer_rest(builder, decode ? &core.library.decode_rest : &core.library.prefill_rest,
                   slice_rank_tokens(slice, replica->layout->context));
    }
}

/* Heads of key and value sizes together as large. */
static struct attention_heads training_heads(const struct replica *replica,
                                             const struct latent *latent)
{
    uint32_t heads = replica_heads(replica, latent->query_heads);
    return (struct attention_heads){
        .query_heads = heads,
        .kv_heads = heads,
        .head_size = (uint32_t)((key_size(latent) + latent->value_head_size + 1) / 2),
    };
}

static void latent_train(struct train_builder *builder, const struct mixer *mixer, bool backward)
{
    struct attention_heads heads = training_heads(builder->training->replica, &mixer->latent);
    train_attention(builder, &heads, backward);
}

/* Queries, keys, values and results of all heads; of cached tokens keys and values are made too. */
static double latent_working_bytes(const struct replica *replica, const struct mixer *mixer,
                                   const struct batch *batch, enum ring_variant variant,
                                   double tokens)
{
    const struct latent *latent = &mixer->latent;
    double element = format_bytes(replica->precision->activations);
    double heads = replica_heads(replica, latent->query_heads);
    double key = (double)key_size(latent), value = latent->value_head_size;
    double cached = 0.0;
    for (uint32_t i = 0; i < batch->slice_count; i++) {
        const struct batch_slice *slice = &batch->slices[i];
        if (slice->phase == PHASE_PREFILL) {
            cached += slice->sequences *
                      (double)context_cached_tokens(slice->cached_tokens, replica->layout->context);
        }
    }
    double ranks = replica->layout->context, all = tokens + cached;
    double shard =
        all * precision_hop_bytes(replica->precision, (double)latent_size(latent)); /* travels */
    double own = heads * element * (tokens * (2.0 * key + 2.0 * value) + cached * (key + value));
    if (latent->indexer.heads > 0) { /* what is gathered is chosen from, not expanded */
        return own + (ranks > 1.0 ? ranks * shard : 0.0);
    }
    bool gathers = variant == RING_ALL_GATHER || variant == RING_TREE;
    double expanded = gathers ? (ranks - 1.0) * all * heads * element * (key + value) : 0.0;
    return own + expanded + (ranks > 1.0 ? (gathers ? ranks : 2.0) * shard : 0.0);
}

/* Inputs of the products, what norms took and gave, queries, keys, values and results of all
 * heads, a log-sum-exp a head. */
static void latent_kept(const struct layer_training *training, const struct mixer *mixer,
                        struct kept *kept)
{
    const struct replica *replica = training->replica;
    const struct latent *latent = &mixer->latent;
    struct number number = replica->precision->attention_weights;
    double element = format_bytes(replica->precision->activations);
    double heads = replica_heads(replica, latent->query_heads);
    double key = heads * (double)key_size(latent), value = heads * latent->value_head_size;
    double ranks = (double)latent->query_rank + latent->kv_rank;
    train_keep_input(training, number, 1.0, kept);
    /* Without a latent of queries these are the first product's, not an up-projection's. */
    unsigned queries = latent->query_rank > 0 ? CHEAP_AGAIN : 0;
    kept_add(kept, KEPT_NORMS, UNDER_PLAIN, ranks * element);
    kept_add(kept, KEPT_NORMS, UNDER_PLAIN | CHEAP_AGAIN,
             ranks * train_kept_bytes(training, number));
    kept_add(kept, KEPT_QKV, UNDER_LISTED | CHEAP_AGAIN, (key + value) * element);
    kept_add(kept, KEPT_ROPE, UNDER_PLAIN | queries, key * element);
    kept_add(kept, KEPT_ATTENTION, UNDER_LISTED, value * element);
    kept_add(kept, KEPT_ATTENTION, UNDER_PLAIN, value * train_copy_bytes(training, number));
    kept_add(kept, KEPT_ATTENTION, UNDER_NONE | UNDER_OPERATORS, heads * sizeof(float));
}

const struct mixer_passes mixer_latent_passes = {
    .half = latent_half,
    .infer = latent_infer,
    .train = latent_train,
    .working_bytes = latent_working_bytes,
    .kept = latent_kept,
};
