/* SPDX-License-Identifier: MIT */
#include "models/laws/scaling_law.h"

#include "models/laws/batch_size.h"
#include "models/numeric/golden_section.h"

#include <math.h>

/* --- L = E + A / N^alpha + B / D^beta --- */

static double sum_loss(const struct scaling_law *law, double parameters, double tokens)
{
    return law->irreducible + law->model_scale / pow(parameters, law->model_exponent) +
           law->data_scale / pow(tokens, law->data_exponent);
}

static double sum_tokens(const struct scaling_law *law, double parameters, double loss)
{
    double left = loss - law->irreducible - law->model_scale / pow(parameters, law->model_exponent);
    return left > 0.0 ? pow(law->data_scale / left, 1.0 / law->data_exponent) : (double)INFINITY;
}

/* --- Kaplan's L(N, D) = ((N_c / N)^(alpha / beta) + D_c / D)^beta --- */

static double joint_model(const struct scaling_law *law, double parameters)
{
    return pow(law->model_scale / parameters, law->model_exponent / law->data_exponent);
}

static double joint_loss(const struct scaling_law *law, double parameters, double tokens)
{
    return pow(joint_model(law, parameters) + law->data_scale / tokens, law->data_exponent);
}

static double joint_tokens(const struct scaling_law *law, double parameters, double loss)
{
    double left = pow(loss, 1.0 / law->data_exponent) - joint_model(law, parameters);
    return left > 0.0 ? law->data_scale / left : (double)INFINITY;
}

/* --- Kaplan's L(N) and L(D): the other never binds --- */

static double model_loss(const struct scaling_law *law, double parameters, double tokens)
{
    (void)tokens;
    return pow(law->model_scale / parameters, law->model_exponent);
}

static double model_tokens(const struct scaling_law *law, double parameters, double loss)
{
    bool reaches = model_loss(law, parameters, 0.0) <= loss;
    return reaches ? scaling_least_tokens(parameters) : (double)INFINITY;
}

static double data_loss(const struct scaling_law *law, double parameters, double tokens)
{
    (void)parameters;
    return pow(law->data_scale / tokens, law->data_exponent);
}

static double data_tokens(const struct scaling_law *law, double parameters, double loss)
{
    (void)parameters;
    return loss > 0.0 ? law->data_scale / pow(loss, 1.0 / law->data_exponent) : (double)INFINITY;
}

/* --- Kaplan's L(N, S_min) = (N_c / N)^alpha_N + (S_c / S_min)^alpha_S --- */

static double steps_loss_of(const struct scaling_law *law, double parameters, double steps)
{
    return pow(law->model_scale / parameters, law->model_exponent) +
           pow(law->data_scale / steps, law->data_exponent);
}

/* Far below the critical batch a run takes E_min = S_min B_crit(L) tokens (section 5.1). */
static double steps_tokens(const struct scaling_law *law, double parameters, double loss)
{
    double left = loss - pow(law->model_scale / parameters, law->model_exponent);
    if (left <= 0.0) {
        return INFINITY;
    }
    return law->data_scale / pow(left, 1.0 / law->data_exponent) * batch_kaplan_tokens(loss);
}

