/* SPDX-License-Identifier: MIT */
#include "sim/compare/errors.h"

#include <math.h>
#include <stdlib.h>

static int by_size(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(const double *sorted, size_t count)
{
    return 0.5 * (sorted[(count - 1) / 2] + sorted[count / 2]);
}

struct error_summary errors_summarise(double *errors, size_t count)
{
    if (count == 0) {
        return (struct error_summary){0};
    }
    struct error_summary summary = {.count = count};
    qsort(errors, count, sizeof *errors, by_size);
    summary.bias = median(errors, count);
    for (size_t i = 0; i < count; i++) {
        errors[i] = fabs(errors[i]);
    }
    qsort(errors, count, sizeof *errors, by_size);
    summary.median = median(errors, count);
    summary.ninth_decile = errors[(9 * count + 9) / 10 - 1];
    summary.worst = errors[count - 1];
    return summary;
}
