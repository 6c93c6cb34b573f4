/* SPDX-License-Identifier: MIT */
#include "models/laws/quality_law.h"

#include "models/numeric/golden_section.h"

#include <math.h>
#include <stddef.h>

const struct quality_constants quality_fitted = {
    .parameters = 4.299e3,
    .data = 1.806e4,
    .irreducible = 2.7648,
    .exponent = 0.4965,
    .gamma =
        {[QUALITY_WEIGHTS] = 2.6745, [QUALITY_ACTIVATIONS] = 2.2102, [QUALITY_KV_CACHE] = 0.9578},
    .offset =
        {[QUALITY_WEIGHTS] = 0.3037, [QUALITY_ACTIVATIONS] = 1.4072, [QUALITY_KV_CACHE] = 2.4185},
    .post = 0.0598,
    .post_data_exponent = 0.5068,
    .post_parameter_exponent = 0.3439,
    .post_gamma = 0.5907,
    .post_offset = 1.1277,
};

/* The paper's section 4.1 validates up to 1.7 B parameters and 26 B tokens, 3 to 16 bits. */
const struct quality_range quality_tried = {
    .parameters = {30e6, 1.7e9}, .tokens = {1.5e9, 26e9}, .bits = {3.0, 16.0}};

double quality_effective_share(enum quality_class class, double bits)
{
    return fmax(0.0, 1.0 - exp(quality_fitted.offset[class] - bits / quality_fitted.gamma[class]));
}

static double effective_share(const struct quality_bits *bits)
{
    double share = 1.0;
    for (int i = 0; i < QUALITY_CLASS_COUNT; i++) {
        share *= quality_effective_share((enum quality_class)i, bits->bits[i]);
    }
    return share;
}

static double uniform_share(double bits)
{
    return effective_share(&(struct quality_bits){{bits, bits, bits}});
}

static double trained_loss(double effective_parameters, double tokens)
{
    const struct quality_constants *fit = &quality_fitted;
    return fit->parameters * pow(effective_parameters, -fit->exponent) +
           fit->data * pow(tokens, -fit->exponent) + fit->irreducible;
}

double quality_post_penalty(double parameters, double tokens, double bits)
{
    const struct quality_constants *fit = &quality_fitted;
    return fit->post * pow(tokens, fit->post_data_exponent) /
           pow(parameters, fit->post_parameter_exponent) *
           exp(fit->post_offset - bits / fit->post_gamma);
}

double quality_post_penalty_trained(double effective_parameters, double tokens, double bits,
                                    double trained_bits)
{
    if (bits >= trained_bits) {
        return 0.0;
    }
    return quality_post_penalty(effective_parameters, tokens, bits) *
           (1.0 - exp(bits - trained_bits));
}

double quality_critical_tokens(double parameters, double bits)
{
    const struct quality_constants *fit = &quality_fitted;
    double base = fit->exponent * fit->data * pow(parameters, fit->post_parameter_exponent) *
                  exp(bits / fit->post_gamma - fit->post_offset) /
                  (fit->post_data_exponent * fit->post);
    return pow(base, 1.0 / (fit->post_data_exponent + fit->exponent));
}

static bool outside(double value, const struct fitted_range *range)
{
    return value < range->least || value > range->most;
}

/* Bits that a class behaves as if trained in: activations and KV cache have no delta_PTQ of their
 * own. */
static double priced_bits(const struct quality_question *question, enum quality_class class)
{
    double trained = question->trained.bits[class], kept = question->kept.bits[class];
    return class == QUALITY_WEIGHTS ? trained : fmin(trained, kept);
}

struct quality_answer quality_of(const struct quality_question *question)
{
    struct quality_bits priced;
    struct quality_answer answer = {.extrapolates =
                                        outside(question->parameters, &quality_tried.parameters) ||
                                        outside(question->tokens, &quality_tried.tokens)};
    for (int i = 0; i < QUALITY_CLASS_COUNT; i++) {
        priced.bits[i] =
            fmin(priced_bits(question, (enum quality_class)i), quality_tried.bits.most);
        answer.extrapolates = answer.extrapolates || outside(priced.bits[i], &quality_tried.bits);
    }
    double kept = question->kept.bits[QUALITY_WEIGHTS];
    double trained = question->trained.bits[QUALITY_WEIGHTS];
    answer.extrapolates = answer.extrapolates || kept < quality_tried.bits.least;
    answer.effective_parameters = question->parameters * effective_share(&priced);
    answer.diverges = answer.effective_parameters <= 0.0;
    answer.critical_tokens =
        kept < trained ? quality_critical_tokens(question->parameters, kept) : (double)INFINITY;
    if (answer.diverges) {
        answer.loss = answer.training_penalty = answer.post_penalty = INFINITY;
        return answer;
    }
    answer.post_penalty =
        quality_post_penalty_trained(answer.effective_parameters, question->tokens, kept, trained);
    double high = trained_loss(question->parameters * uniform_share(quality_tried.bits.most),
                               question->tokens);
    double loss = trained_loss(answer.effective_parameters, question->tokens);
    answer.training_penalty = loss - high;
    answer.loss = loss + answer.post_penalty;
    return answer;
}

/* --- the best bits --- */

static double minus_share_a_bit(double bits, const void *context)
{
    (void)context;
    return -uniform_share(bits) / bits;
}

static const double lowest_bits = 3.2, highest_bits = 64.0; /* activations in 3 bits: none left */

double quality_optimal_bits(void)
{
    return golden_section(minus_share_a_bit, NULL, lowest_bits, highest_bits);
}

/* With C = (6/16) N D P the two terms of the loss balance where A f^-a N^-a = B D^-a. */
struct quality_optimum quality_optimum_at(double flops, double bits)
{
    const struct quality_constants *fit = &quality_fitted;
    double share = uniform_share(bits);
    double product = flops * 16.0 / (6.0 * bits);                                 /* N D */
    double ratio = pow(fit->parameters / fit->data, 1.0 / fit->exponent) / share; /* N / D */
    double parameters = sqrt(product * ratio);
    double tokens = product / parameters;
    return (struct quality_optimum){.parameters = parameters,
                                    .tokens = tokens,
                                    .loss = trained_loss(parameters * share, tokens)};
}

struct fixed_budget {
    double parameters, flops;
};

static double loss_at(double bits, const void *context)
{
    const struct fixed_budget *budget = context;
    double tokens = budget->flops * 16.0 / (6.0 * bits * budget->parameters);
    return trained_loss(budget->parameters * uniform_share(bits), tokens);
}

double quality_optimal_bits_for(double parameters, double flops)
{
    struct fixed_budget budget = {.parameters = parameters, .flops = flops};
    return golden_section(loss_at, &budget, lowest_bits, highest_bits);
}