/* The more tokens, the more steps and the less loss: halving finds the loss. */
static double steps_loss(const struct scaling_law *law, double parameters, double tokens)
{
    enum { HALVINGS = 100 };
    double low = pow(law->model_scale / parameters, law->model_exponent), high = low + 1e3;
    for (int i = 0; i < HALVINGS; i++) {
        double middle = 0.5 * (low + high);
        if (steps_tokens(law, parameters, middle) > tokens) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return 0.5 * (low + high);
}

static const struct scaling_form sum_form = {.loss = sum_loss, .tokens = sum_tokens};
static const struct scaling_form joint_form = {.loss = joint_loss, .tokens = joint_tokens};
static const struct scaling_form model_form = {
    .loss = model_loss, .tokens = model_tokens, .one_variable = true};
static const struct scaling_form data_form = {
    .loss = data_loss, .tokens = data_tokens, .one_variable = true};
static const struct scaling_form steps_form = {.loss = steps_loss, .tokens = steps_tokens};

/* Chinchilla's runs (arXiv 2203.15556, abstract: over 400 models of 70 million to 16 billion
 * parameters on 5 to 500 billion tokens), which Besiroglu et al. read off its figure 4; Kaplan et
 * al.'s (arXiv 2001.08361, section 3: 768 to 1.5 billion parameters without embedding, 22 million
 * to 23 billion tokens); the precision law's (arXiv 2411.04330, section 4.1). */
#define CHINCHILLA_RUNS .fitted_parameters = {70e6, 16e9}, .fitted_tokens = {5e9, 500e9}
#define KAPLAN_RUNS .fitted_parameters = {768.0, 1.5e9}, .fitted_tokens = {22e6, 23e9}
#define PRECISION_RUNS .fitted_parameters = {30e6, 1.7e9}, .fitted_tokens = {1.5e9, 26e9}

const struct scaling_law scaling_laws[TRAINING_LAW_COUNT] = {
    /* Chinchilla, approach 3 (arXiv 2203.15556, equation 10). */
    [TRAINING_LAW_HOFFMANN] = {.form = &sum_form,
                               CHINCHILLA_RUNS,
                               .irreducible = 1.69,
                               .model_scale = 406.4,
                               .model_exponent = 0.34,
                               .data_scale = 410.7,
                               .data_exponent = 0.28},
    /* Chinchilla's runs fitted again (arXiv 2404.10102, table 1). */
    [TRAINING_LAW_BESIROGLU] = {.form = &sum_form,
                                CHINCHILLA_RUNS,
                                .irreducible = 1.8169,
                                .model_scale = 482.01,
                                .model_exponent = 0.3478,
                                .data_scale = 2085.43,
                                .data_exponent = 0.3658},
    /* Kaplan et al.'s L(N, D) (arXiv 2001.08361, equation 1.5 with the constants of 1.1 and 1.2).
     */
    [TRAINING_LAW_KAPLAN] = {.form = &joint_form,
                             KAPLAN_RUNS,
                             .model_scale = 8.8e13,
                             .model_exponent = 0.076,
                             .data_scale = 5.4e13,
                             .data_exponent = 0.095,
                             .without_embedding = true,
                             .kaplan_batch = true},
    /* Their L(N), equation 1.1: data never short. */
    [TRAINING_LAW_KAPLAN_MODEL] = {.form = &model_form,
                                   KAPLAN_RUNS,
                                   .model_scale = 8.8e13,
                                   .model_exponent = 0.076,
                                   .without_embedding = true,
                                   .kaplan_batch = true},
    /* Their L(D), equation 1.2: the model never too small. */
    [TRAINING_LAW_KAPLAN_DATA] = {.form = &data_form,
                                  KAPLAN_RUNS,
                                  .data_scale = 5.4e13,
                                  .data_exponent = 0.095,
                                  .without_embedding = true,
                                  .kaplan_batch = true},
    /* Their L(N, S), equation 1.6 and table 3. */
    [TRAINING_LAW_KAPLAN_STEPS] = {.form = &steps_form,
                                   KAPLAN_RUNS,
                                   .model_scale = 6.5e13,
                                   .model_exponent = 0.077,
                                   .data_scale = 2.1e3,
                                   .data_exponent = 0.76,
                                   .without_embedding = true,
                                   .kaplan_batch = true},
    /* The precision law (arXiv 2411.04330, equation 1, table 2): parameters count by what their
       bits leave effective. */
    [TRAINING_LAW_PRECISION] = {.form = &sum_form,
                                PRECISION_RUNS,
                                .irreducible = 2.7648,
                                .model_scale = 4.299e3,
                                .model_exponent = 0.4965,
                                .data_scale = 1.806e4,
                                .data_exponent = 0.4965,
                                .without_embedding = true,
                                .by_precision = true},
};

const char *scaling_law_name(const struct scaling_law *law)
{
    static const char *const names[TRAINING_LAW_COUNT] = {SCALING_LAWS(ROW_NAME)};
    return names[law - scaling_laws];
}

double scaling_loss(const struct scaling_law *law, double parameters, double tokens)
{
    return law->form->loss(law, parameters, tokens);
}

double scaling_tokens_to_loss(const struct scaling_law *law, double parameters, double loss)
{
    return law->form->tokens(law, parameters, loss);
}

double scaling_batch_tokens(const struct scaling_law *law, double parameters, double tokens)
{
    return law->kaplan_batch ? batch_kaplan_tokens(scaling_loss(law, parameters, tokens))
                             : batch_critical_tokens(parameters, tokens);
}

struct budget {
    const struct scaling_law *law;
    double flops, share, served;
};

double scaling_budget_tokens(double flops, double parameters, double served_tokens)
{
    return flops / 6.0 / parameters - served_tokens / 3.0;
}

static double loss_at(double log_parameters, const void *context)
{
    const struct budget *budget = context;
    double parameters = exp(log_parameters);
    return scaling_loss(budget->law, budget->share * parameters,
                        scaling_budget_tokens(budget->flops, parameters, budget->served));
}

/* The loss along the budget has one minimum in ln N. */
static double best_parameters(const struct budget *budget)
{
    const double least = 1e3; /* parameters, and tokens */
    double most = budget->flops / (6.0 * least + 2.0 * budget->served);
    return exp(golden_section(loss_at, budget, log(least), log(most)));
}

static const double least_tokens_scale = 5e3, least_tokens_exponent = 0.74;

/* How far a model trained on its least tokens is from the budget. */
static double from_budget(double log_parameters, const void *context)
{
    const struct budget *budget = context;
    double parameters = exp(log_parameters);
    double tokens = scaling_least_tokens(parameters);
    return fabs(log((6.0 * tokens + 2.0 * budget->served) / budget->flops) + log_parameters);
}

static double one_variable_parameters(const struct budget *budget)
{
    double most =
        pow(budget->flops / (6.0 * least_tokens_scale), 1.0 / (1.0 + least_tokens_exponent));
    return budget->served > 0.0 ? exp(golden_section(from_budget, budget, 0.0, log(most))) : most;
}

struct scaling_optimum scaling_optimum_served(const struct scaling_law *law, double flops,
                                              double effective_share, double served_tokens)
{
    const struct budget budget = {
        .law = law, .flops = flops, .share = effective_share, .served = served_tokens};
    double parameters =
        law->form->one_variable ? one_variable_parameters(&budget) : best_parameters(&budget);
    double tokens = scaling_budget_tokens(flops, parameters, served_tokens);
    return (struct scaling_optimum){.parameters = parameters,
                                    .tokens = tokens,
                                    .loss = scaling_loss(law, effective_share * parameters, tokens),
                                    .batch_tokens = scaling_batch_tokens(law, parameters, tokens)};
}

struct scaling_optimum scaling_optimum(const struct scaling_law *law, double flops,
                                       double effective_share)
{
    return scaling_optimum_served(law, flops, effective_share, 0.0);
}

double scaling_least_tokens(double parameters)
{
    return least_tokens_scale * pow(parameters, least_tokens_exponent);
}

double kaplan_loss_of_model(double parameters)
{
    return model_loss(&scaling_laws[TRAINING_LAW_KAPLAN_MODEL], parameters, 0.0);
}

double kaplan_loss_of_data(double tokens)
{
    return data_loss(&scaling_laws[TRAINING_LAW_KAPLAN_DATA], 0.0, tokens);
}

double kaplan_loss_of_compute(double petaflop_s_days)
{
    return pow(3.1e8 / petaflop_s_days, 0.050);
}

double kaplan_loss_of_steps(double parameters, double steps)
{
    return steps_loss_of(&scaling_laws[TRAINING_LAW_KAPLAN_STEPS], parameters, steps);
}
