/* SPDX-License-Identifier: MIT
 * What a layer's passes in training keep, and its parameters, on one rank. */
#include "models/layers/layer_rows.h"

#include <math.h>

double train_residual(const struct layer_training *training)
{
    double hidden = training->replica->llm->hidden;
    return training->sequence_parallel ? hidden / training->replica->layout->tensor : hidden;
}

enum recompute train_recompute(const struct layer_training *training)
{
    if (training->recompute != RECOMPUTE_SELECTIVE) {
        return training->recompute;
    }
    return training->replica->software->training.selective == SELECTIVE_PRODUCTS
               ? RECOMPUTE_OPERATORS
               : RECOMPUTE_ATTENTION;
}

static double element_bytes(const struct layer_training *training)
{
    return format_bytes(training->replica->precision->activations);
}

double train_kept_bytes(const struct layer_training *training, struct number number)
{
    enum format activations = training->replica->precision->activations;
    return fmin(
        element_bytes(training),
        format_bytes(precision_product(training->replica->gpu, number, activations).compute));
}

double train_copy_bytes(const struct layer_training *training, struct number number)
{
    double kept = train_kept_bytes(training, number);
    return kept < element_bytes(training) ? kept : 0.0;
}

static double tokens_of(const struct layer_training *training)
{
    return (double)(training->micro_batch *
                    context_prefill_tokens(training->sequence_tokens,
                                           training->replica->layout->context));
}

void train_keep_input(const struct layer_training *training, struct number number, double copies,
                      struct kept *kept)
{
    bool gathered =
        training->sequence_parallel && training->replica->software->training.gathered_inputs;
    double elements = gathered ? training->replica->llm->hidden : train_residual(training);
    kept_add(kept, gathered ? KEPT_COLLECTIVES : KEPT_NORMS, UNDER_PLAIN | CHEAP_AGAIN,
             copies * elements * train_kept_bytes(training, number));
}

/* Around half `index`: the stream that its norm reads, the norm's statistics (a root mean square,
 * or mean and deviation), and what comes behind it. */
static void keep_around(const struct layer_training *training, const struct layer_kind *kind,
                        int index, struct kept *kept)
{
    const struct training_software *stack = &training->replica->software->training;
    double element = element_bytes(training), residual = train_residual(training);
    bool again = kept->recompute == RECOMPUTE_FULL || kept->recompute == RECOMPUTE_OPERATORS;
    double stream = stack->autocast && !again ? sizeof(float) : element;
    double statistics = (kind->norm_bias ? 2.0 : 1.0) * sizeof(float);
    unsigned under = index == 0 ? UNDER_ALL : UNDER_PLAIN;
    if (stack->norm_pieces && !again) { /* a copy in fp32, and it scaled, in the stream's place */
        kept_add(kept, KEPT_NORMS, UNDER_PLAIN, residual * (sizeof(float) + element));
    } else {
        kept_add(kept, index == 0 ? KEPT_INPUT : KEPT_RESIDUAL, under, residual * stream);
    }
    kept_add(kept, KEPT_NORMS, UNDER_PLAIN, statistics * residual / training->replica->llm->hidden);
    if (training->dropout) { /* a byte an element */
        kept_add(kept, index == 0 ? KEPT_OUT : KEPT_DOWN, UNDER_PLAIN, residual);
    }
    if (training->sequence_parallel) {
        kept_add(kept, KEPT_COLLECTIVES, UNDER_OPERATORS, residual * element);
    }
}

