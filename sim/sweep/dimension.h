/* SPDX-License-Identifier: MIT
 * A dimension of a sweep: parameters that change together, and the rows of values they take. A
 * grid's key is one, a zip is one, a list, a sampling. */
#ifndef CPSIM_SIM_SWEEP_DIMENSION_H
#define CPSIM_SIM_SWEEP_DIMENSION_H

#include "sim/sweep/points.h"

struct dimension {
    size_t first_parameter, parameter_count;
    uint64_t row_count;
    struct parameter_value *values; /* [row_count][parameter_count] */
};

struct dimensions {
    struct arena *arena;
    struct diagnostics *diagnostics;
    const struct sweep_file *sweep;
    struct parameter *parameters; /* [parameter_count] */
    size_t parameter_count, parameter_capacity;
    struct dimension *items; /* [count] */
    size_t count, capacity;
};

/* Fills `parameters` and `items` from the sweep's axes; keys and shapes are checked, values not.
 * False after at least one error. */
bool dimensions_read(struct dimensions *dimensions);

#endif
