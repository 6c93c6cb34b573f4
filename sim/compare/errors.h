/* SPDX-License-Identifier: MIT
 * What a set of relative errors comes to. Pure. */
#ifndef CPSIM_SIM_COMPARE_ERRORS_H
#define CPSIM_SIM_COMPARE_ERRORS_H

#include <stddef.h>

struct error_summary {
    size_t count;
    double median, ninth_decile, worst; /* of the absolute values */
    double bias;                        /* median of the signed values: above 0: predicted too slow
                                           (of times) or too high */
};

/* Of the middle two the mean; the ninth decile is the smallest value that nine in ten don't exceed.
 * Sorts `errors` [count]. No errors: all zero. */
struct error_summary errors_summarise(double *errors, size_t count);

#endif