struct kept train_layer_kept(const struct layer_training *training, const struct layer_kind *kind,
                             enum recompute recompute)
{
    struct kept kept = {.recompute = recompute};
    bool mixes = false, parallel = kind->residual == RESIDUAL_PARALLEL;
    for (uint32_t i = 0; i < kind->mixer_count; i++) {
        const struct mixer *mixer = &kind->mixers[i];
        if (mixer->kind != MIXER_NONE) {
            mixer_passes[mixer->kind]->kept(training, mixer, &kept);
            mixes = true;
        }
    }
    if (mixes) {
        keep_around(training, kind, 0, &kept);
    }
    const struct ffn *const ffns[] = {&kind->ffn, &kind->beside};
    bool blocks = false;
    for (int i = 0; i < 2; i++) {
        if (ffns[i]->kind != FFN_NONE) {
            ffn_passes[ffns[i]->kind]->kept(training, ffns[i], &kept);
            blocks = true;
        }
    }
    if (blocks && !(mixes && parallel)) {
        keep_around(training, kind, mixes ? 1 : 0, &kept);
    }
    return kept;
}

double train_kept_total(const struct layer_training *training, const struct kept *kept)
{
    return tokens_of(training) * kept_token_bytes(kept) + kept->layer_bytes +
           (double)training->sequence_tokens * kept->sequence_bytes;
}

double train_layer_kept_bytes(const struct layer_training *training, const struct layer_kind *kind)
{
    struct kept kept = train_layer_kept(training, kind, train_recompute(training));
    return train_kept_total(training, &kept);
}

double train_layer_full_bytes(const struct layer_training *training, const struct layer_kind *kind)
{
    struct kept kept = train_layer_kept(training, kind, RECOMPUTE_NONE);
    return train_kept_total(training, &kept);
}

static double rows_per_token(const struct layer_training *training, const struct half_op *op)
{
    double tokens = tokens_of(training);
    struct half_counts counts = half_counts(training->replica, tokens);
    return (double)half_rows(training->replica, op, counts) / tokens;
}

double train_layer_waiting_bytes(const struct layer_training *training,
                                 const struct layer_kind *kind)
{
    const struct replica *replica = training->replica;
    struct half halves[LAYER_HALVES];
    layer_halves(replica, kind, halves);
    double elements = kind->norms * train_residual(training);
    for (int i = 0; i < LAYER_HALVES; i++) {
        for (uint32_t j = 0; j < halves[i].count; j++) {
            const struct half_op *op = &halves[i].ops[j];
            if (op->kind == HALF_PRODUCT) {
                elements += op->weight.split == SPLIT_DEPTH
                                ? train_residual(training)
                                : rows_per_token(training, op) *
                                      (double)weight_columns(
                                          &op->weight, half_weight_ranks(replica, &op->weight));
            }
        }
    }
    return tokens_of(training) * element_bytes(training) * elements;
}

static double parameters_of(const struct replica *replica, const struct layer_kind *kind,
                            bool experts_alone)
{
    struct weight_list list;
    layer_kind_weights(kind, replica->llm->hidden, &list);
    double parameters = 0.0;
    for (uint32_t i = 0; i < list.count; i++) {
        const struct weight *weight = &list.items[i];
        uint32_t ranks = half_weight_ranks(replica, weight);
        bool counts = !weight->borrowed && (!experts_alone || weight->experts.count > 0);
        parameters += counts ? half_weight_copies(replica, weight) *
                                   (double)weight_columns(weight, ranks) *
                                   (double)weight_depth(weight, ranks)
                             : 0.0;
    }
    return parameters;
}

double train_layer_parameters(const struct replica *replica, const struct layer_kind *kind)
{
    return parameters_of(replica, kind, false);
}

double train_layer_expert_parameters(const struct replica *replica, const struct layer_kind *kind)
{
    return layout_experts(replica->layout) > 1 ? parameters_of(replica, kind, true) : 0.0;
}

/* depth x r and r x columns. */
double train_adapter_parameters(const struct layer_training *training,
                                const struct layer_kind *kind)
{
    uint32_t ranks = half_ranks(training->replica);
    struct weight_list list;
    layer_kind_weights(kind, training->replica->llm->hidden, &list);
    double sides = 0.0;
    for (uint32_t i = 0; i < list.count; i++) {
        const struct weight *weight = &list.items[i];
        if (weight->product && weight->class == WEIGHT_ATTENTION) {
            sides += (double)(weight_columns(weight, ranks) + weight_depth(weight, ranks));
        }
    }
    return training->adapter_rank * sides;
}
