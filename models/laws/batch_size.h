/* SPDX-License-Identifier: MIT
 * The critical batch size, and steps to a target loss as a function of the batch. Pure.
 *
 * Zhang et al., "How Does Critical Batch Size Scale in Pre-training?", arXiv 2410.21676: batches in
 * sequences of 512 tokens, B_opt = 256 of them. McCandlish et al., arXiv 1812.06162. Kaplan et al.,
 * arXiv 2001.08361, section 5.1. Merrill et al., arXiv 2505.23971. */
#ifndef CPSIM_MODELS_LAWS_BATCH_SIZE_H
#define CPSIM_MODELS_LAWS_BATCH_SIZE_H

/* The unit of Zhang et al.'s batches, and their best small one. */
enum { BATCH_SEQUENCE_TOKENS = 512, BATCH_BEST_SEQUENCES = 256 };

/* Steps to a target loss at batch B (best over hyper-parameters): f(B) = a + b / B. */
struct batch_curve {
    double least_steps;   /* a: however large the batch */
    double example_steps; /* b: B f(B) of a small batch, sequences */
};

double batch_curve_steps(struct batch_curve curve, double batch_sequences);

/* B*: the largest batch that takes no more than 1.2 times the sequences of B_opt:
 * 0.2 b / a + 1.2 B_opt. */
double batch_curve_critical(struct batch_curve curve);

/* The curve that goes through (B_opt, steps) and has that B*. Where B* is not above 1.2 B_opt the
 * law says nothing, and no larger batch takes fewer steps. */
struct batch_curve batch_curve_from(double critical_sequences, double steps_at_best);

/* Which of the paper's three fits. */
enum batch_law {
    BATCH_LAW_CHINCHILLA,  /* model and data grow together: 93.1968 N^0.46828 */
    BATCH_LAW_FIXED_DATA,  /* 3.07e9 tokens, the model grows: 621.341 N^0.087 */
    BATCH_LAW_FIXED_MODEL, /* 302e6 parameters, the data grow: 22.91 D^0.467. The prefactor and the
                              third digit are read off the paper's figure 1 (0.5 %) */
    BATCH_LAW_COUNT
};

const char *batch_law_name(enum batch_law law); /* "chinchilla" */

/* B* in sequences of 512 tokens, of a model of `parameters` trained on `tokens`. */
double batch_law_sequences(enum batch_law law, double parameters, double tokens);

/* The laws together: B* by the data's growth alone from the fit's 302e6 parameters on, corrected by
 * the model's at fixed data; tokens. It is what `global_batch: 0` asks. */
double batch_critical_tokens(double parameters, double tokens);

/* Steps of a batch that take a run from `from` to `to` tokens of progress, counted as the best
 * small batch takes them: the difference of the curves of runs that end there, so that pieces of
 * one batch add up to a run at that batch. For a batch that changes on the way; the paper's were
 * constant. */
double batch_piece_steps(double parameters, double batch_tokens, double from, double to);

/* The critical batch of a moment of a run, tokens, after so many: the largest that from there on
 * loses nothing against a smaller one, its learning rate grown as its root. Merrill et al.,
 * "Critical Batch Size Revisited", arXiv 2505.23971, measured it by branches off runs of OLMo 1B
 * and 7B, alike for both: near zero at first, 2,048 sequences of 4,096 tokens after 168e9, 4,096
 * after 503e9 (section 4.2), where it stays (figure 2). A power of the tokens goes through the two
 * points, as their appendix D takes it; the exponent that makes is 0.63. */
double batch_local_tokens(double tokens);

/* Of a run of so many tokens: the one batch that is nearest to the local one throughout, their
 * appendix D: its mean over the run. */
double batch_local_mean_tokens(double tokens);

/* McCandlish: S / S_min = 1 + B_noise / B, E / E_min = 1 + B / B_noise. */
double batch_noise_steps(double least_steps, double noise_batch, double batch);
double batch_noise_examples(double least_examples, double noise_batch, double batch);

/* Kaplan: B_crit = 2e8 tokens / L^(1 / 0.21). */
double batch_kaplan_tokens(double loss);

#endif
