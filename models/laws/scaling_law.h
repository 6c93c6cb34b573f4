/* SPDX-License-Identifier: MIT
 * Loss as a function of model size and data. A law is a row of scaling_laws[]: its constants and
 * one of a few forms. N in parameters, D in tokens at a small batch, loss in nats a token. Pure.
 *
 * Hoffmann et al., arXiv 2203.15556, approach 3; Besiroglu et al., arXiv 2404.10102; Kaplan et al.,
 * arXiv 2001.08361; Kumar et al., arXiv 2411.04330 (quality_law.h). A law holds for its own data
 * and tokens: use it for differences and optima. */
#ifndef CPSIM_MODELS_LAWS_SCALING_LAW_H
#define CPSIM_MODELS_LAWS_SCALING_LAW_H

#include "models/machine/fitted.h"
#include "models/numeric/rows.h"

#include <stdbool.h>
#include <stddef.h>

struct scaling_law;

/* What a law is made of. */
struct scaling_form {
    double (*loss)(const struct scaling_law *law, double parameters, double tokens);
    /* Tokens that take a model to a loss; INFINITY when no number of them does. */
    double (*tokens)(const struct scaling_law *law, double parameters, double loss);
    bool one_variable; /* the loss knows N alone, or D alone: an optimum takes the other from
                          scaling_least_tokens() */
};

struct scaling_law {
    const struct scaling_form *form;
    double irreducible;                 /* E; 0: none */
    double model_scale, model_exponent; /* A or N_c, alpha_N */
    double data_scale, data_exponent;   /* B, D_c or S_c; alpha_D or alpha_S */
    bool without_embedding;             /* N counts neither embedding nor head */
    bool by_precision;                  /* N counts what the bits leave effective (quality_law.h) */
    /* Of the runs that it was fitted on: parameters, as the law counts them, and tokens. */
    struct fitted_range fitted_parameters, fitted_tokens;
    bool kaplan_batch; /* its critical batch is batch_kaplan_tokens() of the loss,
                          otherwise batch_critical_tokens() */
};

/* A row here, and its constants in scaling_law.c. */
/* clang-format off */
#define SCALING_LAWS(ROW)                                                                          \
    ROW(TRAINING_LAW_HOFFMANN, , "hoffmann",                                                       \
        "Chinchilla, arXiv 2203.15556.")                                                           \
    ROW(TRAINING_LAW_BESIROGLU, , "besiroglu",                                                     \
        "Chinchilla's runs fitted again, arXiv 2404.10102.")                                       \
    ROW(TRAINING_LAW_KAPLAN, , "kaplan",                                                           \
        "Kaplan et al.'s L(N, D), arXiv 2001.08361.")                                              \
    ROW(TRAINING_LAW_KAPLAN_MODEL, , "kaplan-model",                                               \
        "Their L(N): data never short.")                                                           \
    ROW(TRAINING_LAW_KAPLAN_DATA, , "kaplan-data",                                                 \
        "Their L(D): the model never too small.")                                                  \
    ROW(TRAINING_LAW_KAPLAN_STEPS, , "kaplan-steps",                                               \
        "Their L(N, S).")                                                                          \
    ROW(TRAINING_LAW_PRECISION, , "precision",                                                     \
        "Kumar et al., arXiv 2411.04330, in the bits that the scenario's products take.")
/* clang-format on */
enum training_law { SCALING_LAWS(ROW_MEMBER) TRAINING_LAW_COUNT };
extern const struct scaling_law scaling_laws[TRAINING_LAW_COUNT];
const char *scaling_law_name(const struct scaling_law *law); /* "hoffmann" */

double scaling_loss(const struct scaling_law *law, double parameters, double tokens);

/* Tokens that take a model to a loss; INFINITY when no number of them does. */
double scaling_tokens_to_loss(const struct scaling_law *law, double parameters, double loss);

/* The critical batch of a run, tokens, by the law's own account. */
double scaling_batch_tokens(const struct scaling_law *law, double parameters, double tokens);

/* The model and data of least loss under 6 N D = flops. `effective_share`: of the parameters, for
 * laws by_precision; 1 for others. The answer's parameters are whole ones. */
struct scaling_optimum {
    double parameters, tokens, loss;
    double batch_tokens; /* the critical batch */
};
struct scaling_optimum scaling_optimum(const struct scaling_law *law, double flops,
                                       double effective_share);

/* The same when the budget also pays for `served_tokens` over the model's life, 2 FLOPs a parameter
 * and token: 6 N D + 2 N T = flops (Sardana et al., arXiv 2401.00448, equation 3). */
struct scaling_optimum scaling_optimum_served(const struct scaling_law *law, double flops,
                                              double effective_share, double served_tokens);

/* Tokens that a budget leaves to train a model with; negative: serving takes more than all. */
double scaling_budget_tokens(double flops, double parameters, double served_tokens);

/* Kaplan et al.'s single laws, equations 1.1 to 1.3. */
double kaplan_loss_of_model(double parameters);        /* (8.8e13 / N)^0.076 */
double kaplan_loss_of_data(double tokens);             /* (5.4e13 / D)^0.095 */
double kaplan_loss_of_compute(double petaflop_s_days); /* (3.1e8 / C_min)^0.050 */

/* Data below which a model overfits: 5e3 N^0.74 (Kaplan et al., equation 4.4). */
double scaling_least_tokens(double parameters);

/* Kaplan et al.'s L(N, S_min) (equation 1.6, constants of table 3), steps far above the critical
 * batch. The row kaplan-steps is this with D = S_min B_crit(L). */
double kaplan_loss_of_steps(double parameters, double steps);

#endif
