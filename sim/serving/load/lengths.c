/* SPDX-License-Identifier: MIT */
#include "sim/serving/load/lengths.h"

#include <math.h>

typedef double length_drawer(struct length_source *source);

static double draw_fixed(struct length_source *source)
{
    return (double)source->length->tokens;
}

static double draw_uniform(struct length_source *source)
{
    return (double)random_between(&source->random, source->length->least, source->length->most);
}

static double draw_exponential(struct length_source *source)
{
    /* Rounded up it is geometric; this mean gives the geometric the mean that was asked for. */
    double mean = source->length->mean;
    double scale = mean > 1.0 ? -1.0 / log1p(-1.0 / mean) : 0.0;
    return fmin(ceil(random_exponential(&source->random, scale)), (double)source->length->most);
}

static double draw_lognormal(struct length_source *source)
{
    double tokens =
        random_lognormal(&source->random, source->length->mean, source->length->variation);
    return fmin(round(tokens), (double)source->length->most);
}

static double draw_empirical(struct length_source *source)
{
    return source->table.tokens[random_between(&source->random, 0, source->table.count - 1)];
}

static length_drawer *const drawers[LENGTH_KIND_COUNT] = {
    [LENGTH_FIXED] = draw_fixed,
    [LENGTH_UNIFORM] = draw_uniform,
    [LENGTH_EXPONENTIAL] = draw_exponential,
    [LENGTH_LOGNORMAL] = draw_lognormal,
    [LENGTH_EMPIRICAL] = draw_empirical,
};

uint32_t length_draw(struct length_source *source)
{
    double tokens = drawers[source->kind](source);
    return tokens < 1.0 ? 1 : (uint32_t)tokens;
}
