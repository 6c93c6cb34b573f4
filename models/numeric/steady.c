/* SPDX-License-Identifier: MIT */
#include "models/numeric/steady.h"

#include <assert.h>
#include <math.h>

enum { BATCHES_LEAST = 5, BATCHES_MOST = 20, TAIL_VALUES = 2 };

/* Student's t: quantile 0.975 of two-sided intervals, 0.99 of the one-sided test, by degrees of
 * freedom from 4 (any table of the distribution; NIST/SEMATECH e-Handbook, section 1.3.6.7.2). */
enum { LEAST_FREEDOM = 4, MOST_FREEDOM = 22 };
static const double two_sided[] = {2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
                                   2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110,
                                   2.101, 2.093, 2.086, 2.080, 2.074};
static const double one_sided[] = {3.747, 3.365, 3.143, 2.998, 2.896, 2.821, 2.764,
                                   2.718, 2.681, 2.650, 2.624, 2.602, 2.583, 2.567,
                                   2.552, 2.539, 2.528, 2.518, 2.508};

static double student(const double *table, size_t freedom)
{
    assert(freedom >= LEAST_FREEDOM && "Student's t of fewer degrees of freedom than its table");
    return table[(freedom > MOST_FREEDOM ? MOST_FREEDOM : freedom) - LEAST_FREEDOM];
}

static void swap(double *a, double *b)
{
    double value = *a;
    *a = *b;
    *b = value;
}

/* Hoare's selection, by the middle element: no chance in it, so the same answer always. */
double steady_nearest_rank(double *values, size_t count, double share)
{
    assert(count > 0 && "a quantile of nothing");
    double rank = ceil(share * (double)count);
    size_t wanted = rank < 1.0 ? 0 : (size_t)rank - 1, low = 0, high = count - 1;
    while (low < high) {
        double pivot = values[low + (high - low) / 2];
        size_t left = low, right = high;
        while (left <= right) {
            while (values[left] < pivot) {
                left++;
            }
            while (values[right] > pivot) {
                right--;
            }
            if (left <= right) {
                swap(&values[left], &values[right]);
                left++;
                if (right == 0) {
                    break;
                }
                right--;
            }
        }
        if (wanted <= right && right < high) {
            high = right;
        } else if (wanted >= left) {
            low = left;
        } else {
            break;
        }
    }
    return values[wanted];
}

/* Of a side of the quantile, the share of values on it that is smaller. */
static double rarer_side(double share)
{
    return fmin(share, 1.0 - share);
}

static size_t batches_of(size_t count, double share)
{
    double batches = floor((double)count * rarer_side(share) / TAIL_VALUES + 1e-9);
    return batches > BATCHES_MOST ? BATCHES_MOST : (size_t)batches;
}

size_t steady_values_needed(double share)
{
    return (size_t)ceil(BATCHES_LEAST * TAIL_VALUES / rarer_side(share) - 1e-6);
}

static const struct steady_interval unknown = {.low = -INFINITY, .high = INFINITY};

struct steady_interval steady_batches(double figure, const double *batches, size_t count)
{
    if (count < BATCHES_LEAST) {
        return unknown;
    }
    double mean = 0.0, squares = 0.0;
    for (size_t i = 0; i < count; i++) {
        mean += batches[i] / (double)count;
    }
    for (size_t i = 0; i < count; i++) {
        squares += (batches[i] - mean) * (batches[i] - mean);
    }
    double error = sqrt(squares / (double)(count - 1) / (double)count);
    double half = student(two_sided, count - 1) * error;
    return (struct steady_interval){.low = figure - half, .high = figure + half, .known = true};
}

struct steady_interval steady_quantile(const double *values, size_t count, double share,
                                       double figure, double *scratch)
{
    size_t batches = batches_of(count, share);
    double quantiles[BATCHES_MOST];
    for (size_t batch = 0; batch < batches; batch++) {
        size_t first = batch * count / batches, end = (batch + 1) * count / batches;
        for (size_t i = first; i < end; i++) {
            scratch[i - first] = values[i];
        }
        quantiles[batch] = steady_nearest_rank(scratch, end - first, share);
    }
    return steady_batches(figure, quantiles, batches);
}

struct steady_interval steady_mean(const double *values, size_t count, double figure)
{
    size_t batches = batches_of(count, 0.5);
    double means[BATCHES_MOST];
    for (size_t batch = 0; batch < batches; batch++) {
        size_t first = batch * count / batches, end = (batch + 1) * count / batches;
        means[batch] = 0.0;
        for (size_t i = first; i < end; i++) {
            means[batch] += values[i] / (double)(end - first);
        }
    }
    return steady_batches(figure, means, batches);
}

bool steady_grows(const double *levels, size_t count, double least_growth)
{
    assert(count >= LEAST_FREEDOM + 2 && "a line through fewer stretches than six");
    double middle = (double)(count - 1) / 2.0, mean = 0.0, spread = 0.0, moved = 0.0;
    for (size_t i = 0; i < count; i++) {
        mean += levels[i] / (double)count;
    }
    for (size_t i = 0; i < count; i++) {
        spread += ((double)i - middle) * ((double)i - middle);
        moved += ((double)i - middle) * (levels[i] - mean);
    }
    double slope = moved / spread, squares = 0.0;
    for (size_t i = 0; i < count; i++) {
        double off = levels[i] - mean - slope * ((double)i - middle);
        squares += off * off;
    }
    double error = sqrt(squares / (double)(count - 2) / spread);
    return slope * (double)(count - 1) > least_growth * mean &&
           slope > student(one_sided, count - 2) * error;
}
