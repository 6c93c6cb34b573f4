/* SPDX-License-Identifier: MIT
 * Where a rank's time went. Every instant of a segment's play belongs to exactly one class: to the
 * operator on the compute stream, or, while that stream waits, to the collective it waits for. So
 * ring time hidden under attention does not show, and the classes add up to the whole. Pure. */
#ifndef CPSIM_MODELS_STEP_BREAKDOWN_H
#define CPSIM_MODELS_STEP_BREAKDOWN_H

#include "models/step/critical_path.h"
#include "models/step/step_program.h"
#include "models/step/time_class.h"

struct breakdown {
    double seconds[TIME_CLASS_COUNT];
    double flops, bytes; /* useful work, and traffic of the GPU's own memory */
};

/* Calls `visit` for every operator that some instant of the play belongs to, with the seconds of
 * it; an operator may come several times. NULL: the GPU waits for other ranks. */
typedef void breakdown_visit(void *context, const struct step_operator *op, double seconds);
void breakdown_walk(const struct step_segment *segment, const struct span *spans,
                    double end_seconds, breakdown_visit *visit, void *context);

/* Adds one play of the segment, [0, end_seconds], `times` times. */
void breakdown_add(struct breakdown *breakdown, const struct step_segment *segment,
                   const struct span *spans, double end_seconds, double times);

double breakdown_total_seconds(const struct breakdown *breakdown);
/* Of collectives that nothing hides. */
double breakdown_communication_seconds(const struct breakdown *breakdown);

/* What an operator, or all of a segment, sends over a link of each kind, one rank, bytes of payload
 * on the wire. */
struct traffic {
    double node_bytes;   /* NVLink */
    double fabric_bytes; /* NIC */
};
struct traffic operator_traffic(const struct step_operator *op);
struct traffic segment_traffic(const struct step_segment *segment);

#endif
