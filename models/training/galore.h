/* SPDX-License-Identifier: MIT
 * Low-rank states of an optimizer (GaLore, arXiv 2403.03507, section 4): of a matrix of m x n, m
 * the smaller side, the moments are those of its gradient projected onto r directions, r x n; the
 * m x r directions are kept beside them and found anew every so many steps. Weights, master copies
 * and gradients stay whole; so do embedding, head, norms, routers, and matrices of no more than r.
 * Query, key and value, gate and up are matrices of their own. Pure; of one rank. */
#ifndef CPSIM_MODELS_TRAINING_GALORE_H
#define CPSIM_MODELS_TRAINING_GALORE_H

#include "models/training/training.h"

/* Matrices of a layer that are alike. */
struct galore_matrix {
    uint64_t small, large; /* its sides */
    double count;          /* experts that a rank holds; 1 of others */
    bool of_experts;       /* they lie whole on ranks: fewer ranks hold the same */
};

enum { GALORE_MAX_MATRICES = WEIGHT_LIST_MAX * WEIGHT_MAX_PIECES };

/* Of a layer of a kind, those that are projected; how many rows of `matrices` it fills. 0 without
 * `galore`. */
uint32_t galore_matrices(const struct training *training, const struct layer_kind *kind,
                         struct galore_matrix matrices[GALORE_MAX_MATRICES]);

/* Sums over matrices. */
struct galore_sizes {
    double parameters; /* m n: whose moments are low-rank */
    double moments;    /* r n: elements of one moment */
    double directions; /* m r */
    double svd_flops;  /* 6 n m^2 + 20 m^3: U, S and V (Golub and Van Loan, Matrix Computations, 4th
                          edition, figure 8.6.1) */
};

/* Of part `part`: its experts that lie whole on ranks, or everything else. */
struct galore_sizes galore_part(const struct training *training, uint32_t part, bool of_experts);

/* Seconds of the slowest stage to find all directions once, every rank those of its share. */
double galore_svd_seconds(const struct training *training);

#endif
