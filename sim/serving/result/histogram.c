/* SPDX-License-Identifier: MIT */
#include "sim/serving/result/histogram.h"

#include <math.h>
#include <string.h>

enum { LOWEST_EXPONENT = -40, HIGHEST_EXPONENT = 24, MANTISSA_BITS = 10, EXPONENT_BIAS = 1023 };
enum { HISTOGRAM_BINS = (HIGHEST_EXPONENT - LOWEST_EXPONENT) << MANTISSA_BITS };

struct histogram histogram_create(struct arena *arena)
{
    return (struct histogram){.counts = ARENA_ARRAY(arena, uint64_t, HISTOGRAM_BINS),
                              .least = INFINITY,
                              .first = HISTOGRAM_BINS};
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
    int64_t bin = bin_of(value);
    histogram->counts[bin] += times;
    histogram->first = bin < histogram->first ? bin : histogram->first;
    histogram->end = bin < histogram->end ? histogram->end : bin + 1;
    histogram->count += times;
    histogram->sum += value * (double)times;
    histogram->least = fmin(histogram->least, value);
    histogram->largest = fmax(histogram->largest, value);
}

double histogram_quantile(const struct histogram *histogram, double quantile)
{
    double rank = quantile * (double)histogram->count;
    uint64_t seen = 0;
    if (quantile >= 1.0) {
        return histogram->largest;
    }
    for (int64_t bin = histogram->first; bin < histogram->end; bin++) {
        seen += histogram->counts[bin];
        if (seen > 0 && (double)seen >= rank) {
            return fmax(histogram->least, fmin(value_of(bin), histogram->largest));
        }
    }
    return 0.0;
}

void histogram_join(struct histogram *into, const struct histogram *from)
{
    for (int64_t bin = from->first; bin < from->end; bin++) {
        into->counts[bin] += from->counts[bin];
    }
    into->count += from->count;
    into->sum += from->sum;
    into->first = from->first < into->first ? from->first : into->first;
    into->end = from->end > into->end ? from->end : into->end;
    into->least = fmin(into->least, from->least);
    into->largest = fmax(into->largest, from->largest);
}

void histogram_move(struct histogram *into, struct histogram *from)
{
    histogram_join(into, from);
    for (int64_t bin = from->first; bin < from->end; bin++) {
        from->counts[bin] = 0;
    }
    *from = (struct histogram){.counts = from->counts, .least = INFINITY, .first = HISTOGRAM_BINS};
}

/* --- in batches --- */

/* Of the first batches: two values beyond a 99th percentile (models/numeric/steady.h). */
enum { FIRST_VALUES = 256 };

struct batched_histogram batched_histogram_create(struct arena *arena)
{
    struct batched_histogram histogram = {.all = histogram_create(arena),
                                          .batch_values = FIRST_VALUES};
    for (size_t i = 0; i < HISTOGRAM_BATCHES; i++) {
        histogram.batches[i] = histogram_create(arena);
    }
    return histogram;
}

void batched_histogram_add(struct batched_histogram *histogram, double value, uint64_t times)
{
    histogram_add(&histogram->all, value, times);
    struct histogram *batch = &histogram->batches[histogram->whole];
    histogram_add(batch, value, times);
    if (batch->count < histogram->batch_values || ++histogram->whole < HISTOGRAM_BATCHES) {
        return;
    }
    histogram->whole /= 2;
    histogram->batch_values *= 2;
    for (size_t i = 0; i < histogram->whole; i++) {
        struct histogram *pair = &histogram->batches[2 * i];
        if (i > 0) {
            histogram_move(&histogram->batches[i], &pair[0]);
        }
        histogram_move(&histogram->batches[i], &pair[1]);
    }
}

struct steady_interval batched_histogram_quantile(const struct batched_histogram *histogram,
                                                  double quantile)
{
    double batches[HISTOGRAM_BATCHES];
    for (size_t i = 0; i < histogram->whole; i++) {
        batches[i] = histogram_quantile(&histogram->batches[i], quantile);
    }
    return steady_batches(histogram_quantile(&histogram->all, quantile), batches, histogram->whole);
}

/* NAN of none. */
static double mean_of(const struct histogram *histogram)
{
    return histogram->count > 0 ? histogram->sum / (double)histogram->count : (double)NAN;
}

struct steady_interval batched_histogram_mean(const struct batched_histogram *histogram)
{
    double batches[HISTOGRAM_BATCHES];
    for (size_t i = 0; i < histogram->whole; i++) {
        batches[i] = mean_of(&histogram->batches[i]);
    }
    return steady_batches(mean_of(&histogram->all), batches, histogram->whole);
}
