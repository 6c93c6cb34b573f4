/* SPDX-License-Identifier: MIT */
#include "sim/serving/result/histogram.h"

#include <string.h>

enum { LOWEST_EXPONENT = -40, HIGHEST_EXPONENT = 24, MANTISSA_BITS = 10, EXPONENT_BIAS = 1023 };
enum { HISTOGRAM_BINS = (HIGHEST_EXPONENT - LOWEST_EXPONENT) << MANTISSA_BITS };

struct histogram histogram_create(struct arena *arena)
{
    return (struct histogram){.counts = ARENA_ARRAY(arena, uint64_t, HISTOGRAM_BINS)};
}

static int64_t bin_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    int64_t bin = (int64_t)(bits >> (52 - MANTISSA_BITS)) -
                  ((int64_t)(LOWEST_EXPONENT + EXPONENT_BIAS) << MANTISSA_BITS);
    if (value <= 0.0 || bin < 0) {
        return 0;
    }
    return bin < HISTOGRAM_BINS ? bin : HISTOGRAM_BINS - 1;
}

/* The middle of a bin. */
static double value_of(int64_t bin)
{
    uint64_t bits = ((uint64_t)(bin + ((int64_t)(LOWEST_EXPONENT + EXPONENT_BIAS) << MANTISSA_BITS))
                     << (52 - MANTISSA_BITS)) |
                    (1ULL << (51 - MANTISSA_BITS));
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

void histogram_add(struct histogram *histogram, double value, uint64_t times)
{
    histogram->counts[bin_of(value)] += times;
    histogram->count += times;
    histogram->sum += value * (double)times;
}

double histogram_quantile(const struct histogram *histogram, double quantile)
{
    double rank = quantile * (double)histogram->count;
    uint64_t seen = 0;
    for (int64_t bin = 0; bin < HISTOGRAM_BINS && histogram->count > 0; bin++) {
        seen += histogram->counts[bin];
        if (seen > 0 && (double)seen >= rank) {
            return value_of(bin);
        }
    }
    return 0.0;
}
