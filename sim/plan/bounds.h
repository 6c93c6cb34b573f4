/* SPDX-License-Identifier: MIT
 * What no run of a service can beat, from data sheet figures alone: the peak of the GPU's memory,
 * that of its matrix units at the highest clock, the room for the KV cache. A candidate that these
 * rule out needs no simulation. Every bound is a statement about the run that would be simulated,
 * with the very requests that it would have, so that nothing is ruled out that it would keep. Pure.
 * Seconds.
 *
 * The SLO is of 99th percentiles: of n measured requests (those after the warm-up) n - ceil(0.99 n)
 * may miss TTFT, and as many TPOT. The others have their first token TTFT after their arrival, and
 * all of them (n - 1) x TPOT later. So for every moment: the work of those that must have ended by
 * then, the most expensive ones that may miss left out, has been done since the warm-up. */
#ifndef CPSIM_SIM_PLAN_BOUNDS_H
#define CPSIM_SIM_PLAN_BOUNDS_H

#include "sim/scenario/scenario.h"
#include "sim/serving/load/preview.h"

struct bound_limits {
    double ttft_seconds, tpot_seconds;
};

/* A replica at its peak. Stages of a pipeline are walked one after the other by a token, and work
 * at the same time on others': what a token waits for is the whole model's, what a replica can do
 * in a second is that of the mean stage, for the busiest has at least as much to do. */
struct bound_replica {
    const struct llm *llm;
    double weight_seconds; /* to read what a forward pass of a token reads of one GPU's weights */
    /* Of the mean stage: the same of as many sequences as decode together at most; a cached token's
     * share of one GPU. */
    double batch_weight_seconds, kv_seconds_per_token;
    double flops_per_second; /* of its GPUs */
    double kv_tokens;        /* that it has room for */
    double request_seconds;  /* added to every TTFT by the software */
    uint32_t max_sequences;
    uint32_t prefill_replicas, decode_replicas; /* that do each: all, or those of a pool */
    bool pools;
};

/* One GPU's, of the fastest format that the matrix units are asked to multiply, at the highest
 * clock. */
double bound_flops_per_second(const struct scenario *scenario);

struct bound_replica bound_replica_of(const struct scenario *scenario);

/* No token but the first comes sooner after the one before. */
double bound_tpot_seconds(const struct bound_replica *replica);
/* No prompt of so many tokens has its first token sooner. */
double bound_ttft_seconds(const struct bound_replica *replica, uint32_t prompt_tokens);

enum shortage { SHORTAGE_NONE, SHORTAGE_COMPUTE, SHORTAGE_BANDWIDTH, SHORTAGE_KV_ROOM };

/* What, if anything, keeps the replicas from serving these requests, which begin to count at
 * `warm_up_seconds`, within the limits. The requests arrive in order. */
enum shortage bound_load(const struct bound_replica *replica, const struct bound_limits *limits,
                         const struct serving_preview *preview, double warm_up_seconds,
                         struct arena *arena);

#endif
