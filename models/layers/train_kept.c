/* SPDX-License-Identifier: MIT
 * What a layer's passes in training keep, and its parameters, on one rank. */
#include "models/layers/layer_rows.h"

#include <math.h>

double train_residual(const struct layer_training *training)
{
    double hidden = training->replica->llm->hidden;
    return training->sequence_parallel ? hidden / training->replica->layout->tensor : hidden;
}

double train_kept_inputs(const struct layer_training *training)
{
    return training->replica->software->training.gathered_inputs ? training->replica->llm->hidden
                                                                 : train_residual(training);
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

/* Of every half: the residual that its norm reads, and what its kinds keep. */
static double kept(const struct layer_training *training, const struct layer_kind *kind,
                   double residual_bytes, bool second)
{
    double mixers = 0.0, blocks = 0.0;
    for (uint32_t i = 0; i < kind->mixer_count; i++) {
        const struct mixer *mixer = &kind->mixers[i];
        mixers += mixer->kind == MIXER_NONE
                      ? 0.0
                      : mixer_passes[mixer->kind]->kept_bytes(training, mixer, second);
    }
    const struct ffn *const ffns[] = {&kind->ffn, &kind->beside};
    for (int i = 0; i < 2; i++) {
        blocks += ffns[i]->kind == FFN_NONE
                      ? 0.0
                      : ffn_passes[ffns[i]->kind]->kept_bytes(training, ffns[i], second);
    }
    bool both = mixers > 0.0 && blocks > 0.0 && kind->residual != RESIDUAL_PARALLEL;
    return tokens_of(training) *
           (mixers + blocks + (both ? 2.0 : 1.0) * train_residual(training) * residual_bytes);
}

double train_layer_full_bytes(const struct layer_training *training, const struct layer_kind *kind)
{
    bool autocast = training->replica->software->training.autocast;
    return kept(training, kind, autocast ? sizeof(float) : element_bytes(training), false);
}

double train_layer_kept_bytes(const struct layer_training *training, const struct layer_kind *kind)
{
    bool products = training->replica->software->training.selective == SELECTIVE_PRODUCTS;
    if (training->recompute == RECOMPUTE_FULL) {
        return tokens_of(training) * train_residual(training) * element_bytes(training);
    }
    if (training->recompute == RECOMPUTE_SELECTIVE && products) {
        return kept(training, kind, element_bytes(training), true);
    }
    return train_layer_full_bytes(training, kind);
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
