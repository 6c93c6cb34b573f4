/* SPDX-License-Identifier: MIT
 * Multi-head, grouped-query and multi-query attention in a layer's passes. */
#include "models/layers/layer_rows.h"

#include "models/layers/sparse_core.h"

#include <math.h>

static uint64_t value_size(const struct gqa *gqa)
{
    return gqa->value_head_size > 0 ? gqa->value_head_size : gqa->head_size;
}

static struct attention_heads heads_of(const struct replica *replica, const struct mixer *mixer)
{
    const struct gqa *gqa = &mixer->gqa;
    return (struct attention_heads){
        .query_heads = replica_heads(replica, gqa->query_heads),
        .kv_heads = replica_heads(replica, gqa->kv_heads),
        /* The two products of attention cost alike, a key's size the one, a value's the other. */
        .head_size = (uint32_t)((gqa->head_size + value_size(gqa) + 1) / 2),
        .reach = gqa,
    };
}

/* Where the keys lie among the pieces of qkv: after queries and gate. */
static uint32_t key_piece(const struct gqa *gqa)
{
    return gqa->gated_output ? 2 : 1;
}

static void gqa_half(const struct replica *replica, const struct mixer *mixer, struct half *half)
{
    const struct gqa *gqa = &mixer->gqa;
    double element = format_bytes(replica->precision->activations);
    struct attention_heads heads = heads_of(replica, mixer);
    uint64_t query_columns = (uint64_t)heads.query_heads * gqa->head_size;
    uint64_t key_columns = gqa->borrows_cache ? 0 : (uint64_t)heads.kv_heads * gqa->head_size;
    struct weight_list list = {.count = 0};
    mixer_rows[MIXER_GQA]->weights(mixer, replica->llm->hidden, &list);

    struct half_op *qkv = half_product(half, &list, "qkv", true);
    if (key_columns > 0) {
        qkv->again = AGAIN_PIECE;
        qkv->again_piece = key_piece(gqa);
        qkv->again_name = "key";
    }
    /* Joined with the rotation where neighbours are; a training framework's own are its layer's. */
    if (gqa->norm != QK_NORM_NONE && !replica->software->fused_kernels) {
        half_pointwise(half, "query and key norm", MEMORY_ROPE, query_columns + key_columns,
                       2.0 * element, 0.0)
            ->of_inference = true;
    }
    if (!gqa->plain_position) {
        struct half_op *rope = half_pointwise(
            half, "rope", MEMORY_ROPE, query_columns + key_columns, 2.0 * element, 2.0 * element);
        rope->pointwise = POINTWISE_ROPE;
    }
    double cached = mixer_rows[MIXER_GQA]->cache(mixer).token_elements;
    if (cached > 0.0) {
        uint64_t columns = heads.kv_heads * (uint64_t)(cached / gqa->kv_heads);
        double kept = precision_cache_bytes(replica->precision, gqa->head_size) / gqa->head_size;
        struct half_op *append =
            half_pointwise(half, "kv append", MEMORY_KV_APPEND, columns, element + kept, 0.0);
        append->of_inference = true;
        /* Modules of sparse attention were measured with theirs in what else they take. */
        append->row_seconds =
            gqa->indexer.heads > 0 ? 0.0 : replica->software->append_token_seconds;
    }
    if (gqa->indexer.heads > 0) {
        sparse_indexer_half(replica, &gqa->indexer, &list, true, half);
    }
    half_core(half, "attention", mixer);
    if (gqa->gated_output) { /* a gate and a result in, one out */
        half_pointwise(half, "output gate", MEMORY_SWIGLU, heads.query_heads * value_size(gqa),
                       3.0 * element, 5.0 * element);
    }
    half_product(half, &list, "out", false)->again = AGAIN_WHOLE;
}

/* Of what an indexer chose, a key-value head at a time. */
static void sparse_slice(struct layer_builder *builder, const struct gqa *gqa,
                         const struct attention_heads *heads, const struct batch_slice *slice)
{
    const struct precision *precision = builder->replica->precision;
    struct sparse_core core = {
        .family = &builder->replica->software->kernels.mixers.group_sparse,
        .indexer = &gqa->indexer,
        .ratio = 1,
        .heads = heads->query_heads / heads->kv_heads,
        .groups = heads->kv_heads,
        .key_size = gqa->head_size,
        .value_size = (uint32_t)value_size(gqa),
        .key_bytes = precision_cache_bytes(precision, gqa->head_size) +
                     precision_cache_bytes(precision, (double)value_size(gqa)),
        .grouped = true,
    };
    sparse_bring(builder, &core, slice);
    sparse_choose(builder, &core, slice);
    sparse_attend(builder, &core, slice);
    sparse_return(builder, &core, slice);
}

