/* SPDX-License-Identifier: MIT
 * GPUs alike do not run alike: one is a little slower than another for good, and where the power
 * limit holds, each one's clock drifts up and down. Ranks that wait for each other run at the pace
 * of the slowest, and the more there are the slower it is. Pure. */
#ifndef CPSIM_MODELS_MACHINE_JITTER_H
#define CPSIM_MODELS_MACHINE_JITTER_H

#include <stdbool.h>

/* Relative times of one GPU's kernels; all zero: nothing is known. */
struct jitter {
    double spread;        /* standard deviation between GPUs, lasting */
    double drift;         /* of one GPU over time, where its power limit holds */
    double drift_seconds; /* after which a drift has gone to 1/e */
};

/* Ranks and how they wait. */
struct jitter_ranks {
    double group;   /* ranks that wait for each other many times a drift (tensor, context) */
    double groups;  /* of such groups, which wait for each other once in ... */
    double seconds; /* ... so long: a step */
    bool limited;   /* by power */
};

/* How much longer kernels take than those of a GPU in the middle, 0: no longer. A rank's pace is
 * normal with deviation sigma = sqrt(spread^2 + drift^2); a group's is its slowest's at every
 * moment, sigma e(group) in the mean (e: normal_maximum()). Groups differ by the lasting part and
 * by what of the drift `seconds` do not even out: with r(u) the correlation of a rank's paces u
 * apart, maxima of groups of g have covariance sigma^2 (r / g + (v(g) - 1/g) r^2), exact for g = 1,
 * for r = 1 and to first order in r; its mean over the step is the variance between groups, of
 * which the slowest counts. */
double jitter_slowdown(const struct jitter *jitter, const struct jitter_ranks *ranks);

#endif
