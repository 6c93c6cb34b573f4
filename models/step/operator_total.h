/* SPDX-License-Identifier: MIT
 * A segment's operators gathered by name: how often one play runs each, and what one rank spent on
 * it. Pure. */
#ifndef CPSIM_MODELS_STEP_OPERATOR_TOTAL_H
#define CPSIM_MODELS_STEP_OPERATOR_TOTAL_H

#include "models/step/breakdown.h"
#include "models/step/critical_path.h"
#include "models/step/step_program.h"

struct operator_total {
    const char *segment, *name;
    enum step_part part; /* of its segment; so are the next three */
    uint32_t layer_kind, first_layer;
    bool distinct;
    enum operator_kind kind;
    enum bound bound;       /* of the first of them; so are format and fabric */
    enum format format;     /* that its products are computed in */
    bool fabric;            /* it leaves the node */
    const char *algorithm;  /* of a collective; NULL */
    uint32_t calls;         /* in one play of the segment */
    uint32_t repeat;        /* plays of the segment */
    double seconds;         /* of all calls in one play, as played */
    double exposed_seconds; /* of the play's time, what belongs to it (breakdown.h) */
    double flops, bytes;    /* of all calls in one play; of a collective: bytes sent */
    double fabric_bytes;    /* of those that leave the node */
};

struct operator_totals {
    struct operator_total *totals; /* [count of capacity], the caller's */
    uint32_t count, capacity;      /* as many as the program's operators are enough */
    double step_seconds;           /* of the whole program, repeats included */
};

/* Adds one play of a segment. Names past the capacity assert. */
void operator_totals_add(struct operator_totals *totals, const struct step_segment *segment,
                         const struct span *spans, double end_seconds);

const char *operator_kind_name(enum operator_kind kind); /* "gemm" */

#endif