static void gqa_infer(struct layer_builder *builder, const struct mixer *mixer)
{
    struct attention_heads heads = heads_of(builder->replica, mixer);
    for (uint32_t i = 0; i < builder->batch->slice_count; i++) {
        const struct batch_slice *slice = &builder->batch->slices[i];
        if (mixer->gqa.indexer.heads > 0) {
            sparse_slice(builder, &mixer->gqa, &heads, slice);
        } else {
            layer_attention(builder, slice, &heads);
        }
    }
}

static void gqa_train(struct train_builder *builder, const struct mixer *mixer, bool backward)
{
    struct attention_heads heads = heads_of(builder->training->replica, mixer);
    train_attention(builder, &heads, backward);
}

static double gqa_working_bytes(const struct replica *replica, const struct mixer *mixer,
                                const struct batch *batch, enum ring_variant variant, double tokens)
{
    struct attention_heads heads = heads_of(replica, mixer);
    double element = format_bytes(replica->precision->activations);
    double columns = (heads.query_heads + 2.0 * heads.kv_heads) * heads.head_size;
    return tokens * 2.0 * columns * element +
           layer_ring_bytes(replica, &heads, batch,
                            mixer->gqa.indexer.heads > 0 ? RING_ALL_GATHER : variant, tokens);
}

/* The core: a log-sum-exp a head and a random state; written out, the scores' softmax (with dropout
 * its mask and what that left), and one mask of what is to come for all heads. */
static void keep_core(const struct layer_training *training, double query_heads, double element,
                      unsigned listed, struct kept *kept)
{
    static const double random_state_bytes = 24.0;
    double keys = (double)training->sequence_tokens;
    if (!training->replica->software->training.written_scores) {
        unsigned under = UNDER_NONE | UNDER_OPERATORS;
        kept_add(kept, KEPT_ATTENTION, under, query_heads * sizeof(float));
        kept_add_layer(kept, under, random_state_bytes);
        return;
    }
    kept_add(kept, KEPT_ATTENTION, UNDER_NONE | listed, query_heads * keys * element);
    if (training->dropout) {
        kept_add(kept, KEPT_ATTENTION, UNDER_NONE, query_heads * keys * (1.0 + element));
    }
    kept_add_sequence(kept, UNDER_NONE, keys);
}

/* torchtitan's list has every second product: query, value; a product with a bias is another
 * operator, which its later list has and its first has not. Attention's result is on it, unless the
 * scores are written out and it is a product of batches, on the later list as well. */
static void gqa_kept(const struct layer_training *training, const struct mixer *mixer,
                     struct kept *kept)
{
    const struct replica *replica = training->replica;
    const struct training_software *stack = &replica->software->training;
    const struct gqa *gqa = &mixer->gqa;
    struct attention_heads heads = heads_of(replica, mixer);
    struct number number = replica->precision->attention_weights;
    double element = format_bytes(replica->precision->activations);
    double query = element * heads.query_heads * heads.head_size;
    double kv = element * heads.kv_heads * heads.head_size;
    unsigned biased = stack->listed_biased ? UNDER_OPERATORS : 0;
    unsigned first = gqa->query_bias ? biased : UNDER_OPERATORS;
    unsigned second = gqa->query_bias ? biased : 0;
    bool turned = !gqa->plain_position, normed = gqa->norm != QK_NORM_NONE;

    train_keep_input(training, number, stack->autocast ? 3.0 : 1.0, kept);
    unsigned as_made = turned && !normed ? 0 : UNDER_PLAIN;
    kept_add(kept, KEPT_QKV, as_made | first, query);
    kept_add(kept, KEPT_QKV, as_made | second, kv);
    kept_add(kept, KEPT_QKV, UNDER_PLAIN | first, kv);
    if (turned) {
        kept_add(kept, KEPT_ROPE, UNDER_PLAIN, query + kv);
    }
    if (normed) { /* statistics a head; its rotary embedding keeps sine and cosine */
        kept_add(kept, KEPT_NORMS, UNDER_PLAIN,
                 sizeof(float) * (double)(heads.query_heads + heads.kv_heads));
        kept_add_sequence(kept, turned ? UNDER_PLAIN : 0, 2.0 * element * heads.head_size);
    }
    /* Its result: attention's own gradient wants it as it was computed. */
    bool listed = !stack->written_scores || stack->listed_biased;
    kept_add(kept, KEPT_ATTENTION, UNDER_PLAIN | (listed ? UNDER_OPERATORS : 0), query);
    kept_add(kept, KEPT_ATTENTION, UNDER_PLAIN,
             query / element * train_copy_bytes(training, number));
    keep_core(training, heads.query_heads, element, biased, kept);
    kept_add(kept, KEPT_OUT, gqa->out_bias ? biased : 0, element * replica->llm->hidden);
}

const struct mixer_passes mixer_gqa_passes = {
    .half = gqa_half,
    .infer = gqa_infer,
    .train = gqa_train,
    .working_bytes = gqa_working_bytes,
    .kept = gqa_kept,
};
