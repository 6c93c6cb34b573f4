/* SPDX-License-Identifier: MIT
 * Quantiles of more values than one would keep: counts in bins a 1/1024 wide of their value (the
 * exponent and ten bits of a double's mantissa), so memory does not grow with the run and a
 * quantile, its bin's middle, is right to 0.05 % of it. The largest is exact, and no quantile lies
 * outside of the values. Values under 2^-40 s share a bin, those over 2^24 s too. */
#ifndef CPSIM_SIM_SERVING_RESULT_HISTOGRAM_H
#define CPSIM_SIM_SERVING_RESULT_HISTOGRAM_H

#include "models/numeric/steady.h"
#include "sim/base/arena.h"

#include <stdint.h>

struct histogram {
    uint64_t *counts; /* [HISTOGRAM_BINS] */
    uint64_t count;
    double sum, least, largest; /* least and largest of none: infinity and 0 */
    int64_t first, end;         /* bins outside hold nothing */
};

struct histogram histogram_create(struct arena *arena);
void histogram_add(struct histogram *histogram, double value, uint64_t times);
/* 0 when it is empty. */
double histogram_quantile(const struct histogram *histogram, double quantile);
/* Adds what `from` has. */
void histogram_join(struct histogram *into, const struct histogram *from);
/* `from` is empty afterwards. */
void histogram_move(struct histogram *into, struct histogram *from);

/* All values, and those of batches one after the other, of as many values each but for the last:
 * how batches differ says how sure a figure of all is (models/numeric/steady.h). The number of
 * values need not be known before: when there is no batch left, neighbours are put together. */
enum { HISTOGRAM_BATCHES = 20 };
struct batched_histogram {
    struct histogram all, batches[HISTOGRAM_BATCHES];
    size_t whole; /* batches that have their values; the next is being filled */
    uint64_t batch_values;
};

struct batched_histogram batched_histogram_create(struct arena *arena);
void batched_histogram_add(struct batched_histogram *histogram, double value, uint64_t times);
/* The 95 % interval of a quantile, and of the mean. */
struct steady_interval batched_histogram_quantile(const struct batched_histogram *histogram,
                                                  double quantile);
struct steady_interval batched_histogram_mean(const struct batched_histogram *histogram);

#endif
