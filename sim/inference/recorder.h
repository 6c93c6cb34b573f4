/* SPDX-License-Identifier: MIT
 * Keeps what the engine shows while it plays: where the first rank's time went, and the spans of
 * operators for the trace. Written to inside SimGrid's actors, so it only copies. */
#ifndef CPSIM_SIM_INFERENCE_RECORDER_H
#define CPSIM_SIM_INFERENCE_RECORDER_H

#include "models/step/breakdown.h"
#include "models/step/operator_total.h"
#include "sim/base/progress.h"
#include "sim/engine/engine.h"
#include "sim/scenario/scenario.h"

/* One rank's play of one segment. */
struct record {
    struct record *next;
    struct rank_role role;
    uint32_t segment, repeat;
    double start_seconds; /* of the phase */
    struct span spans[];  /* [segment->count], from the record's start */
};

/* A flow of a play, for the series of links. */
struct flow_record {
    struct flow_record *next;
    struct flow_seen seen;
};

struct recorder {
    const struct step_program *program;
    bool folded;
    enum operator_detail detail;
    struct arena *arena; /* of the records */
    struct record *first, *last;
    struct breakdown *breakdowns; /* [ranks], of those played, repeats included */
    struct progress *progress;    /* NULL: none */
    const char *progress_what;
    double progress_from, progress_step; /* of 1: before this program, and each record */
    struct flow_record *flows;           /* the last first; only when recorder_flow() observes */
    double segment_starts[STEP_MAX_SEGMENTS];  /* of the play, of rank 0's first of each ... */
    double segment_seconds[STEP_MAX_SEGMENTS]; /* ... and how long that one lasts */
    struct operator_totals *totals; /* of rank 0's first play of each segment; NULL: not wanted */
};

/* An engine_observer; `context` is the recorder. */
void recorder_observe(void *context, const struct rank_role *role, uint32_t segment,
                      uint32_t repeat, double start_seconds, double end_seconds,
                      const struct span *spans);

/* An engine_flow_observer; `context` is the recorder. */
void recorder_flow(void *context, const struct flow_seen *flow);

#endif
