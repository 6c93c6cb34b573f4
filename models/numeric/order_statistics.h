/* SPDX-License-Identifier: MIT
 * The largest of n: who waits for n others waits for the slowest. Pure. */
#ifndef CPSIM_MODELS_NUMERIC_ORDER_STATISTICS_H
#define CPSIM_MODELS_NUMERIC_ORDER_STATISTICS_H

struct maximum {
    double mean, variance;
};

/* Of the largest of `count` >= 1 independent standard normal numbers (mean 0, deviation 1). By
 * quadrature of Phi(x)^count, to 1e-9. */
struct maximum normal_maximum(double count);

#endif
