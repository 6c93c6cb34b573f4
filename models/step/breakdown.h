/* SPDX-License-Identifier: MIT
 * Where a rank's time went. Every instant of a segment's play belongs to exactly one class: to the
 * operator on the compute stream, or, while that stream waits, to the collective it waits for. So
 * ring time hidden under attention does not show, and the classes add up to the whole. Pure. */
#ifndef CPSIM_MODELS_STEP_BREAKDOWN_H
#define CPSIM_MODELS_STEP_BREAKDOWN_H

#include "models/step/critical_path.h"
#include "models/step/step_program.h"

enum time_class {
    TIME_GEMM,
    TIME_ATTENTION,
    TIME_MEMORY,  /* norms, activations, quantisation, merges, ... */
    TIME_TENSOR,  /* tensor-parallel collectives */
    TIME_RING,    /* exposed hops and all-to-alls of ring attention */
    TIME_EXPERTS, /* of tokens with other ranks' experts */
    TIME_HOST,    /* the GPU waits for its host */
    TIME_IDLE,    /* the GPU waits for other ranks */
    TIME_CLASS_COUNT
};

struct breakdown {
    double seconds[TIME_CLASS_COUNT];
    double flops, bytes; /* useful work, and traffic of the GPU's own memory */
};

const char *time_class_name(enum time_class time_class); /* "GEMM" */

/* Calls `visit` for every operator that some instant of the play belongs to, with the seconds of
 * it; an operator may come several times. NULL: the GPU waits for other ranks. */
typedef void breakdown_visit(void *context, const struct step_operator *op, double seconds);
void breakdown_walk(const struct step_segment *segment, const struct span *spans,
                    double end_seconds, breakdown_visit *visit, void *context);

/* Adds one play of the segment, [0, end_seconds], `times` times. */
void breakdown_add(struct breakdown *breakdown, const struct step_segment *segment,
                   const struct span *spans, double end_seconds, double times);

double breakdown_total_seconds(const struct breakdown *breakdown);

/* What the program sends over a link of each kind, one rank, bytes of payload on the wire. */
struct traffic {
    double node_bytes;   /* NVLink */
    double fabric_bytes; /* NIC */
};
struct traffic segment_traffic(const struct step_segment *segment);

#endif
