/* SPDX-License-Identifier: MIT
 * Errors of a class of predictions, and the bound they are held to. */
#ifndef CPSIM_TESTS_VALIDATION_ERRORS_H
#define CPSIM_TESTS_VALIDATION_ERRORS_H

#include "sim/compare/errors.h"

#include <check.h>
#include <math.h>
#include <stdio.h>

enum { ERRORS_MAX = 1200 };

struct errors {
    double absolute[ERRORS_MAX];
    size_t count;
};

struct error_bound {
    const char *name;
    double median, ninth_decile, worst; /* of the absolute error; 0: no bound */
};

static inline void errors_add(struct errors *errors, double predicted, double measured)
{
    ck_assert_uint_lt(errors->count, ERRORS_MAX);
    errors->absolute[errors->count++] = fabs(predicted / measured - 1.0);
}

/* Prints the class's row of the table and holds it to its bound. */
static inline void errors_judge(struct errors *errors, const struct error_bound *bound)
{
    size_t count = errors->count;
    ck_assert_msg(count > 0, "%s: no rows", bound->name);
    struct error_summary summary = errors_summarise(errors->absolute, count);
    double median = summary.median, ninth_decile = summary.ninth_decile, worst = summary.worst;
    printf("%-34s %4zu rows  median %5.1f %%  p90 %5.1f %%  worst %5.1f %%\n", bound->name, count,
           100.0 * median, 100.0 * ninth_decile, 100.0 * worst);
    ck_assert_msg(bound->median <= 0.0 || median <= bound->median,
                  "%s: median error %.1f %% is over %.0f %%", bound->name, 100.0 * median,
                  100.0 * bound->median);
    ck_assert_msg(bound->ninth_decile <= 0.0 || ninth_decile <= bound->ninth_decile,
                  "%s: 90th percentile %.1f %% is over %.0f %%", bound->name, 100.0 * ninth_decile,
                  100.0 * bound->ninth_decile);
    ck_assert_msg(bound->worst <= 0.0 || worst <= bound->worst,
                  "%s: worst error %.1f %% is over %.0f %%", bound->name, 100.0 * worst,
                  100.0 * bound->worst);
}

#endif
