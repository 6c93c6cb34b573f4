/* SPDX-License-Identifier: MIT
 * What precision costs in quality: the laws of "Scaling Laws for Precision" (Kumar et al., arXiv
 * 2411.04330). Loss in nats a token on Dolma's Common Crawl, N non-embedding parameters, D training
 * tokens, P bits. Pure.
 *
 * The paper's appendix K says that its fits have an offset in each exponent, e^(P / gamma + n),
 * which the formulas of the text leave out. They are kept here: with them the optimum of equation 5
 * is at 7.0 bits, which the paper calls "around 7-8", and without them at 3.5. */
#ifndef CPSIM_MODELS_LAWS_QUALITY_LAW_H
#define CPSIM_MODELS_LAWS_QUALITY_LAW_H

#include "models/machine/fitted.h"

#include <stdbool.h>

/* Classes of tensor that the law tells apart. */
enum quality_class { QUALITY_WEIGHTS, QUALITY_ACTIVATIONS, QUALITY_KV_CACHE, QUALITY_CLASS_COUNT };

/* Bits of each class. */
struct quality_bits {
    double bits[QUALITY_CLASS_COUNT];
};

/* The fitted constants, appendix K, Table 2. */
struct quality_constants {
    double parameters, data, irreducible; /* A, B, E */
    double exponent;                      /* alpha, tied to beta */
    double gamma[QUALITY_CLASS_COUNT], offset[QUALITY_CLASS_COUNT];
    double post, post_data_exponent, post_parameter_exponent; /* C_T, gamma_D, gamma_N */
    double post_gamma, post_offset;
};

/* What the law was fitted and tried on: beyond it an answer extrapolates. */
struct quality_range {
    struct fitted_range parameters, tokens, bits;
};
extern const struct quality_range quality_tried;

extern const struct quality_constants quality_fitted; /* integer formats, 30 to 220 M parameters */

/* A model and how it was trained and is kept. */
struct quality_question {
    double parameters, tokens;   /* N, D */
    struct quality_bits trained; /* P_w, P_a, P_kv */
    struct quality_bits kept;    /* after training; at or above the trained bits nothing is lost */
};

struct quality_answer {
    double loss;                 /* nats a token, the whole of equation 1 */
    double effective_parameters; /* N_eff, equation 4 */
    double training_penalty;     /* of it: by training below 16 bits */
    double post_penalty;         /* of it: delta_PTQ, by narrowing afterwards */
    double critical_tokens;      /* D_crit of equation 13; INFINITY when nothing was narrowed */
    bool diverges;               /* so few bits that no parameter is effective */
    bool extrapolates;           /* beyond what the law was fitted and tried on */
};

/* Equations 1, 4 and 9. Equation 9's rates C_w, C_a and C_kv are unpublished; the paper shows its
 * form with 1, which is taken. Narrowed activations and KV cache cost nothing there by themselves:
 * the law's delta_PTQ is of weights; they are priced as if trained so, the nearest case fitted. */
struct quality_answer quality_of(const struct quality_question *question);

/* f(P) = max(0, 1 - exp(-P / gamma + n)): the share of parameters that P bits leave effective. */
double quality_effective_share(enum quality_class class, double bits);

/* delta_PTQ of equation 2: weights trained in 16 bits, kept in `bits`. */
double quality_post_penalty(double parameters, double tokens, double bits);

/* Equation 10's reading: the same when weights were trained in `trained_bits`; 0 from there up. */
double quality_post_penalty_trained(double effective_parameters, double tokens, double bits,
                                    double trained_bits);

/* Tokens beyond which more training makes the model, kept in `bits`, worse. Equation 13. */
double quality_critical_tokens(double parameters, double bits);

/* The bits, of all classes, at which a training budget of C = 6/16 N D P FLOPs buys the lowest loss
 * when N, D and P are free: the maximum of F(P) / P, whatever C. */
double quality_optimal_bits(void);

/* The best N and D for a budget at given bits, and the loss. */
struct quality_optimum {
    double parameters, tokens, loss;
};
struct quality_optimum quality_optimum_at(double flops, double bits);

/* The best bits for a budget when N is fixed (and D follows). Grows with the logarithm of C. */
double quality_optimal_bits_for(double parameters, double flops);

#endif
