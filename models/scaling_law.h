/* SPDX-License-Identifier: MIT
 * Loss as a function of model size and data: L(N, D) = E + A / N^alpha + B / D^beta, or Kaplan's
 * form. A law is a row of scaling_laws[]. N in parameters, D in tokens, loss in nats a token. Pure.
 *
 * Hoffmann et al., arXiv 2203.15556, approach 3; Besiroglu et al., arXiv 2404.10102; Kaplan et al.,
 * arXiv 2001.08361, equation 1.5. A law holds for its own data and tokens: use it for differences
 * and optima. */
#ifndef CPSIM_MODELS_SCALING_LAW_H
#define CPSIM_MODELS_SCALING_LAW_H

#include <stddef.h>

struct scaling_law {
    const char *name;
    const char *doc;
    double irreducible;                 /* E */
    double model_scale, model_exponent; /* A, alpha */
    double data_scale, data_exponent;   /* B, beta */
    double joint_exponent; /* Kaplan's L(N, D) = ((N_c / N)^(alpha / beta) + D_c / D)^beta, with
                              N_c = A and D_c = B: 1; otherwise 0 */
};

enum { SCALING_LAW_COUNT = 3 };
extern const struct scaling_law scaling_laws[SCALING_LAW_COUNT]; /* hoffmann, besiroglu, kaplan */

double scaling_loss(const struct scaling_law *law, double parameters, double tokens);

/* Tokens that take a model to a loss; INFINITY when no number of them does. */
double scaling_tokens_to_loss(const struct scaling_law *law, double parameters, double loss);

/* The model and data of least loss under 6 N D = flops. */
struct scaling_optimum {
    double parameters, tokens, loss;
};
struct scaling_optimum scaling_optimum(const struct scaling_law *law, double flops);

/* Kaplan et al.'s single laws, equations 1.1 to 1.3. */
double kaplan_loss_of_model(double parameters);        /* (8.8e13 / N)^0.076 */
double kaplan_loss_of_data(double tokens);             /* (5.4e13 / D)^0.095 */
double kaplan_loss_of_compute(double petaflop_s_days); /* (3.1e8 / C_min)^0.050 */

#endif
