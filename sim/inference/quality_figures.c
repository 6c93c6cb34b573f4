/* SPDX-License-Identifier: MIT */
#include "sim/inference/quality_figures.h"

#include <math.h>

bool quality_int4_accuracy(const struct scenario *scenario, struct int4_accuracy *accuracy)
{
    const struct precision *precision = &scenario->precision;
    *accuracy =
        int4_accuracy_at(&scenario->llm.int4, quality_block_elements(&scenario->llm, precision));
    return accuracy->known && precision->ffn_weights.format == FORMAT_INT4 &&
           precision->attention_weights.format == FORMAT_INT4;
}

static bool is_asked(const void *subject)
{
    const struct conversation_result *result = subject;
    return result->quality_asked;
}

static double precision_loss(const void *subject)
{
    const struct conversation_result *result = subject;
    return result->quality.training_penalty + result->quality.post_penalty;
}

static double super_weights(const void *subject)
{
    const struct conversation_result *result = subject;
    return (double)llm_super_weights(&result->scenario->llm);
}

static double super_weight_bytes(const void *subject)
{
    const struct conversation_result *result = subject;
    return super_weights_bytes(llm_super_weights(&result->scenario->llm));
}

static double accuracy_rounded(const void *subject)
{
    const struct conversation_result *result = subject;
    struct int4_accuracy accuracy;
    return quality_int4_accuracy(result->scenario, &accuracy) ? accuracy.rounded : (double)NAN;
}

static double accuracy_kept(const void *subject)
{
    const struct conversation_result *result = subject;
    struct int4_accuracy accuracy;
    bool known = quality_int4_accuracy(result->scenario, &accuracy) && accuracy.kept_known;
    return known ? accuracy.kept : (double)NAN;
}

#define QUALITY(member) FIGURE_AT(struct conversation_result, quality.member), .applies = is_asked
#define COMPUTED(function) .number = (function), .applies = is_asked

/* clang-format off */
const struct figure quality_figures[QUALITY_FIGURE_COUNT] = {
    {.name = "loss_nats_per_token", .unit = "nat", QUALITY(loss), .doc = "Predicted loss.",
     .former_key = "quality.loss_nats_per_token"},
    {.name = "precision_loss_nats_per_token", .unit = "nat", COMPUTED(precision_loss),
     .doc = "Of it, by precision: the two below."},
    {.name = "training_loss_nats_per_token", .unit = "nat", QUALITY(training_penalty),
     .doc = "Of it, by training (or computing) in less than 16 bits.",
     .former_key = "quality.training_loss_nats_per_token"},
    {.name = "quantisation_loss_nats_per_token", .unit = "nat", QUALITY(post_penalty),
     .doc = "Of it, by weights narrowed after training.",
     .former_key = "quality.quantisation_loss_nats_per_token"},
    {.name = "effective_parameters", .unit = "1", QUALITY(effective_parameters),
     .doc = "N_eff: a model of so many parameters in 16 bits does as well.",
     .former_key = "quality.effective_parameters"},
    {.name = "critical_tokens", .unit = "1", QUALITY(critical_tokens),
     .doc = "D_crit: beyond so many training tokens more make the narrowed model worse.",
     .former_key = "quality.critical_tokens"},
    {.name = "over_trained", .unit = "1", FIGURE_AT(struct conversation_result, over_trained), .applies = is_asked,
     .doc = "1: it had more; else 0.", .former_key = "quality.over_trained"},
    {.name = "extrapolated", .unit = "1", QUALITY(extrapolates),
     .doc = "1: the model lies outside what the law was fitted on; else 0.",
     .former_key = "quality.extrapolated"},
    {.name = "super_weights", .unit = "1", COMPUTED(super_weights),
     .doc = "Super weights that the model's file lists (arXiv 2411.07191).",
     .former_key = "quality.super_weights"},
    {.name = "super_weight_bytes", .unit = "B", COMPUTED(super_weight_bytes),
     .doc = "What keeping them in 16 bits costs.", .former_key = "quality.super_weight_bytes"},
    {.name = "int4_accuracy_percent", .unit = "%", COMPUTED(accuracy_rounded),
     .doc = "Zero-shot accuracy with int4 weights in such blocks, rounded to nearest.",
     .former_key = "quality.int4_accuracy_percent"},
    {.name = "int4_accuracy_kept_percent", .unit = "%", COMPUTED(accuracy_kept),
     .doc = "The same with super weights kept.",
     .former_key = "quality.int4_accuracy_kept_percent"},
};
/* clang-format on */
