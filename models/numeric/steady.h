/* SPDX-License-Identifier: MIT
 * What a run of finite length says of the steady state: how sure a mean or a quantile is when
 * neighbours are alike (method of batch means: Law, "Simulation Modeling and Analysis", section
 * 9.5.3), and whether a level drifts. Pure: the caller passes room to work in. */
#ifndef CPSIM_MODELS_NUMERIC_STEADY_H
#define CPSIM_MODELS_NUMERIC_STEADY_H

#include <stdbool.h>
#include <stddef.h>

/* A figure and the 95 % interval around it: the true one lies in it in 19 of 20 runs. Not known
 * when there are too few values for the quantile: `known` false, and anything is possible. */
struct steady_interval {
    double low, high;
    bool known;
};

/* The fewest values with which the interval of quantile `share` is known: at most five batches,
 * each with two values beyond the quantile on its rarer side. 1,000 for 0.99, 20 for 0.5. */
size_t steady_values_needed(double share);

/* The interval of the quantile `share` (nearest rank) of `count` values in the order in which they
 * came, whose quantile over all is `figure`: values are cut into batches one after the other, and
 * the spread of the batches' quantiles tells that of the whole. `scratch`: [count], overwritten. */
struct steady_interval steady_quantile(const double *values, size_t count, double share,
                                       double figure, double *scratch);

/* The same of the mean. */
struct steady_interval steady_mean(const double *values, size_t count, double figure);

/* The interval around `figure` by what each of `count` batches, one after the other and as long,
 * has of it. Not known of fewer than five. */
struct steady_interval steady_batches(double figure, const double *batches, size_t count);

/* The value of nearest rank of `count` > 0 values, which it reorders. Linear in `count` on average.
 */
double steady_nearest_rank(double *values, size_t count, double share);

/* Whether a level that was averaged over `count` equal stretches of time, at least 6, grows: the
 * slope of a straight line through them is above 0 with a one-sided error of 1 % by Student's t,
 * and the growth from the first to the last is more than `least_growth` of their mean. With a level
 * that only fluctuates (an M/M/1 queue of load 0.9, stretches of 100 services) it says so in
 * under 5 % of runs; tests/unit/test_steady.c measures it. */
bool steady_grows(const double *levels, size_t count, double least_growth);

#endif
