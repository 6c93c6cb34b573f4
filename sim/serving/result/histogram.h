/* SPDX-License-Identifier: MIT
 * Quantiles of more values than one would keep: counts in bins a 1/1024 wide of their value (the
 * exponent and ten bits of a double's mantissa), so memory does not grow with the run and a
 * quantile is right to 0.1 %. Values under 2^-40 s count as that, those over 2^24 s as that. */
#ifndef CPSIM_SIM_SERVING_RESULT_HISTOGRAM_H
#define CPSIM_SIM_SERVING_RESULT_HISTOGRAM_H

#include "sim/base/arena.h"

#include <stdint.h>

struct histogram {
    uint64_t *counts; /* [HISTOGRAM_BINS] */
    uint64_t count;
    double sum;
};

struct histogram histogram_create(struct arena *arena);
void histogram_add(struct histogram *histogram, double value, uint64_t times);
/* 0 when it is empty. */
double histogram_quantile(const struct histogram *histogram, double quantile);

#endif
