/* SPDX-License-Identifier: MIT
 * A long run that is interrupted: causes strike at random, each by a stream of its own; what was
 * done since the last checkpoint is done again. A slow GPU makes every step take longer until it is
 * found. Event by event; models/laws/goodput.h is the closed form. Pure. */
#ifndef CPSIM_MODELS_LAWS_FAILURES_H
#define CPSIM_MODELS_LAWS_FAILURES_H

#include "models/numeric/random.h"

#include <stddef.h>

struct failure_source {
    double mean_seconds; /* between two interruptions of the job */
    double detection_seconds, restart_seconds;
};

struct failure_question {
    double work_seconds; /* to do, undisturbed */
    double interval_seconds, checkpoint_seconds;
    const struct failure_source *sources; /* [source_count] */
    size_t source_count;
    double straggler_mean_seconds; /* between two; 0: never */
    double straggler_seconds, straggler_slowdown;
};

/* Where the time went; the parts add up to `seconds`. */
struct failure_answer {
    double seconds;
    double work_seconds, checkpoint_seconds, straggler_seconds; /* straggler: what it cost */
    double lost_seconds;                                        /* done again */
    double detection_seconds, restart_seconds;
    uint64_t interruptions, stragglers, checkpoints;
};

/* `streams` [source_count + 1]: of each source, and of stragglers; `next_seconds` [source_count]:
 * room; `struck` [source_count]: interruptions by source. Stops at a thousand times the work and
 * at five million interruptions, stragglers or checkpoints: then work_seconds is short of what was
 * asked. */
struct failure_answer failures_play(const struct failure_question *question,
                                    struct random_stream *streams, double *next_seconds,
                                    uint64_t *struck);

#endif
