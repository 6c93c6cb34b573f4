/* SPDX-License-Identifier: MIT
 * Sums over requests that are over, of all or of a class: what figures are made of, latencies
 * apart. They are the same whether a run keeps its requests and adds them up at the end or adds
 * each as it ends (fold.h). */
#ifndef CPSIM_SIM_SERVING_RESULT_TALLY_H
#define CPSIM_SIM_SERVING_RESULT_TALLY_H

#include "sim/serving/serving.h"

/* "Measured": completed, and came after the warm-up. */
struct request_tally {
    uint64_t requests, completed, rejected, lost, refused, timed_out, cancelled;
    uint64_t wasted_tokens, retries, preemptions;
    uint64_t answer_tokens;      /* of the completed */
    uint64_t adapted, held_back; /* had an adapter, and ran; waited for others' adapters */
    double max_keys;             /* of a completed one, in the end */
    double flops;                /* useful ones, of the completed */
    double served, input_tokens_served, output_tokens_served; /* after the warm-up */
    uint64_t measured, good, input_tokens, output_tokens;
    uint64_t hit_tokens, found_tokens[KV_TIER_COUNT], loads;
    double load_seconds, move_seconds, room_seconds;
    double first_seconds, last_seconds; /* first arrival and last token of the measured */
    /* Of the completed, what the theory goes by (theory.h): */
    double computed_tokens, computed_pairs; /* of prompts; of them a query with a key */
    double decodes, contexts, lengths; /* tokens after the first; times those before; in the end */
};

struct request_tally tally_open(void);
void tally_add(struct request_tally *tally, const struct serving_run *run,
               const struct request *request);

/* Whether its latencies count. */
bool tally_measures(const struct serving_run *run, const struct request *request);

/* Whether it was in the service for a while, and is in it no more: not one that was lost or
 * rejected, which was never served. */
bool tally_was_there(const struct request *request);

#endif
