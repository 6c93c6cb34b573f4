/* SPDX-License-Identifier: MIT
 * What a run has of its requests when it does not keep them (serving_keeps): sums, and sketches of
 * latencies that are right to 0.05 % of the value (histogram.h: half a bin), means and largest
 * exact. A request is added when it ends, and its place is another's. */
#ifndef CPSIM_SIM_SERVING_RESULT_FOLD_H
#define CPSIM_SIM_SERVING_RESULT_FOLD_H

#include "sim/serving/result/levels.h"
#include "sim/serving/result/metrics.h"
#include "sim/serving/result/tally.h"

/* Of all, or of a class. */
struct fold_part {
    struct request_tally tally;
    struct batched_histogram latencies[LATENCY_COUNT]; /* of the measured, in the order of ends */
    double most[LATENCY_COUNT];
};

struct fold {
    struct fold_part all;
    struct fold_part *classes;     /* [class_count]: of a service that has some */
    struct levels there, answered; /* who was there; of them, the completed */
    double answered_seconds;       /* that the completed stayed, who came after the warm-up */
};

struct fold *fold_open(const struct serving_run *run);
/* It has ended. */
void fold_add(struct fold *fold, const struct serving_run *run, const struct request *request);

#endif
