/* SPDX-License-Identifier: MIT
 * The points of a sweep: axes multiplied out, conditions applied, replications added. A pure
 * function of the sweep file, the base scenario and the seed: every process that works on a sweep
 * sees the same points under the same numbers. */
#ifndef CPSIM_SIM_SWEEP_POINTS_H
#define CPSIM_SIM_SWEEP_POINTS_H

#include "sim/scenario/scenario.h"
#include "sim/sweep/sweep_file.h"

enum { POINTS_MOST = 10 * 1000 * 1000 };

/* A key that the sweep varies. */
struct parameter {
    const char *key;
    const struct field *field; /* its row in the scenario's tables */
    const char *unit;          /* of its numbers; "1" when it has none */
    bool is_number;
};

/* One value of a parameter. */
struct parameter_value {
    const struct node *node;
    const char *text; /* as written, or in short */
    double number;    /* of a number, in the canonical unit */
};

struct points {
    const struct parameter *parameters; /* [parameter_count] */
    size_t parameter_count;
    uint32_t replications;
    uint64_t count;        /* to run, replications included */
    uint64_t considered;   /* before conditions and replications */
    uint64_t *dropped;     /* [sweep->where_count]: by the first condition that a point fails */
    const char *base_yaml; /* the base scenario, resolved as far as values go */
    uint64_t base_seed;
    struct points_state *state;
};

/* The points of `sweep` over its base scenario with `overrides` laid over it. NULL after at least
 * one error. The sweep must outlive the points. */
struct points *points_create(struct arena *arena, const struct sweep_file *sweep,
                             const struct override *overrides, size_t override_count,
                             struct diagnostics *diagnostics);

/* The value of a parameter at a point. */
const struct parameter_value *points_value(const struct points *points, uint64_t point,
                                           size_t parameter);
uint32_t points_replication(const struct points *points, uint64_t point);
uint64_t points_seed(const struct points *points, uint64_t point);

/* Everything that is laid over the base scenario at a point, in the order to do it, the command
 * line's overrides among them; in `arena`. */
const struct override *points_overrides(const struct points *points, struct arena *arena,
                                        uint64_t point, size_t *count);

/* The same for the same points over the same base, whatever the files are called. */
uint64_t points_identity(const struct points *points);

#endif
