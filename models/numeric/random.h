/* SPDX-License-Identifier: MIT
 * Random numbers that depend on a seed and a stream's name alone, so that one part of a run can
 * draw more or fewer of them without changing what another draws. xoshiro256** (Blackman and Vigna,
 * "Scrambled Linear Pseudorandom Number Generators", 2021), seeded by SplitMix64. Pure: the stream
 * is the caller's. */
#ifndef CPSIM_MODELS_NUMERIC_RANDOM_H
#define CPSIM_MODELS_NUMERIC_RANDOM_H

#include <stdint.h>

struct random_stream {
    uint64_t state[4];
};

/* The stream of that name; the same seed and name give the same numbers on every machine. */
struct random_stream random_open(uint64_t seed, const char *name);

uint64_t random_bits(struct random_stream *stream);
double random_uniform(struct random_stream *stream); /* in (0, 1) */
/* Whole, `low` to `high`, both included. */
uint64_t random_between(struct random_stream *stream, uint64_t low, uint64_t high);
double random_exponential(struct random_stream *stream, double mean);
double random_normal(struct random_stream *stream); /* mean 0, standard deviation 1 */
/* Marsaglia and Tsang, "A Simple Method for Generating Gamma Variables", 2000. */
double random_gamma(struct random_stream *stream, double shape, double scale);
/* By the distribution's own mean and coefficient of variation (standard deviation over mean). */
double random_lognormal(struct random_stream *stream, double mean, double variation);

/* A well-mixed word of `value`: SplitMix64's finaliser. */
uint64_t random_mix(uint64_t value);

#endif
