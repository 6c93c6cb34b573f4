/* SPDX-License-Identifier: MIT */
#include "models/numeric/random.h"

#include "models/numeric/checksum.h"

#include <assert.h>
#include <math.h>
#include <string.h>

uint64_t random_mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31);
}

static uint64_t split_mix(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15U;
    return random_mix(*state);
}

struct random_stream random_open(uint64_t seed, const char *name)
{
    uint64_t state =
        random_mix(seed + 0x9e3779b97f4a7c15U) ^ checksum_bytes(CHECKSUM_START, name, strlen(name));
    struct random_stream stream;
    for (int i = 0; i < 4; i++) {
        stream.state[i] = split_mix(&state);
    }
    return stream;
}

static uint64_t rotate_left(uint64_t value, int by)
{
    return (value << by) | (value >> (64 - by));
}

uint64_t random_bits(struct random_stream *stream)
{
    uint64_t *s = stream->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9, shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

double random_uniform(struct random_stream *stream)
{
    return ((double)(random_bits(stream) >> 12) + 0.5) * 0x1p-52;
}

uint64_t random_between(struct random_stream *stream, uint64_t low, uint64_t high)
{
    assert(low <= high && "a range with its ends in order");
    double span = (double)(high - low) + 1.0;
    uint64_t step = (uint64_t)(random_uniform(stream) * span);
    return step > high - low ? high : low + step;
}

double random_exponential(struct random_stream *stream, double mean)
{
    return -mean * log(random_uniform(stream));
}

double random_normal(struct random_stream *stream)
{
    double x, y, square;
    do { /* Marsaglia's polar method */
        x = 2.0 * random_uniform(stream) - 1.0;
        y = 2.0 * random_uniform(stream) - 1.0;
        square = x * x + y * y;
    } while (square >= 1.0 || square <= 0.0);
    return x * sqrt(-2.0 * log(square) / square);
}

double random_gamma(struct random_stream *stream, double shape, double scale)
{
    if (shape < 1.0) {
        double boost = pow(random_uniform(stream), 1.0 / shape);
        return boost * random_gamma(stream, shape + 1.0, scale);
    }
    double d = shape - 1.0 / 3.0, c = 1.0 / sqrt(9.0 * d);
    for (;;) {
        double x = random_normal(stream), v = 1.0 + c * x;
        if (v <= 0.0) {
            continue;
        }
        v = v * v * v;
        if (log(random_uniform(stream)) < 0.5 * x * x + d - d * v + d * log(v)) {
            return d * v * scale;
        }
    }
}

double random_lognormal(struct random_stream *stream, double mean, double variation)
{
    double variance = log(1.0 + variation * variation);
    return mean * exp(sqrt(variance) * random_normal(stream) - 0.5 * variance);
}
