/* SPDX-License-Identifier: MIT
 * The closed-form executor of a priced step program: every rank alike, nothing else on the links.
 * Agrees with sim/engine to 1e-9 there (tests/model/test_executors.c). Pure. */
#ifndef CPSIM_MODELS_STEP_CRITICAL_PATH_H
#define CPSIM_MODELS_STEP_CRITICAL_PATH_H

#include "models/step/step_program.h"

/* When an operator ran, seconds from the start of its segment's play. */
struct span {
    double start_seconds, end_seconds;
};

/* Seconds of one play of a segment of the program; fills spans [segment->count]. */
double segment_play(const struct step_program *program, const struct step_segment *segment,
                    struct span *spans);

/* Seconds of the whole program; `scratch` holds the largest segment's spans. */
double program_seconds(const struct step_program *program, struct span *scratch);

#endif
