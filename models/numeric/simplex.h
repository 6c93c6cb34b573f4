/* SPDX-License-Identifier: MIT
 * Minimisation without derivatives: the simplex of Nelder and Mead (The Computer Journal 7, 1965),
 * for functions of a few variables with kinks. Pure and deterministic. */
#ifndef CPSIM_MODELS_NUMERIC_SIMPLEX_H
#define CPSIM_MODELS_NUMERIC_SIMPLEX_H

#include <stddef.h>

enum { SIMPLEX_MAX_DIMENSIONS = 16 };

struct simplex {
    size_t dimensions; /* 1 to SIMPLEX_MAX_DIMENSIONS */
    double (*value)(const double *point, void *context);
    void *context;
    double step;        /* of the first simplex along each axis */
    size_t evaluations; /* to stop after, at the latest */
    double tolerance;   /* stop when the simplex's values differ by less */
};

/* Moves `point` to the least value found, which it returns; never above the value at the start. */
double simplex_minimise(const struct simplex *simplex, double *point);

#endif
